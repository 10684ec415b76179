"""The fake against the fact sheet: instances, their defaults, projections, partial PUT, move and lists."""

import pytest

INSTANCES = "/namespaces/default/instances"
ON_LIST_ONLY = {
    "chunk",
    "summarization",
    "summarization_model",
    "system_prompt_ai_search",
    "system_prompt_index_summarization",
    "system_prompt_rewrite_query",
}


def test_create_answers_201_with_the_defaults_filled_in(api):
    """2.1, 2.4: what the server fills in where nothing was said."""
    reply = api("POST", INSTANCES, {"id": "docs", "source": "bucket"})
    assert reply.status == 201
    expected = {
        "id": "docs",
        "namespace": "default",
        "type": "r2",
        "source_params": {"r2_jurisdiction": "default"},
        "index_method": {"vector": True, "keyword": True},
        "hybrid_search_enabled": True,
        "indexing_options": {"keyword_tokenizer": "porter", "use_ocr": False},
        "retrieval_options": {"keyword_match_mode": "and"},
        "fusion_method": "rrf",
        "max_num_results": 10,
        "score_threshold": 0.4,
        "cache": True,
        "cache_threshold": "close_enough",
        "cache_ttl": 172800,
        "sync_interval": 21600,
        "ai_search_model": "",
        "paused": False,
        "status": "waiting",
        "enable": True,
        "engine_version": 3,
        "last_activity": None,
        "public_endpoint_id": None,
    }
    assert {name: reply.result[name] for name in expected} == expected


@pytest.mark.parametrize(
    ("source", "kind"),
    [("https://example.com", "web-crawler"), ("bucket", "r2"), (None, None), ("  ", None)],
)
def test_the_type_is_inferred_from_the_source(api, source, kind):
    """2.1: since GA."""
    assert api("POST", INSTANCES, {"id": "docs", "source": source}).result["type"] == kind


def test_null_on_create_is_as_good_as_absent(api):
    """2.1, 2.4: nullable fields."""
    body = {"id": "docs", "ai_search_model": None, "retrieval_options": None, "ai_gateway_id": None}
    made = api("POST", INSTANCES, body).result
    assert made["ai_search_model"] == ""
    assert made["retrieval_options"] == {"keyword_match_mode": "and"}
    assert made["ai_gateway_id"] == "default"


def test_a_crawler_gets_the_defaults_of_a_crawler(api):
    """2.1: parse_type sitemap, browser rendering on."""
    params = api("POST", INSTANCES, {"id": "site", "source": "https://example.com"}).result["source_params"]
    assert params["web_crawler"]["parse_type"] == "sitemap"
    assert params["web_crawler"]["parse_options"]["use_browser_rendering"] is True


def test_a_boost_gets_a_direction_by_the_type_of_its_field(api):
    """2.4: a default inside a list item."""
    body = {
        "id": "docs",
        "custom_metadata": [{"field_name": "team", "data_type": "text"}],
        "retrieval_options": {"boost_by": [{"field": "timestamp"}, {"field": "team"}]},
    }
    boosts = api("POST", INSTANCES, body).result["retrieval_options"]["boost_by"]
    assert [boost["direction"] for boost in boosts] == ["asc", "exists"]


def test_an_instance_without_hybrid_search_is_vector_only(api):
    """2.1: the deprecated switch."""
    made = api("POST", INSTANCES, {"id": "docs", "hybrid_search_enabled": False}).result
    assert made["index_method"] == {"vector": True, "keyword": False}


def test_get_omits_what_list_shows(api, docs):
    """2.1, 2.4: write-only on GET; token_id is null in both."""
    api("PUT", docs, {"token_id": "11111111-2222-3333-4444-555555555555", "chunk": False})
    read, listed = api("GET", docs).result, api("GET", INSTANCES).result[0]
    assert set(listed) - set(read) == ON_LIST_ONLY
    assert listed["chunk"] is False
    assert read["token_id"] is None
    assert listed["token_id"] is None


def test_put_changes_only_what_it_names(api, docs):
    """2.3: partial merge at the top level."""
    before = api("GET", docs).result
    after = api("PUT", docs, {"max_num_results": 5, "paused": True}).result
    assert {name for name in after if after[name] != before[name]} <= {"max_num_results", "paused", "modified_at"}
    assert (after["max_num_results"], after["paused"]) == (5, True)


def test_put_replaces_nested_objects_whole(api, docs):
    """2.3: default_domain_enabled comes back when it is not sent again."""
    first = {
        "enabled": True,
        "default_domain_enabled": False,
        "custom_domains": ["s.example.com"],
        "authorized_hosts": ["a.example.com"],
    }
    api("PUT", docs, {"public_endpoint_params": first})
    api("PUT", docs, {"public_endpoint_params": {"enabled": True}})
    endpoint = api("GET", docs).result["public_endpoint_params"]
    assert (endpoint["default_domain_enabled"], endpoint["authorized_hosts"]) == (True, [])


