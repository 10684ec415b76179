"""The work queue: what is urgent goes first, for as long as it is urgent, and leaves a worker to the others."""

import pytest

from aisearch_operator.engine.workqueue import Again
from unit.engine.passes import AT_ONCE, idle, running, until


async def test_urgent_keys_go_first_also_when_they_waited_already(passes):
    urgent = set[str]()
    passes.hold("busy")
    async with running(passes, urgent=urgent) as queue:
        queue.add("busy")
        await passes.until_begun("busy")
        for key in ("a", "b", "c"):
            queue.add(key)
        urgent.add("c")
        queue.add("c")
        passes.let_go("busy")
        await idle(queue)

    assert passes.ended == ["busy", "c", "a", "b"]


@pytest.mark.parametrize("answer", [Again(0), Again(), RuntimeError("a bug")], ids=["goes on", "fails", "breaks"])
async def test_a_key_that_is_still_urgent_comes_back_before_the_others(passes, answer):
    passes.answers["a"] = [answer]
    passes.hold("a")
    passes.hold("b")
    async with running(passes, backoff=AT_ONCE, urgent={"a"}) as queue:
        queue.add("a")
        await passes.until_begun("a")
        for key in ("b", "c", "d"):
            queue.add(key)
        passes.let_go("a")
        await passes.until_begun("a", "b")
        await until(lambda: queue.load().waiting >= 3)
        passes.let_go("b")
        await idle(queue)

    assert passes.ended == ["a", "b", "a", "c", "d"]


async def test_a_key_that_is_not_urgent_any_more_waits_like_the_others(passes):
    urgent = {"a"}
    passes.hold("a")
    async with running(passes, urgent=urgent) as queue:
        queue.add("a")
        await passes.until_begun("a")
        queue.add("b")
        urgent.clear()
        queue.add("a")
        passes.let_go("a")
        await idle(queue)

    assert passes.ended == ["a", "b", "a"]


async def test_urgent_keys_leave_a_worker_to_the_others(passes):
    urgent = {f"urgent-{number}" for number in range(3)}
    for key in urgent:
        passes.hold(key)
    async with running(passes, workers=2, urgent=urgent) as queue:
        for key in (*sorted(urgent), "a", "b"):
            queue.add(key)
        await passes.until_ended("a", "b")
        for key in urgent:
            passes.let_go(key)
        await idle(queue)

    assert sorted(passes.ended) == ["a", "b", *sorted(urgent)]


async def test_where_no_others_wait_all_workers_take_urgent_keys(passes):
    urgent = {"urgent-0", "urgent-1"}
    for key in urgent:
        passes.hold(key)
    async with running(passes, workers=2, urgent=urgent) as queue:
        for key in sorted(urgent):
            queue.add(key)
        await passes.until_begun("urgent-0", "urgent-1")
        for key in urgent:
            passes.let_go(key)
        await idle(queue)
