"""The instance observer: one list for all, news for those whom it concerns, and no trust in stale lists."""

import asyncio
import itertools
import traceback
from dataclasses import replace

import pytest

from aisearch_operator.cloudflare import RequestBudget
from aisearch_operator.cloudflare.errors import NotFound, Retry, Unauthorized
from aisearch_operator.cloudflare.wire import Instance
from aisearch_operator.engine.workqueue import Again
from aisearch_operator.observation.address import Connection, InstanceAddress
from aisearch_operator.observation.instances import LONGEST_SWEEP, InstanceObserver
from aisearch_operator.observation.pace import SWEEPS, UNREST
from unit.builders import wire_instance
from unit.cloudflare.scripted_api import complaint, failure
from unit.observation.looking import (
    TIMING,
    Account,
    Clock,
    HandCrankedPolls,
    Woken,
    address,
    instance_key,
    rejected,
    unavailable,
)


class Looks:
    """Resources that look at their instances; each is named as its instance is."""

    def __init__(
        self, account: Account, connection: Connection, polls: HandCrankedPolls, woken: Woken, clock: Clock
    ) -> None:
        self.account, self.connection, self.polls, self.woken, self.clock = account, connection, polls, woken, clock
        self.observer = InstanceObserver(polls, TIMING, wake=woken, clock=clock)

    async def at(
        self, instance_id: str = "docs", namespace: str = "default", *, caller: str = "caller"
    ) -> Instance | None:
        """Look, with a turn of the polls when the resource has to wait for one."""
        connection = replace(self.connection, caller=caller)
        look = asyncio.create_task(
            self.observer.look(instance_key(instance_id), connection, address(instance_id, namespace))
        )
        await asyncio.sleep(0)
        if not look.done():
            await self.polls.turn()
        return await look

    async def list_under_way(self) -> asyncio.Task[None]:
        """Have the polls turn, and return while the list waits for its answer."""
        self.account.gate = asyncio.Event()
        before = len(self.account.asked)
        task = asyncio.create_task(self.polls.turn())
        async with asyncio.timeout(60):
            while len(self.account.asked) == before:  # noqa: ASYNC110 - a request is no event
                await asyncio.sleep(0)
        return task

    def answer(self) -> None:
        assert self.account.gate is not None
        self.account.gate.set()

    def wrote(self, instance: Instance | None, at: InstanceAddress | None = None) -> None:
        self.observer.record(self.connection, at or address(), instance)


@pytest.fixture
def looks(account, connection, polls, woken, clock) -> Looks:
    return Looks(account, connection, polls, woken, clock)


async def test_the_first_look_waits_for_one_list(looks):
    looks.account.put("docs", chunk_size=512)

    seen = await looks.at("docs")

    assert seen.settings["chunk_size"] == 512
    assert looks.account.asked == ["namespaces/default/instances"]


async def test_an_instance_that_is_not_there_is_seen_as_none(looks):
    assert await looks.at("docs") is None


async def test_a_hundred_resources_that_come_at_once_cost_one_list(looks):
    waiting = [
        asyncio.create_task(looks.observer.look(instance_key(f"i{number}"), looks.connection, address(f"i{number}")))
        for number in range(100)
    ]
    await asyncio.sleep(0)

    await looks.polls.turn()
    await asyncio.gather(*waiting)
    await looks.at("late")

    assert len(looks.account.asked) == 1


async def test_search_namespaces_and_callers_have_lists_of_their_own(looks):
    looks.account.instances["archive"] = {}
    for caller, namespace in (("one", "default"), ("one", "archive"), ("two", "default")):
        connection = replace(looks.connection, caller=caller)
        key, at = instance_key(f"{caller}-{namespace}"), address("docs", namespace)
        look = asyncio.create_task(looks.observer.look(key, connection, at))
        await asyncio.sleep(0)
        assert not look.done()
        await looks.polls.turn()
        await look
        looks.polls.queued.clear()

    assert looks.account.asked == [
        "namespaces/default/instances",
        "namespaces/archive/instances",
        "namespaces/default/instances",
    ]


async def test_only_those_are_woken_up_whose_instance_has_changed(looks):
    looks.account.put("docs", chunk_size=512)
    looks.account.put("blog", chunk_size=512)
    await looks.at("docs")
    await looks.at("blog")
    looks.account.put("docs", chunk_size=1)

    await looks.polls.turn()

    assert looks.woken.drain() == ["docs"]
    assert (await looks.at("docs")).settings["chunk_size"] == 1


@pytest.mark.parametrize("change", ["appears", "goes"])
async def test_a_resource_is_woken_up_when_its_instance(looks, change):
    if change == "goes":
        looks.account.put("docs")
    await looks.at("docs")
    looks.account.instances["default"] = {} if change == "goes" else {"docs": {"id": "docs"}}

    await looks.polls.turn()

    assert looks.woken.drain() == ["docs"]


