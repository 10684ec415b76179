"""The status of an AISearchInstance, made from what a pass found and from what stood there before."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Literal

from aisearch_operator.cloudflare.wire import Instance, Stats
from aisearch_operator.domain.conditions import ConditionUpdate, condition, update_conditions
from aisearch_operator.domain.difference import Difference
from aisearch_operator.domain.index_health import counts, indexed, paused
from aisearch_operator.domain.reasons import Reason
from aisearch_operator.domain.verdict import Verdict
from aisearch_operator.resources.endpoints import InstanceEndpoints
from aisearch_operator.resources.instance import AISearchInstanceStatus, DriftedField

__all__ = ["DriftReason", "Finding", "Publication", "summarize"]

DriftReason = Literal[Reason.DRIFT_FOUND, Reason.NOT_ACCEPTED, Reason.REPAIR_UNDONE]

DRIFT: Mapping[DriftReason, str] = MappingProxyType(
    {
        Reason.DRIFT_FOUND: "Different at Cloudflare",
        Reason.NOT_ACCEPTED: "Cloudflare keeps other values than it was sent",
        Reason.REPAIR_UNDONE: "Set back again and again, and each time undone at Cloudflare; the next time is later",
    }
)
"""What the condition Drifted says before it names the fields."""

ABOUT_THE_INSTANCE = frozenset({"Drifted", "Indexed", "Paused"})
"""Conditions that say nothing while there is no instance."""

MAX_DRIFT = 32
"""Entries of status.drift; the CRD's maxItems."""


NOTHING: Mapping[str, object] = MappingProxyType(
    {
        **dict.fromkeys(("account_id", "search_namespace", "instance_id", "state", "paused")),
        **dict.fromkeys(("created_at", "modified_at", "endpoints", "stats", "write_only_hash")),
        "drift": (),
    }
)
"""What status tells of an instance that does not exist."""


@dataclass(frozen=True, slots=True)
class Publication:
    """What became of the ConfigMap with the connection details.

    Parameters
    ----------
    config_map
        The one that holds them now; None when there is none.
    """

    config_map: str | None
    published: bool
    reason: Reason
    message: str


@dataclass(frozen=True, slots=True)
class Finding:
    """What a pass over an instance found.

    Parameters
    ----------
    verdict
        The state in the terms of kstatus.
    observed
        The instance as Cloudflare shows it now; None when this pass did not see it.
    drift
        What differs from the spec and stays so; None when this pass did not compare.
    drift_reason
        Why it stays.
    acted
        Whether the pass wrote to Cloudflare.
    wants_paused
        What the spec says about it; None for nothing.
    managed
        Whether the instance is the resource's to change and to delete; None when this pass did not get so far.
    handled
        The request for a pass now that this pass has answered; None when there was none.
    gone
        Whether the instance that status tells of does not exist.
    publication
        None when there is nothing to say of a ConfigMap.
    """

    verdict: Verdict
    wants_paused: bool | None = None
    handled: str | None = None
    managed: bool | None = None
    gone: bool = False
    account_id: str | None = None
    search_namespace: str | None = None
    instance_id: str | None = None
    observed: Instance | None = None
    stats: Stats | None = None
    drift: tuple[Difference, ...] | None = None
    drift_reason: DriftReason = Reason.DRIFT_FOUND
    write_only_hash: str | None = None
    acted: bool = False
    endpoints: InstanceEndpoints | None = None
    publication: Publication | None = None


def summarize(
    previous: AISearchInstanceStatus, finding: Finding, *, generation: int, now: datetime
) -> AISearchInstanceStatus:
    """Make the new status. What the pass did not look at stays as it was."""
    changes: dict[str, object] = {
        "observed_generation": generation,
        "conditions": update_conditions(
            previous.conditions, finding.verdict, tuple(_extra(previous, finding)), generation=generation, now=now
        ),
    }
    changes |= _instance(finding)
    if finding.handled is not None:
        changes["last_handled_reconcile_at"] = finding.handled
    if finding.endpoints is not None:
        changes["endpoints"] = finding.endpoints
    if finding.publication is not None:
        changes["connection_config_map"] = finding.publication.config_map
    if finding.stats is not None:
        changes["stats"] = counts(finding.stats)
    if finding.drift is not None:
        changes["drift"] = _drift(previous, finding.drift, now)
        changes["write_only_hash"] = finding.write_only_hash or None
    if finding.acted:
        changes["last_synced_time"] = now.replace(microsecond=0)
    return previous.model_validate(dict(previous) | changes)


def _instance(finding: Finding) -> dict[str, object]:
    """Give what a pass found out about whose the instance is, where it is, and how it is."""
    changes: dict[str, object] = dict(NOTHING) if finding.gone else {}
    if finding.managed is not None:
        changes["managed"] = finding.managed
    if finding.instance_id is not None:
        changes |= {
            "account_id": finding.account_id,
            "search_namespace": finding.search_namespace,
            "instance_id": finding.instance_id,
        }
    if finding.observed is not None:
        observed = finding.observed
        changes |= {
            "state": observed.status,
            "paused": observed.paused,
            "created_at": observed.created_at,
            "modified_at": observed.modified_at,
        }
    return changes


def _extra(previous: AISearchInstanceStatus, finding: Finding) -> list[ConditionUpdate]:
    extra: list[ConditionUpdate] = []
    if finding.gone:
        about = (known.type for known in previous.conditions if known.type in ABOUT_THE_INSTANCE)
        extra += [(kind, "Unknown", finding.verdict.reason, finding.verdict.message) for kind in about]
    if finding.drift:
        paths = ", ".join(sorted({difference.path for difference in finding.drift})[:MAX_DRIFT])
        extra.append(("Drifted", "True", finding.drift_reason, f"{DRIFT[finding.drift_reason]}: {paths}"))
    elif finding.drift is not None:
        extra.append(("Drifted", "False", Reason.NO_DRIFT, ""))
    if finding.stats is not None:
        extra.append(indexed(finding.observed, finding.stats))
    elif finding.observed is not None and not any(known.type == "Indexed" for known in previous.conditions):
        extra.append(("Indexed", "Unknown", Reason.INDEX_UNKNOWN, "Waiting for the first statistics"))
    if finding.observed is not None:
        before = condition(previous.conditions, "Paused")
        extra.append(paused(finding.observed, finding.stats, wanted=finding.wants_paused, before=before))
    if finding.publication is not None:
        made = finding.publication
        extra.append(("ConnectionPublished", "True" if made.published else "False", made.reason, made.message))
    return extra


def _drift(previous: AISearchInstanceStatus, found: tuple[Difference, ...], now: datetime) -> tuple[DriftedField, ...]:
    since = {known.path: known.since for known in previous.drift}
    return tuple(
        DriftedField(path=path, desired=desired, observed=observed, since=since.get(path) or now.replace(microsecond=0))
        for path, desired, observed in (difference.entry for difference in found[:MAX_DRIFT])
    )
