"""Whose turn it is among the sync jobs of one instance."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic import ValidationError

from aisearch_operator.domain.conditions import condition
from aisearch_operator.domain.reasons import Reason
from aisearch_operator.domain.sync_job_status import is_terminal
from aisearch_operator.engine.store import Known, ObjectKey, Store
from aisearch_operator.resources.group import SYNC_JOB_KIND
from aisearch_operator.resources.metadata import ObjectMeta
from aisearch_operator.resources.sync_job import AISearchSyncJob

__all__ = ["Turns", "in_line", "readable_part"]

WHEREABOUTS = ("instanceRef", "instance", "deletionPolicy")
"""The fields of a spec that say where the job is, and what becomes of it in the end."""


class Turns:
    """Puts the sync jobs of an instance into their order.

    First those that replace others, the youngest before the older ones, which it would end; then the rest
    in the order of creation, then of the names.
    """

    def __init__(self, store: Store) -> None:
        self._store = store

    def ahead_of(self, resource: AISearchSyncJob) -> int:
        """Count the sync jobs for the same instance that come first, and are still to run, or run."""
        rivals = self._store.rivals(resource.metadata.namespace, resource.metadata.name)
        waiting = (readable_part(known.body) for known in rivals if not known.deleting)
        return sum(1 for rival in waiting if in_line(rival) and _comes_first(rival, resource))

    def spared_by(self, resource: AISearchSyncJob) -> frozenset[str]:
        """Name, by their uid, the resources whose jobs this one does not end: the younger ones.

        They may be in any Kubernetes namespace. For one that replaces no other job these are none.
        """
        if resource.spec.concurrency_policy != "Replace":
            return frozenset()
        age = _age(resource.metadata)
        return frozenset(known.key.uid for known in self._store.all(SYNC_JOB_KIND) if _known_age(known) > age)

    def others(self, key: ObjectKey) -> list[ObjectKey]:
        """Name the other sync jobs for the same instance."""
        return [known.key for known in self._store.rivals(key.namespace, key.name)]


def in_line(resource: AISearchSyncJob) -> bool:
    """Whether a sync job has a place in the line: one that pauses, or waits for a person, holds nobody up."""
    conditions = resource.status.conditions
    stalled, ready = condition(conditions, "Stalled"), condition(conditions, "Ready")
    # When their instance goes on, all its jobs do: until then, each keeps its place.
    alone = stalled is not None and stalled.status == "True" and stalled.reason != Reason.INSTANCE_STALLED
    pauses = resource.spec.suspend or (ready is not None and ready.reason == Reason.BACK_OFF)
    over = is_terminal(resource.status) or resource.status.indexing_since is not None
    return not alone and not pauses and not over


def _comes_first(rival: AISearchSyncJob, resource: AISearchSyncJob) -> bool:
    rival_replaces = rival.spec.concurrency_policy == "Replace"
    if rival_replaces != (resource.spec.concurrency_policy == "Replace"):
        return rival_replaces
    younger = _age(rival.metadata) > _age(resource.metadata)
    return younger is rival_replaces


def _age(metadata: ObjectMeta) -> tuple[datetime, str, str]:
    """Put resources into the order in which they were made."""
    return metadata.creation_timestamp, metadata.name, metadata.namespace


def _known_age(known: Known) -> tuple[datetime, str, str]:
    """Give the same of a resource as it is stored: there are many, and no more of them is needed."""
    return datetime.fromisoformat(known.created), known.key.name, known.key.namespace


def readable_part(body: Mapping[str, Any]) -> AISearchSyncJob:
    """Read a resource; when another version wrote its spec, then only what its end depends on.

    What cannot be read must neither hold up its own deletion nor others.
    """
    try:
        return AISearchSyncJob.model_validate(body)
    except ValidationError:
        spec = {name: body["spec"][name] for name in WHEREABOUTS if name in body["spec"]}
        return AISearchSyncJob.model_validate({**body, "spec": spec})
