"""The dispatcher: what the watch tells becomes passes, and deletions wait for theirs."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest

from aisearch_operator.cloudflare.budget import Priority, RequestBudget
from aisearch_operator.cloudflare.scheduler import RequestScheduler
from aisearch_operator.engine.backoff import Backoff
from aisearch_operator.engine.removals import Stopping
from aisearch_operator.engine.store import Departed, Known, ObjectKey, Store
from aisearch_operator.engine.workqueue import Again
from aisearch_operator.kube.api import Gone, KubeUnavailable
from aisearch_operator.kube.status_writer import StatusWriter
from aisearch_operator.reconcilers.dispatcher import Dispatcher
from aisearch_operator.reconcilers.outcome import Released
from aisearch_operator.resources.group import FINALIZER, INSTANCE_KIND, SYNC_JOB_KIND
from aisearch_operator.telemetry.log_context import about_now
from aisearch_operator.telemetry.metrics import Metrics
from unit.builders import metadata
from unit.fake_kube import FakeKube

PATIENCE = 60.0


class Passes:
    """A reconciler that notes what it is given and answers what the test says."""

    def __init__(self) -> None:
        self.reconciled: list[Known] = []
        self.removed: list[Known] = []
        self.forgotten: list[str] = []
        self.answers: list[Again | Exception | None] = []
        self.removals: list[Again | Released] = []
        self.leaves: Callable[[], None] = lambda: None
        self._moved = asyncio.Condition()

    async def reconcile(self, known: Known) -> Again | None:
        await self._note(self.reconciled, known)
        self.leaves()
        answer = self.answers.pop(0) if self.answers else None
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def remove(self, known: Known) -> Again | Released:
        await self._note(self.removed, known)
        self.leaves()
        return self.removals.pop(0) if self.removals else Released()

    def forget(self, known: Known) -> None:
        self.forgotten.append(known.key.name)

    async def until(self, reconciled: int = 0, removed: int = 0) -> None:
        """Return when there were so many passes."""
        async with asyncio.timeout(PATIENCE), self._moved:
            await self._moved.wait_for(lambda: (len(self.reconciled), len(self.removed)) >= (reconciled, removed))

    async def _note(self, passes: list[Known], known: Known) -> None:
        async with self._moved:
            passes.append(known)
            self._moved.notify_all()


class Stage:
    def __init__(self) -> None:
        self.kube = FakeKube()
        self.passes = Passes()
        store, metrics = Store(), Metrics()
        backoff = Backoff(base=0.0, cap=0.0)
        writer = StatusWriter(self.kube, store, metrics)
        self.dispatcher = Dispatcher(store, writer, metrics, workers=2, backoff=backoff)
        self.inherited: list[ObjectKey] = []
        reconcilers = {INSTANCE_KIND: self.passes, SYNC_JOB_KIND: self.passes}
        self.dispatcher.serve(reconcilers, inherit=self.inherited.extend)

    def stored(
        self,
        kind: str = INSTANCE_KIND,
        name: str = "docs",
        *,
        deleted: bool = False,
        taken_up: bool = False,
        **spec: Any,
    ) -> dict[str, Any]:
        more: dict[str, Any] = {"deletionTimestamp": "2026-11-23T12:00:00Z"} if deleted else {}
        if taken_up:
            more["finalizers"] = [FINALIZER]
        return self.kube.store(kind, {"metadata": metadata(name, **more), "spec": spec, "status": {}})

    async def removal(self, body: dict[str, Any]) -> None:
        """Do what kopf does with a resource that is marked for deletion."""
        self.dispatcher.seen(INSTANCE_KIND, body, gone=False)
        await self.dispatcher.removed(INSTANCE_KIND, body)

    @asynccontextmanager
    async def at_work(self) -> AsyncIterator[None]:
        self.dispatcher.start()
        try:
            yield
        finally:
            await self.dispatcher.stop(grace=PATIENCE)


@pytest.fixture
def stage() -> Stage:
    return Stage()


def key(name: str = "docs", kind: str = INSTANCE_KIND) -> ObjectKey:
    return ObjectKey(kind, "team", name, f"uid-{name}")


async def test_a_change_leads_to_a_pass_over_the_newest_version(stage):
    async with stage.at_work():
        stage.dispatcher.changed(INSTANCE_KIND, stage.stored(source="bucket"))
        await stage.passes.until(reconciled=1)

    assert stage.passes.reconciled[0].body["spec"] == {"source": "bucket"}


async def test_an_event_of_the_watch_alone_leads_to_no_pass(stage):
    async with stage.at_work():
        stage.dispatcher.seen(INSTANCE_KIND, stage.stored(name="quiet"), gone=False)
        stage.dispatcher.changed(INSTANCE_KIND, stage.stored(name="loud"))
        await stage.passes.until(reconciled=1)

    assert [known.key.name for known in stage.passes.reconciled] == ["loud"]


async def test_a_sync_job_that_is_to_be_cancelled_overtakes_all_that_came_before(stage):
    for name in ("one", "two", "three"):
        stage.dispatcher.changed(INSTANCE_KIND, stage.stored(name=name))
    stage.dispatcher.changed(SYNC_JOB_KIND, stage.stored(SYNC_JOB_KIND, "unwanted", cancel=True))
    async with stage.at_work():
        await stage.passes.until(reconciled=4)

    assert [known.key.name for known in stage.passes.reconciled] == ["unwanted", "one", "two", "three"]


async def test_news_of_an_instance_wakes_its_sync_jobs_up(stage):
    async with stage.at_work():
        stage.dispatcher.seen(
            SYNC_JOB_KIND, stage.stored(SYNC_JOB_KIND, "mine", instanceRef={"name": "docs"}), gone=False
        )
        stage.dispatcher.seen(
            SYNC_JOB_KIND, stage.stored(SYNC_JOB_KIND, "other", instanceRef={"name": "blog"}), gone=False
        )
        stage.dispatcher.seen(INSTANCE_KIND, stage.stored(), gone=False)
        await stage.passes.until(reconciled=1)

    assert [known.key.name for known in stage.passes.reconciled] == ["mine"]


async def test_a_deletion_waits_until_its_resource_is_released(stage):
    stage.passes.removals = [Again(0.0), Released()]
    async with stage.at_work():
        await asyncio.wait_for(stage.removal(stage.stored(deleted=True)), PATIENCE)

    assert len(stage.passes.removed) == 2
    assert stage.passes.reconciled == []
    assert stage.passes.forgotten == ["docs"]


async def test_a_deletion_that_is_asked_for_again_costs_no_second_pass(stage):
    body = stage.stored(deleted=True)
    async with stage.at_work():
        await asyncio.wait_for(stage.removal(body), PATIENCE)
        await asyncio.wait_for(stage.removal(body), PATIENCE)

    assert len(stage.passes.removed) == 1


async def test_a_released_resource_gets_no_pass_whoever_wakes_it(stage):
    async with stage.at_work():
        await asyncio.wait_for(stage.removal(stage.stored(deleted=True)), PATIENCE)
        stage.dispatcher.wake([key()])
        stage.dispatcher.changed(INSTANCE_KIND, stage.stored(name="next"))
        await stage.passes.until(reconciled=1)

    assert len(stage.passes.removed) == 1


async def test_a_deletion_that_waits_sees_the_edits_that_kopf_keeps_back(stage):
    stage.passes.removals = [Again(0.0), Released()]
    body = stage.stored(deleted=True, deletionPolicy="Delete")
    stage.stored(deleted=True, deletionPolicy="Retain")
    async with stage.at_work():
        await asyncio.wait_for(stage.removal(body), PATIENCE)

    assert [known.body["spec"]["deletionPolicy"] for known in stage.passes.removed] == ["Delete", "Retain"]


async def test_a_resource_that_is_gone_is_forgotten_by_all(stage):
    async with stage.at_work():
        stage.dispatcher.seen(INSTANCE_KIND, stage.stored(), gone=False)
        stage.dispatcher.seen(INSTANCE_KIND, stage.stored(), gone=True)
        stage.dispatcher.wake([key()])
        stage.dispatcher.changed(INSTANCE_KIND, stage.stored(name="next"))
        await stage.passes.until(reconciled=1)

    assert stage.passes.forgotten == ["docs"]
    assert [known.key.name for known in stage.passes.reconciled] == ["next"]


async def test_a_resource_that_went_ends_its_deletion_without_being_released(stage):
    stage.passes.removals = [Again(3600)]
    body = stage.stored(deleted=True)
    async with stage.at_work():
        waiting = asyncio.create_task(stage.removal(body))
        await stage.passes.until(removed=1)
        stage.dispatcher.seen(INSTANCE_KIND, body, gone=True)

        with pytest.raises(Departed):
            await asyncio.wait_for(waiting, PATIENCE)


async def test_a_kubernetes_api_that_is_away_makes_the_pass_again(stage):
    stage.passes.answers = [KubeUnavailable("The API server answered 500"), None]
    async with stage.at_work():
        stage.dispatcher.changed(INSTANCE_KIND, stage.stored())
        await stage.passes.until(reconciled=2)


async def test_nobody_is_woken_up_who_is_not_known(stage):
    async with stage.at_work():
        stage.dispatcher.wake([key("stranger")])

        assert len(stage.dispatcher.queue) == 0


async def test_a_stop_tells_waiting_deletions_that_they_go_on_later(stage):
    stage.passes.removals = [Again(3600)]
    async with stage.at_work():
        waiting = asyncio.create_task(stage.removal(stage.stored(deleted=True)))
        await stage.passes.until(removed=1)

        assert await stage.dispatcher.stop(grace=PATIENCE)
        with pytest.raises(Stopping):
            await waiting


async def test_work_begins_when_the_watch_has_told_of_all_that_exists(stage):
    stage.dispatcher.changed(INSTANCE_KIND, stage.stored(name="a"))
    stage.dispatcher.start_after([key("a"), key("b")])
    try:
        before = stage.dispatcher.missing
        await asyncio.sleep(0)
        made = len(stage.passes.reconciled)
        stage.dispatcher.seen(INSTANCE_KIND, stage.stored(name="b"), gone=False)
        await stage.passes.until(reconciled=1)
    finally:
        await stage.dispatcher.stop(grace=PATIENCE)

    assert (before, made) == (1, 0)
    assert stage.dispatcher.missing == 0


class Lines(logging.Handler):
    """Notes what each line of the log is about."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[str, Mapping[str, object]]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.seen.append((record.getMessage(), about_now()))


