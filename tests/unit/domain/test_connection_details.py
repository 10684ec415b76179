"""The ConfigMap with connection details: its content, and what is done about the one that is there."""

import pytest

from aisearch_operator.domain.connection_details import ConfigMap, Step, contents, next_step
from aisearch_operator.domain.endpoints import endpoints_of
from unit.builders import wire_instance

WANTED = {"instanceId": "docs"}
ROOT = "https://api.example.com/accounts/acc/ai-search/namespaces/default/instances/docs"


def there(controller: str | None = "ours", **data: str) -> ConfigMap:
    return ConfigMap("uid-1", "7", controller, data)


@pytest.mark.parametrize(
    ("found", "step"),
    [
        (None, Step.CREATE),
        (there(instanceId="docs"), Step.KEEP),
        (there(), Step.REPLACE),
        (there(instanceId="other"), Step.REPLACE),
        (there(instanceId="docs", stale="x"), Step.REPLACE),
        (there("theirs"), Step.REFUSE),
        (there(None), Step.REFUSE),
        (there("theirs", instanceId="docs"), Step.REFUSE),
        (there(None, instanceId="docs"), Step.REFUSE),
    ],
)
def test_only_what_belongs_to_the_resource_is_written_and_only_when_it_differs(found, step):
    assert next_step(WANTED, found, "ours") is step


def details(**settings):
    endpoints = endpoints_of("https://api.example.com", "acc", "default", wire_instance(**settings))
    return contents("acc", "default", "docs", endpoints)


def test_the_address_and_the_urls_of_the_api_are_always_in_it():
    assert details() == {
        "accountId": "acc",
        "searchNamespace": "default",
        "instanceId": "docs",
        "searchUrl": f"{ROOT}/search",
        "chatCompletionsUrl": f"{ROOT}/chat/completions",
    }


def test_the_first_public_host_is_in_it_with_its_open_routes():
    endpoint = {"enabled": True, "custom_domains": ["s.example.com"], "mcp": {"disabled": True}}

    made = details(public_endpoint_id="7a", public_endpoint_params=endpoint)

    assert {key: value for key, value in made.items() if key.startswith("public")} == {
        "publicHost": "s.example.com",
        "publicSearchUrl": "https://s.example.com/search",
        "publicChatCompletionsUrl": "https://s.example.com/chat/completions",
    }
