"""The next step of a sync job, and of one whose resource is deleted."""

from datetime import timedelta

import pytest

from aisearch_operator.cloudflare.wire import Job
from aisearch_operator.domain.job_state import Attempt
from aisearch_operator.domain.reasons import Reason
from aisearch_operator.domain.sync_job import (
    Cancel,
    Finish,
    Hold,
    LookUp,
    Release,
    Request,
    Start,
    Step,
    Track,
    next_step,
    removal_step,
)
from unit.builders import ATTEMPT, NOW, ago, request, wire_job

COOLDOWN = timedelta(seconds=35)
OURS = ATTEMPT.description("nightly")

PENDING = wire_job("mine", description=OURS)
RUNNING = wire_job("mine", description=OURS, started=ago(60))
ENDED = wire_job("mine", description=OURS, started=ago(90), ended=ago(60))
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
        (request(), [ENDED], Finish(ENDED)),
        (request(), [THEIRS_RUNNING, RUNNING], Track(RUNNING)),
        (request(ahead=3), [RUNNING], Track(RUNNING)),
        (request(job_id="mine"), [RUNNING], Track(RUNNING)),
        (request(job_id="mine"), [wire_job("mine", started=ago(1))], Track(wire_job("mine", started=ago(1)))),
        (request(job_id="mine"), [ENDED], Finish(ENDED)),
        (request(job_id="mine"), [], LookUp("mine")),
        (request(job_id="mine"), [THEIRS_RUNNING], LookUp("mine")),
        (request(job_id="other"), [RUNNING], LookUp("other")),
        (request(cancel=True), [], Finish(None)),
        (request(cancel=True), [THEIRS_RUNNING], Finish(None)),
        (request(cancel=True), [PENDING], Cancel(PENDING)),
        (request(cancel=True), [RUNNING], Cancel(RUNNING)),
        (request(cancel=True), [ENDED], Finish(ENDED)),
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
