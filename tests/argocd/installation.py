"""The operator as Argo CD installs it from git by the example for users, and its process in place of the pods."""

from pathlib import Path
from typing import Any

import yaml

from argocd.applications import Application
from argocd.repository import Repository
from argocd.server import ArgoCD
from controlplane import ControlPlane
from harness.kube import Kube
from harness.operator_process import OperatorProcess
from harness.pod_ready import pods_become_ready
from harness.replicas import LONG

__all__ = ["Installation"]

_ROOT = Path(__file__).resolve().parents[2]
_COPIED = ("deploy/argocd/examples", "deploy/chart")
_PLACEHOLDER = "https://git.example.com/team/ai-search.git"
_NAME = "aisearch-operator"
_NAMESPACE = "aisearch-system"


class Installation:
    """The operator's Application, and the operator.

    Attributes
    ----------
    repository
        What a user's clone of this one has, with its own address in the examples.
    application
        The operator's.
    process
        Has the service account and the environment of the Deployment that Argo CD applied, and nothing else;
        it does not run yet.
    """

    def __init__(self, plane: ControlPlane, argocd: ArgoCD, folder: Path, api_url: str) -> None:
        self.repository = Repository(folder)
        files = {
            str(path.relative_to(_ROOT)): path.read_text(encoding="utf-8").replace(_PLACEHOLDER, self.repository.url)
            for part in _COPIED
            for path in sorted((_ROOT / part).rglob("*"))
            if path.is_file()
        }
        revision = self.repository.commit(files)
        with pods_become_ready(plane, _NAMESPACE):
            self.application = Application(argocd, self.example("operator"))
            self.application.wait_synced(revision)
        self.process = OperatorProcess(
            plane.service_account_kubeconfig(_NAMESPACE, _NAME),
            (),
            api_url,
            folder / "operator.log",
            **_settings(plane),
        )

    def example(self, name: str) -> dict[str, Any]:
        """Read an example Application, as a user would apply it."""
        text = (_ROOT / "deploy" / "argocd" / "examples" / f"{name}.yaml").read_text(encoding="utf-8")
        body: dict[str, Any] = yaml.safe_load(text.replace(_PLACEHOLDER, self.repository.url))
        return body


def _settings(plane: ControlPlane) -> dict[str, Any]:
    """Give the operator's settings in the environment of the Deployment's pods."""
    kube = Kube(plane.kubeconfig, _NAMESPACE)
    deployment = kube.get("Deployment", _NAME)
    kube.close()
    assert deployment is not None
    (container,) = deployment["spec"]["template"]["spec"]["containers"]
    # Where a server is in a pod, and how the pod is found in the cluster, is not so here.
    return {
        entry["name"].removeprefix("AISEARCH_").lower(): entry["value"]
        for entry in container["env"]
        if entry["name"].startswith("AISEARCH_") and "value" in entry and not entry["name"].startswith("AISEARCH_HTTP_")
    } | {"lease_namespace": _NAMESPACE, **LONG}