async def test_the_log_lines_of_a_pass_name_its_resource_and_the_pass(stage):
    stage.passes.answers = [ValueError("a bug"), KubeUnavailable("down")]
    lines, logger = Lines(), logging.getLogger("aisearch_operator")
    logger.addHandler(lines)
    try:
        async with stage.at_work():
            stage.dispatcher.changed(INSTANCE_KIND, stage.stored())
            await stage.passes.until(reconciled=3)
    finally:
        logger.removeHandler(lines)

    (bug, of_bug), (failure, of_failure) = lines.seen
    assert (bug, failure) == (f"A pass over {key()} failed", f"{key()}: down")
    resource = {"kind": INSTANCE_KIND, "namespace": "team", "name": "docs", "uid": "uid-docs"}
    assert resource.items() <= of_bug.items()
    assert resource.items() <= of_failure.items()
    assert of_failure["generation"] == 1
    assert of_bug["requestId"] != of_failure["requestId"]


async def test_a_resource_that_another_operator_had_before_is_inherited_and_looked_at_when_it_is_first_seen(stage):
    body = stage.stored(SYNC_JOB_KIND, "moved", taken_up=True)
    async with stage.at_work():
        stage.dispatcher.seen(SYNC_JOB_KIND, body, gone=False)
        await stage.passes.until(reconciled=1)
        stage.dispatcher.seen(SYNC_JOB_KIND, body, gone=False)

    assert stage.inherited == [key("moved", SYNC_JOB_KIND)]
    assert len(stage.passes.reconciled) == 1


