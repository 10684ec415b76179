"""Fixtures of the tests that need a real API server: the control plane, kubectl, a namespace of one's own."""

import re
import secrets
import subprocess
from collections.abc import Callable, Iterator

import httpx
import pytest

from controlplane import ControlPlane
from controlplane.pytest_plugin import control_plane_of
from harness.fixtures import fake, make_stage, stage

__all__ = ["control_plane", "fake", "kubectl", "make_stage", "namespace", "stage"]

_NAME_LENGTH = 50


@pytest.fixture(scope="session")
def control_plane(pytestconfig: pytest.Config) -> Iterator[ControlPlane]:
    """Give the control plane of the test run, with the custom resource definitions installed."""
    with control_plane_of(pytestconfig) as plane:
        yield plane


@pytest.fixture
def kubectl(control_plane: ControlPlane) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Give kubectl as the cluster's administrator, see `ControlPlane.kubectl`."""
    return control_plane.kubectl


@pytest.fixture(scope="session")
def administrator(control_plane: ControlPlane) -> Iterator[httpx.Client]:
    """Give an HTTP client for the API server: a request takes milliseconds, a kubectl process a hundred."""
    with control_plane.client() as client:
        yield client


@pytest.fixture
def namespace(request: pytest.FixtureRequest, administrator: httpx.Client) -> Iterator[str]:
    """Give a fresh Kubernetes namespace named after the test; its deletion is not waited for."""
    readable = re.sub(r"[^a-z0-9]+", "-", request.node.name.lower()).removeprefix("test-")
    name = f"{readable[:_NAME_LENGTH].strip('-')}-{secrets.token_hex(3)}"
    administrator.post("/api/v1/namespaces", json={"metadata": {"name": name}}).raise_for_status()
    yield name
    administrator.delete(f"/api/v1/namespaces/{name}").raise_for_status()
