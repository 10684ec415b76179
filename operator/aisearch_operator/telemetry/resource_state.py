"""How a resource is, in one word, by what its status says: for the metrics."""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any

from aisearch_operator.domain.reasons import Reason
from aisearch_operator.telemetry.definitions import PassOutcome, ResourceState

__all__ = ["pass_outcome", "running_since", "stalled_reason", "state_of"]

NOTHING: Mapping[str, Any] = MappingProxyType({})

RUNNING = frozenset({"Running", "Cancelling"})
"""Phases of a sync job in which its job has not ended at Cloudflare."""


def state_of(body: Mapping[str, Any]) -> ResourceState:
    """Tell how a resource is, from its object as the API server shows it."""
    if "deletionTimestamp" in body["metadata"]:
        return ResourceState.DELETING
    ready = _condition(body, "Ready")
    if ready.get("status") == "True":
        return ResourceState.READY
    if _condition(body, "Stalled").get("status") == "True":
        return ResourceState.STALLED
    return ResourceState.SUSPENDED if ready.get("reason") == Reason.SUSPENDED else ResourceState.PROGRESSING


def stalled_reason(body: Mapping[str, Any]) -> str:
    """Give the reason for which a person must act; empty when nobody must."""
    stalled = _condition(body, "Stalled")
    return str(stalled.get("reason", "")) if stalled.get("status") == "True" else ""


def running_since(body: Mapping[str, Any]) -> datetime | None:
    """Tell when the job of a sync job started that runs now; None when none does."""
    status = body.get("status") or {}
    if status.get("phase") not in RUNNING or "startTime" not in status:
        return None
    return datetime.fromisoformat(status["startTime"])


def pass_outcome(body: Mapping[str, Any] | None, *, failed: bool, done: bool) -> PassOutcome:
    """Tell how a pass ended that raised no error.

    Parameters
    ----------
    body
        The resource after the pass; None when it is gone.
    failed
        Whether the pass is made again after a backoff.
    done
        Whether a deletion has done its part.
    """
    if failed:
        return PassOutcome.RETRY
    if done or body is None:
        return PassOutcome.SUCCESS
    if stalled_reason(body):
        return PassOutcome.STALLED
    state = state_of(body)
    return PassOutcome.WAITING if state in {ResourceState.PROGRESSING, ResourceState.DELETING} else PassOutcome.SUCCESS


def _condition(body: Mapping[str, Any], condition_type: str) -> Mapping[str, Any]:
    for found in body.get("status", NOTHING).get("conditions") or ():
        if found.get("type") == condition_type:
            stated: Mapping[str, Any] = found
            return stated
    return NOTHING
