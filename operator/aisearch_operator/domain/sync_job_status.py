"""The status of an AISearchSyncJob, made from what a pass found and from what stood there before."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from aisearch_operator.cloudflare.wire import Job, JobLog, Stats
from aisearch_operator.domain.attempts import FAILURES, closed_attempts, open_job_id
from aisearch_operator.domain.conditions import ConditionUpdate, condition, update_conditions
from aisearch_operator.domain.index_health import counts
from aisearch_operator.domain.index_wait import index_step
from aisearch_operator.domain.job_state import JobState, state_of
from aisearch_operator.domain.reasons import Reason
from aisearch_operator.domain.sync_job_outcome import ended_verdict
from aisearch_operator.domain.sync_job_steps import Announce, Cancel, Close, Finish, Hold, StandBy, Step, Track
from aisearch_operator.domain.verdict import ConditionStatus, Verdict
from aisearch_operator.resources.sync_job import (
    MAX_ATTEMPT_HISTORY,
    AISearchSyncJobStatus,
    AttemptRecord,
    LogLine,
    StopReason,
)

__all__ = [
    "JobFinding",
    "is_suspended",
    "is_terminal",
    "progress_due",
    "reopen",
    "running_verdict",
    "summarize_job",
    "with_closing",
    "with_index_awaited",
    "with_step",
]

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
    server_time
        Cloudflare's time when that was seen.
    finished
        How the run ended, as a reason; None while it has not.
    closed
        How the present attempt ended; None while it has not, or was not started.
    stopping
        Why the operator ends the job; None leaves what status says.
    run_id
        What the run is made for; None leaves what status says.
    handled
        The request for a pass now that this pass has answered; None when there was none.
    indexing_since
        When the job of the run ended well, if the index is to be waited for; None leaves what status says.
    """

    verdict: Verdict
    account_id: str | None = None
    search_namespace: str | None = None
    instance_id: str | None = None
    credentials_secret: str | None = None
    job: Job | None = None
    logs: Sequence[JobLog] | None = None
    server_time: datetime | None = None
    finished: Reason | None = None
    closed: Reason | None = None
    stopping: StopReason | None = None
    run_id: str | None = None
    handled: str | None = None
    indexing_since: datetime | None = None
    stats: Stats | None = None


def is_terminal(status: AISearchSyncJobStatus) -> bool:
    """Whether the run is over: nothing but a new ``spec.runId`` changes it any more."""
    return any(
        (found := condition(status.conditions, condition_type)) is not None and found.status == "True"
        for condition_type in ("Complete", "Failed")
    )


def is_suspended(status: AISearchSyncJobStatus, generation: int) -> bool:
    """Whether it was found that nothing of the sync job runs, since this generation of its spec suspended it."""
    suspended = condition(status.conditions, "Suspended")
    return suspended is not None and suspended.status == "True" and suspended.observed_generation == generation


def with_step(finding: JobFinding, step: Step) -> JobFinding:
    """Add to a finding what a step says of the sync job; some say nothing."""
    match step:
        case Hold(reason, message):
            return replace(finding, verdict=Verdict.working(reason, message))
        case StandBy():
            return replace(finding, verdict=Verdict.suspended("spec.suspend is true: no job is started"))
        case Track(job):
            return replace(finding, job=job, verdict=running_verdict(job))
        case Announce(job, why) | Cancel(job, why):
            return replace(finding, job=job, stopping=why, verdict=_cancelling(job, why))
        case Finish(job, reason, outcome):
            verdict = ended_verdict(reason, job, attempt_outcome=outcome)
            return replace(finding, job=job or finding.job, finished=reason, closed=outcome, verdict=verdict)
        case _:
            return finding


def with_index_awaited(finding: JobFinding) -> JobFinding:
    """Turn the finding that a run ended well into one that its job did, and that it waits for the index."""
    ended_at = finding.job.ended_at if finding.job else None
    return replace(finding, finished=None, indexing_since=ended_at, verdict=index_step(None).verdict)


def with_closing(finding: JobFinding, step: Close, then: Step) -> JobFinding:
    """Add to a finding that the present attempt is over, and what the run does then."""
    if isinstance(then, Hold | StandBy):
        finding = with_step(finding, then)
    elif step.outcome in FAILURES:
        finding = replace(finding, verdict=Verdict.working(Reason.BACK_OFF, "An attempt failed; the next one follows"))
    else:
        finding = replace(finding, verdict=Verdict.working(Reason.WORKING, "The run goes on with a new attempt"))
    return replace(finding, job=step.job or finding.job, closed=step.outcome)


def running_verdict(job: Job) -> Verdict:
    """Judge a job that has not ended."""
    if state_of(job) is JobState.PENDING:
        return Verdict.working(Reason.ACCEPTED, f"Job {job.id} waits at Cloudflare for its start", ready="Unknown")
    return Verdict.working(Reason.RUNNING, f"Job {job.id} runs", ready="Unknown")


def _cancelling(job: Job, why: StopReason) -> Verdict:
    because = {
        "Cancelled": "",
        "Suspended": ": spec.suspend is true",
        "DeadlineExceeded": ": the run takes longer than spec.activeDeadlineSeconds allows",
    }
    return Verdict.working(Reason.CANCELLING, f"Job {job.id} is being cancelled{because[why]}")


def progress_due(previous: AISearchSyncJobStatus, job: Job) -> bool:
    """Whether a running job's heartbeat has moved far enough since it was last written."""
    if job.last_seen_at is None:
        return False
    if previous.last_seen_time is None or previous.job_id != job.id:
        return True
    return job.last_seen_at - previous.last_seen_time >= PROGRESS_INTERVAL


