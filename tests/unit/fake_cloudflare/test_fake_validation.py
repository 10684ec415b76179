"""The fake against the fact sheet: everything that the API refuses in an instance's body."""

from typing import Any

import pytest

INSTANCES = "/namespaces/default/instances"
VALIDATION = (400, 7001)


def crawler(**web_crawler: Any) -> dict[str, Any]:
    return {"source": "https://example.com", "source_params": {"web_crawler": web_crawler}}


ON_BOTH = [
    ({"colour": "red"}, ["colour"]),
    ({"max_num_results": 0}, ["max_num_results"]),
    ({"max_num_results": "5"}, ["max_num_results"]),
    ({"max_num_results": True}, ["max_num_results"]),
    ({"max_num_results": None}, ["max_num_results"]),
    ({"score_threshold": 1.1}, ["score_threshold"]),
    ({"chunk_size": 63}, ["chunk_size"]),
    ({"chunk_overlap": 31}, ["chunk_overlap"]),
    ({"cache_ttl": 601}, ["cache_ttl"]),
    ({"cache_ttl": 600.0}, ["cache_ttl"]),
    ({"sync_interval": 300}, ["sync_interval"]),
    ({"rewrite_query": "yes"}, ["rewrite_query"]),
    ({"fusion_method": "sum"}, ["fusion_method"]),
    ({"cache_threshold": "loose"}, ["cache_threshold"]),
    ({"index_method": {"vector": True}}, ["index_method", "keyword"]),
    ({"index_method": {"vector": False, "keyword": False}}, ["index_method"]),
    ({"indexing_options": {"keyword_tokenizer": "ngram"}}, ["indexing_options", "keyword_tokenizer"]),
    ({"retrieval_options": {"boost_by": [{"field": "absent"}]}}, ["retrieval_options", "boost_by", 0]),
    ({"retrieval_options": {"boost_by": [{"field": "timestamp"}] * 4}}, ["retrieval_options", "boost_by"]),
    ({"custom_metadata": [{"field_name": "folder", "data_type": "text"}]}, ["custom_metadata"]),
    (
        {"custom_metadata": [{"field_name": name, "data_type": "text"} for name in ("Team", "team")]},
        ["custom_metadata"],
    ),
    (
        {"custom_metadata": [{"field_name": f"f{n}", "data_type": "text"} for n in range(6)]},
        ["custom_metadata"],
    ),
    ({"custom_metadata": [{"field_name": "a", "data_type": "date"}]}, ["custom_metadata", 0, "data_type"]),
    ({"source_params": {"include_items": ["*"] * 11}}, ["source_params", "include_items"]),
    ({"source_params": {"crawl_options": {}}}, ["source_params", "crawl_options"]),
    (crawler(parse_type="crawl"), ["source_params", "web_crawler", "parse_type"]),
    (
        crawler(discover_options={"include_external_links": True}),
        ["source_params", "web_crawler", "discover_options", "include_external_links"],
    ),
    (
        crawler(parse_options={"content_selector": []}),
        ["source_params", "web_crawler", "parse_options", "content_selector"],
    ),
    (
        {"public_endpoint_params": {"rate_limit": {"period_ms": 59_999}}},
        ["public_endpoint_params", "rate_limit", "period_ms"],
    ),
    ({"public_endpoint_params": {"open": True}}, ["public_endpoint_params", "open"]),
    ({"metadata": {"owner": "team-a"}}, ["metadata", "owner"]),
]


@pytest.mark.parametrize(("body", "path"), ON_BOTH)
def test_a_bad_field_is_refused_on_create(api, body, path):
    """2.1: type, range, set of values; unknown and removed fields."""
    reply = api("POST", INSTANCES, {"id": "new"} | body)
    assert reply.refused == VALIDATION
    assert path in reply.paths


@pytest.mark.parametrize(("body", "path"), ON_BOTH)
def test_a_bad_field_is_refused_on_update(api, docs, body, path):
    """2.1: type, range, set of values; unknown and removed fields."""
    before = api("GET", docs).result
    reply = api("PUT", docs, body)
    assert reply.refused == VALIDATION
    assert path in reply.paths
    assert api("GET", docs).result == before


@pytest.mark.parametrize(
    "field",
    [
        {"paused": True},
        {"summarization": True},
        {"summarization_model": "@cf/x/y"},
        {"system_prompt_ai_search": "Be brief."},
        {"system_prompt_rewrite_query": "Be brief."},
        {"system_prompt_index_summarization": "Be brief."},
        {"status": "active"},
    ],
)
def test_what_only_an_update_takes_is_refused_on_create(api, field):
    """2.1: the columns C and U."""
    reply = api("POST", INSTANCES, {"id": "new"} | field)
    assert reply.refused == VALIDATION
    assert reply.paths == [list(field)]


