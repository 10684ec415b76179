"""Passes over sync jobs that are tried again, paused, limited in time, replaced, or run once more."""

from datetime import timedelta
from typing import Any

import pytest

from aisearch_operator.engine.store import ObjectKey
from aisearch_operator.reconcilers.outcome import utc_now
from fake_cloudflare import JobPlan
from unit.reconcilers.bench import Bench, ready_instance
from unit.reconcilers.scenes import COOLDOWN, start_unheard, started_job, state

ENDLESS = JobPlan(start_delay=1, duration=None)


async def fail(bench: Bench, key: ObjectKey, end_reason: str = "bucket_not_found") -> None:
    """Have the present job of a resource fail, and the operator see it."""
    bench.account.end_job("docs", bench.status_of(key)["jobId"], end_reason)
    await bench.look_again()
    await bench.make_pass(key)


async def go_on(bench: Bench, key: ObjectKey, seconds: float = COOLDOWN, passes: int = 1) -> None:
    """Let time pass, and make passes."""
    bench.account.advance(seconds)
    await bench.look_again()
    for _ in range(passes):
        await bench.make_pass(key)


def history(bench: Bench, key: ObjectKey) -> list[tuple[int, str]]:
    return [(each["attempt"], each["outcome"]) for each in bench.status_of(key)["attemptHistory"]]


def markers(bench: Bench, key: ObjectKey) -> list[str]:
    """Give the numbers of the attempts that were started for a resource."""
    descriptions = [job.description or "" for job in bench.account.jobs("docs")]
    return [text.rpartition("#")[2].rstrip("]") for text in descriptions if key.uid in text]


async def test_a_failed_attempt_is_closed_by_one_write_and_followed_by_another_after_a_pause(bench):
    key = await started_job(bench, backoffLimit=2)
    first = bench.status_of(key)["jobId"]

    await fail(bench, key)

    assert state(bench, key) == ("Pending", "BackOff")
    assert bench.states(key)[:3] == ("False", "True", "False")
    status = bench.status_of(key)
    assert (status["failed"], status["attempts"], status["jobId"]) == (1, 1, first)
    (record,) = status["attemptHistory"]
    assert (record["attempt"], record["jobId"], record["outcome"]) == (1, first, "Failed")
    assert record["endReason"] == "bucket_not_found"
    assert bench.drain_events() == [("Warning", "Failed")]
    assert len(bench.drain_patches()) == 1
    await go_on(bench, key, 30)
    assert bench.writes() == []
    assert bench.drain_patches() == [], "what is said of a pause does not change with the time that is left"

    await go_on(bench, key, 6)

    assert markers(bench, key) == ["1", "2"]
    assert state(bench, key) == ("Pending", "Accepted")
    status = bench.status_of(key)
    assert (status["attempts"], status["failed"]) == (2, 1)
    assert status["jobId"] != first
    assert not {"endReason", "completionTime", "duration"} & status.keys(), "they are of the first attempt"


async def test_the_last_attempt_that_the_limit_allows_fails_the_run(bench):
    bench.account.configure(job_end_reason="bucket_not_found")
    key = await started_job(bench, backoffLimit=2)

    for _ in range(40):
        await go_on(bench, key, 15)

    assert markers(bench, key) == ["1", "2", "3"]
    assert state(bench, key) == ("Failed", "BackoffLimitExceeded")
    assert "bucket_not_found" in bench.condition(key, "Failed").message
    assert bench.status_of(key)["failed"] == 3
    assert history(bench, key) == [(1, "Failed"), (2, "Failed"), (3, "Failed")]


async def test_an_attempt_that_ends_well_after_others_failed_completes_the_run(bench):
    key = await started_job(bench, backoffLimit=1)
    await fail(bench, key)

    await go_on(bench, key)
    await go_on(bench, key, 60)

    assert state(bench, key) == ("Succeeded", "Succeeded")
    assert history(bench, key) == [(1, "Failed"), (2, "Succeeded")]


