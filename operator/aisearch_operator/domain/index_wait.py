"""What ``spec.completionPolicy: Indexed`` adds to a run: after the end of its job, that of the indexing."""

from dataclasses import dataclass
from datetime import datetime

from aisearch_operator.cloudflare.wire import Stats
from aisearch_operator.domain.attempts import run_of
from aisearch_operator.domain.index_health import at_work, indexed
from aisearch_operator.domain.reasons import Reason
from aisearch_operator.domain.sync_job_outcome import ended_verdict
from aisearch_operator.domain.verdict import Verdict
from aisearch_operator.resources.sync_job import AISearchSyncJob

__all__ = ["IndexStep", "decided_without", "index_step", "without_instance"]

ENDED_WELL = "The job ended well"
NO_READING = f"{ENDED_WELL}; statistics from after its end are still to come"
DEGRADED = f"{ENDED_WELL}; Cloudflare cannot count the items at the moment"
AT_WORK = f"{ENDED_WELL}; items are queued or running in the index"

ABOUT_THE_INDEX = frozenset({Reason.INDEXING, Reason.SOURCE_ERROR, Reason.BLOCKED_BY_SITE})
"""The reasons of a run that waits, and knows what for."""


@dataclass(frozen=True, slots=True)
class IndexStep:
    """Where the run stands.

    Parameters
    ----------
    finished
        How it ended; None while it waits.
    """

    verdict: Verdict
    finished: Reason | None = None


def decided_without(job: AISearchSyncJob, now: datetime) -> IndexStep | None:
    """Tell whether the run is over whatever the index says; None when it is not."""
    if job.spec.cancel:
        message = f"{ENDED_WELL}; on request, its items were not waited for"
        return IndexStep(Verdict.stalled(Reason.CANCELLED, message), Reason.CANCELLED)
    if job.spec.completion_policy == "JobEnded":
        return IndexStep(ended_verdict(Reason.SUCCEEDED, None), Reason.SUCCEEDED)
    if run_of(job).overdue(now):
        message = f"{ENDED_WELL}, but its items took longer than spec.activeDeadlineSeconds allows"
        return IndexStep(Verdict.stalled(Reason.DEADLINE_EXCEEDED, message), Reason.DEADLINE_EXCEEDED)
    return None


def index_step(stats: Stats | None, standing: Verdict | None = None) -> IndexStep:
    """Judge the index.

    Parameters
    ----------
    stats
        Read after the job had ended; None when there are no such yet.
    standing
        What was said last: it stands until there is news, also over a restart.
    """
    if stats is None:
        if standing is not None and standing.reason in ABOUT_THE_INDEX:
            return IndexStep(standing)
        return _waiting(NO_READING)
    if stats.degraded:
        return _waiting(DEGRADED)
    if at_work(stats):
        _, _, reason, message = indexed(None, stats)
        # An error that stops the whole instance keeps its items where they are, until somebody acts.
        return _waiting(AT_WORK) if reason == Reason.INDEXING else IndexStep(Verdict.stalled(reason, message))
    verdict = ended_verdict(Reason.SUCCEEDED, None)
    if stats.error:
        message = "The sync job ended well; some items could not be indexed: status.stats.error says how many"
        verdict = Verdict.fine(Reason.SUCCEEDED, message)
    return IndexStep(verdict, Reason.SUCCEEDED)


def without_instance() -> IndexStep:
    """Judge a run whose instance is gone for good."""
    message = f"{ENDED_WELL}, but its instance was deleted before the items were indexed"
    return IndexStep(Verdict.stalled(Reason.LOST, message), Reason.LOST)


def _waiting(message: str) -> IndexStep:
    return IndexStep(Verdict.working(Reason.INDEXING, message, ready="Unknown"))
