"""Fields of an instance over several passes: cleared, removed, reported, sent in two requests."""

from typing import Any

import pytest

from fake_cloudflare.faults import Status
from unit.reconcilers.bench import READY, ready_instance

AGENTS = {"zoneId": "1" * 32, "zoneName": "example.com", "hostname": "www.example.com"}
AGENTS_OF_THE_API = {"zone_id": "1" * 32, "zone_name": "example.com", "hostname": "www.example.com"}


async def look(bench, key) -> None:
    """See the instances as they are by now, and make a pass."""
    await bench.look_again()
    await bench.make_pass(key)


@pytest.mark.parametrize(
    ("field", "value", "sent"),
    [
        ("aiGatewayId", "search", {"ai_gateway_id": None}),
        ("aiSearchModel", "@cf/a", {"ai_search_model": None}),
        ("sourceParams", {"prefix": "a/"}, {"source_params": None}),
        ("indexingOptions", {"useOcr": True}, {"indexing_options": None}),
        ("retrievalOptions", {"keywordMatchMode": "or"}, {"retrieval_options": None}),
        ("systemPromptAiSearch", "Answer in verse.", {"system_prompt_ai_search": None}),
    ],
)
async def test_a_null_is_sent_once_and_costs_one_status_write(bench, field, value, sent):
    key = await ready_instance(bench, **{field: value})

    bench.instance(source="bucket", **{field: None})
    await bench.make_pass(key)

    assert bench.writes() == [("instances.update", sent)]
    assert len(bench.drain_patches()) == 1
    assert bench.states(key) == READY
    for _ in range(2):
        await look(bench, key)
    await bench.restart()
    bench.instance(source="bucket", **{field: None})
    await look(bench, key)
    assert bench.writes() == []
    assert bench.drain_patches() == []
    assert bench.condition(key, "Drifted").status == "False"


async def test_a_null_in_a_new_resource_is_not_sent_and_what_cloudflare_fills_in_is_not_drift(bench):
    key = await ready_instance(bench, aiGatewayId=None, sourceParams=None, systemPromptAiSearch=None)

    await look(bench, key)

    (created,) = (entry.body for entry in bench.account.journal(operation="instances.create"))
    assert created == {"id": "docs", "source": "bucket"}
    assert bench.account.instance("docs")["ai_gateway_id"] == "default"
    assert bench.writes() == []


async def test_what_was_cleared_is_cleared_again_when_somebody_sets_it(bench):
    key = await ready_instance(bench, aiGatewayId=None)
    bench.account.patch_instance("docs", ai_gateway_id="theirs")

    for _ in range(3):
        await look(bench, key)

    assert bench.writes() == [("instances.update", {"ai_gateway_id": None})]
    assert bench.account.instance("docs")["ai_gateway_id"] == "default"
    assert bench.condition(key, "Drifted").status == "False"


async def test_a_value_after_a_null_and_a_null_after_a_value_are_sent(bench):
    key = await ready_instance(bench, aiGatewayId=None)

    for value in ("search", None, "search"):
        bench.instance(source="bucket", aiGatewayId=value)
        await bench.make_pass(key)

    assert [body["ai_gateway_id"] for _, body in bench.writes()] == ["search", None, "search"]


async def test_a_field_that_is_removed_from_the_spec_stays_as_it_is_at_cloudflare_and_is_nobodys_business(bench):
    key = await ready_instance(bench, aiGatewayId="search", systemPromptAiSearch="p", sourceParams={"prefix": "a/"})

    bench.instance(source="bucket")
    await bench.make_pass(key)
    assert bench.account.instance("docs")["ai_gateway_id"] == "search"
    bench.account.patch_instance("docs", ai_gateway_id="theirs", system_prompt_ai_search="theirs")
    await look(bench, key)

    assert bench.writes() == []
    stored = bench.account.instance("docs")
    assert (stored["ai_gateway_id"], stored["source_params"]["prefix"]) == ("theirs", "a/")
    assert bench.condition(key, "Drifted").status == "False"
    assert "writeOnlyHash" not in bench.status_of(key)


