"""What to do about an instance: one pure function from wanted, seen and remembered to an action."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

from pydantic import JsonValue
from pydantic.alias_generators import to_camel

from aisearch_operator.cloudflare.wire import Instance
from aisearch_operator.domain.bodies import put_bodies, without_nulls, writable
from aisearch_operator.domain.difference import WRITE_ONLY, Difference, DriftEntry, differences
from aisearch_operator.domain.write_only import changed_fields, cleared_digest, decode, encode

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
    "remember",
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
        What the user set, in the API's names; null is to be cleared.
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
    """PUT ``body``, then ``then`` if it is not empty; ``adopted`` when the instance was somebody else's until now."""

    body: Mapping[str, JsonValue]
    because: tuple[Difference, ...]
    left: tuple[Difference, ...]
    cause: Literal["spec", "drift"]
    adopted: bool
    then: Mapping[str, JsonValue] = field(default_factory=dict)

    @property
    def sent(self) -> frozenset[str]:
        """The top-level fields that are sent."""
        return frozenset({*self.body, *self.then})


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
    body, then = put_bodies(desired.settings, observed.settings, {difference.field for difference in repairable})
    return Update(
        body=body,
        then=then,
        because=repairable,
        left=left,
        cause="drift" if memory.spec_applied and managed else "spec",
        adopted=adopted,
    )


def creation(desired: Desired) -> Create:
    """Give the bodies that make the instance: exactly the fields that the user set."""
    settings = without_nulls(desired.settings)
    body = {field: value for field, value in settings.items() if field not in UPDATE_ONLY}
    then = {field: value for field, value in settings.items() if field in UPDATE_ONLY}
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
    answered = {
        field: desired.settings[field]
        for field in update.sent
        if field not in WRITE_ONLY and not _is_cleared(desired, field)
    }
    unconfirmed = (found for found in update.because if update.cause == "drift" and found.field in WRITE_ONLY)
    left = (found for found in update.left if found.field not in update.sent)
    return (*left, *differences(answered, answer.settings), *unconfirmed)


def remember(desired: Desired, memory: Memory, done: Create | Update | Keep, shown: Instance) -> str:
    """Give status.writeOnlyHash after ``done`` was carried out, when Cloudflare shows the instance as ``shown``.

    What it shows of a field that was cleared just now counts as cleared from then on: mostly it is a default.
    """
    known, left = decode(memory.write_only_hash), frozenset[str]()
    if isinstance(done, Create):
        known = {}
    elif isinstance(done, Update):
        known = {field: digest for field, digest in known.items() if field not in done.sent}
        left = frozenset(found.field for found in done.left)
    else:
        left = frozenset(found.field for found in done.drift)
    cleared = {
        field: known.get(field) or _cleared_digest(desired, field, shown)
        for field in desired.settings
        if _is_cleared(desired, field) and (field in known or field not in left)
    }
    return encode(desired.settings, desired.uid, cleared)


def _found(desired: Desired, observed: Instance, memory: Memory) -> tuple[Difference, ...]:
    readable = {
        field: value
        for field, value in desired.settings.items()
        if field not in WRITE_ONLY or (field != "token_id" and observed.settings.get(field) is not None)
    }
    hidden = changed_fields(desired.settings, desired.uid, memory.write_only_hash) - readable.keys()
    known = decode(memory.write_only_hash)
    return (
        *(
            found
            for found in differences(readable, observed.settings)
            if not _is_cleared(desired, found.field)
            or known.get(found.field) != _cleared_digest(desired, found.field, observed)
        ),
        *(Difference(field, to_camel(field), desired.settings[field], None) for field in sorted(hidden)),
    )


def _is_cleared(desired: Desired, field: str) -> bool:
    """Whether a field is to be cleared, and Cloudflare shows what it has then."""
    return desired.settings[field] is None and field not in WRITE_ONLY


def _cleared_digest(desired: Desired, field: str, shown: Instance) -> str:
    return cleared_digest(desired.uid, field, writable(field, shown.settings.get(field)))


def _may_send(difference: Difference, desired: Desired, memory: Memory, *, adopted: bool) -> bool:
    if difference.entry in memory.known_drift and (memory.spec_applied or not difference.hidden):
        # Reported and left alone, or sent once and not taken over: sending it again changes nothing,
        # and would go on for ever. (Some entries hide their values: a new generation may
        # hold another one.)
        return False
    return desired.repairs_drift or not memory.spec_applied or adopted
