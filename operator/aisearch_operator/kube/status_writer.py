"""The status writer: the only place that writes to a resource, and only what changed."""

from collections.abc import Mapping
from typing import Any

from aisearch_operator.engine.store import Known, ObjectKey, Store
from aisearch_operator.kube.api import Conflict, Gone, KubeApi, KubeUnavailable, ObjectRef
from aisearch_operator.resources.group import INSTANCE_KIND, INSTANCE_PLURAL, SYNC_JOB_KIND, SYNC_JOB_PLURAL
from aisearch_operator.telemetry.definitions import STATUS_WRITES, WriteOutcome
from aisearch_operator.telemetry.metrics import Metrics

__all__ = ["StatusWriter", "merge_patch", "ref_of"]

ATTEMPTS = 5
"""How often a status is written that others overtake; each attempt begins with a fresh read."""

PLURALS = {INSTANCE_KIND: INSTANCE_PLURAL, SYNC_JOB_KIND: SYNC_JOB_PLURAL}


def ref_of(key: ObjectKey) -> ObjectRef:
    """Give the API server's way to name an object."""
    return ObjectRef(key.kind, PLURALS[key.kind], key.namespace, key.name, key.uid)


def merge_patch(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """Give the merge patch (RFC 7386) from one status to another: changed keys, null for removed ones."""
    patch: dict[str, Any] = dict.fromkeys(before.keys() - after.keys())
    for key, value in after.items():
        old = before.get(key)
        if isinstance(value, dict) and isinstance(old, dict):
            if inner := merge_patch(old, value):
                patch[key] = inner
        elif value != old:
            patch[key] = value
    return patch


class StatusWriter:
    """Writes a status when it differs from the one that the store knows."""

    def __init__(self, kube: KubeApi, store: Store, metrics: Metrics) -> None:
        self._kube = kube
        self._store = store
        self._metrics = metrics

    async def write(self, known: Known, after: Mapping[str, Any]) -> None:
        """Send what differs from the known status as one patch; nothing when nothing does.

        The patch carries a resourceVersion: it cannot land on another object of the same name. When
        the object is newer, it is read again and the patch made anew: a status belongs to its writer,
        and says itself which generation it is about. Nothing is sent for an object that was dropped.

        Raises
        ------
        KubeUnavailable
            When the API server did not take it.
        """
        latest = self._store.get(known.key)  # a pass that writes twice has made it newer itself
        if latest is None:
            return
        known = latest
        for _ in range(ATTEMPTS):
            patch = merge_patch(known.body["status"], after)
            if not patch:
                return
            try:
                patched = await self._kube.patch_status(ref_of(known.key), known.resource_version, patch)
            except Conflict:
                self._count(known.key, WriteOutcome.CONFLICT)
                newer = await self.refresh(known.key)
                if newer is None:
                    return
                known = newer
            except Gone:
                self._store.drop(known.key)
                return
            except KubeUnavailable:
                self._count(known.key, WriteOutcome.FAILED)
                raise
            else:
                self._count(known.key, WriteOutcome.WRITTEN)
                self._store.renew(known.key.kind, patched)
                return
        self._count(known.key, WriteOutcome.FAILED)
        raise KubeUnavailable(f"The status was overtaken by {ATTEMPTS} other writes in a row")

    def _count(self, key: ObjectKey, outcome: WriteOutcome) -> None:
        self._metrics.count(STATUS_WRITES, key.kind, outcome)

    async def refresh(self, key: ObjectKey) -> Known | None:
        """Read an object again into the store; None when it is not this operator's any more.

        Needed where no watch event will come: while kopf waits for a deletion handler, it keeps
        that object's events back.
        """
        try:
            return self._store.renew(key.kind, await self._kube.get(ref_of(key)))
        except Gone:
            self._store.drop(key)
            return None
