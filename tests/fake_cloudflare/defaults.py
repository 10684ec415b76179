"""What the API fills in, and how a PUT meets what is stored (facts 2.1, 2.3, 2.4)."""

from typing import Any

from pydantic import JsonValue

from fake_cloudflare.world import Settings

CREATE_DEFAULTS: Settings = {
    "type": None,
    "source": None,
    "source_params": None,
    "token_id": None,
    "ai_gateway_id": "default",
    "embedding_model": "@cf/qwen/qwen3-embedding-0.6b",
    "ai_search_model": "",
    "rewrite_model": "",
    "rewrite_query": False,
    "reranking": False,
    "reranking_model": "",
    "chunk": True,
    "chunk_size": 256,
    "chunk_overlap": 10,
    "index_method": {"vector": True, "keyword": True},
    "hybrid_search_enabled": True,
    "indexing_options": {},
    "fusion_method": "rrf",
    "retrieval_options": {},
    "max_num_results": 10,
    "score_threshold": 0.4,
    "cache": True,
    "cache_threshold": "close_enough",
    "cache_ttl": 172800,
    "custom_metadata": [],
    "sync_interval": 21600,
    "paused": False,
    "public_endpoint_params": None,
    "metadata": None,
    "summarization": False,
    "summarization_model": None,
    "system_prompt_ai_search": None,
    "system_prompt_index_summarization": None,
    "system_prompt_rewrite_query": None,
}

_INDEXING: Settings = {"keyword_tokenizer": "porter", "use_ocr": False}
_RETRIEVAL: Settings = {"keyword_match_mode": "and"}
_R2: Settings = {"r2_jurisdiction": "default"}
_CRAWLER: Settings = {
    "web_crawler": {
        "parse_type": "sitemap",
        "parse_options": {"include_images": False, "use_browser_rendering": True},
    }
}
_ENDPOINT: Settings = {
    "enabled": False,
    "authorized_hosts": [],
    "search_endpoint": {"disabled": False},
    "chat_completions_endpoint": {"disabled": False},
    "mcp": {"disabled": False, "description": "Finds exactly what you're looking for"},
    "custom_domains": None,
    "default_domain_enabled": True,
}


def infer_type(given: Settings) -> str | None:
    """Return the type of a create without one: by its source (facts 2.1, since GA)."""
    source = given.get("source")
    if given.get("type") is not None:
        return str(given["type"])
    if not isinstance(source, str) or not source.strip():
        return None
    return "web-crawler" if source.startswith(("http://", "https://")) else "r2"


def created(given: Settings) -> Settings:
    """Return the stored settings of a new instance."""
    settings = _completed(CREATE_DEFAULTS | _without_nulls(given) | {"type": infer_type(given)})
    if given.get("hybrid_search_enabled") is False and "index_method" not in given:
        settings["index_method"] = {"vector": True, "keyword": False}
    return _derived(settings)


def updated(stored: Settings, given: Settings) -> Settings:
    """Return the stored settings after a PUT: top level merged, nested objects replaced whole.

    Two members outlive the replacement (facts 2.1, 2.3): `retrieval_options.keyword_match_mode` and
    `public_endpoint_params.custom_domains`. A null puts the server's default back.
    """
    cleared = {name: CREATE_DEFAULTS[name] for name, value in given.items() if value is None}
    changed = stored | cleared | _without_nulls(given)
    for field, member in (
        ("retrieval_options", "keyword_match_mode"),
        ("public_endpoint_params", "custom_domains"),
    ):
        before, after = stored[field], given.get(field)
        if isinstance(before, dict) and isinstance(after, dict):
            changed[field] = {member: before.get(member)} | after
    return _derived(_completed(changed))


def forces_reindex(before: Settings, after: Settings) -> bool:
    """Return whether a change re-indexes everything (facts 2.6)."""
    enabled = any(_member(after, "index_method", key) and not _member(before, "index_method", key) for key in _INDEXES)
    return enabled or before["indexing_options"] != after["indexing_options"]


_INDEXES = ("vector", "keyword")


def _completed(settings: Settings) -> Settings:
    kind = settings["type"]
    filled = dict(settings)
    filled["indexing_options"] = _filled(_INDEXING, settings["indexing_options"])
    filled["retrieval_options"] = _with_directions(_filled(_RETRIEVAL, settings["retrieval_options"]), settings)
    if kind is not None:
        filled["source_params"] = _filled(_R2 if kind == "r2" else _CRAWLER, settings["source_params"])
    if settings["public_endpoint_params"] is not None:
        filled["public_endpoint_params"] = _filled(_ENDPOINT, settings["public_endpoint_params"])
    return filled


def _derived(settings: Settings) -> Settings:
    hybrid = all(_member(settings, "index_method", key) for key in _INDEXES)
    return settings | {"hybrid_search_enabled": hybrid}


def _with_directions(options: JsonValue, settings: Settings) -> JsonValue:
    """Fill in each boost's direction: `asc` for numbers and times, else `exists` (the SDK's field text)."""
    document: Any = options
    metadata: Any = settings["custom_metadata"]
    ordered = {"timestamp"} | {item["field_name"] for item in metadata if item["data_type"] in {"number", "datetime"}}
    if "boost_by" not in document:
        return options
    boosts = [{"direction": "asc" if item["field"] in ordered else "exists"} | item for item in document["boost_by"]]
    return {**document, "boost_by": boosts}


def _filled(default: JsonValue, given: JsonValue) -> JsonValue:
    if not isinstance(default, dict):
        return given
    if not isinstance(given, dict):
        return default
    names = [*default, *(name for name in given if name not in default)]
    return {name: _filled(default.get(name), given[name]) if name in given else default[name] for name in names}


def _member(settings: Settings, field: str, member: str) -> bool:
    value = settings[field]
    return isinstance(value, dict) and bool(value[member])


def _without_nulls(given: Settings) -> Settings:
    return {name: value for name, value in given.items() if value is not None}
