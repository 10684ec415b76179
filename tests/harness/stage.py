"""A stage: one Kubernetes namespace, one Cloudflare account and one operator, which belong to one test."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml

from aisearch_operator.kube.status_writer import PLURALS
from aisearch_operator.resources.group import GROUP
from controlplane.audit import AuditedRequest, end_of, reads, writes
from controlplane.plane import ControlPlane
from fake_cloudflare import FakeAccount, FakeCloudflare, JournalEntry
from harness.chart import RELEASE, access_of_namespaces, access_of_the_cluster
from harness.dashboard import CALLER as DASHBOARD
from harness.dashboard import Dashboard
from harness.kube import Body, Kube, conditions, eventually, secret
from harness.launch import forked, fresh
from harness.network import Network
from harness.operator_process import OperatorProcess

READINGS = 20
"""Of the audit log, at most, until two agree: an operator that always writes is no reason to wait for ever."""

PROMPT = "PROMPT-THAT-NOBODY-MAY-SEE"
"""Begins every prompt that a test writes: it must show up nowhere."""


@dataclass
class Stage:
    """What a test plays on.

    Attributes
    ----------
    kube
        The cluster's administrator, in the test's namespace.
    account
        The test's account at the fake Cloudflare.
    operator
        The operator, with the rights that its chart gives it; it does not run yet.
    dashboard
        Somebody else in the account.
    access
        The operator's service account and roles, of the rendered chart.
    secrets
        Texts that must show up in no log, Event or status.
    """

    plane: ControlPlane
    kube: Kube
    account: FakeAccount
    operator: OperatorProcess
    dashboard: Dashboard
    access: Sequence[Body]
    secrets: list[str] = field(default_factory=list)

    @classmethod
    def set(
        cls,
        plane: ControlPlane,
        fake: FakeCloudflare,
        namespace: str,
        folder: Path,
        *,
        rate: float,
        launch_fresh: bool = False,
        cluster_wide: bool = False,
        **settings: object,
    ) -> "Stage":
        """Set a stage in a fresh namespace.

        Parameters
        ----------
        rate
            Seconds of the account's clock in a real second: jobs and cooldowns are that much shorter.
        launch_fresh
            Whether the operator's interpreter starts anew with it.
        cluster_wide
            Whether the operator watches all namespaces, with the chart's ClusterRole. Such a one needs a control plane
            where no other operator is.
        settings
            Of the operator.
        """
        kube = Kube(plane.kubeconfig, namespace)
        account = fake.admin.create_account(rate=rate, rate_limit=None)
        access = access_of_the_cluster(namespace) if cluster_wide else access_of_namespaces(namespace)
        kube.apply(*access)
        kube.apply(secret("aisearch-credentials", apiToken=account.token, accountId=account.id))
        operator = OperatorProcess(
            plane.service_account_kubeconfig(namespace, RELEASE),
            () if cluster_wide else (namespace,),
            fake.api_url,
            folder / "operator.log",
            launch=fresh if launch_fresh else forked,
            **settings,
        )
        stage = cls(plane, kube, account, operator, Dashboard(fake, account), access, [account.token, PROMPT])
        stage._await_rights()
        return stage

    def restart_with(self, **settings: object) -> None:
        """Start an operator of the same rights with other settings, in place of the one of this stage."""
        self.operator = self.operator.with_settings(**settings).start()

    @contextlib.contextmanager
    def network(self) -> Iterator[Network]:
        """Have the operator reach Kubernetes through a network that can be cut; it ends before that does."""
        with Network(self.plane.url) as network:
            kubeconfig = self.plane.service_account_kubeconfig(self.kube.namespace, RELEASE, url=network.url)
            self.operator = self.operator.beside(kubeconfig)
            try:
                yield network
            finally:
                self.operator.kill()

    def strike(self) -> None:
        """End the operator, and check that it told no secret."""
        self.operator.kill()
        told = [
            self.operator.log,
            *(
                yaml.safe_dump(body.get("status", body.get("message", "")), allow_unicode=True, width=100_000)
                for kind in ("AISearchInstance", "AISearchSyncJob", "Event")
                for body in self.kube.list_all(kind)
            ),
        ]
        self.kube.clear()
        self.kube.close()
        self.dashboard.close()
        self.account.delete()
        for number, text in enumerate(self.secrets):
            assert not any(text in place for place in told), f"secret {number} of the test was shown"

    def sent(self, *operations: str) -> list[tuple[str, Any]]:
        """Give operation and body of the operator's requests to Cloudflare, of these operations or all writes."""
        wanted = operations or WRITES
        return [(entry.operation, entry.body) for entry in self.requests() if entry.operation in wanted]

    def requests(self, since: int = 0) -> list[JournalEntry]:
        """Give the operator's requests to Cloudflare after number ``since`` of the journal."""
        return [entry for entry in self.account.journal(since) if entry.caller != DASHBOARD]

    def count(self, operation: str) -> int:
        """Count the requests of one operation."""
        return len(self.account.journal(operation=operation))

    def await_sweeps(self, count: int = 2) -> None:
        """Wait until the instances were listed so many times more.

        What the operator wanted to do about what it saw before, it has done by then: this proves an absence.
        """
        before = self.count("instances.list")
        eventually(
            lambda: self.count("instances.list") >= before + count,
            lambda: f"the instances were not listed {count} times more",
        )

    def withdraw_patch(self, *resources: str) -> None:
        """Take the right to patch away from the operator, for example on ``aisearchsyncjobs/status``."""
        self._set_rules(lambda rules: [part for rule in rules for part in _without_patch(rule, resources)])
        for resource in resources:
            self.await_right("patch", resource, allowed=False)

    def withdraw_rule(self, resource: str) -> None:
        """Take all rights on a built-in resource away from an operator that does not run yet."""
        self._set_rules(lambda rules: [rule for rule in rules if rule["resources"] != [resource]])
        for rule in (rule for body in self.access for rule in body.get("rules", ()) if rule["resources"] == [resource]):
            for verb in rule["verbs"]:
                self.await_right(verb, resource, rule["apiGroups"][0], allowed=False)

    def restore_rights(self) -> None:
        """Give the operator back what `withdraw_patch` took."""
        self._set_rules(lambda rules: rules)
        self._await_rights()

    def _await_rights(self) -> None:
        """Wait until the API server's own view of the roles has caught up with them."""
        for plural in ("aisearchinstances", "aisearchsyncjobs"):
            self.await_right("patch", plural)
            self.await_right("patch", f"{plural}/status")

    def await_right(self, verb: str, resource: str, group: str = GROUP, *, allowed: bool = True) -> None:
        """Wait until the API server lets the operator do something here, or does not any more."""
        eventually(
            lambda: self.kube.allows(self.user, verb, resource, group) is allowed,
            lambda: f"the right to {verb} {resource} does not change",
        )

    def _set_rules(self, change: Callable[[list[Body]], list[Body]]) -> None:
        self.kube.apply(*({**body, "rules": change(body["rules"])} for body in self.access if "rules" in body))

    @property
    def user(self) -> str:
        """Whom the operator is in Kubernetes."""
        return f"system:serviceaccount:{self.kube.namespace}:{RELEASE}"

    def writes(self, name: str | None = None) -> list[AuditedRequest]:
        """Give the operator's writes to resources, from the API server's own audit log; Events left out."""
        found = self.settled_writes(self.user, namespace=self.kube.namespace)
        return [write for write in found if write.resource != "events" and name in {None, write.name}]

    def settled_writes(
        self, user: str, *, namespace: str | None = None, since: datetime | None = None
    ) -> list[AuditedRequest]:
        """Read the writes of somebody in the audit log until two readings agree; parameters as of `writes` there.

        A write is seen by others before its line is in the log. A request for nothing takes the same way behind it;
        it may only be overtaken by one that a busy API server has put aside, hence the second.
        """
        found: list[AuditedRequest] | None = None
        for _ in range(READINGS):
            self.kube.delete("ConfigMap", "none-of-this-name")
            before, found = found, writes(self.plane.audit_log, user=user, namespace=namespace, since=since)
            if before is not None and _lasting(before) == _lasting(found):
                break
        return found or []

    def audit_mark(self) -> int:
        """Give the place in the audit log at which what follows will stand."""
        return end_of(self.plane.audit_log)

    def told(self, kind: str, name: str, mark: int) -> list[dict[str, dict[str, Any]]]:
        """Give the conditions, by type, that the operator has written to a resource since `audit_mark`, oldest first.

        What a resource tells for a moment only is found here however late a test looks.
        """
        found = writes(self.plane.audit_log, namespace=self.kube.namespace, user=self.user, offset=mark)
        wanted = (PLURALS[kind], "status", name)
        told = (
            conditions(write.body)
            for write in found
            if (write.resource, write.subresource, write.name) == wanted and write.code < 400
        )
        return [each for each in told if each]

    def reads(self, resource: str) -> list[AuditedRequest]:
        """Give the operator's reads of ``secrets`` or ``configmaps``, in whatever namespace."""
        return [read for read in reads(self.plane.audit_log, user=self.user) if read.resource == resource]


def _lasting(found: Sequence[AuditedRequest]) -> list[AuditedRequest]:
    """Leave out what never ends: the renewals of Leases."""
    return [each for each in found if each.resource != "leases"]


def _without_patch(rule: Body, resources: Sequence[str]) -> list[Body]:
    """Split a rule in two: for all other resources as it is, for these without the verb ``patch``."""
    kept = [resource for resource in rule["resources"] if resource not in resources]
    cut = [resource for resource in rule["resources"] if resource in resources]
    verbs = [verb for verb in rule["verbs"] if verb != "patch"]
    parts = [{**rule, "resources": kept}, {**rule, "resources": cut, "verbs": verbs}]
    return [part for part in parts if part["resources"] and part["verbs"]]


WRITES = (
    "instances.create",
    "instances.update",
    "instances.move",
    "instances.delete",
    "jobs.create",
    "jobs.cancel",
)
