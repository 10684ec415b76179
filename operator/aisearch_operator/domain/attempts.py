"""What the status of a sync job remembers of its attempts: which one is the present, and what the run has left."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from aisearch_operator.domain.reasons import Reason
from aisearch_operator.resources.sync_job import AISearchSyncJob, AISearchSyncJobStatus

__all__ = ["FAILURES", "Run", "closed_attempts", "open_job_id", "run_id_of", "run_of", "wants_new_run"]

FAILURES = frozenset({Reason.FAILED, Reason.SUPERSEDED, Reason.LOST})
"""Outcomes of an attempt that count as failed, and are tried again where ``spec.backoffLimit`` allows it."""

FIRST_DELAY = timedelta(seconds=10)
LONGEST_DELAY = timedelta(minutes=6)
"""The pause before the next attempt doubles from the first to the second, as that of Kubernetes' Job does."""


@dataclass(frozen=True, slots=True)
class Run:
    """How far the present run is, and what its spec allows it.

    Parameters
    ----------
    failed
        Attempts of this run that have failed.
    backoff_limit
        Failed attempts that may be followed by another.
    failed_at
        When the last attempt failed, by Cloudflare's clock; None when it did not.
    started_at
        When the first attempt started; None before, and while the run is suspended.
    time_limit
        How long the run may take from then on.
    """

    failed: int = 0
    backoff_limit: int = 0
    failed_at: datetime | None = None
    started_at: datetime | None = None
    time_limit: timedelta | None = None

    @property
    def deadline(self) -> datetime | None:
        """When the run has taken too long; None when that cannot be."""
        if self.started_at is None or self.time_limit is None:
            return None
        return self.started_at + self.time_limit

    def overdue(self, now: datetime) -> bool:
        """Whether the run has taken too long."""
        return self.deadline is not None and now >= self.deadline

    def pause(self, shortest: timedelta) -> timedelta:
        """Give the pause after the last failed attempt; Cloudflare's own is ``shortest``."""
        doublings = min(max(self.failed, 1) - 1, 10)
        return max(shortest, min(FIRST_DELAY * (1 << doublings), LONGEST_DELAY))


def run_of(resource: AISearchSyncJob) -> Run:
    """Read the present run from a resource."""
    spec, status = resource.spec, resource.status
    last = status.attempt_history[-1] if status.attempt_history else None
    seconds = spec.active_deadline_seconds
    return Run(
        failed=status.failed or 0,
        backoff_limit=spec.backoff_limit,
        failed_at=last.completion_time if last and status.failed and last.outcome in FAILURES else None,
        started_at=status.run_start_time,
        time_limit=None if seconds is None else timedelta(seconds=seconds),
    )


def closed_attempts(status: AISearchSyncJobStatus) -> int:
    """Give the number of the last attempt that is over; the present one is the next."""
    return status.attempt_history[-1].attempt if status.attempt_history else 0


def open_job_id(status: AISearchSyncJobStatus) -> str | None:
    """Give the job of the present attempt; None while status knows none."""
    return status.job_id if (status.attempts or 0) > closed_attempts(status) else None


def run_id_of(resource: AISearchSyncJob, *, adopts: bool) -> str | None:
    """Give the ``spec.runId`` that the present run is made for.

    Until its first attempt, a run takes over each change; afterwards a change asks for another run.

    Parameters
    ----------
    adopts
        Whether its present attempt was found at Cloudflare, and was started for an earlier spec perhaps.
    """
    wanted, status = resource.spec.run_id, resource.status
    if status.observed_generation < 0:
        return wanted
    last = status.attempt_history[-1] if status.attempt_history else None
    has_begun = open_job_id(status) is not None or (last is not None and last.run_id == status.run_id)
    return status.run_id if has_begun or adopts else wanted or status.run_id


def wants_new_run(resource: AISearchSyncJob) -> bool:
    """Whether a finished resource is to run again: ``spec.runId`` has a value that was not acted on yet."""
    spec = resource.spec
    return spec.run_id is not None and spec.run_id != resource.status.run_id and not spec.cancel
