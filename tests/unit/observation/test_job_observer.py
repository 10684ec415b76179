"""The job observer: one list for all sync jobs of an instance, and news for everybody, whoever saw it first."""

import traceback
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from aisearch_operator.cloudflare.errors import NotFound, Retry, Unauthorized
from aisearch_operator.cloudflare.wire import Job
from aisearch_operator.observation.address import Connection
from aisearch_operator.observation.jobs import HICCUPS, JobObserver, JobsSeen
from unit.builders import NOW, ago, wire_job
from unit.cloudflare.scripted_api import complaint, failure
from unit.observation.looking import (
    TIMING,
    Account,
    Clock,
    HandCrankedPolls,
    Woken,
    address,
    job_key,
    rejected,
    unavailable,
)


class Looks:
    """Sync jobs that look at the jobs of one instance."""

    def __init__(
        self, account: Account, connection: Connection, polls: HandCrankedPolls, woken: Woken, clock: Clock
    ) -> None:
        self.account, self.connection, self.polls, self.woken, self.clock = account, connection, polls, woken, clock
        self.observer = JobObserver(polls, TIMING, wake=woken, clock=clock)

    def known(self, name: str, since: datetime = NOW) -> JobsSeen | None:
        return self.observer.known(job_key(name), self.connection, address(), since)

    async def refresh(self, name: str, *, urgent: bool = False) -> JobsSeen:
        return await self.observer.refresh(job_key(name), self.connection, address(), NOW, urgent=urgent)

    def heard(self, name: str, job: Job) -> None:
        self.observer.record(job_key(name), self.connection, address(), job)

    def show(self, *jobs: dict[str, Any]) -> None:
        self.account.jobs["docs"] = list(jobs)

    def ids(self, name: str = "a") -> list[str]:
        seen = self.known(name)
        return sorted(job.id for job in seen.jobs) if seen else []


@pytest.fixture
def looks(account, connection, polls, woken, clock) -> Looks:
    return Looks(account, connection, polls, woken, clock)


PENDING = {"id": "1", "source": "user"}
RUNNING = {**PENDING, "started_at": "2026-11-23 12:00:00"}
ENDED = {**RUNNING, "ended_at": "2026-11-23 12:00:30"}


async def test_nothing_is_known_before_the_first_list(looks):
    assert looks.known("a") is None
    assert looks.account.asked == []


async def test_one_list_serves_all_sync_jobs_of_an_instance(looks):
    looks.show(PENDING)

    await looks.refresh("a")

    assert looks.ids("a") == looks.ids("b") == ["1"]
    assert looks.account.asked == ["namespaces/default/instances/docs/jobs"]


async def test_a_refresh_lists_at_once_also_when_jobs_are_known(looks):
    await looks.refresh("a")
    looks.show(PENDING)

    seen = await looks.refresh("a")

    assert [job.id for job in seen.jobs] == ["1"]
    assert len(looks.account.asked) == 2


@pytest.mark.parametrize("change", [ENDED, {**RUNNING, "last_seen_at": "2026-11-23 12:00:05"}])
async def test_all_followers_hear_of_a_change(looks, change):
    looks.show(RUNNING)
    await looks.refresh("a")
    looks.known("b")
    looks.woken.drain()
    looks.show(change)

    await looks.polls.turn()

    assert looks.woken.drain() == ["a", "b"]


async def test_nobody_is_woken_up_by_a_list_without_news(looks):
    looks.show(RUNNING, {**ENDED, "id": "0"})
    await looks.refresh("a")
    looks.known("b")
    looks.show({**ENDED, "id": "0"}, RUNNING)

    await looks.polls.turn()

    assert looks.woken.drain() == []


async def test_what_one_sees_first_the_others_hear_of(looks):
    looks.show(RUNNING)
    await looks.refresh("a")
    looks.known("b")
    looks.show(ENDED)

    await looks.refresh("b")
    first = looks.woken.drain()
    await looks.polls.turn()

    assert (first, looks.woken.drain()) == (["a"], [])


async def test_what_one_is_answered_the_others_hear_of(looks):
    looks.show(RUNNING)
    await looks.refresh("a")
    looks.known("b")

    looks.heard("a", wire_job("1", started=ago(60), ended=NOW))
    first = looks.woken.drain()
    looks.heard("a", wire_job("1", started=ago(60), ended=NOW))

    assert (first, looks.woken.drain()) == (["b"], [])


async def test_a_job_that_was_just_started_is_known_while_lists_lag(looks):
    await looks.refresh("a")
    looks.heard("a", wire_job("2"))
    at_once = looks.ids()

    await looks.polls.turn()
    early = looks.ids()
    looks.clock.now += TIMING.settle
    await looks.polls.turn()

    assert (at_once, early, looks.ids()) == (["2"], ["2"], [])


