"""The outputs of an instance on the bench: status.endpoints, and the ConfigMap on request."""

import pytest

from aisearch_operator.kube.api import Conflict, KubeUnavailable
from aisearch_operator.resources.group import INSTANCE_KIND, RECONCILE_REQUESTED
from unit.reconcilers.bench import NAMESPACE, READY, Bench, ready_instance

INTERVAL = 600.0
ENDPOINT = {"enabled": True, "customDomains": ["s.example.com"]}


def asked(bench: Bench) -> list[str]:
    """Give the calls about ConfigMaps since the last time."""
    calls, bench.kube.config_map_calls = bench.kube.config_map_calls, []
    return calls


def published(bench: Bench, key) -> tuple[str, str]:
    said = bench.condition(key, "ConnectionPublished")
    return said.status, said.reason


def wanting(name: str = "docs-connection"):
    return {"writeConnectionConfigMapToRef": {"name": name}}


def data(bench: Bench, name: str = "docs-connection"):
    return bench.kube.config_maps[NAMESPACE, name].data


async def published_instance(bench: Bench, **spec):
    key = await ready_instance(bench, **wanting(), **spec)
    asked(bench)
    return key


async def test_the_urls_are_in_status_and_follow_the_instance(bench):
    key = await ready_instance(bench, publicEndpointParams=ENDPOINT)
    root = f"{bench.api_url}/accounts/{bench.account.id}/ai-search/namespaces/default/instances/docs"
    endpoint_id = bench.account.instance("docs")["public_endpoint_id"]

    endpoints = bench.status_of(key)["endpoints"]
    assert endpoints["api"] == {"search": f"{root}/search", "chatCompletions": f"{root}/chat/completions"}
    assert [host["host"] for host in endpoints["public"]] == [
        "s.example.com",
        f"{endpoint_id}.search.ai.cloudflare.com",
    ]

    bench.instance(source="bucket", publicEndpointParams=ENDPOINT, chunkSize=600)  # the answer leaves domains out
    await bench.make_pass(key)
    assert bench.status_of(key)["endpoints"] == endpoints

    bench.instance(source="bucket", publicEndpointParams={**ENDPOINT, "enabled": False}, chunkSize=600)
    await bench.make_pass(key)
    assert "public" not in bench.status_of(key)["endpoints"]


async def test_a_config_map_is_made_once_and_at_rest_costs_no_request(bench):
    key = bench.instance(source="bucket", publicEndpointParams=ENDPOINT, **wanting())

    again = await bench.make_pass(key)

    assert asked(bench) == ["read docs-connection", "create docs-connection"]
    assert bench.kube.config_maps[NAMESPACE, "docs-connection"].controller == key.uid
    assert data(bench)["publicMcpUrl"] == "https://s.example.com/mcp"
    assert bench.states(key) == READY
    assert published(bench, key) == ("True", "Published")
    assert bench.status_of(key)["connectionConfigMap"] == "docs-connection"
    assert again is not None
    assert again.after == pytest.approx(INTERVAL, abs=1)
    assert len(bench.drain_patches()) == 1

    for _ in range(3):
        await bench.look_again()
        await bench.make_pass(key)
    assert asked(bench) == []
    assert bench.drain_patches() == []


async def test_changed_content_is_written_with_one_request_more_than_a_look(bench):
    key = await published_instance(bench)
    bench.instance(source="bucket", publicEndpointParams=ENDPOINT, **wanting())

    await bench.make_pass(key)

    assert asked(bench) == ["read docs-connection", "write docs-connection"]
    assert data(bench)["publicHost"] == "s.example.com"


async def test_what_somebody_changed_at_cloudflare_reaches_the_config_map(bench):
    key = await published_instance(bench, publicEndpointParams={"enabled": True})
    bench.account.patch_instance("docs", public_endpoint_params={"enabled": True, "custom_domains": ["t.example.com"]})
    await bench.look_again()

    await bench.make_pass(key)

    assert data(bench)["publicHost"] == "t.example.com"


