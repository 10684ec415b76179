"""The work queue: each key once, backoff, delays, and an orderly end."""

import asyncio
import logging
from collections.abc import Callable

from aisearch_operator.engine.backoff import Backoff
from aisearch_operator.engine.workqueue import Again, WorkQueue
from unit.engine.passes import AT_ONCE, NEVER, PATIENCE, idle, running


async def test_a_key_that_was_added_gets_one_pass(passes):
    async with running(passes) as queue:
        queue.add("a")
        await passes.until_ended("a")
        await idle(queue)

    assert passes.begun == ["a"]


async def test_additions_of_a_waiting_key_fold_into_one(passes):
    passes.hold("busy")
    async with running(passes) as queue:
        queue.add("busy")
        await passes.until_begun("busy")
        for _ in range(5):
            queue.add("a")
        passes.let_go("busy")
        await idle(queue)

    assert passes.ended == ["busy", "a"]


async def test_additions_during_a_pass_lead_to_exactly_one_more_pass(passes):
    passes.hold("a")
    async with running(passes, workers=3) as queue:
        queue.add("a")
        await passes.until_begun("a")
        for _ in range(5):
            queue.add("a")
        passes.let_go("a")
        await idle(queue)

    assert passes.ended == ["a", "a"]


async def test_a_key_never_has_two_passes_at_once(passes):
    passes.hold("a")
    async with running(passes, workers=3) as queue:
        queue.add("a")
        await passes.until_begun("a")
        queue.add("a")
        queue.add("b")
        await passes.until_ended("b")

        assert passes.begun == ["a", "b"]


async def test_as_many_passes_run_at_once_as_there_are_workers(passes):
    for key in "abc":
        passes.hold(key)
    async with running(passes, workers=2) as queue:
        for key in "abc":
            queue.add(key)
        await passes.until_begun("a", "b")
        passes.let_go("a")
        await passes.until_begun("a", "b", "c")


async def test_a_pass_is_made_again_after_the_seconds_that_it_asks_for(passes):
    passes.answers["a"] = [Again(0.02)]
    loop = asyncio.get_running_loop()
    async with running(passes) as queue:
        began = loop.time()
        queue.add("a")
        await passes.until_ended("a", "a")

        assert loop.time() - began >= 0.02


async def test_an_addition_ends_the_delay_of_a_key(passes):
    passes.answers["a"] = [Again(3600)]
    async with running(passes) as queue:
        queue.add("a")
        await passes.until_ended("a")
        queue.add("a")
        await passes.until_ended("a", "a")
        await idle(queue)


async def test_of_two_delays_the_shorter_one_counts(passes):
    async with running(passes) as queue:
        queue.add_after("a", 0.01)
        queue.add_after("a", 3600)
        queue.add_after("b", 3600)
        queue.add_after("b", 0.02)
        await passes.until_ended("a", "b")
        await idle(queue)


async def test_a_delay_that_ends_during_a_pass_leads_to_one_more_pass(passes):
    passes.hold("a")
    passes.hold("b")
    async with running(passes, workers=2) as queue:
        queue.add("a")
        await passes.until_begun("a")
        queue.add_after("a", 0.0)
        queue.add_after("b", 0.01)
        await passes.until_begun("a", "b")  # the clock has come to both
        passes.let_go("a")
        passes.let_go("b")
        await idle(queue)

        assert sorted(passes.ended) == ["a", "a", "b"]
        queue.add("a")
        await passes.until(lambda: passes.ended.count("a") == 3)


async def test_a_delayed_addition_during_a_pass_outlives_the_pass(passes):
    passes.hold("a")
    async with running(passes) as queue:
        queue.add("a")
        await passes.until_begun("a")
        queue.add_after("a", 0.01)
        passes.let_go("a")
        await passes.until_ended("a", "a")
        await idle(queue)


async def test_a_failed_pass_backs_off_and_a_good_one_ends_that(passes):
    waits: list[int] = []

    class Counted(Backoff):
        def delay(self, failures: int, random_unit: Callable[[], float] = float) -> float:
            waits.append(failures)
            return 0.0

    passes.answers["a"] = [Again(), Again(), None, Again()]
    async with running(passes, backoff=Counted()) as queue:
        queue.add("a")
        await passes.until_ended("a", "a", "a")
        await idle(queue)
        queue.add("a")
        await passes.until_ended(*"aaaaa")

    assert waits == [1, 2, 1]


async def test_a_server_that_names_a_time_is_not_asked_before(passes):
    passes.answers["a"] = [Again(at_least=0.02)]
    loop = asyncio.get_running_loop()
    async with running(passes, backoff=AT_ONCE) as queue:
        began = loop.time()
        queue.add("a")
        await passes.until_ended("a", "a")

        assert loop.time() - began >= 0.02


async def test_a_bug_in_a_pass_is_logged_and_the_key_backs_off(passes, caplog):
    passes.answers["a"] = [RuntimeError("oh")]
    async with running(passes, backoff=AT_ONCE) as queue:
        with caplog.at_level(logging.ERROR):
            queue.add("a")
            await passes.until_ended("a", "a")

    assert "A pass over a failed" in caplog.text
    assert "RuntimeError: oh" in caplog.text


async def test_a_forgotten_key_gets_no_pass(passes):
    passes.hold("busy")
    async with running(passes) as queue:
        queue.add("busy")
        await passes.until_begun("busy")
        queue.add("a")
        queue.add_after("b", 0.0)
        queue.forget("a")
        queue.forget("b")
        queue.add("c")
        passes.let_go("busy")
        await passes.until_ended("busy", "c")
        await idle(queue)


async def test_a_key_that_is_forgotten_during_its_pass_gets_no_other(passes):
    passes.hold("a")
    async with running(passes) as queue:
        queue.add("a")
        await passes.until_begun("a")
        queue.add("a")
        queue.forget("a")
        passes.let_go("a")
        await passes.until_ended("a")
        await idle(queue)

    assert passes.begun == ["a"]


async def test_a_forgotten_key_can_be_added_anew(passes):
    async with running(passes) as queue:
        queue.add_after("a", 3600)
        queue.forget("a")
        queue.add("a")
        await passes.until_ended("a")


async def test_a_stop_lets_running_passes_end(passes):
    passes.hold("a")
    async with running(passes) as queue:
        queue.add("a")
        queue.add("b")
        await passes.until_begun("a")
        stopping = asyncio.create_task(queue.stop(grace=PATIENCE))
        await asyncio.sleep(0)
        passes.let_go("a")

        assert await stopping is True
        assert passes.begun == passes.ended == ["a"]


async def test_a_stop_cancels_what_outlasts_its_grace(passes):
    passes.hold("a")
    async with running(passes) as queue:
        queue.add("a")
        await passes.until_begun("a")

        assert await queue.stop(grace=0.01) is False
    assert passes.ended == []


async def test_a_stopped_queue_takes_nothing(passes):
    async with running(passes) as queue:
        await queue.stop(grace=PATIENCE)
        queue.add("a")
        queue.add_after("b", 0)

        assert len(queue) == 0


async def test_a_queue_that_was_never_started_stops_at_once(passes):
    assert await WorkQueue(passes, workers=1, backoff=NEVER).stop(grace=0) is True