async def test_a_list_that_shows_a_started_job_says_how_far_it_is(looks):
    await looks.refresh("a")
    looks.heard("a", wire_job("1"))
    looks.show(RUNNING)

    seen = await looks.refresh("a")

    assert seen.jobs == (Job.model_validate(RUNNING),)


async def test_hiccups_leave_the_last_list_good_enough(looks):
    looks.show(RUNNING)
    await looks.refresh("a")
    looks.account.trouble = unavailable()

    for _ in range(HICCUPS - 1):
        await looks.polls.turn()

    assert looks.ids() == ["1"]


async def test_trouble_that_lasts_is_raised_until_it_ends(looks):
    looks.show(RUNNING)
    await looks.refresh("a")
    looks.account.trouble = unavailable()
    for _ in range(HICCUPS):
        await looks.polls.turn()
    with pytest.raises(Retry):
        looks.known("a")
    looks.account.trouble = None
    looks.woken.drain()

    await looks.polls.turn()

    assert looks.woken.drain() == ["a"]
    assert looks.ids() == ["1"]


async def test_everybody_hears_that_trouble_ended_whoever_found_out(looks):
    await looks.refresh("a")
    looks.known("b")
    looks.account.trouble = rejected()
    await looks.polls.turn()
    looks.account.trouble = None
    looks.woken.drain()

    await looks.refresh("b")

    assert looks.woken.drain() == ["a"]


@pytest.mark.parametrize(
    ("trouble", "error"), [(rejected(), Unauthorized), (failure(404, complaint(7002)), NotFound)], ids=["401", "404"]
)
async def test_a_refusal_is_no_hiccup(looks, trouble, error):
    await looks.refresh("a")
    looks.account.trouble = trouble
    looks.woken.drain()

    await looks.polls.turn()

    assert looks.woken.drain() == ["a"]
    with pytest.raises(error):
        looks.known("a")


async def test_a_refresh_that_fails_is_reported_to_whoever_asked(looks):
    looks.account.trouble = unavailable()

    with pytest.raises(Retry):
        await looks.refresh("a")
    assert looks.known("a") is None


async def test_an_error_that_is_raised_again_and_again_does_not_grow(looks):
    await looks.refresh("a")
    looks.account.trouble = rejected()
    await looks.polls.turn()
    depths = []
    for _ in range(3):
        with pytest.raises(Unauthorized) as caught:
            looks.known("a")
        depths.append(len(traceback.extract_tb(caught.value.__traceback__)))

    assert len(set(depths)) == 1


async def test_an_instance_without_active_sync_jobs_is_not_looked_at(looks):
    await looks.refresh("a")
    looks.known("b")
    looks.observer.forget(job_key("a"))
    await looks.polls.turn()
    looks.observer.forget(job_key("b"))

    await looks.polls.turn()
    await looks.polls.turn()

    assert len(looks.account.asked) == 2
    assert looks.polls.queued == {}


async def test_an_answer_after_everybody_left_is_nobodys_concern(looks):
    await looks.refresh("a")
    looks.observer.forget(job_key("a"))

    looks.heard("a", wire_job("1"))


async def test_another_caller_has_a_view_of_its_own(looks):
    looks.show(RUNNING)
    await looks.refresh("a")
    other = replace(looks.connection, caller="another")

    assert looks.observer.known(job_key("b"), other, address(), NOW) is None


async def test_old_jobs_are_left_out_of_the_list_by_the_oldest_sync_job(looks):
    ended = [{"id": f"{hours}", "source": "user", "started_at": ago(3600 * hours).isoformat()} for hours in range(200)]
    looks.show(*ended)

    await looks.refresh("a")

    assert len(looks.account.asked) == 1, "one page of 50 reaches far enough back"


async def test_the_age_of_the_oldest_look_grows_until_the_jobs_are_listed_again(looks):
    assert looks.observer.oldest_look() == 0, "nothing is watched"
    looks.known("a")
    looks.clock.now += 40
    assert looks.observer.oldest_look() == 0, "nobody has asked for a list yet"
    await looks.refresh("a")
    looks.account.trouble = unavailable()
    looks.clock.now += 40
    await looks.polls.turn()
    assert looks.observer.oldest_look() == 40

    looks.account.trouble = None
    await looks.polls.turn()
    assert looks.observer.oldest_look() == 0


async def test_looks_that_had_to_wait_for_other_requests_are_no_trouble(looks):
    looks.show(RUNNING)
    await looks.refresh("a")
    looks.account.trouble = failure(429, complaint(971))
    looks.woken.drain()

    for _ in range(HICCUPS + 1):
        await looks.polls.turn()

    assert looks.ids() == ["1"]
    assert looks.woken.drain() == []
