"""A resource that changes hands: what its old operator does not do any more, and what its new one waits for."""

from typing import Any

import pytest

from aisearch_operator.engine.store import Departed, ObjectKey, Store
from aisearch_operator.reconcilers.job_calls import JobCalls
from aisearch_operator.resources.group import INSTANCE_KIND, SYNC_JOB_KIND
from unit.reconcilers.bench import NAMESPACE, ready_instance

JOB = ObjectKey(SYNC_JOB_KIND, "team", "nightly", "uid-nightly")
SETTLE = 15.0


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def calls(clock: Clock) -> JobCalls:
    nobody: Any = None  # no request is made
    return JobCalls(nobody, Store(), settle=SETTLE, clock=clock)


def test_what_may_have_been_sent_for_a_sync_job_is_waited_for_from_when_it_was_taken_over(calls, clock):
    clock.now += 3600  # the operator runs for long
    calls.inherit([JOB, ObjectKey(INSTANCE_KIND, "team", "docs", "uid-docs")])
    clock.now += 5
    calls.inherit([JOB])  # once more is no takeover
    assert calls.may_show_up(JOB) == SETTLE - 5
    assert calls.may_have_started(JOB)

    clock.now += SETTLE - 5

    assert calls.may_show_up(JOB) is None
    assert calls.may_have_started(JOB)


def test_a_sync_job_that_is_new_waits_for_nothing(calls):
    assert calls.may_show_up(JOB) is None
    assert not calls.may_have_started(JOB)


def test_one_that_comes_back_is_taken_over_anew(calls, clock):
    calls.inherit([JOB])
    clock.now += 60
    calls.close(JOB)

    calls.inherit([JOB])

    assert calls.may_show_up(JOB) == SETTLE


async def test_no_job_is_started_for_a_resource_that_left(calls):
    with pytest.raises(Departed):
        await calls.start(JOB, None, "a description")
    assert not calls.may_have_started(JOB)


async def test_a_sync_job_that_leaves_in_the_middle_of_its_pass_starts_nothing(bench):
    await ready_instance(bench)
    key = bench.job()
    left = bench.kube.read(SYNC_JOB_KIND, NAMESPACE, "nightly")
    operator = bench._operator
    refresh = operator.job_calls.refresh

    async def leaves(*arguments, **options):
        seen = await refresh(*arguments, **options)
        operator.dispatcher.seen(SYNC_JOB_KIND, left, gone=True)
        return seen

    operator.job_calls.refresh = leaves

    assert await bench.make_pass(key) is None
    assert bench.writes() == []
    assert bench.drain_patches() == []
    await bench.look_again()
    assert [entry.operation for entry in bench.requests()] == ["instances.list"]


async def test_an_instance_that_leaves_in_the_middle_of_its_pass_is_not_created(bench):
    key = bench.instance()
    left = bench.kube.read(INSTANCE_KIND, NAMESPACE, "docs")
    operator = bench._operator
    contend = operator.dispatcher._reconcilers[INSTANCE_KIND]._claims.contend

    async def leaves(*arguments):
        operator.dispatcher.seen(INSTANCE_KIND, left, gone=True)
        return await contend(*arguments)

    operator.dispatcher._reconcilers[INSTANCE_KIND]._claims.contend = leaves

    assert await bench.make_pass(key) is None
    assert bench.writes() == []
    assert bench.drain_patches() == []