def damage(bench: Bench, key, how: str) -> None:
    if how == "deleted":
        del bench.kube.config_maps[NAMESPACE, "docs-connection"]
    else:
        bench.kube.put_config_map(NAMESPACE, "docs-connection", {"searchUrl": "x", "y": "z"}, controller=key.uid)


@pytest.mark.parametrize("how", ["changed", "deleted"])
@pytest.mark.parametrize("occasion", ["spec", "request", "restart"])
async def test_a_config_map_that_somebody_damaged_is_made_again(bench, how, occasion):
    key = await published_instance(bench)
    whole = dict(data(bench))
    damage(bench, key, how)

    if occasion == "spec":
        bench.instance(source="bucket", **wanting(), chunkSize=600)
    elif occasion == "request":
        bench.annotate(key, {RECONCILE_REQUESTED: "now"})
    else:
        await bench.restart()
    await bench.make_pass(key)

    assert data(bench) == whole
    assert bench.kube.config_maps[NAMESPACE, "docs-connection"].controller == key.uid


@pytest.mark.parametrize("how", ["changed", "deleted"])
async def test_a_config_map_is_looked_at_from_time_to_time(fake, account, how):
    bench = Bench(fake, account, config_map_interval=0.001)
    key = await published_instance(bench)
    whole = dict(data(bench))
    damage(bench, key, how)

    await bench.make_pass(key)

    assert data(bench) == whole
    await bench.close()


@pytest.mark.parametrize("controller", [None, "uid-of-another"])
async def test_a_config_map_of_somebody_else_is_left_alone_and_the_instance_is_managed(bench, controller):
    bench.kube.put_config_map(NAMESPACE, "docs-connection", {"theirs": "1"}, controller=controller)
    key = bench.instance(source="bucket", **wanting())

    for _ in range(3):
        await bench.make_pass(key)

    assert data(bench) == {"theirs": "1"}
    assert published(bench, key) == ("False", "ConfigMapNotOurs")
    assert "choose another name" in bench.condition(key, "ConnectionPublished").message
    assert bench.states(key) == READY
    assert bench.drain_events() == [("Warning", "ConfigMapNotOurs"), ("Normal", "Created")][::-1]
    assert len(bench.drain_patches()) == 1
    assert "connectionConfigMap" not in bench.status_of(key)

    bench.instance(source="bucket", chunkSize=600, **wanting())
    await bench.make_pass(key)
    assert [operation for operation, _ in bench.writes()] == ["instances.create", "instances.update"]

    del bench.kube.config_maps[NAMESPACE, "docs-connection"]
    await bench.make_pass(key)
    assert published(bench, key) == ("True", "Published")


async def test_another_name_takes_the_old_config_map_away_once_the_new_one_is_there(bench):
    key = await published_instance(bench)
    bench.kube.put_config_map(NAMESPACE, "taken", {}, controller=None)
    bench.instance(source="bucket", **wanting("taken"))
    await bench.make_pass(key)
    assert set(bench.kube.config_maps) == {(NAMESPACE, "docs-connection"), (NAMESPACE, "taken")}
    assert bench.status_of(key)["connectionConfigMap"] == "docs-connection"

    bench.instance(source="bucket", **wanting("free"))
    await bench.make_pass(key)

    assert set(bench.kube.config_maps) == {(NAMESPACE, "free"), (NAMESPACE, "taken")}
    assert bench.status_of(key)["connectionConfigMap"] == "free"


@pytest.mark.parametrize("ours", [True, False])
async def test_a_removed_field_takes_the_config_map_away_if_it_is_ours(bench, ours):
    key = await published_instance(bench)
    if not ours:
        bench.kube.put_config_map(NAMESPACE, "docs-connection", {"theirs": "1"}, controller="uid-of-another")
    bench.instance(source="bucket")

    for _ in range(3):
        await bench.make_pass(key)

    assert ((NAMESPACE, "docs-connection") in bench.kube.config_maps) is not ours
    assert published(bench, key) == ("False", "NotRequested")
    assert "connectionConfigMap" not in bench.status_of(key)
    assert asked(bench)[2:] == []


