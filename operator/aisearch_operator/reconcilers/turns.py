"""Whose turn it is among the sync jobs of one instance: the oldest comes first."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from aisearch_operator.domain.conditions import condition
from aisearch_operator.domain.reasons import Reason
from aisearch_operator.domain.sync_job_status import is_terminal
from aisearch_operator.engine.store import ObjectKey, Store
from aisearch_operator.resources.sync_job import AISearchSyncJob, AISearchSyncJobStatus

__all__ = ["Turns", "in_line", "readable_part"]

WHEREABOUTS = ("instanceRef", "instance", "deletionPolicy")
"""The fields of a spec that say where the job is, and what becomes of it in the end."""


class Turns:
    """Puts the sync jobs of an instance into their order: that of creation, then of the names."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def ahead_of(self, resource: AISearchSyncJob) -> int:
        """Count the older sync jobs for the same instance that are still to run, or run."""
        rivals = self._store.rivals(resource.metadata.namespace, resource.metadata.name)
        waiting = (readable_part(known.body) for known in rivals if not known.deleting)
        return sum(1 for rival in waiting if in_line(rival.status) and _place(rival) < _place(resource))

    def others(self, key: ObjectKey) -> list[ObjectKey]:
        """Name the other sync jobs for the same instance."""
        return [known.key for known in self._store.rivals(key.namespace, key.name)]


def in_line(status: AISearchSyncJobStatus) -> bool:
    """Whether a sync job of this status has a place in the line: it is not over, and does not wait for a person."""
    stalled = condition(status.conditions, "Stalled")
    # When their instance goes on, all its jobs do: until then, each keeps its place.
    alone = stalled is not None and stalled.status == "True" and stalled.reason != Reason.INSTANCE_STALLED
    return not alone and not is_terminal(status)


def _place(resource: AISearchSyncJob) -> tuple[datetime, str]:
    return resource.metadata.creation_timestamp, resource.metadata.name


def readable_part(body: Mapping[str, Any]) -> AISearchSyncJob:
    """Read a resource; when another version wrote its spec, then only what its end depends on.

    What cannot be read must neither hold up its own deletion nor others.
    """
    try:
        return AISearchSyncJob.model_validate(body)
    except ValidationError:
        spec = {name: body["spec"][name] for name in WHEREABOUTS if name in body["spec"]}
        return AISearchSyncJob.model_validate({**body, "spec": spec})
