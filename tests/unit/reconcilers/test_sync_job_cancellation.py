"""Sync jobs that are not wanted any more: spec.cancel and spec.suspend."""

import pytest

from fake_cloudflare import Status
from unit.reconcilers.bench import Bench, ready_instance
from unit.reconcilers.scenes import start_unheard, started_job, state


async def test_an_unwanted_job_that_was_started_unheard_is_cancelled_once_it_shows_up(fake, account):
    bench = Bench(fake, account, settle_time=3600)
    try:
        await ready_instance(bench)
        key = await start_unheard(bench)
        bench.job(cancel=True)

        await bench.make_pass(key)
        early = state(bench, key)
        bench.account.advance(11)
        await bench.make_pass(key)

        assert early == ("Pending", "LookingForEarlierJob")
        assert state(bench, key) == ("Cancelled", "Cancelled")
        assert [job.end_reason for job in bench.account.jobs("docs")] == ["cancelled"]
    finally:
        await bench.close()


async def test_a_job_that_is_unwanted_before_its_start_is_never_started(bench):
    await ready_instance(bench)
    key = bench.job(cancel=True)

    await bench.make_pass(key)

    assert bench.writes() == []
    assert state(bench, key) == ("Cancelled", "Cancelled")
    assert "jobId" not in bench.status_of(key)


async def test_an_unwanted_job_of_an_instance_that_does_not_exist_is_cancelled(bench):
    key = bench.job(cancel=True)

    await bench.make_pass(key)

    assert state(bench, key) == ("Cancelled", "Cancelled")


@pytest.mark.parametrize("delay", [0.0, 20.0])
async def test_a_running_job_is_cancelled_by_one_request_and_its_end_confirmed(bench, delay):
    key = await started_job(bench)
    bench.account.configure(cancel_delay=delay)
    bench.job(cancel=True)

    await bench.make_pass(key)
    if delay:
        assert state(bench, key) == ("Cancelling", "Cancelling")
        for _ in range(3):
            await bench.make_pass(key)
        bench.account.advance(delay)
        await bench.make_pass(key)

    assert bench.writes() == [("jobs.cancel", {"action": "cancel"})]
    assert state(bench, key) == ("Cancelled", "Cancelled")
    assert bench.status_of(key)["endReason"] == "cancelled"


@pytest.mark.parametrize("unwanted", ["cancel", "suspend"])
async def test_a_job_is_ended_although_jobs_cannot_be_listed_any_more(bench, unwanted):
    key = await started_job(bench)
    bench.account.inject(Status(status=500), "jobs.list", times=None)
    for _ in range(4):
        await bench.look_again()
    bench.job(**{unwanted: True})

    for _ in range(2):  # a suspension is announced first
        await bench.make_pass(key)

    assert [job.end_reason for job in bench.account.jobs("docs")] == ["cancelled"]
    assert bench.status_of(key)["endReason"] == "cancelled"


async def test_a_job_that_ends_before_its_cancellation_keeps_its_own_outcome(bench):
    key = await started_job(bench)
    bench.account.advance(60)
    bench.job(cancel=True)

    await bench.make_pass(key)

    assert state(bench, key) == ("Succeeded", "Succeeded")
