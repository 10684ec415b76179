"""Operators that serve a part of the resources each: releases of the chart beside one another, each with a Lease.

The API server's audit log tells them apart by their service accounts, the journal of the fake Cloudflare by their
tokens.
"""

import contextlib
import secrets
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from aisearch_operator.resources.group import GROUP
from controlplane.audit import AuditedRequest
from fake_cloudflare import JournalEntry
from harness.chart import RELEASE, access_of_namespaces
from harness.operator_process import OperatorProcess
from harness.replicas import LONG
from harness.stage import WRITES, Stage

__all__ = ["OURS", "REST", "Shard", "shards"]

OURS, REST = "shard=a", "shard notin (a)"
"""Label selectors of two shards that leave nothing out: the second also has what has no such label."""


@dataclass(eq=False)
class Shard:
    """One of the operators.

    Attributes
    ----------
    name
        Of its release, with which it runs and holds its Lease; also the label under which the fake lists its requests.
    """

    name: str
    stage: Stage
    operator: OperatorProcess

    def writes(self, since: datetime | None = None) -> list[AuditedRequest]:
        """Give what it changed in resources, and the Events that it recorded."""
        user = f"system:serviceaccount:{self.stage.kube.namespace}:{self.name}"
        found = self.stage.settled_writes(user, since=since)
        return [each for each in found if each.code < 300 and (each.group == GROUP or each.resource == "events")]

    def requests(self, since: int = 0) -> list[JournalEntry]:
        """Give its requests to Cloudflare after number ``since`` of the journal."""
        return [entry for entry in self.stage.account.journal(since) if entry.caller == self.name]

    def sent(self, since: int = 0) -> list[JournalEntry]:
        """Give those of its requests that were to change something."""
        return [entry for entry in self.requests(since) if entry.operation in WRITES]


@contextlib.contextmanager
def shards(stage: Stage, folder: Path, **settings: Any) -> Iterator[tuple[Shard, Shard]]:
    """Give a shard for `OURS` and one for `REST`, in place of the one operator of the stage."""
    kube = stage.kube
    kube.delete("Secret", "aisearch-credentials")  # each has credentials of its own instead
    kube.apply(*access_of_namespaces(kube.namespace, f"rest-{RELEASE}"))
    with contextlib.ExitStack() as running:
        started: list[Shard] = []
        for name, selector in ((RELEASE, OURS), (f"rest-{RELEASE}", REST)):
            token = secrets.token_urlsafe(30)
            stage.account.add_token(name, token)
            stage.secrets.append(token)
            operator = stage.operator.beside(
                stage.plane.service_account_kubeconfig(kube.namespace, name),
                folder / f"{name}.log",
                label_selector=selector,
                budget_shards=2,
                lease_name=name,
                lease_namespace=kube.namespace,
                account_id=stage.account.id,
                api_token=token,
                **LONG,
                **settings,
            )
            running.callback(operator.kill)
            started.append(Shard(name, stage, operator.start(wait=False)))
        for shard in started:
            shard.operator.wait_ready()
        yield started[0], started[1]
