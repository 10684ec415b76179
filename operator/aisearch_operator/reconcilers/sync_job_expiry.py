"""The resource of a finished sync job: it is deleted when its time has come."""

from collections.abc import Sequence

from aisearch_operator.domain.reasons import Reason
from aisearch_operator.domain.time_to_live import expiry, keeper
from aisearch_operator.engine.store import ObjectKey, Store
from aisearch_operator.engine.workqueue import Again
from aisearch_operator.kube.api import Conflict, Gone, KubeApi
from aisearch_operator.kube.events import Event
from aisearch_operator.kube.status_writer import ref_of
from aisearch_operator.reconcilers.outcome import utc_now
from aisearch_operator.reconcilers.turns import readable_part
from aisearch_operator.resources.sync_job import AISearchSyncJob

__all__ = ["JobExpiry"]


class JobExpiry:
    """Deletes the resources of finished sync jobs, as ``spec.ttlSecondsAfterFinished`` says."""

    def __init__(self, kube: KubeApi, store: Store) -> None:
        self._kube = kube
        self._store = store

    async def step(self, key: ObjectKey) -> Again | None:
        """Delete the resource if it is due, else say when that is.

        Nothing is remembered: the moment follows from the resource, so that a restart and an edit change nothing
        about it but what they mean.

        Raises
        ------
        KubeUnavailable
            The API server did not do it.
        """
        known = self._store.get(key)
        due = expiry(readable_part(known.body)) if known is not None else None
        if known is None or due is None:
            return None
        left = (due - utc_now()).total_seconds()
        if left > 0:
            return Again(left)
        try:
            # Of this very version: an edit in the last moment, say of spec.runId, is looked at first.
            marked = await self._kube.delete(ref_of(key), known.resource_version)
        except Conflict:
            return Again()  # the watch is about to tell of the newer version
        except Gone:
            return None
        if marked is not None:
            self._store.renew(key.kind, marked)  # a pass that overtakes the watch must not ask once more
        return None

    def exemption(self, job: AISearchSyncJob) -> Sequence[Event]:
        """Say so if a resource stays although it asks to be deleted."""
        who = keeper(job.metadata)
        if job.spec.ttl_seconds_after_finished is None or who is None:
            return ()
        message = f"It stays in spite of spec.ttlSecondsAfterFinished: {who} would make it, and so run it, again"
        return (Event("Normal", Reason.KEPT_AS_IN_GIT, message),)
