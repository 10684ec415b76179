"""The status writer: the only place that writes to a resource, and only what changed."""

import logging
from collections.abc import Mapping
from typing import Any

from aisearch_operator.engine.store import Known, ObjectKey, Store
from aisearch_operator.kube.api import Conflict, Gone, KubeApi, ObjectRef
from aisearch_operator.resources.group import INSTANCE_KIND, INSTANCE_PLURAL, SYNC_JOB_KIND, SYNC_JOB_PLURAL

__all__ = ["StatusWriter", "merge_patch", "ref_of"]

logger = logging.getLogger(__name__)

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

    def __init__(self, kube: KubeApi, store: Store) -> None:
        self._kube = kube
        self._store = store

    async def write(self, known: Known, before: Mapping[str, Any], after: Mapping[str, Any]) -> bool:
        """Send the difference of two statuses as one patch.

        The patch carries the resourceVersion of ``known``: it cannot land on a newer object, nor on
        another one of the same name.

        Returns
        -------
        bool
            False when the object was newer: it is read again into the store, and the pass must be
            run again. True when the status is as wanted, or the object is gone.

        Raises
        ------
        KubeUnavailable
            When the API server did not take it.
        """
        patch = merge_patch(before, after)
        if not patch:
            return True
        ref = ref_of(known.key)
        try:
            self._store.put(known.key.kind, await self._kube.patch_status(ref, known.resource_version, patch))
        except Conflict:
            logger.debug("%s has changed in the meantime", known.key)
            return await self.refresh(known.key) is None
        except Gone:
            self._store.drop(known.key)
        return True

    async def refresh(self, key: ObjectKey) -> Known | None:
        """Read an object again into the store; None when it is gone.

        Needed where no watch event will come: while kopf waits for a deletion handler, it keeps
        that object's events back.
        """
        try:
            return self._store.put(key.kind, await self._kube.get(ref_of(key)))
        except Gone:
            self._store.drop(key)
            return None
