"""Fixtures of the tests that install the chart: a control plane of their own, since CRDs belong to all of a cluster."""

import subprocess
from collections.abc import Callable, Iterator

import pytest
import yaml

from chart.monitoring_crds import definitions
from controlplane.plane import ControlPlane
from controlplane.tools import helm
from harness.fixtures import fake

__all__ = ["cluster", "fake", "run_helm"]

RunHelm = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """Give a cluster without the operator, with stand-ins for the CRDs of Prometheus Operator."""
    folder = tmp_path_factory.mktemp("crds")
    for number, body in enumerate(definitions()):
        (folder / f"{number}.yaml").write_text(yaml.safe_dump(body))
    with ControlPlane.start() as plane:
        plane.install_crds(folder)
        yield plane


@pytest.fixture
def run_helm(cluster: ControlPlane) -> RunHelm:
    """Give Helm as the cluster's administrator, or with another kubeconfig."""

    def run(*arguments: str, check: bool = True, **environment: str) -> subprocess.CompletedProcess[str]:
        outcome = subprocess.run(
            [str(helm()), *arguments],
            env=cluster.env() | environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        assert not (check and outcome.returncode), f"helm {' '.join(arguments)}: {outcome.stdout}{outcome.stderr}"
        return outcome

    return run