WITH_HEADERS = '{"include_headers":"(hidden)","include_images":false,"use_browser_rendering":true}'
REPORTED: list[tuple[dict[str, Any], dict[str, Any], tuple[str, str, str]]] = [
    ({"aiGatewayId": None}, {"ai_gateway_id": "theirs"}, ("aiGatewayId", "null", '"theirs"')),
    ({"aiSearchModel": ""}, {"ai_search_model": "@cf/a"}, ("aiSearchModel", '""', '"@cf/a"')),
    ({"aiSearchModel": "@cf/a"}, {"ai_search_model": None}, ("aiSearchModel", '"@cf/a"', '""')),
    (
        {"systemPromptAiSearch": None},
        {"system_prompt_ai_search": "s3cret"},
        ("systemPromptAiSearch", "(hidden)", "(hidden)"),
    ),
    (
        {"publicEndpointParams": {"customDomains": None}},
        {"public_endpoint_params": {"custom_domains": ["a.example"]}},
        ("publicEndpointParams.customDomains", "null", '["a.example"]'),
    ),
    (
        {"source": "https://example.com", "sourceParams": None},
        {"source_params": {"web_crawler": {"parse_options": {"include_headers": {"X-Key": "s3cret"}}}}},
        (
            "sourceParams",
            "null",
            f'{{"web_crawler":{{"parse_options":{WITH_HEADERS},"parse_type":"sitemap"}}}}',
        ),
    ),
]


@pytest.mark.parametrize(("spec", "theirs", "entry"), REPORTED, ids=[row[2][0] + row[2][1] for row in REPORTED])
async def test_drift_from_what_says_nothing_is_reported_once_and_left(bench, spec, theirs, entry):
    key = await ready_instance(bench, driftPolicy="Report", **spec)
    bench.account.patch_instance("docs", **theirs)

    for _ in range(3):
        await look(bench, key)

    (shown,) = bench.status_of(key)["drift"]
    assert (shown["path"], shown["desired"], shown["observed"]) == entry
    assert bench.writes() == []
    assert len(bench.drain_patches()) == 1
    assert "s3cret" not in str([bench.status_of(key), bench.kube.events])


async def test_an_edit_beyond_what_status_shows_of_a_long_value_is_sent_although_drift_is_only_reported(bench):
    patterns = [f"/{number:03}/**" for number in range(10)]
    long = [pattern + "x" * 40 for pattern in patterns]
    key = await ready_instance(bench, driftPolicy="Report", sourceParams={"includeItems": long})
    bench.account.patch_instance("docs", source_params={"include_items": ["/theirs"]})
    await look(bench, key)
    (entry,) = bench.status_of(key)["drift"]
    assert len(entry["desired"]) == 256

    edited = [*long[:-1], "/edited"]
    bench.instance(source="bucket", driftPolicy="Report", sourceParams={"includeItems": edited})
    await bench.make_pass(key)

    ((_, body),) = bench.writes()
    assert body["source_params"]["include_items"] == edited
    assert bench.condition(key, "Drifted").status == "False"


async def test_the_metadata_of_search_for_agents_are_sent_in_a_request_of_their_own(bench):
    key = await ready_instance(bench, "docs")

    endpoint = {"enabled": True, "customDomains": ["search.example.com"]}
    bench.instance(source="bucket", metadata={"searchForAgents": AGENTS}, publicEndpointParams=endpoint)
    await bench.make_pass(key)

    assert bench.writes() == [
        (
            "instances.update",
            {"public_endpoint_params": {"enabled": True, "custom_domains": ["search.example.com"]}},
        ),
        ("instances.update", {"metadata": {"search_for_agents": AGENTS_OF_THE_API}}),
    ]
    assert bench.states(key) == READY
    assert bench.condition(key, "Drifted").status == "False"
    await look(bench, key)
    assert bench.writes() == []


async def test_the_second_of_two_requests_that_failed_is_sent_again_alone(bench):
    key = await ready_instance(bench, "docs")
    bench.account.inject(Status(status=500, code=7001), "instances.update", nth=2)

    bench.instance(source="bucket", metadata={"searchForAgents": AGENTS}, publicEndpointParams={"enabled": True})
    await bench.make_pass(key)
    assert bench.states(key)[0] != "True"
    assert len(bench.writes()) == 2
    await look(bench, key)

    assert bench.writes() == [("instances.update", {"metadata": {"search_for_agents": AGENTS_OF_THE_API}})]
    assert bench.states(key) == READY
