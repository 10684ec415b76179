"""What the outcome of a pass means for the metrics: jobs that ended, times to ready, drift."""

from collections.abc import Callable, Sequence
from datetime import datetime

from aisearch_operator.domain.attempts import closed_attempts
from aisearch_operator.domain.conditions import condition
from aisearch_operator.domain.reasons import Reason
from aisearch_operator.engine.store import Known, ObjectKey
from aisearch_operator.kube.events import Event
from aisearch_operator.resources.instance import AISearchInstanceStatus
from aisearch_operator.resources.sync_job import AISearchSyncJobStatus
from aisearch_operator.telemetry.definitions import (
    DRIFT_FOUND,
    DRIFT_REPAIRED,
    INSTANCE_READY,
    JOB_DURATION,
    JOBS_FINISHED,
)
from aisearch_operator.telemetry.metrics import Metrics

__all__ = ["Measurements"]


class Measurements:
    """Counts what happens to resources, from what is written about them.

    Parameters
    ----------
    now
        The time, with its zone.
    """

    def __init__(self, metrics: Metrics, now: Callable[[], datetime]) -> None:
        self._metrics = metrics
        self._now = now
        self._never_ready: set[ObjectKey] = set()

    def instance(
        self, known: Known, before: AISearchInstanceStatus, after: AISearchInstanceStatus, events: Sequence[Event]
    ) -> None:
        """Count what a pass over an instance has done and found."""
        repaired = any(event.reason == Reason.DRIFT_REPAIRED for event in events)
        if repaired:
            self._metrics.count(DRIFT_REPAIRED)
        if repaired or (_holds(after, "Drifted") and not _holds(before, "Drifted")):
            self._metrics.count(DRIFT_FOUND)
        if before.observed_generation < 0:
            self._never_ready.add(known.key)
        if _holds(after, "Ready") and known.key in self._never_ready:
            self._never_ready.discard(known.key)
            created = datetime.fromisoformat(known.created)
            # Another machine's clock has set this time.
            self._metrics.observe(INSTANCE_READY, max(0.0, (self._now() - created).total_seconds()))

    def sync_job(self, before: AISearchSyncJobStatus, after: AISearchSyncJobStatus) -> None:
        """Count the attempt that a pass over a sync job has found to be over."""
        if closed_attempts(after) == closed_attempts(before):
            return
        attempt = after.attempt_history[-1]
        self._metrics.count(JOBS_FINISHED, attempt.outcome)
        if attempt.start_time is not None and attempt.completion_time is not None:
            ran = attempt.completion_time - attempt.start_time
            self._metrics.observe(JOB_DURATION, max(0.0, ran.total_seconds()))

    def forget(self, key: ObjectKey) -> None:
        """Drop what is kept for a resource that is gone."""
        self._never_ready.discard(key)


def _holds(status: AISearchInstanceStatus, condition_type: str) -> bool:
    found = condition(status.conditions, condition_type)
    return found is not None and found.status == "True"
