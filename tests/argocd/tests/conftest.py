"""Fixtures of the tests with the real Argo CD: a control plane of their own, with nothing on it but what git says."""

import re
import secrets
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest
import yaml

from argocd import build
from argocd.installation import Installation
from argocd.server import ArgoCD
from argocd.site import Site
from controlplane import ControlPlane
from controlplane.audit import requests
from fake_cloudflare import FakeCloudflare
from harness.audit_review import review
from harness.rights_review import LINES, OPERATOR, review_rights

__all__ = ["argocd", "fake", "installation", "make_site", "plane", "settings", "site"]

RATE = 20.0
"""How much faster Cloudflare's clock runs: a job of 30 s takes 1.5 s."""

SETTINGS = Path(__file__).resolve().parents[3] / "deploy" / "argocd" / "argocd-cm-patch.yaml"

# What the tests apply, and no more: each kind is a list and a watch.
INCLUSIONS = """
- {apiGroups: [""], kinds: [ConfigMap, Namespace, Secret, Service, ServiceAccount]}
- {apiGroups: [aisearch.cloudflare.com, apiextensions.k8s.io, rbac.authorization.k8s.io], kinds: ["*"]}
- {apiGroups: [argoproj.io], kinds: [Application]}
- {apiGroups: [apps], kinds: [Deployment]}
- {apiGroups: [policy], kinds: [PodDisruptionBudget]}
- {apiGroups: [networking.k8s.io], kinds: [NetworkPolicy]}
"""


@pytest.fixture(scope="session")
def settings() -> dict[str, str]:
    """Give the data of Argo CD's ConfigMap, with the Lua as users are told to put it there."""
    patch = yaml.safe_load(SETTINGS.read_text(encoding="utf-8"))
    return {**patch["data"], "resource.inclusions": INCLUSIONS}


@pytest.fixture(scope="session")
def plane(pytestconfig: pytest.Config) -> Iterator[ControlPlane]:
    """Give a control plane that has not even the operator's definitions."""
    capture = pytestconfig.pluginmanager.getplugin("capturemanager")
    # A first run builds for minutes, which a person should see.
    with capture.global_and_fixture_disabled() if capture else nullcontext():
        build.programs()
        plane = ControlPlane.start()
    with plane:
        yield plane
        found = review(requests(plane.audit_log, OPERATOR))
        assert not found.violations, found.violations
        refused = review_rights(requests(plane.audit_log, *LINES)).refused
        assert not refused, refused


@pytest.fixture(scope="session")
def argocd(plane: ControlPlane, settings: dict[str, str]) -> Iterator[ArgoCD]:
    """Give the Argo CD of this test process."""
    with ArgoCD.start(plane, settings) as argocd:
        yield argocd


@pytest.fixture(scope="session")
def fake() -> Iterator[FakeCloudflare]:
    """Give the fake Cloudflare of this test process."""
    with FakeCloudflare() as server:
        yield server


@pytest.fixture(scope="session")
def installation(
    plane: ControlPlane, argocd: ArgoCD, fake: FakeCloudflare, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Installation]:
    """Give the operator as Argo CD installed it; it serves all namespaces."""
    installed = Installation(plane, argocd, tmp_path_factory.mktemp("operator"), fake.api_url)
    with installed.process:
        yield installed
        argocd.history.wait_all_deleted()
    installed.application.check()


@pytest.fixture
def make_site(
    request: pytest.FixtureRequest,
    plane: ControlPlane,
    argocd: ArgoCD,
    fake: FakeCloudflare,
    installation: Installation,
    settings: dict[str, str],
    tmp_path: Path,
) -> Iterator[Callable[..., Site]]:
    """Give what opens a site, for tests that choose the namespace or the clock's rate, or need two."""
    sites: list[Site] = []

    def make(name: str = "", *, rate: float = RATE) -> Site:
        readable = re.sub(r"[^a-z0-9]+", "-", request.node.name.lower()).removeprefix("test-")
        name = name or f"{readable[:40].strip('-')}-{secrets.token_hex(2)}"
        folder = tmp_path / name
        sites.append(Site.open(argocd, fake, name, folder, settings, kubeconfig=plane.kubeconfig, rate=rate))
        return sites[-1]

    yield make
    for each in sites:
        each.close()


@pytest.fixture
def site(make_site: Callable[..., Site]) -> Site:
    """Give a site."""
    return make_site()
