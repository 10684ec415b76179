"""Manifests that the API server must refuse, each with the field that the refusal must name."""

import copy
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from aisearch_operator.resources.group import API_VERSION, INSTANCE_KIND, SYNC_JOB_KIND

Manifest = dict[str, Any]

ACCOUNT = "023e105f4ecef8ad9ca31a8372d0c353"
OTHER_ACCOUNT = "9a7806061c88ada191ed06f989cc3dac"


@dataclass(frozen=True)
class BadManifest:
    """A manifest that cannot be created.

    Parameters
    ----------
    field
        The field that the refusal is attributed to.
    says
        Words of its message: the way out, where it is ours to say.
    """

    name: str
    manifest: Manifest
    field: str
    says: str = ""


@dataclass(frozen=True)
class BadChange:
    """A stored manifest and a version of it that must not replace it."""

    name: str
    stored: Manifest
    changed: Manifest
    field: str
    says: str


def instance(*, resource_name: str = "docs", **spec: Any) -> Manifest:
    return {
        "apiVersion": API_VERSION,
        "kind": INSTANCE_KIND,
        "metadata": {"name": resource_name},
        "spec": copy.deepcopy(spec),
    }


def sync_job(**spec: Any) -> Manifest:
    return {
        "apiVersion": API_VERSION,
        "kind": SYNC_JOB_KIND,
        "metadata": {"name": "docs-sync"},
        "spec": copy.deepcopy(spec),
    }


def crawler(**settings: Any) -> Manifest:
    return instance(source="https://docs.example.com", sourceParams={"webCrawler": settings})


def _bad_values() -> Iterator[BadManifest]:
    """Values of single fields of an instance that are out of range, of the wrong type or malformed."""
    values: tuple[tuple[str, Any], ...] = (
        ("chunkOverlap", -1),
        ("chunkOverlap", 31),
        ("chunkSize", 63),
        ("chunkSize", "256"),
        ("maxNumResults", 0),
        ("maxNumResults", 51),
        ("scoreThreshold", -0.1),
        ("scoreThreshold", 1.1),
        ("cacheTtl", 601),
        ("cacheThreshold", "exact"),
        ("syncInterval", 60),
        ("paused", "yes"),
        ("tokenId", "my-token"),
        ("embeddingModel", "m" * 257),
        ("systemPromptAiSearch", "p" * 32_769),
        ("fusionMethod", "RRF"),
        ("instanceId", ""),
        ("instanceId", "Docs"),
        ("instanceId", "docs.v2"),
        ("instanceId", "docs--v2"),
        ("instanceId", "-docs"),
        ("instanceId", "d" * 65),
        ("searchNamespace", "Team"),
        ("searchNamespace", "team_a"),
        ("searchNamespace", "team-"),
        ("searchNamespace", "t" * 29),
        ("accountId", ACCOUNT[1:]),
        ("accountId", "my-account".ljust(32, "0")),
        ("managementPolicy", "Adopt"),
        ("deletionPolicy", "Keep"),
        ("adoptionPolicy", "Always"),
        ("driftPolicy", "Ignore"),
        ("suspend", "yes"),
    )
    for field, value in values:
        shown = str(value) if len(str(value)) < 40 else f"{len(value)} characters"
        yield BadManifest(f"{field} {shown!r}", instance(**{field: value}), f"spec.{field}")


