"""Sorts an operator's writes to Kubernetes by what they are for."""

from collections import Counter
from collections.abc import Iterable

from controlplane.audit import AuditedRequest

__all__ = ["by_kind", "kind_of"]

ONLY_COUNTS = frozenset({"stats", "conditions"})
"""What a status write has that tells nothing but new statistics, and the condition that follows from them."""


def by_kind(writes: Iterable[AuditedRequest]) -> dict[str, int]:
    """Count writes by kind, the most frequent first."""
    return dict(Counter(kind_of(write) for write in writes).most_common())


def kind_of(write: AuditedRequest) -> str:
    """Name what a write is for."""
    if write.resource == "events":
        return "event"
    if write.code >= 400:
        return "refused"
    if write.verb != "patch":
        return write.verb
    if write.subresource == "status":
        told = set(write.body.get("status", ()))
        return "statistics" if "stats" in told and told <= ONLY_COUNTS else "status"
    if isinstance(write.body, list):
        return "finalizer"
    return "annotation" if "annotations" in write.body.get("metadata", {}) else "other patch"
