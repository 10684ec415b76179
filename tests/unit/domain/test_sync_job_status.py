"""The status of a sync job resource, from what a pass found."""

from datetime import timedelta
from typing import Any

import pytest

from aisearch_operator.cloudflare.wire import Job, JobLog
from aisearch_operator.domain.reasons import Reason
from aisearch_operator.domain.sync_job_outcome import ended_verdict, outcome
from aisearch_operator.domain.sync_job_status import (
    MAX_LOGS,
    JobFinding,
    is_terminal,
    progress_due,
    running_verdict,
    summarize_job,
)
from aisearch_operator.domain.verdict import Verdict
from aisearch_operator.resources.sync_job import AISearchSyncJobStatus
from unit.builders import NOW, ago, said, wire_job

FRESH = AISearchSyncJobStatus()
WORKING = Verdict.working(Reason.WORKING, "")
RUNNING = wire_job(started=ago(60), seen=ago(5))
FAILED = wire_job(started=ago(60), seen=ago(5), ended=NOW, end_reason="bucket_not_found")
SUCCEEDED = wire_job(started=ago(125), seen=ago(5), ended=NOW)


def summarized(
    previous: AISearchSyncJobStatus = FRESH, verdict: Verdict = WORKING, **found: Any
) -> AISearchSyncJobStatus:
    return summarize_job(previous, JobFinding(verdict, **found), generation=1, now=NOW)


def running(previous: AISearchSyncJobStatus = FRESH, job: Job = RUNNING, **found: Any) -> AISearchSyncJobStatus:
    return summarized(previous, running_verdict(job), job=job, **found)


def over(reason: Reason, job: Job | None, previous: AISearchSyncJobStatus = FRESH) -> AISearchSyncJobStatus:
    return summarized(previous, ended_verdict(reason, job), job=job, finished=reason, closed=job and reason)


def statuses(status: AISearchSyncJobStatus) -> dict[str, str]:
    return {known.type: known.status for known in status.conditions}


@pytest.mark.parametrize(
    ("end_reason", "cancel", "expected"),
    [
        (None, False, Reason.SUCCEEDED),
        (None, True, Reason.SUCCEEDED),
        ("completed", True, Reason.SUCCEEDED),
        ("cancelled", False, Reason.CANCELLED),
        ("Canceled", False, Reason.CANCELLED),
        ("job_stopped", True, Reason.CANCELLED),
        ("new_job_has_started", False, Reason.SUPERSEDED),
        ("new_job_has_started", True, Reason.CANCELLED),
        ("bucket_not_found", False, Reason.FAILED),
    ],
)
def test_an_ended_job_has_one_outcome(end_reason, cancel, expected):
    job = wire_job(started=ago(9), ended=NOW, end_reason=end_reason)

    assert outcome(job, cancel=cancel, stopping=None) is expected


@pytest.mark.parametrize(
    ("status", "ready", "reconciling", "stalled", "complete", "failed", "phase"),
    [
        (summarized(), "False", "True", "False", "False", "False", "Pending"),
        (running(job=wire_job()), "Unknown", "True", "False", "False", "False", "Pending"),
        (running(), "Unknown", "True", "False", "False", "False", "Running"),
        (over(Reason.SUCCEEDED, SUCCEEDED), "True", "False", "False", "True", "False", "Succeeded"),
        (over(Reason.FAILED, FAILED), "False", "False", "True", "False", "True", "Failed"),
        (over(Reason.SUPERSEDED, FAILED), "False", "False", "True", "False", "True", "Failed"),
        (over(Reason.LOST, None), "False", "False", "True", "False", "True", "Failed"),
        (over(Reason.CANCELLED, FAILED), "False", "False", "True", "False", "True", "Cancelled"),
        (over(Reason.CANCELLED, None), "False", "False", "True", "False", "True", "Cancelled"),
        (
            summarized(verdict=Verdict.working(Reason.CANCELLING, ""), job=RUNNING),
            *("False", "True", "False", "False", "False", "Cancelling"),
        ),
    ],
)
def test_each_state_has_its_row_in_the_table(status, ready, reconciling, stalled, complete, failed, phase):
    assert statuses(status) == {
        "Ready": ready,
        "Reconciling": reconciling,
        "Stalled": stalled,
        "Complete": complete,
        "Failed": failed,
    }
    assert status.phase == phase


@pytest.mark.parametrize("reason", [Reason.FAILED, Reason.SUPERSEDED, Reason.LOST, Reason.CANCELLED])
@pytest.mark.parametrize("job", [FAILED, None])
def test_a_job_that_did_not_end_well_says_why(reason, job):
    assert ended_verdict(reason, job).message