def test_custom_domains_outlive_a_put_without_them_and_are_not_echoed(api, docs):
    """2.3: omitted = unchanged; the answer to a PUT has them only when they were sent."""
    sent = {"public_endpoint_params": {"enabled": True, "custom_domains": ["s.example.com"]}}
    echoed = api("PUT", docs, sent).result["public_endpoint_params"]["custom_domains"]
    silent = api("PUT", docs, {"public_endpoint_params": {"enabled": True}}).result["public_endpoint_params"]
    assert echoed == ["s.example.com"]
    assert silent["custom_domains"] is None
    assert api("GET", docs).result["public_endpoint_params"]["custom_domains"] == ["s.example.com"]


def test_the_metadata_of_search_for_agents_and_the_public_endpoint_need_a_put_each(api, docs):
    agents = {"zone_id": "1" * 32, "zone_name": "example.com", "hostname": "www.example.com"}
    metadata, endpoint = {"search_for_agents": agents}, {"enabled": True}

    refused = api("PUT", docs, {"metadata": metadata, "public_endpoint_params": endpoint})

    assert refused.refused == (400, 7001)
    assert api("PUT", docs, {"metadata": metadata}).status == 200
    assert api("PUT", docs, {"metadata": {"worker_domain": "a.b"}, "public_endpoint_params": endpoint}).status == 200


def test_keyword_match_mode_outlives_a_put_without_it(api, docs):
    """2.1: "the existing stored value is preserved"."""
    api("PUT", docs, {"retrieval_options": {"keyword_match_mode": "or"}})
    api("PUT", docs, {"retrieval_options": {"boost_by": [{"field": "timestamp"}]}})
    assert api("GET", docs).result["retrieval_options"]["keyword_match_mode"] == "or"


def test_null_puts_the_default_back(api, docs):
    """2.3: null is allowed for models and options."""
    api("PUT", docs, {"ai_search_model": "@cf/x/y", "indexing_options": {"use_ocr": True}})
    after = api("PUT", docs, {"ai_search_model": None, "indexing_options": None}).result
    assert after["ai_search_model"] == ""
    assert after["indexing_options"] == {"keyword_tokenizer": "porter", "use_ocr": False}


def test_a_public_endpoint_has_an_id_while_it_is_enabled(api, docs):
    """2.2: null unless enabled."""
    on = api("PUT", docs, {"public_endpoint_params": {"enabled": True}}).result["public_endpoint_id"]
    off = api("PUT", docs, {"public_endpoint_params": {"enabled": False}}).result["public_endpoint_id"]
    assert on is not None
    assert off is None


@pytest.mark.parametrize(
    ("body", "reindexes"),
    [
        ({"indexing_options": {"use_ocr": True}}, 1),
        ({"indexing_options": {"keyword_tokenizer": "trigram"}}, 1),
        ({"indexing_options": {"keyword_tokenizer": "porter"}}, 0),
        ({"index_method": {"vector": True, "keyword": False}}, 0),
        ({"chunk_size": 512}, 0),
    ],
)
def test_a_change_that_forces_a_reindex_is_counted(account, api, docs, body, reindexes):
    """2.6: tokenizer, OCR and a newly enabled index; disabling one does not."""
    api("PUT", docs, body)
    assert account.instance("docs").reindexes == reindexes


def test_a_taken_id_is_a_400(api, docs):
    """4.3, 4.5: 7022."""
    assert api("POST", INSTANCES, {"id": "docs"}).refused == (400, 7022)


def test_the_same_id_may_exist_in_two_namespaces(api, docs):
    """1.0: ids are unique per namespace."""
    api("POST", "/namespaces", {"name": "team-a"})
    assert api("POST", "/namespaces/team-a/instances", {"id": "docs"}).status == 201


def test_there_is_a_quota_of_instances(account, api, docs):
    """4.1: 7013 is a 403."""
    account.configure(max_instances=1)
    assert api("POST", INSTANCES, {"id": "more"}).refused == (403, 7013)


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
def test_an_absent_namespace_is_told_from_an_absent_instance(api, method):
    """4.3, 4.4: 7063 and 7002."""
    body = {"max_num_results": 5} if method == "PUT" else None
    assert api(method, "/namespaces/absent/instances/docs", body).refused == (404, 7063)
    assert api(method, f"{INSTANCES}/absent", body).refused == (404, 7002)


def test_delete_returns_the_object_and_forgets_its_jobs(account, api, docs):
    """4.5: 200 with the object; a new one of the same id starts afresh."""
    account.start_job("docs")
    assert api("DELETE", docs).result["id"] == "docs"
    assert api("GET", docs).refused == (404, 7002)
    api("POST", INSTANCES, {"id": "docs", "source": "bucket"})
    assert api("GET", f"{docs}/jobs").result == []


