"""The URLs of an instance."""

from typing import Any

import pytest

from aisearch_operator.domain.endpoints import endpoints_of
from aisearch_operator.resources.endpoints import InstanceEndpoints
from unit.builders import wire_instance

BASE = "https://api.cloudflare.com/client/v4"
ACCOUNT = "a" * 32
ROOT = f"{BASE}/accounts/{ACCOUNT}/ai-search/namespaces/archive/instances/docs"


def found(base_url: str = BASE, **settings: Any) -> InstanceEndpoints:
    return endpoints_of(base_url, ACCOUNT, "archive", wire_instance(**settings))


def public(**params: Any) -> list[dict[str, Any]]:
    endpoints = found(public_endpoint_id="7a", public_endpoint_params={"enabled": True, **params}).to_kubernetes()
    hosts: list[dict[str, Any]] = endpoints.get("public", [])
    return hosts


@pytest.mark.parametrize("base_url", [BASE, f"{BASE}/"])
def test_the_urls_of_the_api_follow_from_the_address(base_url):
    assert found(base_url).to_kubernetes() == {
        "api": {"search": f"{ROOT}/search", "chatCompletions": f"{ROOT}/chat/completions"}
    }


def test_an_enabled_public_endpoint_has_its_own_host_with_three_routes():
    host = "7a.search.ai.cloudflare.com"

    assert public() == [
        {
            "host": host,
            "search": f"https://{host}/search",
            "chatCompletions": f"https://{host}/chat/completions",
            "mcp": f"https://{host}/mcp",
        }
    ]


@pytest.mark.parametrize("params", [None, {}, {"enabled": False}, {"enabled": None}, "on", {"enabled": "yes"}])
def test_without_an_enabled_public_endpoint_there_is_no_host(params):
    assert found(public_endpoint_id="7a", public_endpoint_params=params).public is None


def test_a_public_endpoint_whose_id_is_not_known_yet_has_no_host():
    assert found(public_endpoint_params={"enabled": True}).public is None


@pytest.mark.parametrize(
    ("switch", "route"),
    [("search_endpoint", "search"), ("chat_completions_endpoint", "chatCompletions"), ("mcp", "mcp")],
)
def test_a_closed_route_has_no_url(switch, route):
    (host,) = public(**{switch: {"disabled": True}})

    assert set(host) == {"host", "search", "chatCompletions", "mcp"} - {route}


@pytest.mark.parametrize("switch", [None, {}, {"disabled": False}, {"disabled": None}])
def test_a_route_that_is_not_closed_is_open(switch):
    (host,) = public(mcp=switch)

    assert host["mcp"] == "https://7a.search.ai.cloudflare.com/mcp"


@pytest.mark.parametrize(
    ("params", "hosts"),
    [
        ({"custom_domains": ["s.example.com"]}, ["s.example.com", "7a.search.ai.cloudflare.com"]),
        ({"custom_domains": ["s.example.com"], "default_domain_enabled": False}, ["s.example.com"]),
        ({"custom_domains": [], "default_domain_enabled": True}, ["7a.search.ai.cloudflare.com"]),
        ({"custom_domains": None}, ["7a.search.ai.cloudflare.com"]),
        ({"default_domain_enabled": False}, []),
        ({"custom_domains": ["s.example.com", "s.example.com"]}, ["s.example.com", "7a.search.ai.cloudflare.com"]),
        ({"custom_domains": [7, "", "x" * 254, "s.example.com"], "default_domain_enabled": False}, ["s.example.com"]),
        ({"custom_domains": "s.example.com"}, ["7a.search.ai.cloudflare.com"]),
    ],
)  # fmt: skip
def test_custom_domains_come_first_and_the_default_host_can_be_off(params, hosts):
    assert [host["host"] for host in public(**params)] == hosts


def test_the_routes_of_a_custom_domain_are_below_it():
    first = public(custom_domains=["s.example.com"])[0]

    assert (first["search"], first["mcp"]) == ("https://s.example.com/search", "https://s.example.com/mcp")


def test_there_are_never_more_hosts_than_the_schema_allows():
    assert len(public(custom_domains=[f"{number}.example.com" for number in range(300)])) == 101
