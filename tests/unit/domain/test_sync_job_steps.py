"""The next step of a sync job, and of one whose resource is deleted."""

from dataclasses import replace
from datetime import timedelta

import pytest

from aisearch_operator.cloudflare.wire import Job
from aisearch_operator.domain.attempts import Run
from aisearch_operator.domain.job_state import Attempt
from aisearch_operator.domain.reasons import Reason
from aisearch_operator.domain.sync_job import ended_step, next_step, removal_step, step_after_closing
from aisearch_operator.domain.sync_job_steps import (
    Announce,
    Cancel,
    Close,
    Finish,
    Hold,
    LookUp,
    Release,
    Request,
    StandBy,
    Start,
    Step,
    Track,
)
from unit.builders import ATTEMPT, NOW, ago, request, wire_job

COOLDOWN = timedelta(seconds=35)
OURS = ATTEMPT.description("nightly")

PENDING = wire_job("mine", description=OURS)
RUNNING = wire_job("mine", description=OURS, started=ago(60))
ENDED = wire_job("mine", description=OURS, started=ago(90), ended=ago(60))
SUCCEEDED = Finish(ENDED, Reason.SUCCEEDED, Reason.SUCCEEDED)
UNSTARTED = Finish(None, Reason.CANCELLED, None)
THEIRS_RUNNING = wire_job("theirs", started=ago(100), source="schedule")
THEIRS_PENDING = wire_job("theirs")
THEIRS_ENDED = wire_job("theirs", started=ago(100), ended=ago(60))


def step(wanted: Request, *jobs: Job) -> Step:
    return next_step(wanted, jobs, NOW, COOLDOWN)


def holds(found: Step, reason: Reason, after: float | None) -> bool:
    return isinstance(found, Hold) and (found.reason, found.after) == (reason, after)


@pytest.mark.parametrize(
    ("wanted", "jobs", "expected"),
    [
        (request(), [], Start()),
        (request(), [THEIRS_ENDED], Start()),
        (request(), [PENDING], Track(PENDING)),
        (request(), [RUNNING], Track(RUNNING)),
        (request(), [ENDED], SUCCEEDED),
        (request(), [THEIRS_RUNNING, RUNNING], Track(RUNNING)),
        (request(ahead=3), [RUNNING], Track(RUNNING)),
        (request(job_id="mine"), [RUNNING], Track(RUNNING)),
        (request(job_id="mine"), [wire_job("mine", started=ago(1))], Track(wire_job("mine", started=ago(1)))),
        (request(job_id="mine"), [ENDED], SUCCEEDED),
        (request(job_id="mine"), [], LookUp("mine")),
        (request(job_id="mine"), [THEIRS_RUNNING], LookUp("mine")),
        (request(job_id="other"), [RUNNING], LookUp("other")),
        (request(cancel=True), [], UNSTARTED),
        (request(cancel=True), [THEIRS_RUNNING], UNSTARTED),
        (request(cancel=True), [PENDING], Cancel(PENDING)),
        (request(cancel=True), [RUNNING], Cancel(RUNNING)),
        (request(cancel=True), [ENDED], SUCCEEDED),
        (request(cancel=True, job_id="mine"), [], LookUp("mine")),
    ],
)
def test_the_next_step(wanted, jobs, expected):
    assert step(wanted, *jobs) == expected


@pytest.mark.parametrize(
    ("wanted", "jobs", "reason", "after"),
    [
        (request(ahead=1), [], Reason.WAITING_FOR_TURN, None),
        (request(ahead=1), [THEIRS_RUNNING], Reason.WAITING_FOR_TURN, None),
        (request(), [THEIRS_RUNNING], Reason.ANOTHER_JOB_RUNNING, None),
        (request(), [THEIRS_PENDING], Reason.ANOTHER_JOB_RUNNING, None),
        (request(), [wire_job(description=Attempt("another", 1).description(""))], Reason.ANOTHER_JOB_RUNNING, None),
        (request(), [THEIRS_ENDED, THEIRS_RUNNING], Reason.ANOTHER_JOB_RUNNING, None),
        (request(), [wire_job(started=ago(100), ended=ago(5))], Reason.COOLDOWN, 30),
        (request(), [wire_job(started=ago(100), ended=ago(34))], Reason.COOLDOWN, 1),
        (request(), [wire_job(started=ago(5), ended=ago(4)), THEIRS_ENDED], Reason.COOLDOWN, 31),
        (request(), [wire_job(ended=ago(1))], Reason.COOLDOWN, 34),
    ],
)
def test_a_job_waits_with_a_reason_and_the_time_when_it_is_known(wanted, jobs, reason, after):
    assert holds(step(wanted, *jobs), reason, after)