def _bad_objects() -> Iterator[BadManifest]:
    """Nested fields of an instance, and fields that do not fit together."""
    yield BadManifest("type in capitals", instance(type="R2", source="bucket"), "spec.type")
    yield BadManifest(
        "type without source", instance(type="r2"), "spec.source", "name the R2 bucket or the URL of the website"
    )
    yield BadManifest("empty source", instance(source=""), "spec.source")
    yield BadManifest("credentials without a name", instance(credentialsRef={}), "spec.credentialsRef.name")
    yield BadManifest(
        "name that no Secret can have", instance(credentialsRef={"name": "My_Secret"}), "spec.credentialsRef.name"
    )
    yield BadManifest(
        "Secret of another namespace by its path",
        instance(credentialsRef={"name": "other/aisearch-credentials"}),
        "spec.credentialsRef.name",
    )
    yield BadManifest(
        "name that no ConfigMap can have",
        instance(writeConnectionConfigMapToRef={"name": "Docs"}),
        "spec.writeConnectionConfigMapToRef.name",
    )
    yield BadManifest("half an index method", instance(indexMethod={"vector": True}), "spec.indexMethod.keyword")
    yield BadManifest(
        "no index at all",
        instance(indexMethod={"vector": False, "keyword": False}),
        "spec.indexMethod",
        "indexMethod needs vector, keyword or both set to true",
    )
    yield BadManifest(
        "empty tokenizer", instance(indexingOptions={"keywordTokenizer": ""}), "spec.indexingOptions.keywordTokenizer"
    )
    yield BadManifest(
        "four boosts",
        instance(retrievalOptions={"boostBy": [{"field": f"field{number}"} for number in range(4)]}),
        "spec.retrievalOptions.boostBy",
    )
    yield BadManifest(
        "unknown direction",
        instance(retrievalOptions={"boostBy": [{"field": "timestamp", "direction": "up"}]}),
        "spec.retrievalOptions.boostBy[0].direction",
    )
    yield BadManifest(
        "unknown match mode",
        instance(retrievalOptions={"keywordMatchMode": "xor"}),
        "spec.retrievalOptions.keywordMatchMode",
    )
    yield BadManifest(
        "reserved metadata name",
        instance(customMetadata=[{"fieldName": "Folder", "dataType": "text"}]),
        "spec.customMetadata[0].fieldName",
        "choose another name",
    )
    yield BadManifest(
        "metadata name used twice",
        instance(
            customMetadata=[{"fieldName": "team", "dataType": "text"}, {"fieldName": "Team", "dataType": "number"}]
        ),
        "spec.customMetadata",
        "keep one entry per fieldName",
    )
    yield BadManifest(
        "metadata without a type", instance(customMetadata=[{"fieldName": "team"}]), "spec.customMetadata[0].dataType"
    )
    yield BadManifest(
        "metadata of an unknown type",
        instance(customMetadata=[{"fieldName": "team", "dataType": "date"}]),
        "spec.customMetadata[0].dataType",
    )
    yield BadManifest(
        "agents outside of the default search namespace",
        instance(searchNamespace="team-a", metadata={"searchForAgents": {"zoneName": "example.com"}}),
        "spec.metadata.searchForAgents",
        "remove one of the two",
    )
    yield BadManifest("no spec", {**instance(), "spec": None}, "spec")
    for problem, name in (("dot", "docs.v2"), ("double hyphen", "docs--v2"), ("length", "d" * 65)):
        yield BadManifest(
            f"resource name that cannot be an id: {problem}",
            instance(resource_name=name),
            "spec.instanceId",
            "set spec.instanceId",
        )


