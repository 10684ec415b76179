"""The settings of an instance: one class for the API's names and for the resource's."""

import re

import pytest
from pydantic import JsonValue, ValidationError
from pydantic.alias_generators import to_camel

from aisearch_operator.resources.instance import AISearchInstance, AISearchInstanceSpec
from aisearch_operator.resources.instance_settings import InstanceSettings
from cluster.complete_manifests import COMPLETE_SETTINGS, complete_instance

WRITABLE = [
    "type",
    "source",
    "source_params",
    "token_id",
    "ai_gateway_id",
    "embedding_model",
    "ai_search_model",
    "rewrite_model",
    "rewrite_query",
    "reranking",
    "reranking_model",
    "chunk",
    "chunk_size",
    "chunk_overlap",
    "index_method",
    "hybrid_search_enabled",
    "indexing_options",
    "fusion_method",
    "retrieval_options",
    "max_num_results",
    "score_threshold",
    "cache",
    "cache_threshold",
    "cache_ttl",
    "custom_metadata",
    "sync_interval",
    "paused",
    "public_endpoint_params",
    "metadata",
    "summarization",
    "summarization_model",
    "system_prompt_ai_search",
    "system_prompt_index_summarization",
    "system_prompt_rewrite_query",
]
"""Facts 2.1, without `id`, which is spec.instanceId."""

TRAPS = {
    "systemPromptAiSearch": "system_prompt_ai_search",
    "aiSearchModel": "ai_search_model",
    "aiGatewayId": "ai_gateway_id",
    "cacheTtl": "cache_ttl",
    "maxNumResults": "max_num_results",
    "tokenId": "token_id",
}


def in_api_names(value: JsonValue, *, below: str = "") -> JsonValue:
    """Write a spec in the API's names; names of HTTP headers are the user's and stay."""
    if isinstance(value, list):
        return [in_api_names(item) for item in value]
    if not isinstance(value, dict) or below == "includeHeaders":
        return value
    return {re.sub("([A-Z])", r"_\1", name).lower(): in_api_names(item, below=name) for name, item in value.items()}


def test_every_writable_field_of_the_api_is_a_setting_and_no_other():
    assert set(InstanceSettings.model_fields) == set(WRITABLE)


def test_the_complete_manifest_sets_every_setting():
    assert set(COMPLETE_SETTINGS) == {to_camel(field) for field in WRITABLE}


@pytest.mark.parametrize(("camel", "snake"), TRAPS.items())
def test_a_name_with_an_abbreviation_survives_the_way_to_the_api_and_back(camel, snake):
    value = COMPLETE_SETTINGS[camel]

    sent = AISearchInstanceSpec.model_validate({camel: value}).settings()

    assert sent == {snake: value}
    assert InstanceSettings.model_validate(sent).to_kubernetes() == {camel: value}


def test_every_setting_at_every_depth_is_sent_in_the_apis_names():
    spec = AISearchInstanceSpec.model_validate(complete_instance()["spec"])

    assert spec.settings() == in_api_names(COMPLETE_SETTINGS)


def test_what_the_api_shows_is_read_and_written_in_the_resources_names():
    observed = InstanceSettings.model_validate(in_api_names(COMPLETE_SETTINGS))

    assert observed.to_kubernetes() == COMPLETE_SETTINGS


def test_only_what_the_user_set_is_sent_nested_objects_too():
    spec = AISearchInstanceSpec.model_validate(
        {
            "suspend": False,
            "searchNamespace": "team-a",
            "rewriteModel": "",
            "sourceParams": {"webCrawler": {"parseOptions": {"includeImages": False}}},
            "customMetadata": [],
        }
    )

    assert spec.settings() == {
        "rewrite_model": "",
        "source_params": {"web_crawler": {"parse_options": {"include_images": False}}},
        "custom_metadata": [],
    }


CLEARABLE = {
    "ai_gateway_id",
    "ai_search_model",
    "rewrite_model",
    "reranking_model",
    "summarization_model",
    "source_params",
    "indexing_options",
    "retrieval_options",
    "system_prompt_ai_search",
    "system_prompt_index_summarization",
    "system_prompt_rewrite_query",
}
"""Facts 2.3, without `source` and `embedding_model`, which are fixed at creation. And custom_domains, below."""


@pytest.mark.parametrize("field", WRITABLE)
def test_a_null_is_sent_where_it_clears_and_counts_as_unset_elsewhere(field):
    spec = AISearchInstanceSpec.model_validate({to_camel(field): None})

    assert spec.settings() == ({field: None} if field in CLEARABLE else {})


def test_of_the_nested_fields_only_custom_domains_are_cleared_by_null():
    spec = AISearchInstanceSpec.model_validate(
        {
            "sourceParams": {"prefix": None, "webCrawler": {"parseOptions": {"includeHeaders": None}}},
            "publicEndpointParams": {"enabled": None, "customDomains": None, "mcp": {"description": None}},
            "retrievalOptions": {"boostBy": [{"field": "timestamp", "direction": None}]},
        }
    )

    assert spec.settings() == {
        "source_params": {"web_crawler": {"parse_options": {}}},
        "public_endpoint_params": {"custom_domains": None, "mcp": {}},
        "retrieval_options": {"boost_by": [{"field": "timestamp"}]},
    }


def test_unknown_keys_of_the_api_and_of_a_newer_resource_are_ignored():
    settings = InstanceSettings.model_validate({"engine_version": 3, "newField": {"deep": 1}, "cache": True})

    assert settings.to_kubernetes() == {"cache": True}


@pytest.mark.parametrize("word", ["type", "fusionMethod"])
def test_a_word_that_cloudflare_invents_tomorrow_is_accepted(word):
    AISearchInstanceSpec.model_validate({word: "not-yet-known", "source": "x"})


@pytest.mark.parametrize(
    "spec",
    [
        {"systemPromptAiSearch": "s3cret-prompt"},
        {"systemPromptRewriteQuery": "s3cret-prompt"},
        {"systemPromptIndexSummarization": "s3cret-prompt"},
        {"sourceParams": {"webCrawler": {"parseOptions": {"includeHeaders": {"X-Key": "s3cret-header"}}}}},
    ],
)
def test_prompts_and_headers_are_not_in_the_repr(spec):
    assert "s3cret" not in repr(AISearchInstanceSpec.model_validate(spec))


def test_an_error_does_not_show_the_rejected_value():
    with pytest.raises(ValidationError) as refused:
        AISearchInstanceSpec.model_validate({"systemPromptAiSearch": ["s3cret-prompt"]})

    assert "systemPromptAiSearch" in str(refused.value)
    assert "s3cret" not in str(refused.value)


def test_the_id_is_the_name_of_the_resource_unless_the_spec_gives_one():
    raw = {
        "metadata": {
            "name": "docs",
            "namespace": "team",
            "uid": "6f1d",
            "creationTimestamp": "2026-11-23T10:00:00Z",
        }
    }

    assert AISearchInstance.model_validate({**raw, "spec": {}}).instance_id == "docs"
    assert AISearchInstance.model_validate({**raw, "spec": {"instanceId": "docs_v2"}}).instance_id == "docs_v2"
