"""The status of an AISearchSyncJob, made from what a pass found and from what stood there before."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from aisearch_operator.cloudflare.wire import Job, JobLog
from aisearch_operator.domain.conditions import ConditionUpdate, condition, update_conditions
from aisearch_operator.domain.job_state import JobState, state_of
from aisearch_operator.domain.reasons import Reason
from aisearch_operator.domain.verdict import ConditionStatus, Verdict
from aisearch_operator.resources.sync_job import AISearchSyncJobStatus, LogLine

__all__ = ["JobFinding", "ended_verdict", "is_terminal", "outcome", "progress_due", "running_verdict", "summarize_job"]

PROGRESS_INTERVAL = timedelta(seconds=60)
"""A running job's heartbeat and logs are written at most this often: each write wakes every watcher up."""

MAX_LOGS = 20
MAX_LOG_LENGTH = 1024
"""Bounds of status.logs; the CRD's maxItems and maxLength."""


@dataclass(frozen=True, slots=True)
class JobFinding:
    """What a pass over a sync job found.

    Parameters
    ----------
    job
        The job as Cloudflare shows it; None when this pass saw none.
    finished
        How it ended, as a reason; None while it has not.
    """

    verdict: Verdict
    account_id: str | None = None
    search_namespace: str | None = None
    instance_id: str | None = None
    credentials_secret: str | None = None
    job: Job | None = None
    logs: Sequence[JobLog] | None = None
    finished: Reason | None = None


def is_terminal(status: AISearchSyncJobStatus) -> bool:
    """Whether the sync job is over: nothing changes it any more."""
    return any(
        (found := condition(status.conditions, condition_type)) is not None and found.status == "True"
        for condition_type in ("Complete", "Failed")
    )


def outcome(job: Job, *, cancel_requested: bool) -> Reason:
    """Tell how an ended job ended.

    Parameters
    ----------
    cancel_requested
        Whether a cancellation was sent. The end reason of a cancelled job is not documented
        (facts 3.3), so that any end other than success counts as its effect.
    """
    state = state_of(job)
    if state is JobState.SUCCEEDED:
        return Reason.SUCCEEDED
    if cancel_requested or (job.end_reason or "").lower() in {"cancelled", "canceled"}:
        return Reason.CANCELLED
    return Reason.SUPERSEDED if state is JobState.SUPERSEDED else Reason.FAILED


def ended_verdict(reason: Reason, job: Job | None) -> Verdict:
    """Judge a finished sync job."""
    if reason is Reason.SUCCEEDED:
        return Verdict.fine(reason, "The sync job ended well")
    end_reason = job.end_reason if job else None
    messages = {
        Reason.CANCELLED: "The sync job was cancelled on request"
        if job
        else "The sync job was cancelled before it was started",
        Reason.SUPERSEDED: f"Another sync job was started and ended this one ({end_reason}); "
        "apply a new resource to run it again",
        Reason.LOST: "Cloudflare does not know the job any more, so its outcome is unknown; "
        "apply a new resource to run it again",
        Reason.FAILED: f"Cloudflare ended the job with the reason: {end_reason}",
    }
    return Verdict.stalled(reason, messages[reason])


def running_verdict(job: Job) -> Verdict:
    """Judge a job that has not ended."""
    if state_of(job) is JobState.PENDING:
        return Verdict.working(Reason.ACCEPTED, f"Job {job.id} waits at Cloudflare for its start", ready="Unknown")
    return Verdict.working(Reason.RUNNING, f"Job {job.id} runs", ready="Unknown")


def progress_due(previous: AISearchSyncJobStatus, job: Job) -> bool:
    """Whether a running job's heartbeat has moved far enough since it was last written."""
    if job.last_seen_at is None:
        return False
    return previous.last_seen_time is None or job.last_seen_at - previous.last_seen_time >= PROGRESS_INTERVAL


def summarize_job(
    previous: AISearchSyncJobStatus, finding: JobFinding, *, generation: int, now: datetime
) -> AISearchSyncJobStatus:
    """Make the new status. What the pass did not look at stays as it was."""
    changes: dict[str, object] = {
        "observed_generation": generation,
        "conditions": update_conditions(
            previous.conditions, finding.verdict, _ends(finding), generation=generation, now=now
        ),
        "phase": _phase(previous, finding),
    }
    if finding.instance_id is not None:
        changes |= {
            "account_id": finding.account_id,
            "search_namespace": finding.search_namespace,
            "instance_id": finding.instance_id,
            "credentials_secret": finding.credentials_secret,
        }
    if finding.job is not None:
        changes |= _progress(previous, finding.job)
    if finding.logs is not None:
        changes["logs"] = tuple(
            LogLine(time=line.created_at, message=line.message[:MAX_LOG_LENGTH]) for line in finding.logs[-MAX_LOGS:]
        )
    return previous.model_validate(dict(previous) | changes)


def _ends(finding: JobFinding) -> tuple[ConditionUpdate, ...]:
    verdict, ended = finding.verdict, finding.finished
    complete: ConditionStatus = "True" if ended is Reason.SUCCEEDED else "False"
    failed: ConditionStatus = "True" if ended is not None and ended is not Reason.SUCCEEDED else "False"
    return (
        ("Complete", complete, verdict.reason, verdict.message if complete == "True" else ""),
        ("Failed", failed, verdict.reason, verdict.message if failed == "True" else ""),
    )


def _phase(previous: AISearchSyncJobStatus, finding: JobFinding) -> str:
    if finding.finished is not None:
        return {Reason.SUCCEEDED: "Succeeded", Reason.CANCELLED: "Cancelled"}.get(finding.finished, "Failed")
    if finding.verdict.reason == Reason.CANCELLING:
        return "Cancelling"
    if finding.job is None:
        return previous.phase or "Pending"  # trouble on the way to Cloudflare does not stop the job there
    return "Running" if state_of(finding.job) is JobState.RUNNING else "Pending"


def _progress(previous: AISearchSyncJobStatus, job: Job) -> dict[str, object]:
    changes: dict[str, object] = {
        "job_id": job.id,
        "attempts": 1,
        "start_time": job.started_at,
        "completion_time": job.ended_at,
        "end_reason": job.end_reason or None,
    }
    if job.ended_at or progress_due(previous, job):
        changes["last_seen_time"] = job.last_seen_at
    if job.started_at and job.ended_at:
        changes["duration"] = _duration(job.ended_at - job.started_at)
    return changes


def _duration(span: timedelta) -> str:
    """Write a time span as Kubernetes does: ``1h2m3s``."""
    minutes, seconds = divmod(max(0, round(span.total_seconds())), 60)
    hours, minutes = divmod(minutes, 60)
    parts = [f"{hours}h" if hours else "", f"{minutes}m" if hours or minutes else "", f"{seconds}s"]
    return "".join(parts)
