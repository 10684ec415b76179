"""What to do about an instance: one pure function from wanted, seen and remembered to an action."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from pydantic import JsonValue, ValidationError
from pydantic.alias_generators import to_camel

from aisearch_operator.cloudflare.wire import Instance
from aisearch_operator.domain.difference import FREE_MAPS, WRITE_ONLY, Difference, DriftEntry, differences
from aisearch_operator.domain.write_only import changed_fields
from aisearch_operator.resources.instance_settings import InstanceSettings

__all__ = [
    "Create",
    "Desired",
    "Keep",
    "Memory",
    "Move",
    "Plan",
    "Refuse",
    "Update",
    "is_ours",
    "plan",
    "still_different",
]

UPDATE_ONLY = frozenset(
    {
        "paused",
        "summarization",
        "summarization_model",
        "system_prompt_ai_search",
        "system_prompt_index_summarization",
        "system_prompt_rewrite_query",
    }
)
"""A create refuses these: a PUT right after it sets them (facts 2.1)."""

NEVER_UPDATED = frozenset({"type", "source", "embedding_model", "hybrid_search_enabled"})
"""Fixed at creation (facts 2.1). Re-sending `source` would also make Cloudflare check the site again (2.3)."""


@dataclass(frozen=True, slots=True)
class Desired:
    """What the resource asks for.

    Parameters
    ----------
    settings
        What the user set, in the API's names.
    resource_created
        When the Kubernetes resource was made.
    """

    instance_id: str
    search_namespace: str
    settings: Mapping[str, JsonValue]
    uid: str
    resource_created: datetime
    may_adopt: bool
    repairs_drift: bool


@dataclass(frozen=True, slots=True)
class Memory:
    """What status remembers.

    Parameters
    ----------
    search_namespace
        Where the instance was last; None while this resource manages none.
    spec_applied
        Whether the current generation of the spec was sent in full once.
    may_have_created
        Whether a POST of this resource may have been carried out without anybody noting it.
    known_drift
        What differed and was left so.
    """

    search_namespace: str | None = None
    write_only_hash: str | None = None
    spec_applied: bool = False
    may_have_created: bool = True
    known_drift: frozenset[DriftEntry] = frozenset()


@dataclass(frozen=True, slots=True)
class Create:
    """POST ``body``, then PUT ``then`` if it is not empty."""

    body: Mapping[str, JsonValue]
    then: Mapping[str, JsonValue]


@dataclass(frozen=True, slots=True)
class Update:
    """PUT ``body``; ``adopted`` when the instance was somebody else's until now."""

    body: Mapping[str, JsonValue]
    because: tuple[Difference, ...]
    left: tuple[Difference, ...]
    cause: Literal["spec", "drift"]
    adopted: bool


@dataclass(frozen=True, slots=True)
class Move:
    """Move the instance from where status remembers it to the search namespace of the spec."""

    source: str


@dataclass(frozen=True, slots=True)
class Refuse:
    """Leave somebody else's instance alone."""


@dataclass(frozen=True, slots=True)
class Keep:
    """Nothing to send; ``drift`` is what differs and stays so."""

    drift: tuple[Difference, ...]
    adopted: bool


Plan = Create | Update | Move | Refuse | Keep


def plan(desired: Desired, observed: Instance | None, memory: Memory) -> Plan:
    """Decide what to do about an instance.

    Parameters
    ----------
    observed
        The instance as Cloudflare shows it at the address that counts now; None when there is none.
    """
    managed = memory.search_namespace is not None
    if memory.search_namespace is not None and memory.search_namespace != desired.search_namespace:
        return Move(memory.search_namespace)
    if observed is None:
        return creation(desired)
    adopted = False
    if not managed and not (memory.may_have_created and is_ours(desired, observed)):
        if not desired.may_adopt:
            return Refuse()
        adopted = True
    found = _found(desired, observed, memory)
    repairable = tuple(
        difference
        for difference in found
        if difference.field not in NEVER_UPDATED and _may_send(difference, desired, memory, adopted=adopted)
    )
    left = tuple(difference for difference in found if difference not in repairable)
    if not repairable:
        return Keep(left, adopted)
    return Update(
        body=_put_body(desired.settings, observed.settings, {difference.field for difference in repairable}),
        because=repairable,
        left=left,
        cause="drift" if memory.spec_applied and managed else "spec",
        adopted=adopted,
    )