@pytest.mark.parametrize("outcome", ["Superseded", "Lost"])
async def test_a_superseded_or_lost_job_counts_as_failed_and_is_tried_again(bench, outcome):
    key = await started_job(bench, backoffLimit=1)
    if outcome == "Superseded":
        bench.account.start_job("docs", plan=JobPlan(start_delay=0, duration=1))
        bench.account.advance(2)
    else:
        bench.account.delete_instance("docs")
        await bench.look_again()
        await bench.make_pass(bench.instance(source="bucket"))  # makes it anew
    await bench.look_again()
    await bench.make_pass(key)

    assert history(bench, key) == [(1, outcome)]
    assert bench.condition(key, "Ready").reason in {"BackOff", "Cooldown"}


async def test_a_job_that_somebody_cancelled_is_not_tried_again(bench):
    key = await started_job(bench, backoffLimit=5)

    await fail(bench, key, "cancelled")

    assert state(bench, key) == ("Cancelled", "Cancelled")


async def test_a_run_that_is_cancelled_between_two_attempts_starts_none(bench):
    key = await started_job(bench, backoffLimit=5)
    await fail(bench, key)
    bench.job(backoffLimit=5, cancel=True)

    await go_on(bench, key, 400)

    assert state(bench, key) == ("Cancelled", "Cancelled")
    assert markers(bench, key) == ["1"]


async def test_a_limit_that_is_lowered_while_the_run_pauses_ends_it(bench):
    key = await started_job(bench, backoffLimit=5)
    await fail(bench, key)
    bench.job(backoffLimit=0)

    await bench.make_pass(key)

    assert state(bench, key) == ("Failed", "BackoffLimitExceeded")


@pytest.mark.parametrize("stage", ["before", "after"])
async def test_a_later_attempt_is_made_exactly_once_however_its_start_ends(bench, stage):
    key = await started_job(bench, backoffLimit=1)
    await fail(bench, key)
    bench.account.drop("jobs.create", stage=stage)

    await go_on(bench, key)
    await bench.restart()
    await bench.make_pass(key)

    assert markers(bench, key) == ["1", "2"]
    assert bench.status_of(key)["attempts"] == 2


async def test_a_restart_during_the_pause_neither_shortens_it_nor_starts_it_anew(bench):
    key = await started_job(bench, backoffLimit=1)
    await fail(bench, key)
    bench.account.advance(20)
    await bench.restart()
    bench.drain_patches()

    await bench.make_pass(key)
    pauses = state(bench, key)
    await go_on(bench, key, 16)

    assert pauses == ("Pending", "BackOff")
    assert markers(bench, key) == ["1", "2"]


async def test_the_history_is_bounded_and_the_numbers_go_on(bench):
    bench.account.configure(job_end_reason="bucket_not_found", job_start_delay=0, job_duration=1)
    key = await started_job_that_fails(bench, backoffLimit=12)

    for _ in range(60):
        await go_on(bench, key, 100)

    assert bench.status_of(key)["failed"] == 13
    assert [number for number, _ in history(bench, key)] == list(range(4, 14))


async def started_job_that_fails(bench: Bench, **spec: Any) -> ObjectKey:
    await ready_instance(bench)
    key = bench.job(**spec)
    await bench.make_pass(key)
    return key


async def test_a_run_that_takes_too_long_is_cancelled_and_has_failed(bench):
    bench.account.plan_next_job(ENDLESS)
    key = await started_job(bench, activeDeadlineSeconds=300, backoffLimit=5)

    await go_on(bench, key, 290, passes=2)
    assert state(bench, key) == ("Running", "Running")
    await go_on(bench, key, 20)
    announced = state(bench, key), bench.status_of(key)["stopping"], bench.writes()
    await bench.make_pass(key)

    assert announced == (("Cancelling", "Cancelling"), "DeadlineExceeded", [])
    assert bench.writes() == [("jobs.cancel", {"action": "cancel"})]
    assert state(bench, key) == ("Failed", "DeadlineExceeded")
    assert history(bench, key) == [(1, "DeadlineExceeded")]
    assert "stopping" not in bench.status_of(key)