async def test_nobody_is_woken_up_by_a_list_without_news(looks):
    looks.account.put("docs", chunk_size=512)
    await looks.at("docs")
    looks.account.put("docs", chunk_size=512, last_activity="2026-11-23 12:00:00", modified_at="2026-11-23 12:00:00")

    await looks.polls.turn()

    assert looks.woken.drain() == []


async def test_a_resource_that_joins_during_a_list_hears_of_its_news(looks):
    looks.account.put("docs", chunk_size=512)
    looks.account.put("blog", chunk_size=512)
    await looks.at("docs")
    looks.account.put("blog", chunk_size=1)
    under_way = await looks.list_under_way()
    old = await looks.observer.look(instance_key("blog"), looks.connection, address("blog"))

    looks.answer()
    await under_way

    assert old.settings["chunk_size"] == 512
    assert looks.woken.drain() == ["blog"]


async def test_what_was_written_beats_lists_until_it_has_settled(looks):
    looks.account.put("docs", chunk_size=512)
    await looks.at("docs")
    looks.wrote(wire_instance("docs", chunk_size=1))

    await looks.polls.turn()
    early = await looks.at("docs")
    looks.clock.now += TIMING.settle
    await looks.polls.turn()
    late = await looks.at("docs")

    assert (early.settings["chunk_size"], late.settings["chunk_size"]) == (1, 512)
    assert looks.woken.drain() == ["docs"]


async def test_what_was_deleted_is_gone_although_a_list_still_shows_it(looks):
    looks.account.put("docs")
    await looks.at("docs")
    looks.wrote(None)

    await looks.polls.turn()

    assert await looks.at("docs") is None


async def test_a_write_while_a_list_is_under_way_beats_that_list(looks):
    looks.account.put("docs", chunk_size=512)
    await looks.at("docs")
    looks.clock.now += 100
    under_way = await looks.list_under_way()
    looks.wrote(wire_instance("docs", chunk_size=1))
    looks.clock.now += 100

    looks.answer()
    await under_way

    assert (await looks.at("docs")).settings["chunk_size"] == 1


async def test_a_write_where_nobody_looks_is_nobodys_concern(looks):
    looks.wrote(wire_instance("docs"), address("docs", "archive"))


async def test_the_first_look_reports_that_the_list_failed(looks):
    looks.account.trouble = unavailable()

    with pytest.raises(Retry):
        await looks.at("docs")


async def test_a_list_that_fails_once_leaves_the_last_one_good_enough(looks):
    looks.account.put("docs", chunk_size=512)
    await looks.at("docs")
    looks.account.trouble = unavailable()

    await looks.polls.turn()

    assert (await looks.at("docs")).settings["chunk_size"] == 512
    assert looks.woken.drain() == []


@pytest.mark.parametrize("before", [None, unavailable()], ids=["out of the blue", "after other trouble"])
async def test_a_refusal_wakes_everybody_up_once_and_is_raised(looks, before):
    looks.account.put("docs")
    await looks.at("docs")
    await looks.at("blog")
    looks.account.trouble = before
    await looks.polls.turn()
    looks.account.trouble = rejected()

    await looks.polls.turn()
    first = looks.woken.drain()
    await looks.polls.turn()

    assert (first, looks.woken.drain()) == (["blog", "docs"], [])
    with pytest.raises(Unauthorized):
        await looks.at("docs")


async def test_a_search_namespace_that_is_gone_is_reported(looks):
    await looks.at("docs")
    looks.account.instances.clear()

    await looks.polls.turn()

    assert looks.woken.drain() == ["docs"]
    with pytest.raises(NotFound):
        await looks.at("docs")


@pytest.mark.parametrize("trouble", [unavailable(), rejected()], ids=["unavailable", "rejected"])
async def test_a_recovery_wakes_everybody_up(looks, trouble):
    looks.account.trouble = trouble
    with pytest.raises((Retry, Unauthorized)):
        await looks.at("docs")
    looks.account.trouble = None

    await looks.polls.turn()

    assert looks.woken.drain() == ["docs"]
    assert await looks.at("docs") is None


async def test_a_list_that_has_to_wait_for_other_requests_is_late_and_its_coming_is_no_news(looks):
    looks.account.put("docs")
    hours = itertools.count(0, 3600)  # the block is over at once
    looks.account.budget = RequestBudget(clock=lambda: float(next(hours)))
    looks.connection = replace(looks.connection, client=looks.account.client())
    try:
        await looks.at("docs")
        looks.account.trouble = failure(429, complaint(971))
        await looks.polls.turn()
        assert await looks.at("docs") is not None
        looks.account.trouble = None
        looks.clock.now += UNREST

        await looks.polls.turn()
    finally:
        await looks.connection.client.aclose()

    assert looks.woken.drain() == []
    assert looks.observer.oldest_look() == 0


