"""How an attempt of a sync job ended, and what is said of the run that ends with it."""

from aisearch_operator.cloudflare.wire import Job
from aisearch_operator.domain.job_state import JobState, state_of
from aisearch_operator.domain.reasons import Reason
from aisearch_operator.domain.verdict import Verdict
from aisearch_operator.resources.sync_job import StopReason

__all__ = ["ended_verdict", "outcome"]

AGAIN = "set a new spec.runId, or apply a new resource, to run it again"


def outcome(job: Job | None, *, cancel: bool, stopping: StopReason | None) -> Reason:
    """Tell how an attempt ended.

    The end reason of a cancelled job is not documented (facts 3.3), so that any end other than success
    counts as the effect of a cancellation that was asked for.

    Parameters
    ----------
    job
        None when Cloudflare does not know it any more.
    cancel
        Whether the user wants it to be cancelled.
    stopping
        Why the operator is ending it, as status remembers.
    """
    state = state_of(job) if job is not None else None
    if state is JobState.SUCCEEDED:
        return Reason.SUCCEEDED
    if cancel:
        return Reason.CANCELLED
    if stopping is not None:
        return Reason(stopping)
    if job is None:
        return Reason.LOST
    if (job.end_reason or "").lower() in {"cancelled", "canceled"}:
        return Reason.CANCELLED
    return Reason.SUPERSEDED if state is JobState.SUPERSEDED else Reason.FAILED


def ended_verdict(reason: Reason, job: Job | None, *, attempt_outcome: Reason | None = None) -> Verdict:
    """Judge a finished run.

    Parameters
    ----------
    job
        The job of its last attempt; None when there is none, or none any more.
    attempt_outcome
        How the last attempt ended, when that is not already the reason.
    """
    if reason is Reason.SUCCEEDED:
        return Verdict.fine(reason, "The sync job ended well")
    if reason is Reason.BACKOFF_LIMIT_EXCEEDED:
        last = f": {_said(attempt_outcome, job)}" if attempt_outcome is not None else ""
        return Verdict.stalled(reason, f"All attempts that spec.backoffLimit allows have failed{last}")
    return Verdict.stalled(reason, _said(reason, job))


def _said(reason: Reason, job: Job | None) -> str:
    end_reason = job.end_reason if job else None
    messages = {
        Reason.CANCELLED: "The sync job was cancelled on request"
        if job
        else "The sync job was cancelled before it was started",
        Reason.SUPERSEDED: f"Another sync job was started and ended this one ({end_reason}); {AGAIN}",
        Reason.LOST: f"Cloudflare does not know the job any more, so its outcome is unknown; {AGAIN}",
        Reason.FAILED: f"Cloudflare ended the job with the reason: {end_reason}",
        Reason.DEADLINE_EXCEEDED: f"The run took longer than spec.activeDeadlineSeconds allows; {AGAIN}",
    }
    return messages[reason]
