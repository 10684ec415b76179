"""Request bodies of the API, as strict as its schema: unknown fields are errors (facts 1.1, 2.1).

They are typed dictionaries, so that what was parsed holds exactly the keys that the caller wrote.
"""

import re
from typing import Annotated, Literal, Required, TypeVar

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, StringConstraints, with_config
from typing_extensions import TypedDict

INSTANCE_ID = r"^[a-z0-9_]+(?:-[a-z0-9_]+)*$"
NAMESPACE_NAME = r"^[a-z0-9]([a-z0-9-]{0,26}[a-z0-9])?$"
HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
HEADER_VALUE = re.compile(r"[\t\x20-\x7e]*")
MAX_RULES = 10
MAX_CUSTOM_METADATA = 5
RESERVED_METADATA = frozenset({"timestamp", "folder", "filename"})

_Type = TypeVar("_Type", bound=type)


def _strict(kind: _Type) -> _Type:
    return with_config(ConfigDict(extra="forbid", strict=True))(kind)


def _whole_number(value: object) -> object:
    """Refuse 600.0 and true, which a Literal of integers takes for equal."""
    if type(value) is not int:
        raise ValueError("must be an integer")
    return value


@_strict
class _DiscoverOptions(TypedDict, total=False):
    depth: Annotated[float, Field(ge=1)]
    limit: Annotated[float, Field(ge=1, le=100_000)]
    max_age: Annotated[float, Field(ge=0, le=604_800)]
    include_subdomains: bool
    include_external_links: Literal[False]
    source: Literal["all", "sitemaps", "links"]


@_strict
class _ContentSelector(TypedDict):
    path: str
    selector: str


@_strict
class _ParseOptions(TypedDict, total=False):
    include_headers: Annotated[dict[str, str], Field(max_length=5)]
    include_images: bool
    use_browser_rendering: bool
    specific_sitemaps: list[str]
    content_selector: Annotated[list[_ContentSelector], Field(min_length=1)]


@_strict
class _WebCrawler(TypedDict, total=False):
    parse_type: Literal["sitemap", "discover"]
    discover_options: _DiscoverOptions
    parse_options: _ParseOptions


@_strict
class _SourceParams(TypedDict, total=False):
    prefix: str
    include_items: Annotated[list[str], Field(max_length=MAX_RULES)]
    exclude_items: Annotated[list[str], Field(max_length=MAX_RULES)]
    r2_jurisdiction: str
    web_crawler: _WebCrawler


@_strict
class _IndexMethod(TypedDict):
    vector: bool
    keyword: bool


def _some_index(value: _IndexMethod) -> _IndexMethod:
    if not value["vector"] and not value["keyword"]:
        raise ValueError("at least one of vector and keyword must be true")
    return value


@_strict
class _IndexingOptions(TypedDict, total=False):
    keyword_tokenizer: Literal["porter", "trigram"]
    use_ocr: bool


@_strict
class _Boost(TypedDict, total=False):
    field: Required[str]
    direction: Literal["asc", "desc", "exists", "not_exists"]


@_strict
class _RetrievalOptions(TypedDict, total=False):
    boost_by: Annotated[list[_Boost], Field(max_length=3)]
    keyword_match_mode: Literal["and", "or"]


@_strict
class _CustomMetadata(TypedDict):
    field_name: Annotated[str, Field(min_length=1)]
    data_type: Literal["text", "number", "boolean", "datetime"]


def _usable_names(value: list[_CustomMetadata]) -> list[_CustomMetadata]:
    names = [item["field_name"].lower() for item in value]
    if len(set(names)) != len(names):
        raise ValueError("field names must be unique, whatever their case")
    if reserved := RESERVED_METADATA.intersection(names):
        msg = f"reserved field name: {min(reserved)}"
        raise ValueError(msg)
    return value


@_strict
class _EndpointSwitch(TypedDict, total=False):
    disabled: bool


@_strict
class _Mcp(TypedDict, total=False):
    disabled: bool
    description: str


