"""How a resource is, in one word, by what its status says: for the metrics."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from aisearch_operator.domain.reasons import Reason
from aisearch_operator.telemetry.definitions import PassOutcome, ResourceState

__all__ = ["ResourceSummary", "pass_outcome"]

NOTHING: Mapping[str, Any] = MappingProxyType({})

RUNNING = frozenset({"Running", "Cancelling"})
"""Phases of a sync job in which its job has not ended at Cloudflare."""


@dataclass(frozen=True, slots=True)
class ResourceSummary:
    """What the metrics tell of one resource.

    Parameters
    ----------
    stalled
        The reason for which a person must act; empty when nobody must.
    running_since
        When the job of a sync job started that runs now; None when none does.
    """

    state: ResourceState
    stalled: str = ""
    running_since: datetime | None = None

    @classmethod
    def of(cls, body: Mapping[str, Any]) -> "ResourceSummary":
        """Summarize an object as the API server shows it."""
        return _shared(_state(body), _stalled_reason(body), _running_since(body))


@lru_cache(maxsize=256)
def _shared(state: ResourceState, stalled: str, running_since: datetime | None) -> ResourceSummary:
    """Give one summary to all the resources that are alike."""
    return ResourceSummary(state, stalled, running_since)


def _state(body: Mapping[str, Any]) -> ResourceState:
    if "deletionTimestamp" in body["metadata"]:
        return ResourceState.DELETING
    ready = _condition(body, "Ready")
    if ready.get("status") == "True":
        return ResourceState.READY
    if _condition(body, "Stalled").get("status") == "True":
        return ResourceState.STALLED
    return ResourceState.SUSPENDED if ready.get("reason") == Reason.SUSPENDED else ResourceState.PROGRESSING


def _stalled_reason(body: Mapping[str, Any]) -> str:
    stalled = _condition(body, "Stalled")
    return str(stalled.get("reason", "")) if stalled.get("status") == "True" else ""


def _running_since(body: Mapping[str, Any]) -> datetime | None:
    status = body.get("status") or {}
    if status.get("phase") not in RUNNING or "startTime" not in status:
        return None
    return datetime.fromisoformat(status["startTime"])


def pass_outcome(summary: ResourceSummary | None, *, failed: bool, done: bool) -> PassOutcome:
    """Tell how a pass ended that raised no error.

    Parameters
    ----------
    summary
        Of the resource after the pass; None when it is gone.
    failed
        Whether the pass is made again after a backoff.
    done
        Whether a deletion has done its part.
    """
    if failed:
        return PassOutcome.RETRY
    if done or summary is None:
        return PassOutcome.SUCCESS
    if summary.stalled:
        return PassOutcome.STALLED
    return (
        PassOutcome.WAITING
        if summary.state in {ResourceState.PROGRESSING, ResourceState.DELETING}
        else PassOutcome.SUCCESS
    )


def _condition(body: Mapping[str, Any], condition_type: str) -> Mapping[str, Any]:
    for found in body.get("status", NOTHING).get("conditions") or ():
        if found.get("type") == condition_type:
            stated: Mapping[str, Any] = found
            return stated
    return NOTHING