async def test_a_deadline_counts_pauses_and_all_attempts_but_not_the_time_in_line(bench):
    await ready_instance(bench)
    theirs = bench.account.start_job("docs", plan=JobPlan(start_delay=0, duration=None))
    key = bench.job(activeDeadlineSeconds=100, backoffLimit=5)
    await go_on(bench, key, 500)
    assert state(bench, key) == ("Pending", "AnotherJobRunning")
    bench.account.end_job("docs", theirs.id)
    await go_on(bench, key)
    bench.account.plan_next_job(ENDLESS)
    await go_on(bench, key, 2)
    await fail(bench, key)
    bench.account.start_job("docs", plan=JobPlan(start_delay=0, duration=None))
    await go_on(bench, key, 60)
    assert state(bench, key) == ("Pending", "AnotherJobRunning")

    await go_on(bench, key, 60)

    assert state(bench, key) == ("Failed", "DeadlineExceeded")
    assert markers(bench, key) == ["1"]


async def test_a_deadline_holds_while_the_instance_is_away_too(bench, monkeypatch):
    docs = await ready_instance(bench)
    key = bench.job(activeDeadlineSeconds=100, backoffLimit=5)
    await bench.make_pass(key)
    await go_on(bench, key, 2)
    await fail(bench, key)
    bench.is_gone(docs)
    again = await bench.make_pass(key)
    waits = state(bench, key)
    bench.account.advance(200)
    await bench.look_again()
    later = utc_now() + timedelta(seconds=200)
    monkeypatch.setattr("aisearch_operator.reconcilers.sync_job.utc_now", lambda: later)

    await bench.make_pass(key)

    assert waits == ("Pending", "InstanceResourceMissing")
    assert 0 < again.after <= 100
    assert state(bench, key) == ("Failed", "DeadlineExceeded")


async def test_a_suspended_job_is_not_started_and_holds_nobody_up(bench):
    await ready_instance(bench)
    key = bench.job("older", age=100, suspend=True)
    younger = bench.job("younger")

    await bench.make_pass(key)

    assert bench.states(key) == ("Unknown", "False", "False", "Suspended")
    assert bench.status_of(key)["phase"] == "Suspended"
    assert bench.condition(key, "Suspended").status == "True"
    assert bench.writes() == []
    assert "younger" in bench.drain_woken()
    await bench.make_pass(younger)
    assert state(bench, younger) == ("Pending", "Accepted")
    bench.requests()
    bench.drain_patches()
    await bench.make_pass(key)
    assert (bench.requests(), bench.drain_patches()) == ([], []), "at rest nothing is asked"
    await bench.restart()
    await bench.make_pass(key)
    assert (bench.requests(), bench.drain_patches()) == ([], [])


async def test_a_suspended_job_of_an_instance_that_does_not_exist_stands_by(bench):
    key = bench.job(suspend=True)

    await bench.make_pass(key)

    assert bench.states(key) == ("Unknown", "False", "False", "Suspended")


@pytest.mark.parametrize("killed", [None, "announced", "cancelled"])
async def test_a_running_job_that_is_suspended_is_cancelled_and_goes_on_as_a_new_attempt(bench, killed):
    bench.account.configure(job_duration=None, cancel_end_reason="stopped_by_user")
    key = await started_job(bench, activeDeadlineSeconds=100)
    bench.job(suspend=True, activeDeadlineSeconds=100)

    await bench.make_pass(key)
    assert state(bench, key) == ("Cancelling", "Cancelling")
    assert bench.writes() == [], "why it is cancelled is written first"
    if killed == "cancelled":
        bench.account.drop("jobs.cancel", stage="after")
        await bench.make_pass(key)
    if killed:
        await bench.restart()
        bench.job(activeDeadlineSeconds=100)  # resumed before the cancellation is through
    await bench.make_pass(key)
    await bench.make_pass(key)

    assert history(bench, key) == [(1, "Suspended")]
    status = bench.status_of(key)
    assert "failed" not in status
    assert "runStartTime" not in status
    if not killed:
        assert bench.states(key) == ("Unknown", "False", "False", "Suspended")
        bench.account.advance(500)
        bench.job(activeDeadlineSeconds=100)
    await go_on(bench, key)
    assert markers(bench, key) == ["1", "2"]
    assert bench.states(key)[:3] == ("Unknown", "True", "False")
    if not killed:
        assert bench.condition(key, "Suspended").status == "False"
    await go_on(bench, key, 60)
    assert state(bench, key) == ("Running", "Running"), "the deadline counts from the new attempt"