def test_an_instance_whose_custom_domain_cannot_be_removed_is_kept(account, api, docs):
    """4.5: the DELETE errors, and can be tried again."""
    account.configure(stuck_domains=["s.example.com"])
    api("PUT", docs, {"public_endpoint_params": {"enabled": True, "custom_domains": ["s.example.com"]}})
    assert api("DELETE", docs).refused == (502, 7092)
    assert api("GET", docs).status == 200
    account.configure(stuck_domains=[])
    assert api("DELETE", docs).status == 200


def test_move_changes_the_namespace_and_keeps_the_instance(account, api, docs):
    """1.1, 2.6: PATCH new_namespace answers an empty object."""
    api("POST", "/namespaces", {"name": "team-a"})
    account.start_job("docs")
    assert api("PATCH", docs, {"new_namespace": "team-a"}).result == {}
    assert api("GET", docs).refused == (404, 7002)
    assert api("GET", "/namespaces/team-a/instances/docs").result["namespace"] == "team-a"
    assert len(api("GET", "/namespaces/team-a/instances/docs/jobs").result) == 1


def test_a_move_can_be_refused(api, docs):
    """4.3: 7067 to itself, 7063 to nowhere, 7022 onto another."""
    api("POST", "/namespaces", {"name": "team-a"})
    api("POST", "/namespaces/team-a/instances", {"id": "docs"})
    assert api("PATCH", docs, {"new_namespace": "default"}).refused == (400, 7067)
    assert api("PATCH", docs, {"new_namespace": "absent"}).refused == (404, 7063)
    assert api("PATCH", docs, {"new_namespace": "team-a"}).refused == (400, 7022)


def test_purge_cache_succeeds(api, docs):
    """1.1: result.success."""
    assert api("POST", f"{docs}/purge_cache").result == {"success": True}


def test_the_account_level_path_is_the_default_namespace(api):
    """1.0: POST creates in `default`; GET does not see other namespaces; LIST spans them."""
    api("POST", "/namespaces", {"name": "team-a"})
    api("POST", "/namespaces/team-a/instances", {"id": "elsewhere"})
    assert api("POST", "/instances", {"id": "docs"}).result["namespace"] == "default"
    assert api("GET", "/instances/elsewhere").refused == (404, 7002)
    assert {item["id"] for item in api("GET", "/instances").result} == {"docs", "elsewhere"}
    assert [item["id"] for item in api("GET", "/instances", namespace="team-a").result] == ["elsewhere"]


def test_a_list_is_paged_and_ordered_by_creation(account, api):
    """1.1: newest first unless asked otherwise."""
    for name in ("a", "b", "c"):
        api("POST", INSTANCES, {"id": name})
        account.advance(1)
    assert [item["id"] for item in api("GET", INSTANCES, per_page=2).result] == ["c", "b"]
    second = api("GET", INSTANCES, per_page=2, page=2, order_by="created_at", order_by_direction="asc")
    assert [item["id"] for item in second.result] == ["c"]
    assert second.info == {"count": 1, "page": 2, "per_page": 2, "total_count": 3}
    assert api("GET", INSTANCES, page=3, per_page=2).result == []


def test_a_list_can_be_searched_by_id(api):
    """1.1: contains, whatever the case."""
    for name in ("docs-a", "docs-b", "site"):
        api("POST", INSTANCES, {"id": name})
    assert {item["id"] for item in api("GET", INSTANCES, search="DOCS").result} == {"docs-a", "docs-b"}


@pytest.mark.parametrize(
    "query",
    [
        {"search": "x" * 65},
        {"per_page": 0},
        {"per_page": 101},
        {"page": 0},
        {"order_by": "id"},
        {"order_by_direction": "up"},
        {"perpage": 5},
    ],
)
def test_a_bad_query_is_refused(api, query):
    """1.1: ranges; a search of more than 64 characters is a validation error."""
    assert api("GET", INSTANCES, **query).refused == (400, 7001)


def test_built_in_storage_becomes_active_by_itself(account, api):
    """2.2: waiting, then active."""
    api("POST", INSTANCES, {"id": "files"})
    assert api("GET", f"{INSTANCES}/files").result["status"] == "waiting"
    account.advance(2)
    assert api("GET", f"{INSTANCES}/files").result["status"] == "active"


def test_reads_can_lag_behind_writes(account, api, docs):
    """2.3: GET may briefly return the old values."""
    account.configure(read_lag=3)
    assert api("PUT", docs, {"max_num_results": 5}).result["max_num_results"] == 5
    api("POST", INSTANCES, {"id": "new"})
    assert api("GET", docs).result["max_num_results"] == 10
    assert api("GET", f"{INSTANCES}/new").refused == (404, 7002)
    assert api("POST", INSTANCES, {"id": "new"}).refused == (400, 7022)
    account.advance(3)
    assert api("GET", docs).result["max_num_results"] == 5
    assert len(api("GET", INSTANCES).result) == 2
