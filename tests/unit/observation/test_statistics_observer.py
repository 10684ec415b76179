"""Statistics: one request at a time goes round, however many instances there are."""

import pytest

from aisearch_operator.cloudflare.errors import NotFound, Unauthorized
from aisearch_operator.cloudflare.wire import Stats
from aisearch_operator.observation.address import Connection
from aisearch_operator.observation.statistics import StatisticsObserver
from unit.observation.looking import (
    TIMING,
    Account,
    Clock,
    HandCrankedPolls,
    Woken,
    address,
    instance_key,
    job_key,
    rejected,
    unavailable,
)


class Looks:
    """Instances of one account, each with a resource of its name."""

    def __init__(self, account: Account, connection: Connection, polls: HandCrankedPolls, woken: Woken) -> None:
        self.account, self.connection, self.polls, self.woken = account, connection, polls, woken
        self.clock = Clock()
        self.observer = StatisticsObserver(polls, TIMING, wake=woken, clock=self.clock)

    def at(self, name: str) -> Stats | None:
        return self.observer.latest(instance_key(name), self.connection, address(name))

    def awaited(self, name: str, job: str = "nightly") -> Stats | None:
        return self.observer.awaited(job_key(job), self.connection, address(name))

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


async def test_whoever_awaits_statistics_gets_none_from_before_nor_from_the_settle_time_after(looks):
    looks.at("a")
    await looks.polls.turn()

    old = looks.awaited("a")
    looks.clock.now += TIMING.settle - 1
    await looks.polls.turn()
    early = looks.awaited("a")
    looks.clock.now += 2
    await looks.polls.turn()

    assert (old, early) == (None, None)
    assert looks.awaited("a") == Stats(completed=1)


async def test_the_first_awaited_statistics_are_read_when_they_begin_to_count(looks):
    looks.awaited("a")

    assert min(looks.polls.queued.values()) <= TIMING.settle


async def test_whoever_awaits_statistics_is_woken_up_by_each_reading_changed_or_not(looks):
    looks.at("a")
    looks.awaited("a")
    await looks.polls.turn()
    first = looks.woken.drain()

    await looks.polls.turn()

    assert (first, looks.woken.drain()) == (["a", "nightly"], ["nightly"])


async def test_an_instance_that_resources_and_jobs_follow_is_read_once_for_all(looks):
    looks.at("a")
    for job in ("one", "two"):
        looks.awaited("a", job)

    for turn in range(1, 4):
        await looks.polls.turn()
        assert len(looks.read) == turn


async def test_jobs_that_wait_cost_one_more_request_in_an_interval_and_keep_nobody_from_the_turn(looks):
    for name in "abc":
        looks.at(name)
    for name in "ab":
        looks.awaited(name, f"job-{name}")
    for turn in range(1, 7):
        await looks.polls.turn()
        assert len(looks.read) == 2 * turn

    assert looks.read.count("c") >= 3
    assert looks.read.count("a") == pytest.approx(looks.read.count("b"), abs=1)


async def test_whoever_awaits_statistics_hears_that_the_instance_is_gone(looks):
    looks.awaited("gone")
    await looks.polls.turn()

    assert looks.woken.drain() == ["nightly"]
    with pytest.raises(NotFound):
        looks.awaited("gone")


async def test_whoever_awaits_statistics_hears_that_they_are_refused_and_when_that_is_over(looks):
    looks.awaited("a")
    looks.account.trouble = rejected()
    await looks.polls.turn()
    assert looks.woken.drain() == ["nightly"]
    with pytest.raises(Unauthorized):
        looks.awaited("a")

    looks.account.trouble = None
    looks.clock.now += TIMING.settle
    await looks.polls.turn()

    assert looks.woken.drain() == ["nightly"]
    assert looks.awaited("a") == Stats(completed=1)


async def test_trouble_that_passes_is_waited_out(looks):
    looks.awaited("a")
    looks.account.trouble = unavailable()
    await looks.polls.turn()

    assert looks.awaited("a") is None


async def test_a_job_that_left_is_not_read_for(looks):
    looks.awaited("a")
    looks.observer.forget(job_key("nightly"))

    await looks.polls.turn()

    assert looks.read == []


async def test_the_statistics_of_an_instance_that_moved_are_read_where_it_is(looks):
    looks.account.instances["team"] = {}
    looks.at("a")
    looks.observer.latest(instance_key("a"), looks.connection, address("a", "team"))

    await looks.polls.turn()

    assert [path.split("/")[1] for path in looks.account.asked] == ["team"]


async def test_the_age_of_the_last_reading_grows_until_there_is_another(looks):
    assert looks.observer.oldest_look() == 0, "nothing is watched"
    looks.at("a")
    looks.clock.now += 50
    assert looks.observer.oldest_look() == 50

    looks.account.trouble = unavailable()
    await looks.polls.turn()
    assert looks.observer.oldest_look() == 50
    looks.account.trouble = None
    await looks.polls.turn()
    assert looks.observer.oldest_look() == 0