def test_a_failed_job_gives_the_words_of_cloudflare():
    status = over(Reason.FAILED, FAILED)

    assert status.end_reason == "bucket_not_found"
    assert "bucket_not_found" in said(status.conditions, "Failed").message


def test_a_job_is_shown_with_its_times():
    status = over(Reason.SUCCEEDED, SUCCEEDED).to_kubernetes()

    assert {name: status[name] for name in status if name not in {"conditions", "logs", "phase"}} == {
        "runStartTime": "2026-11-23T11:57:55Z",
        "attemptHistory": [
            {
                "attempt": 1,
                "jobId": "job-1",
                "startTime": "2026-11-23T11:57:55Z",
                "completionTime": "2026-11-23T12:00:00Z",
                "outcome": "Succeeded",
            }
        ],
        "observedGeneration": 1,
        "jobId": "job-1",
        "attempts": 1,
        "startTime": "2026-11-23T11:57:55Z",
        "completionTime": "2026-11-23T12:00:00Z",
        "lastSeenTime": "2026-11-23T11:59:55Z",
        "duration": "2m5s",
    }


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (0.4, "0s"),
        (59, "59s"),
        (60, "1m0s"),
        (3599.6, "1h0m0s"),
        (3725, "1h2m5s"),
        (90_000, "25h0m0s"),
        (-5, "0s"),
    ],
)
def test_a_duration_is_written_as_kubernetes_does(seconds, text):
    job = wire_job(started=NOW, ended=NOW + timedelta(seconds=seconds))

    assert over(Reason.SUCCEEDED, job).duration == text


@pytest.mark.parametrize(
    "trouble", [Verdict.working("ApiUnavailable", "503"), Verdict.stalled("CredentialsRejected", "")]
)
def test_a_running_job_that_cannot_be_looked_at_still_runs_as_far_as_anybody_knows(trouble):
    before = running()

    after = summarized(before, trouble)

    assert after.phase == "Running"
    assert after.model_copy(update={"conditions": before.conditions}) == before


@pytest.mark.parametrize(
    ("written", "seen", "due"),
    [
        (None, None, False),
        (None, ago(0), True),
        (ago(59), ago(0), False),
        (ago(60), ago(0), True),
        (ago(0), ago(0), False),
        (ago(0), None, False),
    ],
)
def test_a_heartbeat_is_written_at_most_once_a_minute(written, seen, due):
    status = FRESH.model_copy(update={"job_id": "job-1", "last_seen_time": written})

    assert progress_due(status, wire_job(started=ago(100), seen=seen)) is due


def test_a_heartbeat_that_is_not_due_changes_nothing():
    before = running()

    assert running(before, wire_job(started=ago(60), seen=ago(0))) == before


def test_the_end_is_written_with_the_last_heartbeat():
    after = over(Reason.SUCCEEDED, SUCCEEDED.model_copy(update={"last_seen_at": ago(1)}), running())

    assert after.last_seen_time == ago(1)


def test_of_a_log_the_last_lines_are_kept_and_long_ones_cut():
    lines = [JobLog(id=number, message=f"{number} " + "x" * 5000, created_at=NOW) for number in range(50)]

    status = running(logs=lines)

    assert len(status.logs) == MAX_LOGS
    assert status.logs[-1].message.startswith("49 ")
    assert len(status.logs[-1].message) == 1024


def test_logs_that_were_not_read_stay():
    before = running(logs=[JobLog(message="one")])

    assert running(before).logs == before.logs


def test_where_the_job_runs_is_remembered_for_its_deletion():
    status = summarized(account_id="acc", search_namespace="archive", instance_id="docs", credentials_secret="")

    later = summarized(status)

    assert (later.account_id, later.search_namespace, later.instance_id) == ("acc", "archive", "docs")
    assert later.credentials_secret == ""


@pytest.mark.parametrize(
    ("status", "terminal"),
    [
        (FRESH, False),
        (summarized(), False),
        (running(), False),
        (summarized(verdict=Verdict.stalled(Reason.INVALID_SPEC, "")), False),
        (over(Reason.SUCCEEDED, SUCCEEDED), True),
        (over(Reason.FAILED, FAILED), True),
        (over(Reason.CANCELLED, None), True),
    ],
)
def test_a_sync_job_is_over_when_it_is_complete_or_failed(status, terminal):
    assert is_terminal(status) is terminal
