"""The state of a job, from its time stamps; and the marker by which it is found."""

import pytest

from aisearch_operator.cloudflare.wire import Job
from aisearch_operator.domain.job_state import MAX_DESCRIPTION, Attempt, JobState, finished, state_of
from unit.builders import ATTEMPT, NOW, UID, ago, wire_job


@pytest.mark.parametrize(
    ("job", "state"),
    [
        (wire_job(), JobState.PENDING),
        (wire_job(seen=ago(1)), JobState.PENDING),
        (wire_job(started=ago(9)), JobState.RUNNING),
        (wire_job(started=ago(9), end_reason="odd"), JobState.RUNNING),
        (wire_job(started=ago(9), ended=NOW), JobState.SUCCEEDED),
        (wire_job(started=ago(9), ended=NOW, end_reason=""), JobState.SUCCEEDED),
        (wire_job(started=ago(9), ended=NOW, end_reason=" "), JobState.SUCCEEDED),
        (wire_job(started=ago(9), ended=NOW, end_reason="completed"), JobState.SUCCEEDED),
        (wire_job(started=ago(9), ended=NOW, end_reason="success"), JobState.SUCCEEDED),
        (wire_job(started=ago(9), ended=NOW, end_reason="new_job_has_started"), JobState.SUPERSEDED),
        (wire_job(started=ago(9), ended=NOW, end_reason="cancelled"), JobState.FAILED),
        (wire_job(started=ago(9), ended=NOW, end_reason="bucket_not_found"), JobState.FAILED),
        (wire_job(ended=NOW, end_reason="new_job_has_started"), JobState.SUPERSEDED),
        (wire_job(ended=NOW), JobState.SUCCEEDED),
    ],
)
def test_the_state_follows_from_the_time_stamps_and_the_end_reason(job, state):
    assert state_of(job) is state
    assert finished(job) is (state not in {JobState.PENDING, JobState.RUNNING})


def test_time_stamps_with_and_without_a_zone_mean_the_same():
    zoned = Job.model_validate(
        {"id": "1", "started_at": "2026-07-16T19:35:43Z", "ended_at": "2026-07-16T21:35:43+02:00"}
    )
    plain = Job.model_validate({"id": "1", "started_at": "2026-07-16 19:35:43", "ended_at": "2026-07-16 19:35:43"})

    assert zoned == plain


@pytest.mark.parametrize("text", ["", "nightly", "x" * 180, "x" * 10_000, "é" * 300])
@pytest.mark.parametrize("number", [1, 99_999])
def test_a_description_keeps_its_marker_within_what_the_api_takes(text, number):
    attempt = Attempt(UID, number)

    description = attempt.description(text)

    assert len(description) <= MAX_DESCRIPTION
    assert attempt.owns(wire_job(description=description))
    assert description == description.strip()


def test_the_longest_description_of_a_spec_is_not_cut():
    assert ATTEMPT.description("x" * 180).startswith("x" * 180 + " ")


@pytest.mark.parametrize(
    ("description", "mine"),
    [
        (ATTEMPT.marker, True),
        (f"nightly {ATTEMPT.marker}", True),
        (f"nightly {ATTEMPT.marker} \n", True),
        (f"nightly {Attempt(UID, 2).marker}", False),
        (f"nightly {Attempt(UID, 11).marker}", False),
        (f"nightly {Attempt('another', 1).marker}", False),
        (f"{ATTEMPT.marker} was copied by a person", False),
        ("nightly", False),
        ("", False),
        (None, False),
    ],
)
def test_a_job_belongs_to_an_attempt_by_the_marker_at_its_end(description, mine):
    assert ATTEMPT.owns(wire_job(description=description)) is mine