def summarize_job(
    previous: AISearchSyncJobStatus, finding: JobFinding, *, generation: int, now: datetime
) -> AISearchSyncJobStatus:
    """Make the new status. What the pass did not look at stays as it was."""
    changes: dict[str, object] = {
        "observed_generation": generation,
        "conditions": update_conditions(
            previous.conditions, finding.verdict, _aspects(previous, finding), generation=generation, now=now
        ),
        "phase": _phase(previous, finding),
        "run_id": finding.run_id or previous.run_id,
        "stopping": finding.stopping or previous.stopping,
        "last_handled_reconcile_at": previous.last_handled_reconcile_at if finding.handled is None else finding.handled,
        "indexing_since": None if finding.finished else finding.indexing_since or previous.indexing_since,
    }
    if finding.stats is not None:
        changes["stats"] = counts(finding.stats)
    if finding.instance_id is not None:
        changes |= {
            "account_id": finding.account_id,
            "search_namespace": finding.search_namespace,
            "instance_id": finding.instance_id,
            "credentials_secret": finding.credentials_secret,
        }
    if finding.job is not None:
        changes |= _progress(previous, finding.job)
        changes["run_start_time"] = previous.run_start_time or finding.job.started_at or finding.server_time
    if finding.logs is not None:
        changes["logs"] = tuple(
            LogLine(time=line.created_at, message=line.message[:MAX_LOG_LENGTH]) for line in finding.logs[-MAX_LOGS:]
        )
    updated = previous.model_validate(dict(previous) | changes)
    return updated if finding.closed is None else _close(updated, finding, finding.closed, now)


def reopen(previous: AISearchSyncJobStatus, run_id: str, *, generation: int, now: datetime) -> AISearchSyncJobStatus:
    """Make the status of a finished sync job that is to run again; the numbers of its attempts go on."""
    finding = JobFinding(Verdict.working(Reason.WORKING, "spec.runId asks for a new run"), run_id=run_id)
    status = summarize_job(previous, finding, generation=generation, now=now)
    return status.model_copy(update={"failed": None, "run_start_time": None, "stopping": None, "stats": None})


def _aspects(previous: AISearchSyncJobStatus, finding: JobFinding) -> tuple[ConditionUpdate, ...]:
    verdict, ended = finding.verdict, finding.finished

    def aspect(condition_type: str, *, holds: bool) -> ConditionUpdate:
        status: ConditionStatus = "True" if holds else "False"
        return condition_type, status, verdict.reason, verdict.message if holds else ""

    suspended = verdict.reason == Reason.SUSPENDED
    aspects = [
        aspect("Complete", holds=ended is Reason.SUCCEEDED),
        aspect("Failed", holds=ended is not None and ended is not Reason.SUCCEEDED),
    ]
    if suspended or condition(previous.conditions, "Suspended") is not None:  # few jobs ever are
        aspects.append(aspect("Suspended", holds=suspended))
    return tuple(aspects)


def _phase(previous: AISearchSyncJobStatus, finding: JobFinding) -> str:
    if finding.finished is not None:
        return {Reason.SUCCEEDED: "Succeeded", Reason.CANCELLED: "Cancelled"}.get(finding.finished, "Failed")
    if finding.verdict.reason == Reason.SUSPENDED:
        return "Suspended"
    if finding.verdict.reason == Reason.CANCELLING:
        return "Cancelling"
    if finding.indexing_since or previous.indexing_since:
        return "Indexing"
    if finding.closed is not None:
        return "Pending"
    if finding.job is None:  # trouble on the way to Cloudflare does not stop the job there
        return (previous.phase if open_job_id(previous) is not None else None) or "Pending"
    return "Running" if state_of(finding.job) is JobState.RUNNING else "Pending"


def _progress(previous: AISearchSyncJobStatus, job: Job) -> dict[str, object]:
    changes: dict[str, object] = {
        "job_id": job.id,
        "attempts": closed_attempts(previous) + 1,
        "start_time": job.started_at,
        "completion_time": job.ended_at,
        "end_reason": job.end_reason or None,
        "duration": _duration(job.ended_at - job.started_at) if job.started_at and job.ended_at else None,
    }
    if previous.job_id != job.id:  # nothing is left of the attempt before
        changes |= {"last_seen_time": None, "logs": ()}
    if job.ended_at or progress_due(previous, job):
        changes["last_seen_time"] = job.last_seen_at
    return changes


def _close(status: AISearchSyncJobStatus, finding: JobFinding, outcome: Reason, now: datetime) -> AISearchSyncJobStatus:
    """Enter the present attempt into the history: from now on, the next number is the present."""
    job = finding.job
    record = AttemptRecord(
        attempt=closed_attempts(status) + 1,
        run_id=status.run_id,
        job_id=status.job_id,
        start_time=status.start_time,
        completion_time=(job.ended_at if job else None) or finding.server_time or now,
        end_reason=job.end_reason or None if job else None,
        outcome=outcome,
    )
    return status.model_copy(
        update={
            "attempt_history": (*status.attempt_history, record)[-MAX_ATTEMPT_HISTORY:],
            "failed": (status.failed or 0) + 1 if outcome in FAILURES else status.failed,
            "run_start_time": None if outcome is Reason.SUSPENDED else status.run_start_time,
            "stopping": None,
        }
    )


def _duration(span: timedelta) -> str:
    """Write a time span as Kubernetes does: ``1h2m3s``."""
    minutes, seconds = divmod(max(0, round(span.total_seconds())), 60)
    hours, minutes = divmod(minutes, 60)
    parts = [f"{hours}h" if hours else "", f"{minutes}m" if hours or minutes else "", f"{seconds}s"]
    return "".join(parts)