@_strict
class _RateLimit(TypedDict, total=False):
    period_ms: Annotated[int, Field(ge=60_000, le=3_600_000)]
    requests: Annotated[int, Field(ge=1)]
    technique: Literal["fixed", "sliding"]


@_strict
class _PublicEndpoint(TypedDict, total=False):
    enabled: bool
    authorized_hosts: list[str]
    search_endpoint: _EndpointSwitch
    chat_completions_endpoint: _EndpointSwitch
    mcp: _Mcp
    rate_limit: _RateLimit
    custom_domains: list[str] | None
    default_domain_enabled: bool


@_strict
class _NamespacePublicEndpoint(_PublicEndpoint, total=False):
    instances_allowed: list[str]


@_strict
class _SearchForAgents(TypedDict):
    zone_id: str
    zone_name: str
    hostname: str


@_strict
class _Metadata(TypedDict, total=False):
    created_from_aisearch_wizard: bool
    worker_domain: str
    search_for_agents: _SearchForAgents


@_strict
class _Settings(TypedDict, total=False):
    source: str | None
    source_params: _SourceParams | None
    token_id: str
    ai_gateway_id: str | None
    embedding_model: str | None
    ai_search_model: str | None
    rewrite_model: str | None
    rewrite_query: bool
    reranking: bool
    reranking_model: str | None
    chunk: bool
    chunk_size: Annotated[int, Field(ge=64)]
    chunk_overlap: Annotated[int, Field(ge=0, le=30)]
    index_method: Annotated[_IndexMethod, AfterValidator(_some_index)]
    indexing_options: _IndexingOptions | None
    fusion_method: Literal["max", "rrf"]
    retrieval_options: _RetrievalOptions | None
    max_num_results: Annotated[int, Field(ge=1, le=50)]
    score_threshold: Annotated[float, Field(ge=0, le=1)]
    cache: bool
    cache_threshold: Literal["super_strict_match", "close_enough", "flexible_friend", "anything_goes"]
    cache_ttl: Annotated[
        Literal[600, 1800, 3600, 7200, 21600, 43200, 86400, 172800, 259200, 518400],
        BeforeValidator(_whole_number),
    ]
    custom_metadata: Annotated[
        list[_CustomMetadata], Field(max_length=MAX_CUSTOM_METADATA), AfterValidator(_usable_names)
    ]
    sync_interval: Annotated[Literal[900, 1800, 3600, 7200, 14400, 21600, 43200, 86400], BeforeValidator(_whole_number)]
    public_endpoint_params: _PublicEndpoint
    metadata: _Metadata


@_strict
class CreateInstance(_Settings, total=False):
    """Body of POST instances; `paused` and what only PUT accepts are unknown here (facts 2.1)."""

    id: Required[Annotated[str, StringConstraints(max_length=64, pattern=INSTANCE_ID)]]
    type: Literal["r2", "web-crawler"] | None
    hybrid_search_enabled: bool


@_strict
class UpdateInstance(_Settings, total=False):
    """Body of PUT instance; `id` and `type` are unknown here, as they never change."""

    paused: bool
    summarization: bool
    summarization_model: str | None
    system_prompt_ai_search: str | None
    system_prompt_index_summarization: str | None
    system_prompt_rewrite_query: str | None


@_strict
class MoveInstance(TypedDict):
    """Body of PATCH instance."""

    new_namespace: str


@_strict
class UpdateNamespace(TypedDict, total=False):
    """Body of PUT namespace."""

    description: Annotated[str, Field(max_length=256)] | None
    public_endpoint_params: _NamespacePublicEndpoint | None


@_strict
class CreateNamespace(UpdateNamespace, total=False):
    """Body of POST namespaces."""

    name: Required[Annotated[str, StringConstraints(pattern=NAMESPACE_NAME)]]


@_strict
class CreateJob(TypedDict, total=False):
    """Body of POST jobs."""

    description: Annotated[str, Field(max_length=255)] | None


@_strict
class ChangeJob(TypedDict):
    """Body of PATCH job."""

    action: Literal["cancel"]