def test_a_job_starts_when_the_cooldown_has_just_passed():
    assert step(request(), wire_job(started=ago(100), ended=ago(35))) == Start()


def test_what_a_waiting_job_says_does_not_change_with_the_time_that_is_left():
    first = step(request(), wire_job(started=ago(100), ended=ago(5)))
    later = step(request(), wire_job(started=ago(100), ended=ago(15)))

    assert isinstance(first, Hold)
    assert isinstance(later, Hold)
    assert first.message == later.message


@pytest.mark.parametrize(
    ("wanted", "jobs", "expected"),
    [
        (request(), [], Release()),
        (request(), [THEIRS_RUNNING], Release()),
        (request(), [PENDING], Cancel(PENDING)),
        (request(), [RUNNING], Cancel(RUNNING)),
        (request(), [ENDED], Release()),
        (request(job_id="mine"), [RUNNING], Cancel(RUNNING)),
        (request(job_id="mine"), [ENDED], Release()),
        (request(job_id="mine"), [THEIRS_RUNNING], LookUp("mine")),
        (request(job_id="mine"), [], LookUp("mine")),
        (request(ahead=2), [], Release()),
        (request(cancel=True), [RUNNING], Cancel(RUNNING)),
    ],
)
def test_the_next_step_of_a_deleted_resource(wanted, jobs, expected):
    assert removal_step(wanted, jobs) == expected


FAILED = wire_job("mine", description=OURS, started=ago(90), ended=ago(60), end_reason="bucket_not_found")
ENDED_BY_ANOTHER = FAILED.model_copy(update={"end_reason": "new_job_has_started"})
CANCELLED = FAILED.model_copy(update={"end_reason": "cancelled"})
THIRD = Attempt(ATTEMPT.uid, 3)


def run(failed: int = 0, limit: int = 3, *, since: float | None = None, seconds: float | None = None) -> Run:
    """Build a run whose last attempt failed 60 s ago, if any did."""
    return Run(
        failed=failed,
        backoff_limit=limit,
        failed_at=ago(60) if failed else None,
        started_at=None if since is None else ago(since),
        time_limit=None if seconds is None else timedelta(seconds=seconds),
    )


@pytest.mark.parametrize(
    ("wanted", "job", "expected"),
    [
        (request(), FAILED, Finish(FAILED, Reason.FAILED, Reason.FAILED)),
        (request(run=run()), FAILED, Close(FAILED, Reason.FAILED)),
        (request(run=run()), ENDED_BY_ANOTHER, Close(ENDED_BY_ANOTHER, Reason.SUPERSEDED)),
        (request(run=run()), ENDED, SUCCEEDED),
        (request(run=run()), CANCELLED, Finish(CANCELLED, Reason.CANCELLED, Reason.CANCELLED)),
        (request(run=run(), cancel=True), FAILED, Finish(FAILED, Reason.CANCELLED, Reason.CANCELLED)),
        (request(run=run(2)), FAILED, Close(FAILED, Reason.FAILED)),
        (request(run=run(3)), FAILED, Finish(FAILED, Reason.BACKOFF_LIMIT_EXCEEDED, Reason.FAILED)),
        (request(run=run(since=90, seconds=90)), FAILED, Finish(FAILED, Reason.DEADLINE_EXCEEDED, Reason.FAILED)),
        (request(run=run(since=90, seconds=91)), FAILED, Close(FAILED, Reason.FAILED)),
        (request(run=run(since=90, seconds=90)), ENDED, SUCCEEDED),
        (request(run=run(), suspend=True), FAILED, Close(FAILED, Reason.FAILED)),
        (request(run=run(), stopping="Suspended"), CANCELLED, Close(CANCELLED, Reason.SUSPENDED)),
        (request(stopping="Suspended"), CANCELLED, Close(CANCELLED, Reason.SUSPENDED)),
        (request(stopping="Suspended"), ENDED, SUCCEEDED),
        (request(stopping="Suspended", cancel=True), FAILED, Finish(FAILED, Reason.CANCELLED, Reason.CANCELLED)),
        (
            request(run=run(), stopping="DeadlineExceeded"),
            CANCELLED,
            Finish(CANCELLED, Reason.DEADLINE_EXCEEDED, Reason.DEADLINE_EXCEEDED),
        ),
        (request(run=run()), RUNNING, Track(RUNNING)),
        (request(run=run(since=60, seconds=90)), RUNNING, Track(RUNNING, 30)),
        (request(run=run(since=90, seconds=90)), RUNNING, Announce(RUNNING, "DeadlineExceeded")),
        (request(suspend=True), RUNNING, Announce(RUNNING, "Suspended")),
        (request(suspend=True), PENDING, Announce(PENDING, "Suspended")),
        (request(suspend=True, cancel=True), RUNNING, Cancel(RUNNING)),
        (request(suspend=True, stopping="Suspended"), RUNNING, Cancel(RUNNING, "Suspended")),
        (request(stopping="Suspended"), RUNNING, Cancel(RUNNING, "Suspended")),
        (request(stopping="DeadlineExceeded", cancel=True), RUNNING, Cancel(RUNNING)),
    ],
)
def test_the_next_step_of_an_attempt_that_is_at_cloudflare(wanted, job, expected):
    assert step(wanted, job) == expected


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (request(suspend=True), StandBy()),
        (request(suspend=True, run=run(1, since=90, seconds=10)), StandBy()),
        (request(suspend=True, cancel=True), UNSTARTED),
        (request(run=run(1, since=90, seconds=90)), Finish(None, Reason.DEADLINE_EXCEEDED, None)),
        (request(run=run(1, since=90, seconds=91)), Start()),
        (request(run=run(seconds=1)), Start()),
        (request(run=run(2, limit=1)), Finish(None, Reason.BACKOFF_LIMIT_EXCEEDED, None)),
        (request(run=run(2, limit=2)), Start()),
    ],
)
def test_the_next_step_before_an_attempt(wanted, expected):
    assert step(wanted) == expected


