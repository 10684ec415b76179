"""The operator as Argo CD installs it from git, and its process with the service account that came so."""

from pathlib import Path
from typing import Any

import yaml

from argocd.applications import Application, application
from argocd.repository import Repository
from argocd.server import ArgoCD
from controlplane import ControlPlane
from harness.operator_process import OperatorProcess

__all__ = ["Installation"]

_ROOT = Path(__file__).resolve().parents[2]
OPERATOR_NAMESPACE = "aisearch-system"


class Installation:
    """The operator's definitions and rights from git, and the operator."""

    def __init__(self, plane: ControlPlane, argocd: ArgoCD, folder: Path, api_url: str) -> None:
        repository = Repository(folder)
        repository.copy(_ROOT / "crds", "crds")
        revision = repository.copy(_ROOT / "deploy" / "operator", "operator")
        self.applications = [
            Application(argocd, application(name, _source(repository, name), OPERATOR_NAMESPACE, options=options))
            for name, options in {"crds": ("ServerSideApply=true",), "operator": ()}.items()
        ]
        for made in self.applications:
            made.wait_synced(revision)
        self.process = OperatorProcess(
            plane.service_account_kubeconfig(OPERATOR_NAMESPACE, "aisearch-operator"),
            (),
            api_url,
            folder / "operator.log",
        )


def _source(repository: Repository, path: str) -> dict[str, Any]:
    return {"repoURL": repository.url, "path": path, "targetRevision": "main"}
