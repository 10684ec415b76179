"""Replicas of the operator that share a Lease, each with a way of its own to the API server and to Cloudflare.

Everything a replica does can be told from what the others do: the API server's audit log tells their tokens apart,
the journal of the fake Cloudflare those that each calls it with.
"""

import contextlib
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx

from controlplane.audit import AuditedRequest
from controlplane.kubeconfig import credential_of
from controlplane.ports import free_ports
from fake_cloudflare import JournalEntry
from harness.chart import RELEASE
from harness.kube import eventually
from harness.network import Network
from harness.operator_process import OperatorProcess
from harness.scrape import ask
from harness.stage import Stage

__all__ = ["LEASE", "LONG", "PATIENCE", "SHORT", "Replica", "Replicas"]

LEASE = RELEASE
"""The one that the chart gives rights on."""

SHORT: Mapping[str, Any] = {"lease_duration": 30, "lease_renew_deadline": 25, "lease_retry_period": 0.5}
"""Seconds. With 10, a leader that had just taken over lost the Lease by itself while two runs of all tests were under
way. The deadline stays below the 30 s for which an answer of Cloudflare is waited for: what is held is cut off."""

LONG: Mapping[str, Any] = {"lease_duration": 60, "lease_renew_deadline": 50, "lease_retry_period": 0.5}
"""Seconds, where nobody is to lose the Lease."""

PATIENCE = 180.0
"""Seconds for what takes a takeover and a start."""


@dataclass(eq=False)
class Replica:
    """One of the replicas.

    Attributes
    ----------
    name
        The label under which the fake's journal lists its requests.
    credential
        What the audit log calls its token.
    network
        Between it and the API server.
    port
        Of its probes.
    """

    name: str
    stage: Stage
    operator: OperatorProcess
    credential: str
    network: Network
    port: int

    def probe(self, path: str) -> tuple[int, Mapping[str, Any]]:
        """Give status and body of a probe."""
        answer = ask(self.port, path)
        return answer.status_code, answer.json()

    def is_ready(self, role: str) -> bool:
        """Whether it says that it is ready, and has this role."""
        with contextlib.suppress(httpx.TransportError):  # it does not listen yet
            code, body = self.probe("/readyz")
            return code == httpx.codes.OK and body["role"] == role
        return False

    def await_role(self, role: str) -> None:
        """Wait until it says that it is ready, and has this role."""
        eventually(
            lambda: self.is_ready(role), lambda: f"{self.name} is not {role}:\n{self.operator.log[-2000:]}", PATIENCE
        )

    def writes(self, since: datetime | None = None) -> list[AuditedRequest]:
        """Give its writes to Kubernetes, those of the Lease included."""
        found = self.stage.settled_writes(self.stage.user, since=since)
        return [write for write in found if write.credential == self.credential]

    def requests(self) -> list[JournalEntry]:
        """Give its requests to Cloudflare."""
        return [entry for entry in self.stage.account.journal() if entry.caller == self.name]


class Replicas:
    """The replicas on a stage, in place of its one operator.

    Parameters
    ----------
    folder
        For their logs.
    settings
        Of all of them.
    """

    def __init__(self, stage: Stage, folder: Path, **settings: Any) -> None:
        self._stage = stage
        self._folder = folder
        self._settings = settings
        self._stack = contextlib.ExitStack()
        # Each has credentials of its own instead.
        stage.kube.delete("Secret", "aisearch-credentials")

    @classmethod
    @contextlib.contextmanager
    def on(cls, stage: Stage, folder: Path, **settings: Any) -> Iterator["Replicas"]:
        """Give replicas that end with the block."""
        replicas = cls(stage, folder, **settings)
        with replicas._stack:
            yield replicas

    def start(self, name: str) -> Replica:
        """Start one more; it leads or stands by."""
        stage, token = self._stage, secrets.token_urlsafe(30)
        stage.account.add_token(name, token)
        stage.secrets.append(token)
        network = self._stack.enter_context(Network(stage.plane.url))
        kubeconfig = stage.plane.service_account_kubeconfig(stage.kube.namespace, LEASE, url=network.url)
        (port,) = free_ports(1)
        operator = stage.operator.beside(
            kubeconfig,
            self._folder / f"{name}.log",
            lease_name=LEASE,
            lease_namespace=stage.kube.namespace,
            http_port=port,
            account_id=stage.account.id,
            api_token=token,
            **self._settings,
        )
        replica = Replica(name, stage, operator, credential_of(kubeconfig), network, port)
        self._stack.callback(operator.kill)
        operator.start(wait=False)
        return replica

    def pair(self) -> tuple[Replica, Replica]:
        """Start one that leads and one that stands by."""
        leader = self.start("first")
        leader.await_role("leader")
        standby = self.start("second")
        standby.await_role("standby")
        return leader, standby

    def acquired(self) -> datetime:
        """Say since when the present holder has the Lease."""
        lease = self._stage.kube.get("Lease", LEASE)
        assert lease is not None
        return datetime.fromisoformat(lease["spec"]["acquireTime"])

    def transitions(self) -> int:
        """Say how often the holder has changed."""
        lease = self._stage.kube.get("Lease", LEASE)
        return 0 if lease is None else int(lease["spec"]["leaseTransitions"])