async def test_a_job_that_ends_well_before_it_can_be_suspended_is_complete(bench):
    key = await started_job(bench)
    bench.account.advance(60)
    bench.job(suspend=True)

    await bench.make_pass(key)
    await bench.make_pass(key)

    assert state(bench, key) == ("Succeeded", "Succeeded")


async def test_a_job_that_was_started_unheard_and_is_suspended_is_cancelled_once_it_shows_up(fake, account):
    bench = Bench(fake, account, settle_time=3600)
    try:
        await ready_instance(bench)
        key = await start_unheard(bench)
        bench.job(suspend=True)

        await bench.make_pass(key)
        early = state(bench, key)
        bench.account.advance(11)
        for _ in range(3):
            await bench.make_pass(key)

        assert early == ("Pending", "LookingForEarlierJob")
        assert bench.states(key) == ("Unknown", "False", "False", "Suspended")
        assert [job.end_reason for job in bench.account.jobs("docs")] == ["cancelled"]
    finally:
        await bench.close()


async def test_a_job_that_replaces_ends_the_running_one_and_goes_before_those_that_wait(bench):
    bench.account.configure(job_duration=None)
    older = await started_job(bench, "older", age=100)
    waiting = bench.job("waiting", age=50)
    await bench.make_pass(waiting)
    key = bench.job("hasty", concurrencyPolicy="Replace")

    await bench.make_pass(key)
    assert state(bench, key) == ("Pending", "Cooldown")
    await go_on(bench, key)
    bench.account.advance(2)
    await bench.look_again()
    for each in (older, waiting, key):
        await bench.make_pass(each)

    assert state(bench, key) == ("Running", "Running")
    assert state(bench, older) == ("Failed", "Superseded")
    assert state(bench, waiting) == ("Pending", "WaitingForTurn")


async def test_of_two_that_replace_the_younger_one_goes_first_and_is_not_ended_by_the_older(bench):
    bench.account.configure(job_duration=None)
    await ready_instance(bench)
    bench.account.start_job("docs", plan=JobPlan(start_delay=0, duration=None))
    older = bench.job("older", age=100, concurrencyPolicy="Replace", backoffLimit=5)
    younger = bench.job("younger", concurrencyPolicy="Replace")
    await bench.make_pass(older)
    await bench.make_pass(younger)
    waits = state(bench, older)

    for _ in range(10):
        for key in (older, younger):
            await go_on(bench, key, 20)

    assert waits == ("Pending", "WaitingForTurn")
    assert state(bench, younger) == ("Running", "Running")
    assert markers(bench, older) == []


async def test_a_job_in_another_namespace_that_is_younger_is_not_ended_either(bench):
    bench.account.configure(job_duration=None)
    await ready_instance(bench)
    younger = bench.unmanaged_job("younger", id="docs", searchNamespace="default")
    await bench.make_pass(younger)
    older = bench.job("older", age=100, concurrencyPolicy="Replace")

    await go_on(bench, older)

    assert state(bench, older) == ("Pending", "AnotherJobRunning")


async def finished_job(bench: Bench, **spec: Any) -> ObjectKey:
    key = await started_job(bench, **spec)
    await go_on(bench, key, 60)
    assert state(bench, key) == ("Succeeded", "Succeeded")
    bench.requests()
    bench.drain_patches()
    bench.drain_events()
    return key


