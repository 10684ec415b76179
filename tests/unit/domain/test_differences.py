"""What counts as a difference between a spec and an instance."""

import pytest

from aisearch_operator.domain.difference import SHOWN_LENGTH, WRITE_ONLY, Difference, differences

SAME = [
    ("equal numbers", {"chunk_size": 512}, {"chunk_size": 512}),
    ("equal numbers of two kinds", {"score_threshold": 1}, {"score_threshold": 1.0}),
    ("what the user did not set", {}, {"chunk_size": 512}),
    ("an empty model and null", {"rewrite_model": ""}, {"rewrite_model": None}),
    ("an empty model and none", {"rewrite_model": ""}, {}),
    ("an empty model twice", {"rewrite_model": ""}, {"rewrite_model": ""}),
    ("an empty list and null", {"custom_metadata": []}, {"custom_metadata": None}),
    ("an empty list and none", {"custom_metadata": []}, {}),
    ("an empty object and none", {"source_params": {}}, {}),
    ("null and none", {"ai_gateway_id": None}, {}),
    ("null and an empty text", {"ai_search_model": None}, {"ai_search_model": ""}),
    ("null and an empty list", {"public_endpoint_params": {"custom_domains": None}}, {"custom_domains": []}),
    ("null and an object that says nothing", {"source_params": None}, {"source_params": {"web_crawler": {"x": None}}}),
    ("a nested object as a subset", {"source_params": {"prefix": "a/"}}, {"source_params": {"prefix": "a/", "x": 1}}),
    (
        "a list of objects whose defaults are filled in",
        {"retrieval_options": {"boost_by": [{"field": "timestamp"}]}},
        {"retrieval_options": {"boost_by": [{"field": "timestamp", "direction": "asc"}]}},
    ),
]

DIFFERENT = [
    ("chunk_size", "chunkSize", {"chunk_size": 512}, {"chunk_size": 256}),
    ("chunk_size", "chunkSize", {"chunk_size": 512}, {}),
    ("rewrite_query", "rewriteQuery", {"rewrite_query": True}, {"rewrite_query": 1}),
    ("rewrite_query", "rewriteQuery", {"rewrite_query": False}, {}),
    ("rewrite_query", "rewriteQuery", {"rewrite_query": False}, {"rewrite_query": None}),
    ("max_num_results", "maxNumResults", {"max_num_results": 0}, {"max_num_results": None}),
    ("max_num_results", "maxNumResults", {"max_num_results": 1}, {"max_num_results": True}),
    ("rewrite_model", "rewriteModel", {"rewrite_model": ""}, {"rewrite_model": "@cf/x"}),
    ("rewrite_model", "rewriteModel", {"rewrite_model": "@cf/x"}, {"rewrite_model": ""}),
    ("source_params", "sourceParams.prefix", {"source_params": {"prefix": "a/"}}, {"source_params": {"prefix": "b/"}}),
    ("source_params", "sourceParams.prefix", {"source_params": {"prefix": "a/"}}, {"source_params": None}),
    (
        "source_params",
        "sourceParams.webCrawler.parseType",
        {"source_params": {"web_crawler": {"parse_type": "sitemap"}}},
        {"source_params": {"web_crawler": {"parse_type": "discover"}}},
    ),
    (
        "source_params",
        "sourceParams.includeItems",
        {"source_params": {"include_items": ["a", "b"]}},
        {"source_params": {"include_items": ["b", "a"]}},
    ),
    (
        "source_params",
        "sourceParams.includeItems",
        {"source_params": {"include_items": ["a"]}},
        {"source_params": {"include_items": ["a", "b"]}},
    ),
    ("ai_gateway_id", "aiGatewayId", {"ai_gateway_id": None}, {"ai_gateway_id": "default"}),
    ("retrieval_options", "retrievalOptions", {"retrieval_options": None}, {"retrieval_options": {"boost_by": [1]}}),
    ("indexing_options", "indexingOptions", {"indexing_options": None}, {"indexing_options": {"use_ocr": False}}),
    (
        "public_endpoint_params",
        "publicEndpointParams.customDomains",
        {"public_endpoint_params": {"custom_domains": None}},
        {"public_endpoint_params": {"custom_domains": ["a.example"]}},
    ),
    ("custom_metadata", "customMetadata", {"custom_metadata": []}, {"custom_metadata": [{"field_name": "a"}]}),
    (
        "custom_metadata",
        "customMetadata",
        {"custom_metadata": [{"field_name": "a", "data_type": "text"}]},
        {"custom_metadata": [{"field_name": "a", "data_type": "number"}]},
    ),
]


