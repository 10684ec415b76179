"""The command line: `aisearch-operator run`, `aisearch-operator crds`."""

import asyncio
import logging
import signal
import sys
from typing import NoReturn

import click
from pydantic import ValidationError
from pydantic_core import ErrorDetails

from aisearch_operator import __version__
from aisearch_operator.app import run as run_operator
from aisearch_operator.kube.api import KubeUnavailable, SelectorRefused
from aisearch_operator.resources.crd import generate
from aisearch_operator.settings import Settings
from aisearch_operator.telemetry.http_server import CannotListen
from aisearch_operator.telemetry.logs import configure_logging

__all__ = ["main"]

logger = logging.getLogger(__name__)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__)
def main() -> None:
    """Kubernetes operator for Cloudflare AI Search."""


@main.command()
def run() -> None:
    """Run the operator, until SIGTERM or SIGINT.

    It is set up by environment variables that begin with AISEARCH_; docs/settings.md lists them.
    Kubernetes is found by the pod's service account, or else by KUBECONFIG.
    """
    try:
        settings = Settings()
    except ValidationError as error:
        raise click.ClickException("; ".join(map(_complaint, error.errors()))) from error
    configure_logging(settings.log_format, settings.log_level)
    # Until the event loop listens to signals. As process 1 of a container, Python ignores SIGTERM by default.
    signal.signal(signal.SIGTERM, _leave)
    logger.info("The operator %s starts", __version__)
    try:
        asyncio.run(run_operator(settings))
    except (CannotListen, KubeUnavailable, SelectorRefused) as error:
        raise click.ClickException(str(error)) from error


@main.command()
def crds() -> None:
    """Print the custom resource definitions: pipe them into `kubectl apply --server-side -f -`."""
    click.echo("---\n".join(generate().values()), nl=False)


def _complaint(problem: ErrorDetails) -> str:
    """Name the variable; a message about several names them itself."""
    variables = [f"AISEARCH_{str(name).upper()}: " for name in problem["loc"][:1]]
    return "".join([*variables, problem["msg"]])


def _leave(*_: object) -> NoReturn:
    sys.exit(0)