def _bad_sources() -> Iterator[BadManifest]:
    """Data sources and public endpoints."""
    below = "spec.sourceParams.webCrawler"
    yield BadManifest(
        "too many patterns", instance(sourceParams={"includeItems": ["*"] * 101}), "spec.sourceParams.includeItems"
    )
    for limit in (0, 100_001):
        yield BadManifest(
            f"crawl of {limit} pages", crawler(discoverOptions={"limit": limit}), f"{below}.discoverOptions.limit"
        )
    yield BadManifest(
        "content of any age", crawler(discoverOptions={"maxAge": 604_801}), f"{below}.discoverOptions.maxAge"
    )
    yield BadManifest(
        "crawl beyond the zone",
        crawler(discoverOptions={"includeExternalLinks": True}),
        f"{below}.discoverOptions.includeExternalLinks",
        "remove the field",
    )
    yield BadManifest(
        "sitemaps for a crawl that follows links",
        crawler(parseType="discover", parseOptions={"specificSitemaps": ["https://docs.example.com/map.xml"]}),
        f"{below}.parseOptions.specificSitemaps",
        "remove one of the two",
    )
    yield BadManifest(
        "no content selector", crawler(parseOptions={"contentSelector": []}), f"{below}.parseOptions.contentSelector"
    )
    yield BadManifest(
        "style in a selector",
        crawler(parseOptions={"contentSelector": [{"path": "/**", "selector": "p {color: red}"}]}),
        f"{below}.parseOptions.contentSelector[0].selector",
    )
    yield BadManifest(
        "six headers",
        crawler(parseOptions={"includeHeaders": {f"X-{number}": "1" for number in range(6)}}),
        f"{below}.parseOptions.includeHeaders",
    )
    yield BadManifest(
        "header name with a colon",
        crawler(parseOptions={"includeHeaders": {"X-Key:": "1"}}),
        f"{below}.parseOptions.includeHeaders",
        "without blanks or colons",
    )
    yield BadManifest(
        "header value with a line break",
        crawler(parseOptions={"includeHeaders": {"X-Key": "1\r\nX-Other: 2"}}),
        f"{below}.parseOptions.includeHeaders.X-Key",
    )
    for field, value in (("periodMs", 59_999), ("periodMs", 3_600_001), ("requests", 0), ("technique", "burst")):
        yield BadManifest(
            f"rate limit with {field} {value}",
            instance(publicEndpointParams={"rateLimit": {field: value}}),
            f"spec.publicEndpointParams.rateLimit.{field}",
        )
    yield BadManifest(
        "endpoint without any host",
        instance(publicEndpointParams={"enabled": True, "defaultDomainEnabled": False, "customDomains": []}),
        "spec.publicEndpointParams.defaultDomainEnabled",
        "needs at least one entry in customDomains",
    )


def _bad_sync_jobs() -> Iterator[BadManifest]:
    yield BadManifest(
        "job for two instances",
        sync_job(instanceRef={"name": "docs"}, instance={"id": "docs"}),
        "spec",
        "give exactly one of instanceRef (an AISearchInstance in this namespace) and instance",
    )
    yield BadManifest("job for no instance", sync_job(), "spec", "give exactly one of instanceRef")
    yield BadManifest("reference without a name", sync_job(instanceRef={}), "spec.instanceRef.name")
    yield BadManifest("reference in capitals", sync_job(instanceRef={"name": "Docs"}), "spec.instanceRef.name")
    yield BadManifest("target without an id", sync_job(instance={"searchNamespace": "team-a"}), "spec.instance.id")
    yield BadManifest("target with a bad id", sync_job(instance={"id": "docs.v2"}), "spec.instance.id")
    yield BadManifest(
        "target in a bad search namespace",
        sync_job(instance={"id": "docs", "searchNamespace": "a.b"}),
        "spec.instance.searchNamespace",
    )
    yield BadManifest(
        "target in a bad account", sync_job(instance={"id": "docs", "accountId": "me"}), "spec.instance.accountId"
    )
    for field, value in (
        ("description", "d" * 181),
        ("cancel", "yes"),
        ("suspend", "no"),
        ("backoffLimit", -1),
        ("backoffLimit", 1001),
        ("activeDeadlineSeconds", 0),
        ("activeDeadlineSeconds", 31_536_001),
        ("ttlSecondsAfterFinished", -1),
        ("ttlSecondsAfterFinished", "1h"),
        ("concurrencyPolicy", "Allow"),
        ("completionPolicy", "Complete"),
        ("runId", ""),
        ("runId", "r" * 65),
        ("deletionPolicy", "Delete"),
    ):
        yield BadManifest(
            f"job with a bad {field}: {str(value)[:12]}",
            sync_job(instanceRef={"name": "docs"}, **{field: value}),
            f"spec.{field}",
        )


