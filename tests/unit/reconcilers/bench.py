"""The operator on a bench: all of it but kopf, between the fake Cloudflare and a fake API server, pass by pass."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from aisearch_operator.app import Operator
from aisearch_operator.engine.store import ObjectKey
from aisearch_operator.engine.workqueue import Again
from aisearch_operator.observation.statistics import Rotation
from aisearch_operator.resources.conditions import Condition
from aisearch_operator.resources.group import INSTANCE_KIND, RECONCILE_REQUESTED, SYNC_JOB_KIND
from aisearch_operator.resources.instance import AISearchInstanceStatus
from aisearch_operator.resources.sync_job import AISearchSyncJobStatus
from aisearch_operator.settings import Settings
from aisearch_operator.telemetry.health import Health
from aisearch_operator.telemetry.metrics import Metrics
from fake_cloudflare import FakeAccount, FakeCloudflare, JournalEntry
from unit.builders import metadata, said
from unit.fake_kube import FakeKube

NAMESPACE = "team"
NEVER = 100_000.0

CALM: Mapping[str, Any] = {
    "poll_interval": NEVER,
    "job_poll_interval": NEVER,
    "stats_interval": NEVER,
    "settle_time": 0,
    "budget_limit": 1_000_000,
}
"""Nothing happens unless the test says so, lists are believed at once, and requests wait for nothing."""


class Bench:
    """One account, one Kubernetes namespace, one operator whose passes the test makes.

    Whoever the operator wakes up stands in `woken`, and gets no pass by itself.
    """

    def __init__(self, fake: FakeCloudflare, account: FakeAccount, **settings: Any) -> None:
        self.account = account
        self.api_url = fake.api_url
        self.kube = FakeKube()
        self.kube.secrets[NAMESPACE, "aisearch-credentials"] = {"apiToken": account.token, "accountId": account.id}
        self._settings = Settings.model_validate({"api_url": fake.api_url, **CALM, **settings})
        self._bodies: dict[tuple[str, str], dict[str, Any]] = {}
        self._seen = 0
        self._start()

    async def restart(self, **settings: Any) -> None:
        """End the operator as a kill does: nothing is left of it but the two servers."""
        await self.close()
        self._settings = self._settings.model_copy(update=settings)
        self._start()
        self._operator.job_calls.inherit([self._tell(kind, name) for kind, name in self._bodies])

    async def close(self) -> None:
        await self._operator._polls.stop(grace=0)
        await self._operator._connections.close()

    def apply(self, kind: str, name: str, spec: Mapping[str, Any], *, age: float = 0.0, **status: Any) -> ObjectKey:
        """Make a resource, or change the spec of one that is there; its age is in seconds of the account's clock."""
        known = self._bodies.get((kind, name))
        if known is None:
            created = datetime.fromtimestamp(int(self.account.now() - age), UTC)
            body = {
                "metadata": metadata(name, created=created),
                "spec": dict(spec),
                "status": {"observedGeneration": -1},
            }
        else:
            body = {"metadata": {**known["metadata"]}, "spec": dict(spec)}
            body["metadata"]["generation"] += known["spec"] != body["spec"]
        self._bodies[kind, name] = body
        self.kube.store(kind, {**body, "status": {**body.get("status", {}), **status}})
        return self._tell(kind, name)

    def instance(self, name: str = "docs", *, age: float = 0.0, **spec: Any) -> ObjectKey:
        return self.apply(INSTANCE_KIND, name, spec, age=age)

    def job(self, name: str = "nightly", instance: str = "docs", *, age: float = 0.0, **spec: Any) -> ObjectKey:
        return self.apply(SYNC_JOB_KIND, name, {"instanceRef": {"name": instance}, **spec}, age=age)

    def unmanaged_job(self, name: str = "nightly", **instance: Any) -> ObjectKey:
        return self.apply(SYNC_JOB_KIND, name, {"instance": instance})

    def annotate(self, key: ObjectKey, annotations: Mapping[str, str]) -> None:
        """Set annotations, as `kubectl annotate` does."""
        body = self._bodies[key.kind, key.name]
        body["metadata"]["annotations"] = {**body["metadata"].get("annotations", {}), **annotations}
        self.kube.store(key.kind, body)
        self._tell(key.kind, key.name)

    def edit_unseen(self, key: ObjectKey, **spec: Any) -> None:
        """Change the spec without a watch event: kopf keeps those of a resource back whose deletion it handles."""
        body = self._bodies[key.kind, key.name]
        body["spec"] |= spec
        body["metadata"]["generation"] += 1
        self.kube.store(key.kind, body)

    def request_pass(self, key: ObjectKey, value: str, annotation: str = RECONCILE_REQUESTED) -> None:
        """Annotate a resource, as somebody does who wants a pass now."""
        body = self._bodies[key.kind, key.name]
        body["metadata"]["annotations"] = {annotation: value}
        self.kube.store(key.kind, body)
        self._tell(key.kind, key.name)

    def mark_deleted(self, key: ObjectKey, *, ago: float = 0.0) -> None:
        """Ask for the deletion, as `kubectl delete` does, so many real seconds ago."""
        moment = datetime.fromtimestamp(datetime.now(UTC).timestamp() - ago, UTC)
        body = self._bodies[key.kind, key.name]
        body["metadata"]["deletionTimestamp"] = moment.strftime("%Y-%m-%dT%H:%M:%SZ")
        body["metadata"]["generation"] += 1
        self.kube.store(key.kind, body)
        self._tell(key.kind, key.name)

    def is_gone(self, key: ObjectKey) -> None:
        """Tell the operator that the resource is gone."""
        body = self.kube.read(key.kind, NAMESPACE, key.name)
        self.kube.remove(key.kind, NAMESPACE, key.name)
        del self._bodies[key.kind, key.name]
        self._operator.dispatcher.seen(key.kind, body, gone=True)

    async def make_pass(self, key: ObjectKey) -> Again | None:
        """Make one pass over a resource, and let the watch tell of what it wrote."""
        wrote = len(self.kube.patches)
        again = await self._operator.dispatcher._process(key)
        if len(self.kube.patches) > wrote:
            self._tell(key.kind, key.name)
        return again

    def released(self, key: ObjectKey) -> bool:
        """Whether the resource may go."""
        return self._operator.dispatcher._removals.released(key)

    async def look_again(self) -> None:
        """Have every list and Secret read now."""
        await self._poll(statistics=False)

    async def read_statistics(self) -> None:
        """Have the next statistics read now."""
        await self._poll(statistics=True)

    async def _poll(self, *, statistics: bool) -> None:
        for watch in list(self._operator._polls._entries):
            if isinstance(watch, Rotation) is statistics:
                await watch.poll()

    def drain_woken(self) -> set[str]:
        """Give the names of those who were woken up since the last time."""
        queue = self._operator.dispatcher.queue
        names = {key.name for key in queue._entries}
        queue._entries.clear()
        return names

    def status_of(self, key: ObjectKey) -> dict[str, Any]:
        status: dict[str, Any] = self.kube.read(key.kind, NAMESPACE, key.name)["status"]
        return status

    def condition(self, key: ObjectKey, condition_type: str) -> Condition:
        model = AISearchInstanceStatus if key.kind == INSTANCE_KIND else AISearchSyncJobStatus
        return said(model.model_validate(self.status_of(key)).conditions, condition_type)

    def states(self, key: ObjectKey) -> tuple[str, str, str, str]:
        """Give the statuses of Ready, Reconciling and Stalled, and the reason of Ready."""
        ready, reconciling, stalled = (self.condition(key, name) for name in ("Ready", "Reconciling", "Stalled"))
        return ready.status, reconciling.status, stalled.status, ready.reason

    def requests(self) -> list[JournalEntry]:
        """Give the requests since the last time."""
        found = self.account.journal(since=self._seen)
        self._seen += len(found)
        return found

    def writes(self) -> list[tuple[str | None, Any]]:
        """Give operation and body of the requests since the last time that were to change something."""
        return [(entry.operation, entry.body) for entry in self.requests() if entry.method != "GET"]

    def drain_patches(self) -> list[tuple[str, dict[str, Any]]]:
        """Give the status patches since the last time."""
        found, self.kube.patches = self.kube.patches, []
        return found

    def drain_events(self) -> list[tuple[str, str]]:
        """Give type and reason of the Events since the last time."""
        found, self.kube.events = self.kube.events, []
        return [(kind, reason) for _, kind, reason, _ in found]

    def _start(self) -> None:
        self.metrics = Metrics()
        self._operator = Operator(self._settings, self.kube, Health(), self.metrics)
        self._operator._polls.start()

    def _tell(self, kind: str, name: str) -> ObjectKey:
        body = self.kube.read(kind, NAMESPACE, name)
        self._operator.dispatcher.seen(kind, body, gone=False)
        return ObjectKey(kind, NAMESPACE, name, body["metadata"]["uid"])


READY = ("True", "False", "False", "Synced")


async def ready_instance(bench: Bench, name: str = "docs", **spec: Any) -> ObjectKey:
    """Make an instance that is ready, with a data source unless ``spec`` says otherwise."""
    key = bench.instance(name, **{"source": "bucket", **spec})
    await bench.make_pass(key)
    assert bench.states(key) == READY
    bench.requests()
    bench.drain_patches()
    bench.drain_events()
    bench.drain_woken()
    return key