async def test_a_resource_that_comes_back_is_inherited_again(stage):
    body = stage.stored(taken_up=True)
    for gone in (False, True, False):
        stage.dispatcher.seen(INSTANCE_KIND, body, gone=gone)

    assert stage.inherited == [key(), key()]


async def test_a_resource_that_gets_its_finalizer_here_is_not_inherited(stage):
    stage.dispatcher.seen(INSTANCE_KIND, stage.stored(), gone=False)
    stage.dispatcher.seen(INSTANCE_KIND, stage.stored(taken_up=True), gone=False)

    assert stage.inherited == []
    assert len(stage.dispatcher.queue) == 0


async def test_the_deletion_of_a_resource_that_is_inherited_is_asked_for_by_its_handler_alone(stage):
    async with stage.at_work():
        body = stage.stored(deleted=True, taken_up=True)
        stage.dispatcher.seen(INSTANCE_KIND, body, gone=False)
        before = len(stage.dispatcher.queue)
        await asyncio.wait_for(stage.removal(body), PATIENCE)

    assert stage.inherited == [key()]
    assert (before, len(stage.passes.removed)) == (0, 1)


async def test_a_deletion_that_has_become_another_operators_ends_without_being_released(stage):
    stage.passes.removals = [Again(0.0), Released()]
    body = stage.stored(deleted=True)
    stage.kube.fail("get", Gone("not selected any more"))
    async with stage.at_work():
        with pytest.raises(Departed):
            await asyncio.wait_for(stage.removal(body), PATIENCE)

    assert len(stage.passes.removed) == 1  # nothing more is done, not even once
    assert len(stage.dispatcher.queue) == 0
    assert "docs" in stage.passes.forgotten


async def test_a_deletion_sends_nothing_more_once_its_resource_has_become_another_operators(stage):
    scheduler, sent = RequestScheduler(RequestBudget()), []

    async def remove(known: Known) -> Released:
        for moment in ("before", "after"):
            await scheduler.turn(Priority.CANCEL)
            sent.append(moment)
            stage.dispatcher.depart(known.key)
        return Released()

    stage.passes.remove = remove
    async with stage.at_work():
        with pytest.raises(Departed):
            await asyncio.wait_for(stage.removal(stage.stored(deleted=True)), PATIENCE)

    assert sent == ["before"]


