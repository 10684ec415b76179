"""Questions about PUT: what it merges, what it replaces, what it refuses."""

from collections.abc import Mapping

from pydantic import JsonValue

from live_check.api import Answered
from live_check.errors import StepError
from live_check.outcome import Finding, Probe
from live_check.session import Session, seen

OTHER_EMBEDDING_MODEL = "@cf/baai/bge-m3"


async def put_is_partial(session: Session) -> Finding:
    """Change one field after another, and look at the first."""
    await _changed(session, {"max_num_results": 9})
    answer = await _changed(session, {"score_threshold": 0.7})
    kept = answer.result.get("max_num_results") == 9
    return Finding("the other field kept its value" if kept else "the other field fell back", kept)


async def retrieval_options_merge(session: Session) -> Finding:
    """Set one member of a nested object after the other."""
    return await _merges(
        session,
        "retrieval_options",
        {"boost_by": [{"field": "timestamp", "direction": "desc"}]},
        {"keyword_match_mode": "or"},
    )


async def keyword_match_mode(session: Session) -> Finding:
    """The other way round: this member is documented to be kept."""
    await _changed(session, {"retrieval_options": {"keyword_match_mode": "or"}})
    answer = await _changed(session, {"retrieval_options": {"boost_by": [{"field": "timestamp"}]}})
    kept = answer.result["retrieval_options"].get("keyword_match_mode") == "or"
    return Finding("kept" if kept else "not kept", kept)


async def indexing_options_merge(session: Session) -> Finding:
    """Set one member of a nested object after the other; the instance has no files to index again."""
    return await _merges(session, "indexing_options", {"keyword_tokenizer": "trigram"}, {"use_ocr": False})


async def null_clears(session: Session) -> Finding:
    """Set a model, and send null for it."""
    before = session.settings.get("ai_gateway_id")
    await _changed(session, {"ai_search_model": "@cf/meta/llama-3.3-70b-instruct-fp8-fast"})
    answer = await _put(session, {"ai_search_model": None})
    if answer.status != 200:
        return Finding(str(answer), expected=False)
    value = answer.result.get("ai_search_model")
    return Finding(f"the model is {value!r} again; a fresh instance's gateway is {before!r}", value in {None, ""})


async def embedding_model(session: Session) -> Finding:
    """Send another embedding model in a PUT, and read what became of it."""
    before = session.settings.get("embedding_model")
    other = OTHER_EMBEDDING_MODEL if before != OTHER_EMBEDDING_MODEL else "@cf/qwen/qwen3-embedding-0.6b"
    answer = await _put(session, {"embedding_model": other})
    if answer.status != 200:
        return Finding(f"refused: {answer}", expected=True)
    changed = answer.result.get("embedding_model") == other
    return Finding("accepted and changed" if changed else "accepted and ignored", expected=False)


async def source_params_merge(session: Session) -> Finding:
    """Set one member of the source's parameters after the other, both without effect on what is indexed."""
    seen(session.created_sourced)
    return await _merges(
        session,
        "source_params",
        {"exclude_items": ["**/live-check-1/**"]},
        {"include_items": ["**"]},
        sourced=True,
    )


async def source_again(session: Session) -> Finding:
    """Send the source that is there in a PUT."""
    seen(session.created_sourced)
    answer = await _put(session, {"source": session.source}, sourced=True)
    return Finding(str(answer), expected=answer.status == 200)


BUILT_IN = (
    Probe(
        "put-is-partial",
        "Does a PUT leave fields alone that it does not name?",
        "2.3",
        "yes",
        "yes: only changed fields are sent",
        put_is_partial,
    ),
    Probe(
        "retrieval-options",
        "Does PUT merge retrieval_options, or replace them?",
        "2.3",
        "replaced",
        "no: the object is sent whole",
        retrieval_options_merge,
    ),
    Probe(
        "keyword-match-mode",
        "Is keyword_match_mode kept by a PUT without it?",
        "2.1, 2.3",
        "kept",
        "no: the object is sent whole",
        keyword_match_mode,
    ),
    Probe(
        "indexing-options",
        "Does PUT merge indexing_options, or replace them?",
        "2.3",
        "replaced",
        "no: the object is sent whole",
        indexing_options_merge,
    ),
    Probe(
        "null-clears",
        "Does null in a PUT put a model's default back?",
        "2.3",
        "yes",
        "yes: null in a spec clears",
        null_clears,
    ),
    Probe(
        "embedding-model",
        "Does PUT accept another embedding_model?",
        "2.1",
        "refused",
        "no: the CRD refuses the change",
        embedding_model,
    ),
)
SOURCED = (
    Probe(
        "source-params",
        "Does PUT merge source_params, or replace them?",
        "2.3",
        "replaced",
        "no: the object is sent whole",
        source_params_merge,
    ),
    Probe(
        "source-again",
        "Does PUT accept the source that is there?",
        "2.1, 2.3",
        "yes, and checks it again",
        "no: a source that did not change is not sent",
        source_again,
    ),
)


async def _merges(
    session: Session,
    field: str,
    first: Mapping[str, JsonValue],
    second: Mapping[str, JsonValue],
    *,
    sourced: bool = False,
) -> Finding:
    """PUT one member of an object, then another, and see whether the first is still there."""
    for body in (first, second):
        answer = await _changed(session, {field: dict(body)}, sourced=sourced)
    ((member, value),) = first.items()
    kept = answer.result[field].get(member) == value
    return Finding("merged" if kept else "replaced", expected=not kept)


async def _changed(session: Session, body: Mapping[str, JsonValue], *, sourced: bool = False) -> Answered:
    """Send a PUT that must be taken, or there is nothing to learn from it."""
    answer = await _put(session, body, sourced=sourced)
    if answer.status != 200:
        raise StepError(f"the PUT of {', '.join(body)} was answered {answer}")
    return answer


async def _put(session: Session, body: Mapping[str, JsonValue], *, sourced: bool = False) -> Answered:
    seen(session.created_sourced if sourced else session.created_built_in)
    return await session.api.ask("PUT", session.sourced_path if sourced else session.built_in_path, body)
