"""Conditions: the list in status, made from a verdict and from what stood there before."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from aisearch_operator.domain.verdict import ConditionStatus, Verdict
from aisearch_operator.resources.conditions import Condition

__all__ = ["ConditionUpdate", "condition", "standing_verdict", "update_conditions"]

ConditionUpdate = tuple[str, ConditionStatus, str, str]
"""Type, status, reason, message."""


def condition(conditions: Iterable[Condition], condition_type: str) -> Condition | None:
    """Find a condition by its type."""
    return next((found for found in conditions if found.type == condition_type), None)


def standing_verdict(conditions: Sequence[Condition]) -> Verdict | None:
    """Read the verdict back that conditions were made from; None when there are none yet."""
    ready, reconciling, stalled = (condition(conditions, name) for name in ("Ready", "Reconciling", "Stalled"))
    if ready is None:
        return None
    if stalled is not None and stalled.status == "True":
        return Verdict(ready.status, "stalled", ready.reason, ready.message)
    works = reconciling is not None and reconciling.status == "True"
    return Verdict(ready.status, "reconciling" if works else "settled", ready.reason, ready.message)


def update_conditions(
    previous: Sequence[Condition],
    verdict: Verdict,
    extra: Sequence[ConditionUpdate],
    *,
    generation: int,
    now: datetime,
) -> tuple[Condition, ...]:
    """Make the new list of conditions.

    `lastTransitionTime` moves only when a status flips. Conditions that are not mentioned are
    kept as they are; nothing here ever removes one.

    Parameters
    ----------
    extra
        Conditions beside Ready, Reconciling and Stalled.
    """
    wanted: dict[str, ConditionUpdate] = {"Ready": ("Ready", verdict.ready, verdict.reason, verdict.message)}
    for condition_type, state in (("Reconciling", "reconciling"), ("Stalled", "stalled")):
        if verdict.progress == state:
            wanted[condition_type] = (condition_type, "True", verdict.reason, verdict.message)
        else:
            wanted[condition_type] = (condition_type, "False", verdict.reason, "")
    wanted |= {update[0]: update for update in extra}
    known: Mapping[str, Condition] = {existing.type: existing for existing in previous}
    updated = {
        condition_type: _next(known.get(condition_type), update, generation, now)
        for condition_type, update in wanted.items()
    }
    return tuple(updated.get(existing.type, existing) for existing in previous) + tuple(
        made for condition_type, made in updated.items() if condition_type not in known
    )


def _next(previous: Condition | None, update: ConditionUpdate, generation: int, now: datetime) -> Condition:
    condition_type, status, reason, message = update
    flipped = previous is None or previous.status != status
    return Condition(
        type=condition_type,
        status=status,
        observed_generation=generation,
        last_transition_time=now if flipped or previous is None else previous.last_transition_time,
        reason=reason,
        message=message,
    )
