"""The settings of an AI Search instance: every field that the Cloudflare API lets a client write.

Sets of words are closed only where a new word would be a new notion (`and` or `or`, a direction, a
list of durations). Words that name an implementation of Cloudflare (models, kinds of sources, parse
types, tokenizers, fusion methods, jurisdictions) stay open: they come and go without a release of
the operator, and the server's refusal shows up in the conditions.
"""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from aisearch_operator.resources.base import CLEARABLE, ResourceModel, Rule, immutable
from aisearch_operator.resources.names import Keyword
from aisearch_operator.resources.public_endpoint import PublicEndpointParams
from aisearch_operator.resources.source_params import SourceParams

__all__ = [
    "BoostBy",
    "CustomMetadataField",
    "IndexMethod",
    "IndexingOptions",
    "InstanceMetadata",
    "InstanceSettings",
    "RetrievalOptions",
    "SearchForAgents",
]

MAX_CUSTOM_METADATA = 20
"""The product documents 5 and Cloudflare's own command line tool 20 (facts 1.2): the server decides."""

ANOTHER_INSTANCE = "apply another AISearchInstance, whose data is indexed anew, and delete this one"

Model = Annotated[str, Field(max_length=256)]
"""A model's name, for example ``@cf/baai/bge-m3``; an empty one means the default."""

GatewayId = Annotated[str, Field(max_length=64)]

Prompt = Annotated[str, Field(max_length=32_768)]
"""The length is ours: Cloudflare documents none, and etcd stores at most 1.5 MB."""


class IndexMethod(ResourceModel):
    """Which indexes are kept."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule("self.vector || self.keyword", "indexMethod needs vector, keyword or both set to true"),
    )

    vector: bool
    """Whether embeddings are kept, for search by meaning."""

    keyword: bool
    """Whether a full-text (BM25) index is kept, for search by words."""


class IndexingOptions(ResourceModel):
    """How content is read before it is indexed."""

    keyword_tokenizer: Keyword | None = None
    """How text becomes search words: `porter` by stems of words, for natural language; `trigram` by
    pieces of three characters, for code and identifiers. Unset means `porter`. A change indexes
    everything again, which Cloudflare charges for."""

    use_ocr: bool | None = None
    """Whether text in PDFs and images is recognised, at a price per page. Unset means false. A change
    indexes everything again, which Cloudflare charges for."""


class BoostBy(ResourceModel):
    """A metadata field that moves results up."""

    field: Annotated[str, Field(min_length=1, max_length=64)]
    """The metadata field: `timestamp` for freshness, or a fieldName of customMetadata."""

    direction: Literal["asc", "desc", "exists", "not_exists"] | None = None
    """Which values move a result up: high ones (`desc`), low ones (`asc`), any (`exists`) or none
    (`not_exists`). Text and boolean fields take only the last two. Unset means `asc` for numbers and
    dates, `exists` for text and booleans."""


class RetrievalOptions(ResourceModel):
    """How results are found and ranked."""

    keyword_match_mode: Literal["and", "or"] | None = None
    """Whether a document must contain all words of the query (`and`) or at least one (`or`). Unset means
    `and`."""

    boost_by: Annotated[tuple[BoostBy, ...], Field(max_length=3)] | None = None
    """Metadata fields that move results up: at most 3."""


class CustomMetadataField(ResourceModel):
    """A field of the items' metadata that searches can filter by."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            "!(self.fieldName.lowerAscii() in ['timestamp', 'folder', 'filename'])",
            "fieldName must not be timestamp, folder or filename, which Cloudflare fills in itself: "
            "choose another name",
            "fieldName",
        ),
    )

    field_name: Annotated[str, Field(min_length=1, max_length=64)]
    """Name of the field. timestamp, folder and filename are reserved."""

    data_type: Literal["text", "number", "boolean", "datetime"]
    """Type of the values. Of a text, the first 64 bytes can be filtered by."""


class SearchForAgents(ResourceModel):
    """The website that Search for Agents serves by the instance."""

    zone_id: Annotated[str, Field(max_length=32)] | None = None
    """Id of the website's zone."""

    zone_name: Annotated[str, Field(max_length=253)] | None = None
    """Name of the website's zone, for example example.com."""

    hostname: Annotated[str, Field(max_length=253)] | None = None
    """Host name of the website."""