async def test_an_error_that_is_raised_again_and_again_does_not_grow(looks):
    looks.account.trouble = rejected()
    depths = []
    for _ in range(4):
        with pytest.raises(Unauthorized) as caught:
            await looks.at("docs")
        depths.append(len(traceback.extract_tb(caught.value.__traceback__)))

    assert len(set(depths[1:])) == 1


async def test_a_namespace_that_nobody_looks_at_is_not_listed_any_more(looks):
    await looks.at("docs")
    looks.observer.forget(instance_key("docs"))

    await looks.polls.turn()
    await looks.polls.turn()

    assert looks.polls.queued == {}
    assert len(looks.account.asked) == 1


async def test_a_resource_that_comes_after_that_gets_a_fresh_list(looks):
    await looks.at("docs")
    looks.observer.forget(instance_key("docs"))
    looks.account.put("docs")

    assert await looks.at("docs") is not None


async def test_a_resource_that_moves_leaves_its_old_namespace(looks):
    looks.account.instances["archive"] = {}
    await looks.at("docs")
    await looks.at("docs", "archive")
    looks.account.put("docs")

    await looks.polls.turn()
    await looks.polls.turn()

    assert looks.woken.drain() == []
    assert looks.account.asked.count("namespaces/default/instances") == 1


async def test_lists_come_at_their_interval_and_refusals_at_theirs(looks):
    await looks.at("docs")
    looks.account.trouble = rejected()
    await looks.polls.turn()
    looks.account.trouble = unavailable()
    await looks.polls.turn()

    assert [answer.after for answer in looks.polls.answers] == [TIMING.interval, TIMING.terminal_retry, None]


async def test_much_to_list_is_listed_less_often_and_more_often_after_a_change(looks):
    for number in range(4100):
        looks.account.put(f"docs-{number}")
    hours = itertools.count(0, 3600)  # never scarce: this is about how long to wait after the list
    looks.account.budget = RequestBudget(clock=lambda: float(next(hours)))
    connection = replace(looks.connection, client=looks.account.client())
    looks.connection = connection
    try:
        await looks.at("docs-0")
        after_the_first = looks.polls.answers[-1]
        looks.clock.now += UNREST + 1
        await looks.polls.turn()
        quiet = looks.polls.answers[-1]
        looks.account.put("docs-0", chunk_size=512)
        await looks.polls.turn()
        changed = looks.polls.answers[-1]
    finally:
        await connection.client.aclose()

    pages, rate = 41, connection.client.rate
    assert quiet is not None
    assert quiet.after == pytest.approx(pages / (rate * SWEEPS))
    assert changed == after_the_first == Again(TIMING.interval)
    assert TIMING.interval < quiet.after


async def broken_off_list(looks: Looks) -> None:
    """Have a list break off at its second and last page, for this once."""
    for number in range(150):
        looks.account.put(f"docs-{number}")
    looks.account.failing_pages = {"2"}
    with pytest.raises(Retry):
        await looks.at("docs-149")
    looks.account.failing_pages = set()


async def test_a_list_that_broke_off_goes_on_with_the_page_that_failed(looks):
    await broken_off_list(looks)
    before = len(looks.account.asked)

    await looks.polls.turn()

    assert (await looks.at("docs-149")).id == "docs-149"
    assert len(looks.account.asked) == before + 1


async def test_a_list_that_broke_off_long_ago_is_begun_anew(looks):
    await broken_off_list(looks)
    before = len(looks.account.asked)
    looks.clock.now += LONGEST_SWEEP + 1

    await looks.polls.turn()

    assert len(looks.account.asked) == before + 2


async def test_the_age_of_the_oldest_look_grows_with_failures_and_not_with_a_clear_answer(looks):
    assert looks.observer.oldest_look() == 0, "nothing is watched"
    await looks.at("docs")
    looks.clock.now += 60
    assert looks.observer.oldest_look() == 60
    await looks.polls.turn()
    assert looks.observer.oldest_look() == 0

    for trouble, age in ((unavailable(), 60), (rejected(), 120)):
        looks.account.trouble = trouble
        looks.clock.now += 60
        await looks.polls.turn()
        assert looks.observer.oldest_look() == age
    looks.account.trouble = None
    looks.account.instances.clear()  # the search namespace is gone, says Cloudflare
    await looks.polls.turn()
    assert looks.observer.oldest_look() == 0

    looks.clock.now += 60
    looks.observer.forget(instance_key("docs"))
    assert looks.observer.oldest_look() == 0
