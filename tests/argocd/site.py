"""A site: one Kubernetes namespace, one Cloudflare account and one git repository, which belong to one test."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from argocd import lua
from argocd.applications import Application, application
from argocd.repository import Repository
from argocd.server import ArgoCD
from fake_cloudflare import FakeAccount, FakeCloudflare, JournalEntry
from harness.dashboard import CALLER as DASHBOARD
from harness.dashboard import Dashboard
from harness.kube import Body, Kube, secret

__all__ = ["Site"]


@dataclass
class Site:
    """What a test plays on; the operator and Argo CD are everybody's.

    Attributes
    ----------
    kube
        The cluster's administrator, in the test's namespace.
    repository
        Where the test's Applications look.
    account
        The test's account at the fake Cloudflare; its token is in the namespace.
    dashboard
        Somebody else in the account.
    applications
        Those that the test made.
    """

    argocd: ArgoCD
    kube: Kube
    repository: Repository
    account: FakeAccount
    dashboard: Dashboard
    settings: Mapping[str, str]
    applications: list[Application] = field(default_factory=list)

    @classmethod
    def open(
        cls,
        argocd: ArgoCD,
        fake: FakeCloudflare,
        namespace: str,
        folder: Path,
        settings: Mapping[str, str],
        *,
        kubeconfig: Path,
        rate: float,
    ) -> "Site":
        """Open a site in a fresh namespace.

        Parameters
        ----------
        settings
            The data of Argo CD's ConfigMap.
        rate
            Seconds of the account's clock in a real second: jobs and cooldowns are that much shorter.
        """
        kube = Kube(kubeconfig, namespace)
        account = fake.admin.create_account(rate=rate, rate_limit=None)
        kube.apply({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}})
        kube.apply(secret("aisearch-credentials", apiToken=account.token, accountId=account.id))
        return cls(argocd, kube, Repository(folder), account, Dashboard(fake, account), settings)

    def application(self, path: str = "app", *, name: str = "", **options: Any) -> Application:
        """Make an Application of a folder of the repository; see `argocd.applications.application`."""
        source = {"repoURL": self.repository.url, "path": path, "targetRevision": "main"}
        return self.adopt(application(self._name(name), source, self.kube.namespace, **options))

    def adopt(self, body: Body) -> Application:
        """Make an Application that is written already."""
        self.applications.append(Application(self.argocd, body))
        return self.applications[-1]

    def act(self, kind: str, name: str, action: str) -> list[Body]:
        """Run an action on a live resource as Argo CD's API server does, and return what it made or changed."""
        live = self.kube.get(kind, name)
        assert live is not None
        offered, done = lua.ask(self.settings, lua.Question(live), lua.Question(live, action))
        assert not offered.actions[action].get("disabled"), f"{action} is not on offer for {kind} {name}"
        assert not done.error, done.error
        results: list[Body] = []
        for impact in done.impacts:
            if impact["operation"] == "create":
                results.append(self.kube.create(impact["object"]))
            else:
                self.kube.patch(kind, name, impact["patch"])
        return results

    def requests(self, *operations: str) -> list[JournalEntry]:
        """Give the operator's requests of these operations."""
        journal = self.account.journal()
        return [entry for entry in journal if entry.caller != DASHBOARD and entry.operation in operations]

    def count(self, operation: str) -> int:
        """Count the operator's requests of one operation."""
        return len(self.requests(operation))

    def close(self) -> None:
        """Delete the Applications, without waiting, and check that none differed from git for no reason."""
        for made in self.applications:
            made.delete()
        self.dashboard.close()
        self.kube.close()
        for made in self.applications:
            made.check()

    def _name(self, name: str) -> str:
        return "-".join(filter(None, [self.kube.namespace, name]))
