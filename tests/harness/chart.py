"""The operator's chart, as Helm renders it: tests and demo take the operator's rights from there and nowhere else."""

import functools
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from controlplane.tools import helm

__all__ = ["CHART", "RELEASE", "access_of_namespaces", "access_of_the_cluster", "render"]

Body = Mapping[str, Any]

CHART = Path(__file__).parents[2] / "deploy" / "chart" / "aisearch-operator"

RELEASE = "aisearch-operator"
"""Also the name of its service account."""

ACCESS = ("ServiceAccount", "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding")
_PLACE = "namespace-of-the-stage"


class HelmError(Exception):
    """Helm refused to render the chart; the message is its own."""


def render(
    *arguments: str, release: str = RELEASE, namespace: str = "aisearch-system", chart: Path = CHART
) -> list[dict[str, Any]]:
    """Render a chart.

    Parameters
    ----------
    arguments
        Of ``helm template``, such as ``--values`` and ``--set``.

    Raises
    ------
    HelmError
        The values are wrong, or the chart is.
    """
    return [
        body
        for body in yaml.safe_load_all(render_text(*arguments, release=release, namespace=namespace, chart=chart))
        if body
    ]


def render_text(
    *arguments: str, release: str = RELEASE, namespace: str = "aisearch-system", chart: Path = CHART
) -> str:
    """Render a chart as `render` does, and give the text."""
    command = [str(helm()), "template", release, str(chart), "--namespace", namespace, *arguments]
    outcome = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if outcome.returncode:
        raise HelmError(outcome.stderr.strip())
    return outcome.stdout


def access_of_namespaces(namespace: str, release: str = RELEASE) -> list[dict[str, Any]]:
    """Give the service account and the roles of an operator that runs in a namespace and watches this one alone."""
    return _access(namespace, "--set", f"watchNamespaces={{{_PLACE}}}", release=release)


def access_of_the_cluster(namespace: str) -> list[dict[str, Any]]:
    """Give the service account and the roles of an operator that runs in a namespace and watches all of them."""
    return _access(namespace)


def _access(namespace: str, *mode: str, release: str = RELEASE) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all(_access_text(*mode, release=release).replace(_PLACE, namespace)))


@functools.cache
def _access_text(*mode: str, release: str) -> str:
    """Render once for all stages: Helm takes 60 ms, and the namespace is all that differs."""
    bodies = render("--set", "crds.install=false,rbac.aggregateRoles=false", *mode, release=release, namespace=_PLACE)
    return yaml.safe_dump_all([body for body in bodies if body["kind"] in ACCESS])