@pytest.mark.parametrize(
    "field",
    [{"id": "docs"}, {"type": "r2"}, {"hybrid_search_enabled": True}, {"embedding_model": "@cf/x/y"}],
)
def test_what_never_changes_is_refused_on_update(api, docs, field):
    """2.1: immutable, or not in the PUT schema."""
    reply = api("PUT", docs, field)
    assert reply.refused == VALIDATION
    assert reply.paths == [list(field)]


def test_the_embedding_model_that_is_there_may_be_sent_again(api, docs):
    """2.1: it stands in the PUT schema."""
    model = api("GET", docs).result["embedding_model"]
    assert api("PUT", docs, {"embedding_model": model}).status == 200


@pytest.mark.parametrize("name", ["", "-a", "a-", "a--b", "a.b", "A", "a" * 65, 7])
def test_a_bad_id_is_refused(api, name):
    """2.1: no leading, trailing or double hyphen, no dots, at most 64."""
    assert api("POST", INSTANCES, {"id": name}).refused == VALIDATION


@pytest.mark.parametrize("name", ["a", "_a", "a_b-c", "a" * 64])
def test_a_good_id_is_accepted(api, name):
    """2.1: underscores and single hyphens."""
    assert api("POST", INSTANCES, {"id": name}).status == 201


@pytest.mark.parametrize("body", [None, [], "docs", {}])
def test_a_create_needs_an_object_with_an_id(api, body):
    """2.1: id is required."""
    assert api("POST", INSTANCES, body).refused == VALIDATION


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"type": "r2"}, 7052),
        ({"type": "web-crawler", "source": " "}, 7052),
        ({"source_params": {"prefix": "a/"}}, 7052),
        ({"source": "ftp://example.com"}, 7047),
        ({"type": "web-crawler", "source": "bucket"}, 7047),
        ({"source": "bucket", "chunk_size": 5000}, 7036),
        ({"public_endpoint_params": {"default_domain_enabled": False}}, 7096),
        (crawler(parse_type="discover", parse_options={"specific_sitemaps": ["/s.xml"]}), 7045),
        (crawler(parse_options={"include_headers": {"X Bad": "1"}}), 7040),
        (crawler(parse_options={"include_headers": {"X-Ok": "a\nb"}}), 7040),
    ],
)
def test_a_bad_combination_has_a_code_of_its_own(api, body, code):
    """4.3: spec errors are 400."""
    assert api("POST", INSTANCES, {"id": "new"} | body).refused == (400, code)


@pytest.mark.parametrize(
    ("option", "body", "code"),
    [
        ({"unknown_gateways": ["gone"]}, {"source": "bucket", "ai_gateway_id": "gone"}, 7018),
        ({"invalid_token_ids": ["bad"]}, {"source": "bucket", "token_id": "bad"}, 7012),
        ({"sites_without_sitemap": ["https://example.com"]}, {"source": "https://example.com"}, 7028),
    ],
)
def test_what_is_missing_outside_is_refused_until_it_is_there(account, api, option, body, code):
    """4.3: 7018, 7012, 7028 pass when the outside changes."""
    account.configure(**option)
    assert api("POST", INSTANCES, {"id": "new"} | body).refused == (400, code)
    account.configure(**{name: [] for name in option})
    assert api("POST", INSTANCES, {"id": "new"} | body).status == 201


def test_search_for_agents_is_for_the_default_namespace_and_keeps_an_instance_there(api, docs):
    """2.1: only in `default`, cannot be moved."""
    agents = {"search_for_agents": {"zone_id": "1" * 32, "zone_name": "example.com", "hostname": "www.example.com"}}
    api("POST", "/namespaces", {"name": "team-a"})
    elsewhere = "/namespaces/team-a/instances"
    assert api("POST", elsewhere, {"id": "new", "metadata": agents}).refused == VALIDATION
    assert api("POST", elsewhere, {"id": "new"}).status == 201
    assert api("PUT", f"{elsewhere}/new", {"metadata": agents}).refused == VALIDATION
    assert api("PUT", docs, {"metadata": agents}).status == 200
    assert api("PATCH", docs, {"new_namespace": "team-a"}).refused == VALIDATION


def test_sending_the_source_again_checks_the_outside_again(account, api):
    """2.3: a PUT with the same source may meet missing_sitemap, one without it does not."""
    site = {"id": "site", "source": "https://example.com"}
    api("POST", INSTANCES, site)
    account.configure(sites_without_sitemap=["https://example.com"])
    path = f"{INSTANCES}/site"
    assert api("PUT", path, {"source": site["source"]}).refused == (400, 7028)
    assert api("PUT", path, {"max_num_results": 5}).status == 200