@pytest.mark.parametrize(("desired", "observed"), [row[1:] for row in SAME], ids=[row[0] for row in SAME])
def test_there_is_no_difference_between(desired, observed):
    assert differences(desired, observed) == ()


@pytest.mark.parametrize(("field", "path", "desired", "observed"), DIFFERENT)
def test_a_difference_names_the_field_to_send_and_the_path_in_the_spec(field, path, desired, observed):
    (found,) = differences(desired, observed)

    assert (found.field, found.path) == (field, path)


def test_each_value_of_a_nested_object_that_differs_is_named():
    found = differences(
        {"index_method": {"vector": True, "keyword": False}}, {"index_method": {"vector": False, "keyword": True}}
    )

    assert [difference.path for difference in found] == ["indexMethod.vector", "indexMethod.keyword"]


def crawled_with(headers):
    return {"source_params": {"web_crawler": {"parse_options": {"include_headers": headers}}}}


@pytest.mark.parametrize(
    ("wanted", "shown"),
    [
        ({"Authorization": "Bearer ours"}, {"Authorization": "Bearer theirs"}),
        ({"Authorization": "Bearer ours"}, {"Authorization": "Bearer ours", "X-Debug": "1"}),
        ({"Authorization": "Bearer ours"}, None),
        ({}, {"X-Debug": "1"}),
    ],
)
def test_headers_count_as_a_whole_and_their_values_are_never_shown(wanted, shown):
    (found,) = differences(crawled_with(wanted), crawled_with(shown))

    assert found.entry == ("sourceParams.webCrawler.parseOptions.includeHeaders", "(hidden)", "(hidden)")


@pytest.mark.parametrize(("wanted", "shown"), [({"A": "1"}, {"A": "1"}), ({}, None), ({}, {})])
def test_equal_headers_are_no_difference(wanted, shown):
    assert differences(crawled_with(wanted), crawled_with(shown)) == ()


def test_headers_are_hidden_also_in_an_object_that_is_shown_whole():
    (found,) = differences({"source_params": None}, crawled_with({"Authorization": "Bearer theirs"}))

    assert found.entry == (
        "sourceParams",
        "null",
        '{"web_crawler":{"parse_options":{"include_headers":"(hidden)"}}}',
    )


def test_drift_is_shown_as_compact_json():
    difference = Difference("custom_metadata", "customMetadata", [{"b": 1, "a": "é"}], None)

    assert difference.entry == ("customMetadata", '[{"a":"é","b":1}]', "null")


def test_a_long_value_is_cut_in_drift():
    _, shown, _ = Difference("source", "source", "x" * 1000, None).entry

    assert len(shown) == SHOWN_LENGTH
    assert "xxx… (" in shown


def test_two_long_values_that_begin_alike_are_told_apart_in_drift():
    one, other = (Difference("source", "source", "x" * 1000 + end, None).entry for end in "ab")

    assert one != other


@pytest.mark.parametrize("field", sorted(WRITE_ONLY))
def test_drift_hides_the_values_of_write_only_fields(field):
    assert Difference(field, "path", "my secret prompt", "another").entry == ("path", "(hidden)", "(hidden)")
