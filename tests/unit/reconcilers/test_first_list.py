"""The start of the operator: passes begin when the watch has told of every resource."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest

from aisearch_operator.engine.backoff import Backoff
from aisearch_operator.engine.store import Known, ObjectKey, Store
from aisearch_operator.engine.workqueue import Again
from aisearch_operator.kube.api import KubeUnavailable, ObjectRef
from aisearch_operator.kube.status_writer import StatusWriter
from aisearch_operator.reconcilers.dispatcher import Dispatcher
from aisearch_operator.reconcilers.first_list import FirstList
from aisearch_operator.reconcilers.outcome import Released
from aisearch_operator.resources.group import INSTANCE_KIND, SYNC_JOB_KIND
from aisearch_operator.telemetry.metrics import Metrics
from unit.fake_kube import FakeKube


class Kube(FakeKube):
    """An API server that lists what a test says."""

    def __init__(self) -> None:
        super().__init__()
        self.existing: list[tuple[str, str, str]] = []

    async def list_refs(self, kind: str, plural: str, namespace: str | None) -> list[ObjectRef]:
        self._meet_failure("list_refs")
        return [
            ObjectRef(kind, plural, where, name, f"uid-of-{name}")
            for found, where, name in self.existing
            if found == kind and namespace in {None, where}
        ]


class Recorder:
    """A reconciler that notes for which resources a pass was made."""

    def __init__(self) -> None:
        self.passes: list[str] = []
        self.moved = asyncio.Event()

    async def reconcile(self, known: Known) -> Again | None:
        self.passes.append(known.key.name)
        self.moved.set()
        return None

    async def remove(self, known: Known) -> Again | Released:
        raise NotImplementedError

    def forget(self, known: Known) -> None:
        raise NotImplementedError

    async def until(self, *names: str) -> None:
        async with asyncio.timeout(60):
            while sorted(self.passes) != sorted(names):
                await self.moved.wait()
                self.moved.clear()


class Start:
    """An operator that starts: its API server, its dispatcher, and what it does."""

    def __init__(self) -> None:
        self.kube = Kube()
        store, metrics = Store(), Metrics()
        writer = StatusWriter(self.kube, store, metrics)
        self.dispatcher = Dispatcher(store, writer, metrics, workers=2, backoff=Backoff())
        self.recorder = Recorder()
        self.inherited: list[ObjectKey] = []
        self.dispatcher.serve({INSTANCE_KIND: self.recorder, SYNC_JOB_KIND: self.recorder})

    def first_list(self, namespaces: Sequence[str] = ()) -> FirstList:
        return FirstList(self.kube, self.dispatcher, namespaces, inherit=self.inherited.extend)

    def watch_tells_of(self, kind: str, name: str) -> None:
        metadata = {"namespace": "ns", "name": name, "uid": f"uid-of-{name}", "generation": 1, "resourceVersion": "1"}
        body = {"metadata": metadata, "spec": {}, "status": {}}
        self.dispatcher.seen(kind, body, gone=False)
        self.dispatcher.changed(kind, body)

    async def rest(self) -> None:
        """Let everything happen that can happen now."""
        for _ in range(20):
            await asyncio.sleep(0)


@pytest.fixture
async def start() -> AsyncIterator[Start]:
    made = Start()
    yield made
    await made.dispatcher.stop(grace=0.0)


async def test_no_pass_is_made_before_the_watch_has_told_of_every_resource(start: Start):
    start.kube.existing = [(INSTANCE_KIND, "ns", "docs"), (SYNC_JOB_KIND, "ns", "job")]
    start.watch_tells_of(SYNC_JOB_KIND, "job")
    await start.first_list().poll()

    await start.rest()
    assert start.recorder.passes == []

    start.watch_tells_of(INSTANCE_KIND, "docs")
    await start.recorder.until("job", "docs")


async def test_an_empty_cluster_is_no_reason_to_wait(start: Start):
    assert await start.first_list().poll() is None

    start.watch_tells_of(INSTANCE_KIND, "first")

    await start.recorder.until("first")


async def test_what_the_watch_never_tells_of_is_not_waited_for_when_nothing_else_comes(start: Start):
    start.kube.existing = [(INSTANCE_KIND, "ns", name) for name in ("docs", "gone")]
    first_list = start.first_list()
    assert await first_list.poll() is not None
    start.watch_tells_of(INSTANCE_KIND, "docs")
    assert await first_list.poll() is not None  # one less is missing than the last time
    await start.rest()
    assert start.recorder.passes == []

    assert await first_list.poll() is None

    await start.recorder.until("docs")


async def test_an_api_server_that_does_not_answer_is_asked_again(start: Start):
    start.kube.fail("list_refs", KubeUnavailable("The API server cannot be reached"))
    first_list = start.first_list()
    assert await first_list.poll() == Again()
    start.watch_tells_of(INSTANCE_KIND, "docs")
    await start.rest()
    assert start.recorder.passes == []

    await first_list.poll()

    await start.recorder.until("docs")


async def test_only_the_watched_namespaces_count(start: Start):
    start.kube.existing = [(INSTANCE_KIND, "elsewhere", "theirs")]

    assert await start.first_list(["ns"]).poll() is None


async def test_a_start_after_the_stop_begins_nothing(start: Start):
    start.kube.existing = [(INSTANCE_KIND, "ns", "docs")]
    await start.first_list().poll()
    await start.dispatcher.stop(grace=0.0)

    start.watch_tells_of(INSTANCE_KIND, "docs")

    await start.rest()
    assert start.recorder.passes == []


async def test_only_what_was_there_before_the_operator_is_inherited(start: Start):
    start.kube.existing = [(SYNC_JOB_KIND, "ns", "old")]
    start.watch_tells_of(SYNC_JOB_KIND, "young")

    await start.first_list().poll()

    assert [key.name for key in start.inherited] == ["old"]
