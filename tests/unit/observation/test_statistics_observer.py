"""Statistics: one request at a time goes round, however many instances there are."""

import pytest

from aisearch_operator.cloudflare.wire import Stats
from aisearch_operator.observation.address import Connection
from aisearch_operator.observation.statistics import StatisticsObserver
from unit.observation.looking import (
    TIMING,
    Account,
    HandCrankedPolls,
    Woken,
    address,
    instance_key,
    rejected,
    unavailable,
)


class Looks:
    """Instances of one account, each with a resource of its name."""

    def __init__(self, account: Account, connection: Connection, polls: HandCrankedPolls, woken: Woken) -> None:
        self.account, self.connection, self.polls, self.woken = account, connection, polls, woken
        self.observer = StatisticsObserver(polls, TIMING, wake=woken)

    def at(self, name: str) -> Stats | None:
        return self.observer.latest(instance_key(name), self.connection, address(name))

    @property
    def read(self) -> list[str]:
        """The instances whose statistics were read, in order."""
        return [path.split("/")[3] for path in self.account.asked]


@pytest.fixture
def looks(account, connection, polls, woken) -> Looks:
    account.stats = {name: {"completed": 1} for name in ("a", "b", "c")}
    return Looks(account, connection, polls, woken)


async def test_statistics_come_later_and_wake_their_resource_up(looks):
    assert looks.at("a") is None

    await looks.polls.turn()

    assert looks.woken.drain() == ["a"]
    assert looks.at("a") == Stats(completed=1)


async def test_however_many_instances_there_are_one_request_is_made_in_an_interval(looks):
    for name in "abc":
        looks.at(name)

    for turn in range(1, 5):
        await looks.polls.turn()
        assert len(looks.read) == turn
    assert {answer.after for answer in looks.polls.answers if answer} == {TIMING.interval}


async def test_every_instance_has_its_turn(looks):
    for name in "abc":
        looks.at(name)
    for _ in range(6):
        await looks.polls.turn()

    assert sorted(looks.read[:3]) == sorted(looks.read[3:]) == ["a", "b", "c"]


async def test_only_changed_statistics_wake_a_resource_up(looks):
    looks.at("a")
    await looks.polls.turn()
    looks.woken.drain()

    await looks.polls.turn()
    without_news = looks.woken.drain()
    looks.account.stats["a"] = {"completed": 2}
    await looks.polls.turn()

    assert (without_news, looks.woken.drain()) == ([], ["a"])


async def test_an_instance_whose_job_has_ended_is_read_next_and_now(looks):
    for name in "abc":
        looks.at(name)
    await looks.polls.turn()
    behind = next(name for name in "abc" if name not in looks.read)

    looks.observer.hurry(instance_key(behind))
    at_once = set(looks.polls.queued.values())
    await looks.polls.turn()

    assert at_once == {0.0}
    assert looks.read[1] == behind


async def test_nobody_hurries_for_an_instance_that_is_not_followed(looks):
    looks.observer.hurry(instance_key("a"))

    assert looks.polls.queued == {}


async def test_an_instance_that_left_is_not_read_any_more(looks):
    for name in "abc":
        looks.at(name)
    looks.observer.forget(instance_key("b"))
    for _ in range(4):
        await looks.polls.turn()

    assert set(looks.read) == {"a", "c"}


async def test_an_account_that_everybody_left_costs_nothing(looks):
    looks.at("a")
    looks.observer.forget(instance_key("a"))

    await looks.polls.turn()

    assert looks.read == []
    assert looks.polls.queued == {}


async def test_an_instance_that_is_gone_does_not_hold_the_others_up(looks):
    looks.at("a")
    looks.at("gone")
    for _ in range(2):
        await looks.polls.turn()

    assert looks.at("a") == Stats(completed=1)
    assert looks.at("gone") is None


@pytest.mark.parametrize(("trouble", "after"), [(unavailable(), None), (rejected(), TIMING.terminal_retry)])
async def test_trouble_slows_the_rotation_down_and_keeps_what_was_read(looks, trouble, after):
    looks.at("a")
    await looks.polls.turn()
    looks.account.trouble = trouble

    await looks.polls.turn()

    assert looks.polls.answers[-1].after == after
    assert looks.at("a") == Stats(completed=1)
