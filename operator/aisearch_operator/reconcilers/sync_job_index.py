"""The last stage of a run with ``spec.completionPolicy: Indexed``: it waits for the index of its instance."""

from aisearch_operator.cloudflare.errors import NotFound
from aisearch_operator.domain.attempts import run_of
from aisearch_operator.domain.conditions import standing_verdict
from aisearch_operator.domain.index_wait import IndexStep, decided_without, index_step, without_instance
from aisearch_operator.domain.reasons import Reason
from aisearch_operator.domain.verdict import Verdict
from aisearch_operator.engine.workqueue import Again
from aisearch_operator.observation.statistics import StatisticsObserver
from aisearch_operator.reconcilers.outcome import utc_now
from aisearch_operator.reconcilers.sync_job_attempt import SyncJobPass
from aisearch_operator.reconcilers.target import TargetFinder

__all__ = ["IndexWait"]


class IndexWait:
    """Follows the statistics of an instance whose job has ended, until nothing is queued or running there."""

    def __init__(self, targets: TargetFinder, statistics: StatisticsObserver) -> None:
        self._targets = targets
        self._statistics = statistics

    async def advance(self, this: SyncJobPass) -> Again | None:
        """Look whether the run is over.

        Raises
        ------
        CredentialError, KubeUnavailable
            There is no way to Cloudflare.
        Terminal
            The API refuses the credentials.
        """
        now = utc_now()
        step = decided_without(this.resource, now) or await self._look(this)
        this.note(verdict=step.verdict, finished=step.finished)
        if step.finished is Reason.SUCCEEDED:
            this.tell(Reason.SUCCEEDED, step.verdict.message)
        deadline = run_of(this.resource).deadline
        if step.finished is not None or deadline is None:
            return None  # the next statistics wake it up
        return Again(max(0.0, (deadline - now).total_seconds()))

    async def _look(self, this: SyncJobPass) -> IndexStep:
        target = await self._targets.started(this.key, this.resource)
        if this.finding.handled is not None:
            self._statistics.hurry(this.key)
        try:
            stats = self._statistics.awaited(this.key, target.connection, target.address)
        except NotFound as error:
            if self._targets.resolves_itself(this.key, this.resource):
                return IndexStep(Verdict.of_error(error))
            return without_instance()
        if stats is not None and not stats.degraded:
            this.note(stats=stats)
        return index_step(stats, standing_verdict(this.resource.status.conditions))
