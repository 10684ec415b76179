"""The ConfigMap with connection details: what a user of an instance sees of it, from the first apply to the end."""

from aisearch_operator.resources.group import API_VERSION
from harness.kube import conditions, eventually, instance

INSTANCE = "AISearchInstance"
ENDPOINT = {"enabled": True, "customDomains": ["search.example.com"]}
GARBAGE_COLLECTION = 90
"""Seconds: a controller manager looks for new kinds of resources every 30 s, on one that has just started."""

LONG = {"config_map_interval": 600}
"""No slow look falls into the test: what happens, happens for its reason."""


def config_map(name, **data):
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


def wanting(name, **spec):
    return instance("docs", writeConnectionConfigMapToRef={"name": name}, publicEndpointParams=ENDPOINT, **spec)


def config_map_requests(stage):
    """Give verb and name of the operator's requests about ConfigMaps, reads and writes each in their order."""
    asked = [*stage.reads("configmaps"), *(write for write in stage.writes() if write.resource == "configmaps")]
    return sorted((each.verb, each.name) for each in asked)


def test_the_connection_details_are_published_kept_up_to_date_and_go_with_the_instance(make_stage):
    stage = make_stage(**LONG)
    kube, account = stage.kube, stage.account
    stage.operator.start()

    kube.apply(wanting("docs-connection"))
    found = kube.wait_condition(INSTANCE, "docs", "ConnectionPublished")
    root = f"/accounts/{account.id}/ai-search/namespaces/default/instances/docs"
    made = kube.get("ConfigMap", "docs-connection")
    (owner,) = made["metadata"]["ownerReferences"]
    assert owner == {
        "apiVersion": API_VERSION,
        "kind": INSTANCE,
        "name": "docs",
        "uid": found["metadata"]["uid"],
        "controller": True,
    }
    assert {key: value for key, value in made["data"].items() if not key.endswith("Url")} == {
        "accountId": account.id,
        "searchNamespace": "default",
        "instanceId": "docs",
        "publicHost": "search.example.com",
    }
    assert made["data"]["searchUrl"].endswith(f"{root}/search")
    assert made["data"]["publicMcpUrl"] == "https://search.example.com/mcp"
    hosts = [public["host"] for public in found["status"]["endpoints"]["public"]]
    assert hosts == ["search.example.com", f"{account.instance('docs')['public_endpoint_id']}.search.ai.cloudflare.com"]

    stage.await_sweeps(3)
    assert config_map_requests(stage) == [("create", "docs-connection"), ("get", "docs-connection")]

    kube.delete("ConfigMap", "docs-connection")
    assert stage.operator.stop() == 0
    stage.operator.start()
    eventually(lambda: kube.get("ConfigMap", "docs-connection") is not None, lambda: "it is not made again")

    kube.apply(wanting("docs-connection", driftPolicy="Report"))
    kube.wait_condition(INSTANCE, "docs", "Ready")
    account.patch_instance("docs", public_endpoint_params={"enabled": True, "custom_domains": ["other.example.com"]})
    eventually(
        lambda: kube.get("ConfigMap", "docs-connection")["data"]["publicHost"] == "other.example.com",
        lambda: "it does not follow the instance",
    )

    kube.apply(wanting("renamed", driftPolicy="Report"))
    kube.wait_gone("ConfigMap", "docs-connection")
    kube.delete(INSTANCE, "docs")
    kube.wait_gone(INSTANCE, "docs")
    kube.wait_gone("ConfigMap", "renamed", timeout=GARBAGE_COLLECTION)


def test_a_config_map_of_somebody_else_is_never_touched_and_one_that_cannot_be_written_is_tried_again(make_stage):
    stage = make_stage(**LONG)
    kube = stage.kube
    stage.operator.start()
    kube.apply(config_map("taken", theirs="1"))
    before = kube.get("ConfigMap", "taken")

    kube.apply(wanting("taken"))
    refused = kube.wait_condition(INSTANCE, "docs", "ConnectionPublished", status="False", reason="ConfigMapNotOurs")
    assert conditions(refused)["Ready"]["status"] == "True"
    assert "choose another name" in kube.wait_event("docs", "ConfigMapNotOurs")[1]
    stage.await_sweeps()
    assert kube.get("ConfigMap", "taken") == before

    kube.apply(wanting("free"))
    kube.wait_condition(INSTANCE, "docs", "ConnectionPublished", reason="Published")
    kube.patch("ConfigMap", "free", {"immutable": True})
    closed = {"enabled": False, "customDomains": []}
    kube.apply(instance("docs", writeConnectionConfigMapToRef={"name": "free"}, publicEndpointParams=closed))
    failed = kube.wait_condition(INSTANCE, "docs", "ConnectionPublished", status="False", reason="ConfigMapNotWritten")
    assert "422" in conditions(failed)["ConnectionPublished"]["message"]
    assert conditions(failed)["Ready"]["status"] == "True"

    kube.delete("ConfigMap", "free")
    kube.wait_condition(INSTANCE, "docs", "ConnectionPublished", reason="Published")
    kube.apply(instance("docs"))
    kube.wait_condition(INSTANCE, "docs", "ConnectionPublished", status="False", reason="NotRequested")
    assert kube.get("ConfigMap", "free") is None
    assert kube.get("ConfigMap", "taken") == before