def creation(desired: Desired) -> Create:
    """Give the bodies that make the instance: exactly the fields that the user set."""
    body = {field: value for field, value in desired.settings.items() if field not in UPDATE_ONLY}
    then = {field: value for field, value in desired.settings.items() if field in UPDATE_ONLY}
    return Create({"id": desired.instance_id, **body}, then)


def is_ours(desired: Desired, observed: Instance) -> bool:
    """Judge whether an instance that status does not remember was made by this very resource.

    The API has no place for a mark of ownership (facts 4.5). An operator that ended between the
    POST and the status write left an instance that is younger than the resource and differs in
    nothing that a POST sends. Anything else belongs to somebody else.
    """
    if observed.created_at is None or observed.created_at < desired.resource_created:
        return False
    sent = {field: value for field, value in creation(desired).body.items() if field not in WRITE_ONLY}
    return not differences(sent, observed.settings)


def still_different(desired: Desired, answer: Instance, update: Update) -> tuple[Difference, ...]:
    """Tell what differs after an update: what was left out on purpose, and what Cloudflare did not take over.

    An answer does not show write-only fields (facts 2.1). One that was sent because a list showed
    another value counts as different until a list shows it as wanted: a value that Cloudflare keeps
    in its own way would else be sent for ever.
    """
    answered = {field: desired.settings[field] for field in update.body if field not in WRITE_ONLY}
    unconfirmed = (found for found in update.because if update.cause == "drift" and found.field in WRITE_ONLY)
    left = (found for found in update.left if found.field not in update.body)
    return (*left, *differences(answered, answer.settings), *unconfirmed)


def _found(desired: Desired, observed: Instance, memory: Memory) -> tuple[Difference, ...]:
    readable = {
        field: value
        for field, value in desired.settings.items()
        if field not in WRITE_ONLY or (field != "token_id" and observed.settings.get(field) is not None)
    }
    hidden = changed_fields(desired.settings, desired.uid, memory.write_only_hash) - readable.keys()
    return differences(readable, observed.settings) + tuple(
        Difference(field, to_camel(field), desired.settings[field], None) for field in sorted(hidden)
    )


def _may_send(difference: Difference, desired: Desired, memory: Memory, *, adopted: bool) -> bool:
    if difference.entry in memory.known_drift and (memory.spec_applied or not difference.hidden):
        # Reported and left alone, or sent once and not taken over: sending it again changes nothing,
        # and would go on for ever. (Some entries hide their values: a new generation may
        # hold another one.)
        return False
    return desired.repairs_drift or not memory.spec_applied or adopted


def _put_body(
    desired: Mapping[str, JsonValue], observed: Mapping[str, JsonValue], fields: Iterable[str]
) -> dict[str, JsonValue]:
    """Send only the fields that differ, nested objects whole: whether they merge is not documented (facts 2.3)."""
    return {field: _overlay(desired[field], _writable(field, observed.get(field))) for field in sorted(fields)}


def _overlay(desired: JsonValue, observed: JsonValue) -> JsonValue:
    if not isinstance(desired, dict) or not isinstance(observed, dict):
        return desired
    return {
        **observed,
        **{
            name: value if name in FREE_MAPS else _overlay(value, observed.get(name)) for name, value in desired.items()
        },
    }


def _writable(field: str, observed: JsonValue) -> JsonValue:
    """Keep of an observed object what a PUT may carry: no unknown keys, no nulls."""
    if not isinstance(observed, dict):
        return None
    try:
        known = InstanceSettings.model_validate({field: observed})
    except ValidationError:
        return None  # the server knows values that this version does not: better none than a wrong one
    return known.model_dump(mode="json", exclude_unset=True, exclude_none=True).get(field)
