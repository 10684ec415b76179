"""The writable fields of an instance, leaf by leaf, and what can be done with each: the conformance table.

A cell is `True` where a test of test_conformance.py does it on a real control plane, else the reason why the API
cannot. docs/conformance.md is made from this.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from pydantic import JsonValue
from pydantic.alias_generators import to_camel

from aisearch_operator.domain.difference import FREE_MAPS, WRITE_ONLY
from harness.stage import PROMPT

Settings = dict[str, Any]


class Cell(StrEnum):
    """What is tested of a field."""

    CREATE = "create"
    UPDATE = "update"
    CLEAR = "clear"
    REPAIRED = "drift repaired"
    REPORTED = "drift reported"
    DEFAULT = "server default kept"


FIXED = "fixed at creation"
ONLY_REPORTED = "fixed at creation: reported under either policy"
NO_NULL = "no null at Cloudflare: set another value"
ONE_VALUE = "Cloudflare accepts only this value"
NOT_SHOWN = "Cloudflare never shows it"
NOT_CHANGEABLE = "nobody can change it"


@dataclass(frozen=True)
class Clearing:
    """What a spec says to clear a field: a null or an empty list, at its own path or at that of its object."""

    path: str
    value: list[JsonValue] | None = None

    def __str__(self) -> str:
        return f"`{'.'.join(map(to_camel, self.path.split('.')))}: {'null' if self.value is None else '[]'}`"

    def __hash__(self) -> int:
        return hash(self.path)


@dataclass(frozen=True)
class WritableField:
    """A field, three values for it, and what cannot be done with it.

    Parameters
    ----------
    path
        In the API's names.
    on
        The instance of the tests that has it: some fields exclude each other.
    created, updated, drifted
        What the spec says first, what it says then, and what somebody sets in the dashboard.
    clears
        How it is cleared.
    cannot
        Why the API cannot, by cell.
    drifts_with
        What somebody changes to make the field drift, when it is another field.
    """

    path: str
    on: str
    created: JsonValue
    updated: JsonValue = None
    drifted: JsonValue = None
    clears: Clearing | None = None
    cannot: Mapping[Cell, str] = field(default_factory=dict)
    drifts_with: Mapping[str, JsonValue] | None = None

    @property
    def top(self) -> str:
        """The top-level field that it is in."""
        return self.path.partition(".")[0]

    @property
    def spec_path(self) -> str:
        """The path below spec, as status.drift has it."""
        return ".".join(map(to_camel, self.path.split(".")))

    @property
    def secret(self) -> bool:
        """Whether its values are shown nowhere."""
        return self.top in WRITE_ONLY or self.path.rpartition(".")[2] in FREE_MAPS

    def can(self, cell: Cell) -> bool:
        """Whether the API can do it."""
        return cell not in self.cannot

    def shown(self, cell: Cell) -> str:
        """Give the text of a cell in the documentation."""
        if reason := self.cannot.get(cell):
            return reason
        if cell is Cell.CLEAR:
            return f"yes, by {self.clears}"
        if cell is Cell.CREATE and self.top in AFTER_CREATION:
            return "yes, in a PUT after it"
        return "yes"


AFTER_CREATION = frozenset(
    {
        "paused",
        "summarization",
        "summarization_model",
        "system_prompt_ai_search",
        "system_prompt_index_summarization",
        "system_prompt_rewrite_query",
    }
)
"""Unknown to a POST (facts 2.1)."""

WITH_ALL_MEMBERS = frozenset({"index_method", "metadata.search_for_agents"})
"""Objects of which no member may be missing."""

_STAYS = {Cell.UPDATE: FIXED, Cell.CLEAR: FIXED, Cell.REPAIRED: ONLY_REPORTED}


def _fixed(path: str, on: str, created: JsonValue, drifted: JsonValue = None, **more: Any) -> WritableField:
    return WritableField(path, on, created, drifted=drifted, cannot=_STAYS, **more)


def _null(path: str, on: str, created: JsonValue, updated: JsonValue, drifted: JsonValue) -> WritableField:
    return WritableField(path, on, created, updated, drifted, clears=Clearing(path))


def _with(parent: str, path: str, on: str, created: JsonValue, updated: JsonValue, drifted: JsonValue) -> WritableField:
    return WritableField(path, on, created, updated, drifted, clears=Clearing(parent))


def _kept(path: str, on: str, created: JsonValue, updated: JsonValue, drifted: JsonValue = None) -> WritableField:
    """Make a field that has no null; somebody who changes a switch has only one other value."""
    return WritableField(
        path, on, created, updated, updated if drifted is None else drifted, cannot={Cell.CLEAR: NO_NULL}
    )


def _source_params() -> Iterable[WritableField]:
    whole, crawler = "source_params", "source_params.web_crawler"
    yield _with(whole, f"{whole}.prefix", "bucket", "guides/", "blog/", "theirs/")
    yield _with(whole, f"{whole}.include_items", "bucket", ["/guides/**"], ["/a/**", "/b/**"], [])
    yield _with(whole, f"{whole}.exclude_items", "bucket", ["/old/*"], ["/older/*"], ["/old/*", "/new/*"])
    yield _with(whole, f"{whole}.r2_jurisdiction", "bucket", "eu", "fedramp", "default")
    yield _with(whole, f"{crawler}.parse_type", "discover", "discover", "sitemap", "sitemap")
    discover = f"{crawler}.discover_options"
    yield _with(whole, f"{discover}.depth", "discover", 3, 4, 5)
    yield _with(whole, f"{discover}.limit", "discover", 100, 200, 300)
    yield _with(whole, f"{discover}.max_age", "discover", 3600, 7200, 60)
    yield _with(whole, f"{discover}.include_subdomains", "discover", True, False, False)
    yield WritableField(
        f"{discover}.include_external_links",
        "discover",
        created=False,
        clears=Clearing(whole),
        cannot={Cell.UPDATE: ONE_VALUE, Cell.REPAIRED: ONE_VALUE, Cell.REPORTED: ONE_VALUE},
    )
    yield _with(whole, f"{discover}.source", "discover", "links", "all", "sitemaps")
    parse = f"{crawler}.parse_options"
    yield _with(
        whole,
        f"{parse}.include_headers",
        "sitemap",
        {"X-Key": f"{PROMPT} a"},
        {"X-Key": f"{PROMPT} b"},
        {"X-Other": "c"},
    )
    yield _with(whole, f"{parse}.include_images", "sitemap", True, False, False)
    yield _with(whole, f"{parse}.use_browser_rendering", "sitemap", False, True, True)
    maps: list[JsonValue] = [f"https://docs.example.com/{name}.xml" for name in "abc"]
    yield _with(whole, f"{parse}.specific_sitemaps", "sitemap", maps[:1], maps[1:2], maps[2:])
    selectors: list[JsonValue] = [{"path": "/**", "selector": selector} for selector in ("main", "article", "body")]
    yield _with(whole, f"{parse}.content_selector", "sitemap", selectors[:1], selectors[1:2], selectors[2:])


def _indexing() -> Iterable[WritableField]:
    yield _fixed("embedding_model", "bucket", "@cf/baai/bge-m3", "@cf/baai/bge-large-en-v1.5")
    yield _kept("chunk", "bucket", False, True)
    yield _kept("chunk_size", "bucket", 512, 1024, 128)
    yield _kept("chunk_overlap", "bucket", 20, 30, 0)
    yield _kept("index_method.vector", "bucket", True, False)
    yield _kept("index_method.keyword", "bucket", False, True)
    yield _fixed(
        "hybrid_search_enabled",
        "hybrid",
        created=False,
        drifted=True,
        drifts_with={"index_method": {"vector": True, "keyword": True}},
    )
    yield _with("indexing_options", "indexing_options.keyword_tokenizer", "bucket", "trigram", "porter", "porter")
    yield _with("indexing_options", "indexing_options.use_ocr", "bucket", True, False, False)
    fields: list[JsonValue] = [
        {"field_name": name, "data_type": kind} for name, kind in (("team", "text"), ("team", "number"), ("x", "text"))
    ]
    yield WritableField(
        "custom_metadata", "bucket", fields[:1], fields[1:], fields[2:], clears=Clearing("custom_metadata", [])
    )
    yield _kept("summarization", "bucket", True, False)
    yield _null("summarization_model", "bucket", "@cf/sum/a", "@cf/sum/b", "@cf/sum/c")
    yield _prompt("system_prompt_index_summarization")


def _search() -> Iterable[WritableField]:
    yield _kept("max_num_results", "sitemap", 20, 30, 7)
    yield _kept("score_threshold", "sitemap", 0.25, 0.5, 0.9)
    yield _kept("fusion_method", "sitemap", "max", "rrf")
    boosts: list[JsonValue] = [{"field": "timestamp", "direction": word} for word in ("desc", "asc", "exists")]
    yield _with("retrieval_options", "retrieval_options.keyword_match_mode", "sitemap", "or", "and", "and")
    yield _with("retrieval_options", "retrieval_options.boost_by", "sitemap", boosts[:1], boosts[1:2], boosts[2:])
    yield _kept("reranking", "sitemap", True, False)
    yield _null("reranking_model", "sitemap", "@cf/baai/bge-reranker-base", "@cf/rank/b", "@cf/rank/c")
    yield _kept("rewrite_query", "sitemap", True, False)
    yield _null("rewrite_model", "sitemap", "@cf/rewrite/a", "@cf/rewrite/b", "@cf/rewrite/c")
    yield _prompt("system_prompt_rewrite_query")
    yield _null(
        "ai_search_model", "sitemap", "@cf/meta/llama-3.3-70b-instruct-fp8-fast", "@cf/answer/b", "@cf/answer/c"
    )
    yield _prompt("system_prompt_ai_search")
    yield _null("ai_gateway_id", "sitemap", "search", "search-2", "theirs")
    yield _kept("cache", "sitemap", False, True)
    yield _kept("cache_threshold", "sitemap", "flexible_friend", "anything_goes", "super_strict_match")
    yield _kept("cache_ttl", "sitemap", 600, 1800, 3600)


def _prompt(path: str) -> WritableField:
    return _null(path, "sitemap", f"{PROMPT}: {path} a", f"{PROMPT}: {path} b", f"{PROMPT}: {path} c")


def _access() -> Iterable[WritableField]:
    endpoint = "public_endpoint_params"
    yield _kept(f"{endpoint}.enabled", "discover", True, False)
    yield WritableField(
        f"{endpoint}.authorized_hosts",
        "discover",
        ["www.example.com"],
        ["www.example.org"],
        ["www.example.net"],
        clears=Clearing(f"{endpoint}.authorized_hosts", []),
    )
    yield _null(
        f"{endpoint}.custom_domains", "discover", ["search.example.com"], ["find.example.com"], ["theirs.example.com"]
    )
    yield _kept(f"{endpoint}.default_domain_enabled", "discover", True, False)
    yield _kept(f"{endpoint}.search_endpoint.disabled", "discover", True, False)
    yield _kept(f"{endpoint}.chat_completions_endpoint.disabled", "discover", True, False)
    yield _kept(f"{endpoint}.mcp.disabled", "discover", True, False)
    yield _kept(f"{endpoint}.mcp.description", "discover", "Finds pages", "Finds more pages", "Finds nothing")
    yield _kept(f"{endpoint}.rate_limit.period_ms", "discover", 120_000, 180_000, 60_000)
    yield _kept(f"{endpoint}.rate_limit.requests", "discover", 5, 6, 7)
    yield _kept(f"{endpoint}.rate_limit.technique", "discover", "sliding", "fixed")
    yield _kept("metadata.created_from_aisearch_wizard", "sitemap", True, False)
    yield _kept("metadata.worker_domain", "sitemap", "a.workers.dev", "b.workers.dev", "c.workers.dev")
    agents = "metadata.search_for_agents"
    yield _kept(f"{agents}.zone_id", "sitemap", "1" * 32, "2" * 32, "3" * 32)
    yield _kept(f"{agents}.zone_name", "sitemap", "example.com", "example.org", "example.net")
    yield _kept(f"{agents}.hostname", "sitemap", "www.example.com", "www.example.org", "www.example.net")


FIELDS: tuple[WritableField, ...] = (
    WritableField(
        "type", "bucket", "r2", cannot={**_STAYS, Cell.REPAIRED: NOT_CHANGEABLE, Cell.REPORTED: NOT_CHANGEABLE}
    ),
    _fixed("source", "bucket", "my-bucket", "their-bucket"),
    *_source_params(),
    _kept("sync_interval", "bucket", 3600, 7200, 900),
    _kept("paused", "bucket", True, False),
    WritableField(
        "token_id",
        "bucket",
        "0b9f4c1e-6f1d-4a55-9b62-64f2a1c8d001",
        "1b9f4c1e-6f1d-4a55-9b62-64f2a1c8d002",
        cannot={Cell.CLEAR: NO_NULL, Cell.REPAIRED: NOT_SHOWN, Cell.REPORTED: NOT_SHOWN},
    ),
    *_indexing(),
    *_search(),
    *_access(),
)

BASES: Mapping[str, Settings] = {
    "bucket": {"source": "my-bucket"},
    "sitemap": {"source": "https://docs.example.com"},
    "discover": {"source": "https://blog.example.com"},
    "hybrid": {},
}
"""The instances of the tests, and what each needs to be one."""


def settings(on: str, value: Callable[[WritableField], JsonValue]) -> Settings:
    """Put an instance's settings together, in the API's names: a value for each of its fields."""
    made: Settings = dict(BASES[on])
    for each in FIELDS:
        if each.on == on:
            put(made, each.path, value(each))
    return made


def put(into: Settings, path: str, value: JsonValue) -> None:
    """Set a value at a path; a parent that is null stays null."""
    *parents, last = path.split(".")
    for name in parents:
        if into.setdefault(name, {}) is None:
            return
        into = into[name]
    into[last] = value


def get(document: Mapping[str, Any], path: str) -> Any:
    """Read the value at a path; None where there is nothing."""
    found: Any = document
    for name in path.split("."):
        found = found.get(name) if isinstance(found, Mapping) else None
    return found


def manifest_spec(value: Any, *, below: str = "") -> Any:
    """Write settings in the names of a manifest; names of HTTP headers are the user's and stay."""
    if isinstance(value, list):
        return [manifest_spec(item) for item in value]
    if not isinstance(value, dict) or below in FREE_MAPS:
        return value
    return {to_camel(name): manifest_spec(member, below=name) for name, member in value.items()}
