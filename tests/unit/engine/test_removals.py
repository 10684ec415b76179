"""Deletions that wait for the outside world."""

import asyncio

import pytest

from aisearch_operator.engine.removals import Removals, Stopping
from aisearch_operator.engine.store import Departed, ObjectKey

KEY = ObjectKey("AISearchInstance", "team", "docs", "uid-1")
OTHER = ObjectKey("AISearchInstance", "team", "docs", "uid-2")


async def waiting(removals: Removals, key: ObjectKey = KEY) -> asyncio.Task[None]:
    task = asyncio.create_task(removals.wait(key))
    await asyncio.sleep(0)
    assert not task.done()
    return task


async def test_a_deletion_waits_until_its_resource_is_released():
    removals = Removals()
    task = await waiting(removals)

    removals.release(KEY)

    await task
    assert removals.released(KEY)


async def test_everybody_who_waits_for_one_resource_goes_on():
    removals = Removals()
    tasks = [await waiting(removals), await waiting(removals)]

    removals.release(KEY)

    await asyncio.gather(*tasks)


async def test_a_release_before_anybody_waits_is_remembered():
    removals = Removals()
    removals.release(KEY)

    await removals.wait(KEY)


async def test_a_later_resource_of_the_same_name_waits_for_its_own_release():
    removals = Removals()
    removals.release(KEY)
    task = await waiting(removals, OTHER)

    removals.release(OTHER)

    await task


async def test_a_cancelled_waiter_takes_nobody_with_it():
    removals = Removals()
    cancelled, stays = await waiting(removals), await waiting(removals)

    cancelled.cancel()
    with pytest.raises(asyncio.CancelledError):
        await cancelled
    removals.release(KEY)

    await stays


async def test_a_resource_that_is_forgotten_ends_the_waiting_without_being_released():
    removals = Removals()
    task = await waiting(removals)

    removals.forget(KEY)

    with pytest.raises(Departed):
        await task
    assert not removals.released(KEY)


async def test_a_stop_ends_all_waiting_now_and_later():
    removals = Removals()
    task = await waiting(removals)

    removals.stop()

    with pytest.raises(Stopping):
        await task
    with pytest.raises(Stopping):
        await removals.wait(OTHER)


async def test_a_resource_that_was_released_may_go_while_the_operator_stops():
    removals = Removals()
    removals.release(KEY)
    removals.stop()

    await removals.wait(KEY)