async def test_a_deletion_whose_resource_turns_out_to_be_gone_in_its_pass_ends_too(stage):
    stage.passes.removals = [Again(3600)]
    stage.passes.leaves = lambda: stage.dispatcher._store.drop(key())  # as a write does that meets nothing
    async with stage.at_work():
        with pytest.raises(Departed):
            await asyncio.wait_for(stage.removal(stage.stored(deleted=True)), PATIENCE)

    assert len(stage.dispatcher.queue) == 0


async def test_a_deletion_that_ends_after_its_resource_went_releases_nothing_that_comes_back(stage):
    body = stage.stored(deleted=True)
    stage.passes.leaves = lambda: stage.dispatcher.depart(key())
    async with stage.at_work():
        with pytest.raises(Departed):
            await asyncio.wait_for(stage.removal(body), PATIENCE)
        stage.passes.leaves = lambda: None
        await asyncio.wait_for(stage.removal(body), PATIENCE)

    assert len(stage.passes.removed) == 2


async def test_an_event_from_before_a_resource_left_has_nothing_done(stage):
    stage.passes.removals = [Again(0.0)]
    body = stage.stored(deleted=True)
    stage.kube.fail("get", Gone("not selected any more"), Gone("not selected any more"))
    async with stage.at_work():
        for _ in range(2):  # the first finds out; the second is an event that was on its way
            with pytest.raises(Departed):
                await asyncio.wait_for(stage.removal(body), PATIENCE)
        stage.dispatcher.changed(SYNC_JOB_KIND, stage.stored(SYNC_JOB_KIND, "next"))
        await stage.passes.until(reconciled=1)

    assert len(stage.passes.removed) == 1


async def test_an_edit_from_before_a_resource_left_has_nothing_done(stage):
    body = stage.stored()
    stage.dispatcher.seen(INSTANCE_KIND, body, gone=False)
    stage.dispatcher.depart(key())
    stage.kube.fail("get", Gone("not selected any more"))
    async with stage.at_work():
        stage.dispatcher.changed(INSTANCE_KIND, body)
        stage.dispatcher.changed(SYNC_JOB_KIND, stage.stored(SYNC_JOB_KIND, "next"))
        await stage.passes.until(reconciled=1)

    assert [known.key.name for known in stage.passes.reconciled] == ["next"]


async def test_a_pass_under_way_sends_nothing_when_an_old_event_brings_its_resource_back(stage):
    scheduler, sent = RequestScheduler(RequestBudget()), []
    body = stage.stored(deleted=True)

    async def remove(known: Known) -> Released:
        stage.dispatcher.depart(known.key)
        stage.dispatcher.seen(INSTANCE_KIND, body, gone=False)
        await scheduler.turn(Priority.CANCEL)
        sent.append("too late")
        return Released()

    stage.passes.remove = remove
    async with stage.at_work():
        with pytest.raises(Departed):
            await asyncio.wait_for(stage.removal(body), PATIENCE)

    assert sent == []


async def test_a_resource_that_was_found_to_have_left_and_is_back_is_served(stage):
    body = stage.stored(source="old")
    stage.dispatcher.seen(INSTANCE_KIND, body, gone=False)
    stage.dispatcher.depart(key())
    newest = stage.stored(source="new")
    async with stage.at_work():
        stage.dispatcher.changed(INSTANCE_KIND, body)
        await stage.passes.until(reconciled=1)

    assert stage.passes.reconciled[0].resource_version == newest["metadata"]["resourceVersion"]


async def test_a_pass_that_finds_its_resource_gone_is_not_made_again(stage):
    stage.passes.answers = [Departed(key())]
    async with stage.at_work():
        stage.dispatcher.changed(INSTANCE_KIND, stage.stored())
        await stage.passes.until(reconciled=1)
        stage.dispatcher.changed(INSTANCE_KIND, stage.stored(name="next"))
        await stage.passes.until(reconciled=2)

    assert [known.key.name for known in stage.passes.reconciled] == ["docs", "next"]


async def test_what_a_pass_kept_for_a_resource_that_went_meanwhile_is_forgotten_after_it(stage):
    body = stage.stored()
    stage.passes.leaves = lambda: stage.dispatcher.seen(INSTANCE_KIND, body, gone=True)
    async with stage.at_work():
        stage.dispatcher.changed(INSTANCE_KIND, body)
        await stage.passes.until(reconciled=1)

    assert stage.passes.forgotten == ["docs", "docs"]


async def test_a_resource_of_whose_leaving_no_event_told_is_forgotten(stage):
    stage.dispatcher.seen(INSTANCE_KIND, stage.stored(), gone=False)

    stage.dispatcher.depart(key())
    stage.dispatcher.depart(key("stranger"))

    assert stage.passes.forgotten == ["docs"]