def _unknown_fields() -> Iterator[BadManifest]:
    """Refused under strict validation, which is what kubectl, Helm and Argo CD ask for."""
    for problem, manifest, field in (
        ("invented", instance(model="bge"), "spec.model"),
        ("in the API's spelling", instance(chunk_size=256), "spec.chunk_size"),
        ("in another case", instance(sourceParams={"webcrawler": {}}), "spec.sourceParams.webcrawler"),
        ("removed from the API", crawler(crawlOptions={"depth": 2}), "spec.sourceParams.webCrawler.crawlOptions"),
        ("of another version", crawler(storeOptions={}), "spec.sourceParams.webCrawler.storeOptions"),
        (
            "that would cross namespaces",
            sync_job(instanceRef={"name": "docs", "namespace": "other"}),
            "spec.instanceRef.namespace",
        ),
        (
            "that would take a Secret of another namespace",
            instance(credentialsRef={"name": "docs", "namespace": "other"}),
            "spec.credentialsRef.namespace",
        ),
        (
            "that would take a Secret of another namespace for a job",
            sync_job(instance={"id": "docs", "credentialsRef": {"name": "docs", "namespace": "other"}}),
            "spec.instance.credentialsRef.namespace",
        ),
    ):
        yield BadManifest(f"unknown field {problem}", manifest, field, f'unknown field "{field}"')


def _bad_changes() -> Iterator[BadChange]:
    another = "apply another"
    for field, value, other in (
        ("instanceId", "docs-a", "docs-b"),
        ("accountId", ACCOUNT, OTHER_ACCOUNT),
        ("source", "bucket-a", "bucket-b"),
        ("embeddingModel", "@cf/baai/bge-m3", "@cf/baai/bge-large-en-v1.5"),
    ):
        yield from _changed_added_removed(instance(), field, value, other)
    yield from _changed_added_removed(instance(source="bucket"), "type", "r2", "web-crawler")
    for problem, stored in (("changed", instance(hybridSearchEnabled=True)), ("added", instance())):
        yield BadChange(
            f"hybridSearchEnabled {problem}",
            stored,
            instance(hybridSearchEnabled=False),
            "spec.hybridSearchEnabled",
            "set indexMethod",
        )
    by_name, by_id = sync_job(instanceRef={"name": "docs"}), sync_job(instance={"id": "docs"})
    yield BadChange(
        "instanceRef changed", by_name, sync_job(instanceRef={"name": "other"}), "spec.instanceRef", another
    )
    yield BadChange("instance changed", by_id, sync_job(instance={"id": "other"}), "spec.instance", another)
    yield BadChange(
        "account added to instance",
        by_id,
        sync_job(instance={"id": "docs", "accountId": ACCOUNT}),
        "spec.instance",
        another,
    )
    yield BadChange("instanceRef replaced by instance", by_name, by_id, "spec.instanceRef", another)
    yield BadChange("instance replaced by instanceRef", by_id, by_name, "spec.instance", another)
    yield from _changed_added_removed(by_name, "description", "first", "second")
    cancelled = sync_job(instanceRef={"name": "docs"}, cancel=True)
    yield BadChange(
        "cancel taken back", cancelled, sync_job(instanceRef={"name": "docs"}, cancel=False), "spec.cancel", another
    )
    yield BadChange("cancel removed", cancelled, by_name, "spec.cancel", "only together with a new runId")
    same_run = {**cancelled, "spec": {**cancelled["spec"], "runId": "monday"}}
    yield BadChange(
        "cancel taken back with the same runId",
        same_run,
        {**same_run, "spec": {**same_run["spec"], "cancel": False}},
        "spec.cancel",
        "only together with a new runId",
    )


def _changed_added_removed(base: Manifest, field: str, value: str, other: str) -> Iterator[BadChange]:
    without = copy.deepcopy(base)
    with_value = {**base, "spec": {**base["spec"], field: value}}
    with_other = {**base, "spec": {**base["spec"], field: other}}
    for problem, stored, changed in (
        ("changed", with_value, with_other),
        ("added", without, with_value),
        ("removed", with_value, without),
    ):
        yield BadChange(f"{field} {problem}", stored, changed, f"spec.{field}", "apply another")


BAD_MANIFESTS = (
    *_bad_values(),
    *_bad_objects(),
    *_bad_sources(),
    *_bad_sync_jobs(),
    *_unknown_fields(),
)
BAD_CHANGES = tuple(_bad_changes())
