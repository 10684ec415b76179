"""Whether a deleted resource takes its instance with it: the policies, and the files that exist nowhere else."""

from dataclasses import dataclass
from enum import Enum
from typing import Final, Literal

from aisearch_operator.cloudflare.wire import Instance, Stats
from aisearch_operator.resources.group import DELETION_POLICY_ANNOTATION

__all__ = [
    "UNREADABLE",
    "DeletionPolicy",
    "DeletionRule",
    "Unreadable",
    "deletion_rule",
    "has_builtin_storage",
    "may_hold_files",
]

DeletionPolicy = Literal["Delete", "Retain"]

POLICIES: tuple[DeletionPolicy, ...] = ("Delete", "Retain")


class Unreadable(Enum):
    """The type of `UNREADABLE`."""

    UNREADABLE = "UNREADABLE"


UNREADABLE: Final = Unreadable.UNREADABLE
"""The annotations of a Kubernetes namespace that the operator has no right to read."""


@dataclass(frozen=True, slots=True)
class DeletionRule:
    """What becomes of the instance.

    Parameters
    ----------
    because
        Whose word it is, for a person.
    doubtful
        Whether it is only the safe side, because nobody's word could be made out.
    """

    policy: DeletionPolicy
    because: str
    doubtful: bool = False


def deletion_rule(
    own: DeletionPolicy | None,
    namespace: str,
    annotation: str | Literal[Unreadable.UNREADABLE] | None,
    setting: DeletionPolicy,
) -> DeletionRule:
    """Find the policy: that of the resource, else of its Kubernetes namespace, else of the operator.

    Parameters
    ----------
    own
        ``spec.deletionPolicy``.
    annotation
        The value of the namespace's annotation; None when there is none.
    setting
        ``AISEARCH_DELETION_POLICY``.
    """
    if own is not None:
        return DeletionRule(own, f"spec.deletionPolicy is {own}")
    where = f"the annotation {DELETION_POLICY_ANNOTATION} of namespace {namespace}"
    if annotation is UNREADABLE:
        why = f"the operator has no right to get namespace {namespace}, where {where} may stand"
        return DeletionRule("Retain", why, doubtful=True)
    if annotation is None:
        return DeletionRule(setting, f"AISEARCH_DELETION_POLICY is {setting}")
    for policy in POLICIES:
        if annotation == policy:
            return DeletionRule(policy, f"{where} is {policy}")
    return DeletionRule("Retain", f"{where} is neither Delete nor Retain", doubtful=True)


def has_builtin_storage(instance: Instance) -> bool:
    """Whether the files of an instance were uploaded to it: it has no data source (facts 2.1)."""
    return instance.type in {None, "", "builtin"} and not instance.settings.get("source")


def may_hold_files(stats: Stats) -> bool:
    """Whether built-in storage holds files, or may: counts are left out when Cloudflare cannot count (facts 2.2)."""
    counts = (stats.completed, stats.error, stats.queued, stats.running, stats.skipped, stats.outdated)
    known = [count for count in counts if count is not None]
    return bool(stats.degraded) or not known or sum(known) > 0
