"""Questions about what an instance shows: what the server fills in, what GET leaves out, how soon it is read."""

from collections.abc import Mapping
from typing import Any

from pydantic import JsonValue

from aisearch_operator.cloudflare.timestamps import parse_timestamp
from aisearch_operator.settings import Settings
from live_check.outcome import Finding, Probe
from live_check.session import SETTLING, Session, seen

DEFAULTS: Mapping[str, JsonValue] = {
    "cache": True,
    "cache_threshold": "close_enough",
    "cache_ttl": 172800,
    "chunk_overlap": 10,
    "fusion_method": "rrf",
    "hybrid_search_enabled": True,
    "index_method": {"vector": True, "keyword": True},
    "max_num_results": 10,
    "paused": False,
    "score_threshold": 0.4,
    "sync_interval": 21600,
}
"""What the facts say that the server fills in (facts 2.1)."""
HIDDEN = frozenset(
    {
        "chunk",
        "summarization",
        "summarization_model",
        "system_prompt_ai_search",
        "system_prompt_index_summarization",
        "system_prompt_rewrite_query",
    }
)
"""What LIST has and GET has not (facts 2.4)."""
LAG_READINGS = 5

SETTLE_TIME = float(Settings.model_fields["settle_time"].default)
"""Seconds in which the operator does not believe what it reads."""


async def defaults(session: Session) -> Finding:
    """Compare what was filled in with what is documented."""
    differ = {
        name: session.settings.get(name) for name, value in DEFAULTS.items() if session.settings.get(name) != value
    }
    return Finding(", ".join(f"{name}: {value}" for name, value in differ.items()) or "as documented", not differ)


async def chunk_size(session: Session) -> Finding:
    """Read the default of a field whose default depends on the model."""
    return Finding(f"{session.settings.get('chunk_size')}, embedding model {session.settings.get('embedding_model')}")


async def times(session: Session) -> Finding:
    """See how times are written."""
    written = session.settings.get("created_at")
    return Finding(f"created_at {written!r}", parse_timestamp(written) is not None)


async def token_id_is_hidden(session: Session) -> Finding:
    """Look for `token_id` in what is read. Its value is not shown."""
    seen(session.created_built_in)
    found = {name: _presence(document, "token_id") for name, document in (await _readings(session)).items()}
    return Finding(", ".join(f"{name}: {what}" for name, what in found.items()), "a value" not in found.values())


async def created_without_token(session: Session) -> Finding:
    """Tell whether an instance over a bucket needed a service token."""
    given = "with" if session.target.token_id else "without"
    return Finding(f"created {given} token_id: {seen(session.created_sourced)}")


async def hidden_fields(session: Session) -> Finding:
    """Compare the fields of LIST and GET."""
    seen(session.created_built_in)
    readings = await _readings(session)
    hidden = set(readings["LIST"]) - set(readings["GET"])
    return Finding(f"only LIST has: {', '.join(sorted(hidden)) or 'nothing more'}", hidden == HIDDEN)


async def read_lag(session: Session) -> Finding:
    """Read right after a write, several times."""
    seen(session.created_built_in)
    longest = stale = 0
    for value in range(11, 11 + LAG_READINGS):
        await session.api.ask("PUT", session.built_in_path, {"max_num_results": value})
        waited = 0
        while (await _get(session))["max_num_results"] != value and waited < SETTLING:
            await session.pause(1)
            waited += 1
        longest, stale = max(longest, waited), stale + bool(waited)
    text = f"{stale} of {LAG_READINGS} readings right after a PUT were old, for {longest} s at most"
    return Finding(text, longest < SETTLE_TIME)


async def long_id(session: Session) -> Finding:
    """Create an instance whose id is longer than the shorter documented limit."""
    body: dict[str, JsonValue] = {"id": session.names.long}
    answer = await session.api.ask("POST", f"/ai-search/namespaces/{session.target.home.name}/instances", body)
    return Finding(f"{len(session.names.long)} characters: {answer}")


async def statuses(session: Session) -> Finding:
    """Collect every status string of the run's own instances."""
    found: dict[str, None] = {}
    for answer in session.api.answers:
        documents = answer.result if isinstance(answer.result, list) else [answer.result]
        for document in documents:
            if isinstance(document, dict) and document.get("id") in session.names.all and "status" in document:
                found[str(document["status"])] = None
    known = set(found) <= {"active", "waiting", "indexing"}
    return Finding(", ".join(found) or "none", known if found else None)


BUILT_IN = (
    Probe(
        "defaults",
        "What does the server fill in, above all for `cache`?",
        "2.1, 2.4",
        "the documented defaults",
        "no: only fields that the spec sets are compared",
        defaults,
    ),
    Probe(
        "chunk-size",
        "What is the default of chunk_size?",
        "2.1",
        "256, or by the model",
        "no: only fields that the spec sets are compared",
        chunk_size,
    ),
    Probe(
        "times",
        "How are the times of instances written?",
        "2.2",
        "RFC 3339, or without T and zone",
        "no: both are read",
        times,
    ),
    Probe(
        "token-id",
        "Is token_id in GET and LIST?",
        "2.4",
        "null or absent",
        "no: it is compared by a hash of what was sent",
        token_id_is_hidden,
    ),
    Probe(
        "hidden-fields",
        "Which fields does GET leave out that LIST has?",
        "2.1, 2.4",
        "chunk, summarization, system prompts",
        "no: they are compared by a hash of what was sent",
        hidden_fields,
    ),
    Probe(
        "read-lag",
        "Does GET lag behind PUT?",
        "2.3",
        "sometimes, for seconds",
        "yes: a lag longer than its settling time would look like drift",
        read_lag,
    ),
    Probe(
        "long-id",
        "May an id have 33 to 64 characters?",
        "1.2, 2.1",
        "refused above 32, or above 64",
        "no: the CRD allows 64, and a refusal is shown",
        long_id,
    ),
)
SOURCED = (
    Probe(
        "service-token",
        "Can an instance over a bucket be created without token_id?",
        "5.3",
        "only where the account has a service token",
        "no: the refusal names the service token",
        created_without_token,
    ),
)
AT_THE_END = (
    Probe(
        "statuses",
        "Which status strings are there since general availability?",
        "2.2",
        "waiting, indexing, active",
        "no: shown as they come",
        statuses,
    ),
)


async def _get(session: Session) -> dict[str, Any]:
    document: dict[str, Any] = (await session.api.ask("GET", session.built_in_path)).result
    return document


async def _readings(session: Session) -> dict[str, dict[str, Any]]:
    read = await _get(session)
    for instance in (await session.api.client.list_instances(session.target.home)).items:
        if instance.id == session.names.built_in:
            return {"GET": read, "LIST": dict(instance.settings)}
    return {"GET": read, "LIST": {}}


def _presence(document: Mapping[str, Any], field: str) -> str:
    if field not in document:
        return "absent"
    return "null" if document[field] is None else "a value"