class InstanceMetadata(ResourceModel):
    """What Cloudflare's dashboard notes about an instance."""

    created_from_aisearch_wizard: bool | None = None
    """Whether the dashboard's wizard made the instance."""

    worker_domain: Annotated[str, Field(max_length=253)] | None = None
    """Domain of the Worker that serves the instance."""

    search_for_agents: SearchForAgents | None = None
    """The website that Search for Agents serves by this instance. Only in the search namespace
    `default`, and such an instance cannot be moved to another."""


class InstanceSettings(ResourceModel):
    """Every writable field of an instance, all optional: what is unset is left to Cloudflare.

    Clearable are those whose null a PUT takes (facts 2.3). It takes that of `source` and `embedding_model` too,
    but these are fixed at creation.
    """

    rules: ClassVar[tuple[Rule, ...]] = (
        immutable("type", f"Cloudflare fixes the kind of source at creation; {ANOTHER_INSTANCE}"),
        immutable("source", f"Cloudflare fixes the data source at creation; {ANOTHER_INSTANCE}"),
        immutable("embeddingModel", f"all embeddings are made with it; {ANOTHER_INSTANCE}"),
        Rule(
            "!has(self.hybridSearchEnabled) || "
            "(has(oldSelf.hybridSearchEnabled) && self.hybridSearchEnabled == oldSelf.hybridSearchEnabled)",
            "hybridSearchEnabled counts only at creation: remove it and set indexMethod",
            "hybridSearchEnabled",
        ),
        Rule(
            "!has(self.type) || has(self.source)",
            "source is required with type: name the R2 bucket or the URL of the website, "
            "or remove type for an instance that files are uploaded to",
            "source",
        ),
        Rule(
            "!has(self.customMetadata) || self.customMetadata.all(one, "
            "self.customMetadata.exists_one(other, "
            "other.fieldName.lowerAscii() == one.fieldName.lowerAscii()))",
            "customMetadata names a field twice (upper and lower case are the same): keep one entry per fieldName",
            "customMetadata",
        ),
    )

    # Data source
    type: Keyword | None = None
    """Kind of the data source: `r2` (a bucket) or `web-crawler` (a website). Unset means that Cloudflare
    takes it from source. Cannot be changed, added or removed."""

    source: Annotated[str, Field(min_length=1, max_length=2048)] | None = None
    """Data source: the name of an R2 bucket, or the URL of a website. Unset means that files are
    uploaded to the instance; sync jobs then have nothing to do. Cannot be changed, added or removed."""

    source_params: Annotated[SourceParams | None, CLEARABLE] = None
    """Which part of the data source is indexed. A change takes effect with the next sync. null clears it."""

    sync_interval: Literal[900, 1800, 3600, 7200, 14400, 21600, 43200, 86400] | None = None
    """Seconds between two scheduled syncs with the data source: 900, 1800, 3600, 7200, 14400, 21600,
    43200 or 86400. Unset means 21600 (6 hours). New and changed content is charged for."""

    paused: bool | None = None
    """Whether scheduled syncs are paused; the instance stays searchable. Unset means hands off:
    Cloudflare pauses an instance by itself, after 31 days without a search and on some errors, and
    false would resume it each time."""

    token_id: Annotated[str, Field(max_length=36, json_schema_extra={"format": "uuid"})] | None = None
    """Id (UUID) of the AI Search service token by which Cloudflare reads the R2 bucket; it is not a
    secret. Unset means the account's own."""

    # Indexing
    embedding_model: Model | None = None
    """Model that makes the embeddings. Unset means Cloudflare's default. Cannot be changed, added or
    removed."""

    chunk: bool | None = None
    """Whether content is cut into chunks before it is indexed. Unset means true."""

    chunk_size: Annotated[int, Field(ge=64)] | None = None
    """Length of a chunk in tokens: at least 64, at most what the embedding model takes. Unset means
    that Cloudflare decides by the model. A change concerns only what is indexed from then on."""

    chunk_overlap: Annotated[int, Field(ge=0, le=30)] | None = None
    """How much of a chunk is repeated in the next one, in percent: 0 to 30. Unset means 10. A change
    concerns only what is indexed from then on."""

    index_method: IndexMethod | None = None
    """Which indexes are kept. Unset means both. Enabling one indexes everything again, which Cloudflare
    charges for; disabling one deletes it."""

    hybrid_search_enabled: bool | None = None
    """Deprecated by Cloudflare, use indexMethod. Whether a new instance gets both indexes; counts only
    at creation. It can be removed, but not changed or added."""

    indexing_options: Annotated[IndexingOptions | None, CLEARABLE] = None
    """How content is read before it is indexed. A change indexes everything again. null clears it."""

    custom_metadata: Annotated[tuple[CustomMetadataField, ...], Field(max_length=MAX_CUSTOM_METADATA)] | None = None
    """Fields of the items' metadata that searches can filter by. Most accounts may have 5. Names differ
    in more than case."""

    summarization: bool | None = None
    """Whether a model summarizes content before it is indexed, at the price of its use. Unset means
    false."""

    summarization_model: Annotated[Model | None, CLEARABLE] = None
    """Model that summarizes. Unset or empty means Cloudflare's default; null or an empty one clears it."""

    system_prompt_index_summarization: Annotated[Prompt | None, CLEARABLE] = Field(default=None, repr=False)
    """What the summarizing model is told. Unset means Cloudflare's text; null clears it."""

    # Search
    max_num_results: Annotated[int, Field(ge=1, le=50)] | None = None
    """How many results a search gives at most: 1 to 50. Unset means 10."""

    score_threshold: Annotated[float, Field(ge=0, le=1)] | None = None
    """How similar a result must be at least: 0 to 1. Unset means 0.4."""

    fusion_method: Keyword | None = None
    """How the results of both indexes become one list: `rrf` by rank, `max` by the higher score. Unset
    means `rrf`."""

    retrieval_options: Annotated[RetrievalOptions | None, CLEARABLE] = None
    """How results are found and ranked. null clears it."""

    reranking: bool | None = None
    """Whether a model puts the results in a better order, at the price of its use. Unset means false."""

    reranking_model: Annotated[Model | None, CLEARABLE] = None
    """Model that orders the results, for example `@cf/baai/bge-reranker-base`. Unset or empty means
    Cloudflare's default; null or an empty one clears it."""

    rewrite_query: bool | None = None
    """Whether a model rewrites queries before the search, at the price of its use. Unset means false."""

    rewrite_model: Annotated[Model | None, CLEARABLE] = None
    """Model that rewrites queries. Unset or empty means Cloudflare's default; null or an empty one clears it."""

    system_prompt_rewrite_query: Annotated[Prompt | None, CLEARABLE] = Field(default=None, repr=False)
    """What the rewriting model is told. Unset means Cloudflare's text; null clears it."""

    # Answers
    ai_search_model: Annotated[Model | None, CLEARABLE] = None
    """Model that writes answers: one of Workers AI, or one that the AI Gateway reaches. Unset or empty
    means Cloudflare's default; null or an empty one clears it."""

    system_prompt_ai_search: Annotated[Prompt | None, CLEARABLE] = Field(default=None, repr=False)
    """What the answering model is told. Unset means Cloudflare's text; null clears it."""

    ai_gateway_id: Annotated[GatewayId | None, CLEARABLE] = None
    """Id of the AI Gateway that calls of models go through; it must exist. Unset means that Cloudflare
    decides; null clears it."""

    cache: bool | None = None
    """Whether answers to similar questions come from a cache. Unset means that Cloudflare decides."""

    cache_threshold: Literal["super_strict_match", "close_enough", "flexible_friend", "anything_goes"] | None = None
    """How similar a question must be to be answered from the cache, from `super_strict_match` over
    `close_enough` and `flexible_friend` to `anything_goes`. Unset means `close_enough`."""

    cache_ttl: Literal[600, 1800, 3600, 7200, 21600, 43200, 86400, 172800, 259200, 518400] | None = None
    """Seconds that an answer stays in the cache: 600, 1800, 3600, 7200, 21600, 43200, 86400, 172800,
    259200 or 518400. Unset means 172800 (2 days)."""

    # Access
    public_endpoint_params: PublicEndpointParams | None = None
    """The endpoint that answers without a Cloudflare API token. Unset means none."""

    metadata: InstanceMetadata | None = None
    """What Cloudflare's dashboard notes about the instance. Leave it unset unless you know the need."""