@pytest.mark.parametrize(
    ("failed", "pause"), [(1, 35), (2, 35), (3, 40), (4, 80), (5, 160), (6, 320), (7, 360), (999, 360)]
)
def test_the_pause_after_a_failed_attempt_doubles_and_is_never_below_the_cooldown(failed, pause):
    wanted = request(run=replace(run(failed, 1000), failed_at=ago(5)))

    assert holds(step(wanted), Reason.BACK_OFF, pause - 5)
    assert step(replace(wanted, run=replace(wanted.run, failed_at=ago(pause)))) == Start()


def test_a_deadline_is_looked_at_in_time_whatever_is_waited_for():
    limited = run(since=60, seconds=70)

    assert holds(step(request(run=limited), THEIRS_RUNNING), Reason.ANOTHER_JOB_RUNNING, 10)
    assert holds(step(request(run=limited, ahead=1)), Reason.WAITING_FOR_TURN, 10)
    assert holds(step(request(run=limited), wire_job(ended=ago(1))), Reason.COOLDOWN, 10)


def test_a_job_that_replaces_others_waits_for_the_cooldown_and_for_those_of_younger_resources():
    wanted = request(replaces=True, spared=frozenset({"younger"}))
    younger = wire_job(started=ago(100), description=Attempt("younger", 2).description("x"))
    older = wire_job(started=ago(100), description=Attempt("older", 2).description("x"))

    assert step(wanted, THEIRS_RUNNING, older) == Start()
    assert holds(step(wanted, THEIRS_RUNNING, younger), Reason.ANOTHER_JOB_RUNNING, None)
    assert holds(step(wanted, wire_job(started=ago(5))), Reason.COOLDOWN, 30)


def test_an_earlier_attempt_is_not_taken_for_the_present_one():
    assert step(replace(request(run=run(2)), attempt=THIRD), FAILED) == Start()


@pytest.mark.parametrize("job", [FAILED, None])
def test_after_a_failed_attempt_the_run_pauses(job):
    wanted = request(job_id="mine", run=run())
    closing = ended_step(wanted, job, NOW)
    assert isinstance(closing, Close)

    then = step_after_closing(wanted, closing, (), ago(40), COOLDOWN)

    assert holds(then, Reason.BACK_OFF, 15 if job else 35)


def test_after_a_suspended_attempt_the_run_stands_by_until_it_is_resumed_and_its_deadline_begins_anew():
    wanted = request(suspend=True, stopping="Suspended", run=run(since=500, seconds=10))
    closing = Close(CANCELLED, Reason.SUSPENDED)

    assert step_after_closing(wanted, closing, (), NOW, COOLDOWN) == StandBy()
    assert step_after_closing(replace(wanted, suspend=False), closing, (), NOW, COOLDOWN) == Start()


def test_a_deleted_resource_ends_an_earlier_attempt_that_was_given_up_as_lost():
    assert removal_step(replace(request(), attempt=THIRD), [RUNNING]) == Cancel(RUNNING)