async def test_a_new_run_id_runs_a_finished_job_again_once(bench):
    key = await finished_job(bench, runId="monday")
    assert bench.status_of(key)["runId"] == "monday"
    bench.job(runId="tuesday")

    await bench.make_pass(key)
    acknowledged = bench.status_of(key)
    await go_on(bench, key)
    await go_on(bench, key, 60)
    await go_on(bench, key, 60)

    assert acknowledged["runId"] == "tuesday"
    assert bench.condition(key, "Complete").status == "True"
    assert markers(bench, key) == ["1", "2"]
    assert [record["runId"] for record in bench.status_of(key)["attemptHistory"]] == ["monday", "tuesday"]
    bench.job()  # removing it does nothing
    await bench.make_pass(key)
    bench.job(runId="tuesday")
    await bench.make_pass(key)
    assert state(bench, key) == ("Succeeded", "Succeeded")
    assert markers(bench, key) == ["1", "2"]


async def test_a_new_run_counts_its_failures_anew(bench):
    bench.account.configure(job_end_reason="bucket_not_found")
    key = await started_job(bench)
    await go_on(bench, key, 60)
    assert state(bench, key) == ("Failed", "Failed")
    bench.job(runId="again", backoffLimit=1)

    await bench.make_pass(key)
    anew = bench.status_of(key)
    bench.account.configure(job_end_reason=None)
    await go_on(bench, key)
    await go_on(bench, key, 60)

    assert "failed" not in anew
    assert anew["phase"] == "Pending"
    assert state(bench, key) == ("Succeeded", "Succeeded")
    assert history(bench, key) == [(1, "Failed"), (2, "Succeeded")]


async def test_a_run_id_that_changes_during_a_run_is_acted_on_after_it(bench):
    key = await started_job(bench, runId="monday")
    bench.job(runId="tuesday")
    bench.job(runId="wednesday")

    await bench.make_pass(key)
    during = bench.status_of(key)["runId"]
    await go_on(bench, key, 60, passes=2)
    await go_on(bench, key, 60)

    assert during == "monday"
    assert bench.status_of(key)["runId"] == "wednesday"
    assert markers(bench, key) == ["1", "2"]


async def test_a_run_id_that_changes_before_the_first_attempt_is_taken_over(bench):
    key = bench.job(runId="monday")
    await bench.make_pass(key)
    bench.job(runId="tuesday")
    await bench.make_pass(key)

    assert bench.status_of(key)["runId"] == "tuesday"


async def test_a_cancelled_job_runs_again_when_its_cancellation_is_taken_back(bench):
    key = await started_job(bench)
    bench.job(cancel=True)
    await bench.make_pass(key)
    assert state(bench, key) == ("Cancelled", "Cancelled")
    bench.job(cancel=True, runId="again")
    await bench.make_pass(key)
    assert state(bench, key) == ("Cancelled", "Cancelled")

    bench.job(runId="again")
    await bench.make_pass(key)
    await go_on(bench, key)

    assert markers(bench, key) == ["1", "2"]


async def test_a_deleted_resource_ends_the_job_of_whatever_attempt(bench):
    key = await started_job(bench, backoffLimit=1)
    await fail(bench, key)
    bench.account.plan_next_job(ENDLESS)
    bench.account.drop("jobs.create", stage="after")
    await go_on(bench, key)
    await bench.restart()
    bench.mark_deleted(key)

    await bench.make_pass(key)

    assert bench.released(key)
    assert [job.end_reason for job in bench.account.jobs("docs")] == ["bucket_not_found", "cancelled"]


@pytest.mark.parametrize("paused", ["suspended", "between two attempts"])
async def test_a_deleted_resource_that_pauses_goes_at_once(bench, paused):
    key = await started_job(bench, backoffLimit=1)
    if paused == "suspended":
        bench.job(backoffLimit=1, suspend=True)
        await bench.make_pass(key)
        await bench.make_pass(key)
    else:
        await fail(bench, key)
    bench.requests()
    bench.mark_deleted(key)

    await bench.make_pass(key)

    assert bench.released(key)
    assert bench.writes() == []