async def test_a_field_that_is_removed_while_its_name_is_taken_leaves_no_complaint(bench):
    bench.kube.put_config_map(NAMESPACE, "docs-connection", {}, controller=None)
    key = await ready_instance(bench, **wanting())
    bench.instance(source="bucket")

    await bench.make_pass(key)

    assert published(bench, key) == ("False", "NotRequested")
    assert set(bench.kube.config_maps) == {(NAMESPACE, "docs-connection")}


async def test_an_api_server_that_refuses_is_quoted_and_asked_again(bench):
    bench.kube.fail("create_config_map", KubeUnavailable("The API server answered 403 Forbidden"))
    key = bench.instance(source="bucket", **wanting())

    again = await bench.make_pass(key)

    assert published(bench, key) == ("False", "ConfigMapNotWritten")
    assert bench.condition(key, "ConnectionPublished").message == "The API server answered 403 Forbidden"
    assert bench.states(key) == READY
    assert again is not None
    assert again.after is None
    await bench.make_pass(key)
    assert published(bench, key) == ("True", "Published")


async def test_a_write_that_was_overtaken_is_made_again_without_a_word(bench):
    key = await published_instance(bench)
    bench.kube.fail("write_config_map", Conflict("The API server answered 409 Conflict"))
    bench.instance(source="bucket", publicEndpointParams=ENDPOINT, **wanting())

    again = await bench.make_pass(key)

    assert again is not None
    assert published(bench, key) == ("True", "Published")
    await bench.make_pass(key)
    assert data(bench)["publicHost"] == "s.example.com"


async def test_a_requested_look_that_was_overtaken_is_made_again(bench):
    key = await published_instance(bench)
    damage(bench, key, "changed")
    bench.kube.fail("write_config_map", Conflict("The API server answered 409 Conflict"))
    bench.annotate(key, {RECONCILE_REQUESTED: "now"})

    await bench.make_pass(key)
    await bench.make_pass(key)

    assert data(bench)["instanceId"] == "docs"


async def test_a_trouble_with_the_instance_does_not_put_off_what_the_config_map_needs(bench):
    key = await published_instance(bench)
    bench.kube.fail("write_config_map", Conflict("The API server answered 409 Conflict"))
    bench.account.fail("instances.update", 400, 7010)
    bench.account.patch_instance("docs", public_endpoint_params={"enabled": True})
    await bench.look_again()
    bench.instance(source="bucket", chunkSize=600, **wanting())

    again = await bench.make_pass(key)

    assert bench.condition(key, "Stalled").status == "True"
    assert again is not None
    assert again.after is None


async def test_nothing_is_published_before_the_instance_is_there_nor_withdrawn_when_it_cannot_be_seen(bench):
    bench.account.fail("instances.create", 503, 7017)
    key = bench.instance(source="bucket", **wanting())
    await bench.make_pass(key)
    assert asked(bench) == []

    await bench.make_pass(key)
    assert published(bench, key) == ("True", "Published")

    bench.account.revoke()
    bench.instance(source="bucket", chunkSize=600, **wanting())
    await bench.make_pass(key)
    assert bench.condition(key, "Stalled").status == "True"
    assert data(bench)["instanceId"] == "docs"


async def test_a_suspended_instance_keeps_its_config_map_as_it_is(bench):
    key = await published_instance(bench)
    bench.instance(source="bucket", suspend=True)

    await bench.make_pass(key)

    assert asked(bench) == []
    assert bench.status_of(key)["connectionConfigMap"] == "docs-connection"


async def test_a_config_map_goes_with_its_resource_by_the_owner_reference_alone(bench):
    key = await published_instance(bench)

    bench.mark_deleted(key)
    await bench.make_pass(key)

    assert bench.released(key)
    assert asked(bench) == []
    assert key.kind == INSTANCE_KIND
