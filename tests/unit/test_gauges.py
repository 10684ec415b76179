"""When a queue counts as stuck, on a clock that leaps; and what is shown of the parts."""

import asyncio

import pytest

from aisearch_operator.engine.backoff import Backoff
from aisearch_operator.engine.workqueue import Again, Load, WorkQueue
from aisearch_operator.gauges import queue_stuck, show_queues
from aisearch_operator.telemetry import definitions as metric
from aisearch_operator.telemetry.definitions import Queue
from aisearch_operator.telemetry.health import Health
from aisearch_operator.telemetry.metrics import Metrics
from harness.leaping_clock import on_a_leaping_clock
from harness.scrape import samples_in


@pytest.mark.parametrize(
    ("load", "problem"),
    [
        (Load(waiting=0, longest_wait=0, running=0, longest_pass=0, idle=4), None),
        (Load(waiting=9, longest_wait=3600, running=4, longest_pass=600, idle=0), None),
        (Load(waiting=9, longest_wait=59, running=3, longest_pass=10, idle=1), None),
        (Load(waiting=9, longest_wait=61, running=3, longest_pass=10, idle=1), "a key waits although workers are idle"),
        (Load(waiting=0, longest_wait=0, running=1, longest_pass=899, idle=3), None),
        (Load(waiting=0, longest_wait=0, running=1, longest_pass=901, idle=3), "a pass does not end"),
    ],
)
def test_a_queue_is_stuck_when_a_pass_does_not_end_or_nobody_takes_what_waits(load, problem):
    stuck = queue_stuck(load)

    assert (stuck.problem if stuck else None) == problem


class Stage:
    """A queue of two workers whose passes last until the test ends them, and what is shown of it."""

    def __init__(self):
        self.end = asyncio.Event()
        self.health, self.metrics = Health(), Metrics()
        self.queue = WorkQueue(
            self._pass,
            workers=2,
            backoff=Backoff(base=1.0, cap=1.0),
            on_retry=lambda: self.metrics.count(metric.QUEUE_RETRIES, Queue.POLL),
        )
        show_queues(self.metrics, self.health, {Queue.POLL: self.queue})

    async def _pass(self, key):
        if key == "fails":
            return Again()
        await self.end.wait()
        return None

    def shown(self, definition):
        return samples_in(self.metrics.exposition("")[0].decode(), definition)


@on_a_leaping_clock
async def test_a_pass_that_does_not_end_makes_the_operator_be_restarted():
    stage = Stage()
    stage.queue.start()
    stage.queue.add("a")
    await asyncio.sleep(890)
    assert stage.health.stuck() == {}

    await asyncio.sleep(20)

    (stuck,) = stage.health.stuck().values()
    assert stage.health.stuck().keys() == {"queue poll"}
    assert stuck.problem == "a pass does not end"
    assert stuck.seconds == pytest.approx(910, abs=1)


@on_a_leaping_clock
async def test_work_that_piles_up_while_all_are_busy_is_shown_and_is_no_reason_for_a_restart():
    stage = Stage()
    stage.queue.start()
    for key in "abcde":
        stage.queue.add(key)
    await asyncio.sleep(100)

    assert stage.shown(metric.QUEUE_DEPTH) == {("poll",): 3}
    assert stage.shown(metric.QUEUE_OLDEST)["poll",] == pytest.approx(100, abs=1)
    assert stage.shown(metric.QUEUE_RUNNING) == {("poll",): 2}
    assert stage.health.stuck() == {}

    stage.end.set()
    await asyncio.sleep(1)

    assert stage.shown(metric.QUEUE_DEPTH) == {("poll",): 0}
    assert stage.shown(metric.QUEUE_OLDEST) == {("poll",): 0}
    assert stage.shown(metric.QUEUE_RUNNING) == {("poll",): 0}


@on_a_leaping_clock
async def test_keys_that_wait_for_their_time_are_no_work():
    stage = Stage()
    stage.queue.start()
    stage.queue.add_after("later", 3600)
    await asyncio.sleep(1800)

    assert stage.shown(metric.QUEUE_DEPTH) == {("poll",): 0}
    assert stage.health.stuck() == {}


@on_a_leaping_clock
async def test_a_pass_that_fails_is_counted_each_time():
    stage = Stage()
    stage.queue.start()
    stage.queue.add("fails")
    await asyncio.sleep(3.5)

    assert stage.shown(metric.QUEUE_RETRIES)["poll",] >= 3


@on_a_leaping_clock
async def test_workers_that_died_are_noticed_by_what_they_leave_waiting():
    stage = Stage()
    stage.queue.start()
    for worker in stage.queue._tasks:
        worker.cancel()
    await asyncio.sleep(0)
    stage.queue.add("a")
    await asyncio.sleep(61)

    assert stage.health.stuck()["queue poll"].problem == "a key waits although workers are idle"


@on_a_leaping_clock
async def test_a_queue_that_waits_for_the_first_list_is_not_stuck():
    stage = Stage()
    stage.queue.add("a")
    await asyncio.sleep(3600)

    assert stage.health.stuck() == {}
