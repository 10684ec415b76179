"""Every command of the README, docs/install-*.md and docs/shards.md works, typed by a newcomer from top to bottom."""

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from controlplane import ControlPlane
from controlplane.tools import helm, kubectl
from fake_cloudflare import FakeCloudflare
from harness.pod_ready import pods_become_ready
from walkthrough.page import commands
from walkthrough.replicas import deployed_operators
from walkthrough.terminal import Terminal

ROOT = Path(__file__).parents[2]
PAGES = (
    "README.md",
    *(f"docs/{path.name}" for path in sorted((ROOT / "docs").glob("install-*.md"))),
    "docs/shards.md",
)
PATIENCE = 180.0
"""Seconds for one block: the longest of them wait for rollouts and sync jobs, some 10 s."""


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """Copy what a clone of the repository would hold."""
    ignored = [line.rstrip("/") for line in (ROOT / ".gitignore").read_text().splitlines()]
    folder = tmp_path / "clone"
    shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns(".git", *ignored), symlinks=True)
    return folder


@pytest.fixture
def cluster() -> Iterator[ControlPlane]:
    """Start a cluster that knows nothing of the operator."""
    with ControlPlane.start(audit=False) as plane:
        yield plane


def have_argo_cd(cluster: ControlPlane) -> None:
    """Install what the page on Argo CD finds there; that Argo CD does what it says is tried by other tests."""
    cluster.kubectl("create", "namespace", "argocd")
    cluster.kubectl("create", "configmap", "argocd-cm", "--namespace", "argocd")
    schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
    definition = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "applications.argoproj.io"},
        "spec": {
            "group": "argoproj.io",
            "names": {"kind": "Application", "plural": "applications"},
            "scope": "Namespaced",
            "versions": [{"name": "v1alpha1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}],
        },
    }
    cluster.kubectl("apply", "--filename", "-", input=json.dumps(definition))
    cluster.kubectl("wait", "--for=condition=Established", "crd/applications.argoproj.io")


ASSUMED = {"docs/install-argocd.md": have_argo_cd}
"""What a page needs that is neither a program nor a cluster."""


def tools(folder: Path) -> str:
    """Make a folder for PATH with the pinned kubectl and helm, and nothing else of the developer's."""
    folder.mkdir()
    for program in (kubectl(), helm()):
        (folder / program.name).symlink_to(program)
    return f"{folder}{os.pathsep}/usr/bin{os.pathsep}/bin"


@pytest.mark.parametrize("page", PAGES)
def test_every_command_of_the_page_works(page, clone, cluster, fake: FakeCloudflare, tmp_path):
    account = fake.admin.create_account(rate=20.0, rate_limit=None)
    home, scratch = tmp_path / "home", tmp_path / "terminal"
    home.mkdir()
    scratch.mkdir()
    environment = {
        "HOME": str(home),
        "PATH": tools(tmp_path / "bin"),
        "KUBECONFIG": str(cluster.kubeconfig),
        "CLOUDFLARE_API_TOKEN": account.token,
        "CLOUDFLARE_ACCOUNT_ID": account.id,
    }
    ASSUMED.get(page, lambda _: None)(cluster)
    blocks = commands(clone / page)
    assert blocks, f"{page} has no commands: is it an installation page?"

    with ExitStack() as running:
        running.enter_context(pods_become_ready(cluster))
        running.enter_context(deployed_operators(cluster, fake.api_url, tmp_path / "operator.log"))
        terminal = running.enter_context(Terminal(clone, environment, scratch))
        for block in blocks:
            if block.not_run is None:
                terminal.enter(block, PATIENCE)
    account.delete()


def test_a_command_that_no_test_runs_is_told_with_its_reason():
    untried = [block for page in PAGES for block in commands(ROOT / page) if block.not_run]

    if untried:
        pytest.skip("; ".join(f"{block.page}:{block.line} is not run: {block.not_run}" for block in untried))
