"""AISearchInstance on a real API server: created, updated, moved, suspended, adopted, deleted."""

from typing import Any

from harness.kube import conditions, eventually, instance
from harness.stage import PROMPT

KIND = "AISearchInstance"
TOKEN_ID = "0b9f4c1e-6f1d-4a55-9b62-64f2a1c8d001"

CREATIONS: dict[str, tuple[dict[str, Any], dict[str, Any], dict[str, Any] | None]] = {
    "plain": ({}, {"id": "plain"}, None),
    "bucket": (
        {
            "instanceId": "docs_2",
            "type": "r2",
            "source": "my-bucket",
            "sourceParams": {"prefix": "guides/", "includeItems": ["/guides/**"]},
            "tokenId": TOKEN_ID,
            "chunk": False,
            "maxNumResults": 20,
            "scoreThreshold": 0,
            "cache": False,
            "customMetadata": [{"fieldName": "team", "dataType": "text"}],
        },
        {
            "id": "docs_2",
            "type": "r2",
            "source": "my-bucket",
            "source_params": {"prefix": "guides/", "include_items": ["/guides/**"]},
            "token_id": TOKEN_ID,
            "chunk": False,
            "max_num_results": 20,
            "score_threshold": 0,
            "cache": False,
            "custom_metadata": [{"field_name": "team", "data_type": "text"}],
        },
        None,
    ),
    "site": (
        {
            "source": "https://docs.example.com",
            "sourceParams": {"webCrawler": {"parseType": "discover", "discoverOptions": {"depth": 3}}},
            "publicEndpointParams": {"enabled": True, "rateLimit": {"periodMs": 60_000, "requests": 5}},
            "paused": True,
            "summarization": True,
            "systemPromptAiSearch": f"{PROMPT}: be brief.",
        },
        {
            "id": "site",
            "source": "https://docs.example.com",
            "source_params": {"web_crawler": {"parse_type": "discover", "discover_options": {"depth": 3}}},
            "public_endpoint_params": {"enabled": True, "rate_limit": {"period_ms": 60_000, "requests": 5}},
        },
        {"paused": True, "summarization": True, "system_prompt_ai_search": f"{PROMPT}: be brief."},
    ),
}
"""For each resource: its spec, the body that must be POSTed, the body that must be PUT after it."""


def operations(requests):
    return [request.operation for request in requests]


def test_an_instance_is_created_once_with_exactly_the_fields_given(stage):
    stage.kube.apply(*(instance(name, **spec) for name, (spec, _, _) in CREATIONS.items()))

    found = {name: stage.kube.wait_condition(KIND, name, "Ready") for name in CREATIONS}

    stage.await_sweeps()
    created = [body for _, body in stage.sent("instances.create")]
    assert sorted(created, key=lambda body: body["id"]) == sorted(
        (body for _, body, _ in CREATIONS.values()), key=lambda body: body["id"]
    )
    assert [body for _, body in stage.sent("instances.update")] == [CREATIONS["site"][2]]
    for name, (_, body, _) in CREATIONS.items():
        status = found[name]["status"]
        assert status["observedGeneration"] == found[name]["metadata"]["generation"]
        assert (status["instanceId"], status["searchNamespace"]) == (body["id"], "default")
        assert status["accountId"] == stage.account.id
        assert status["createdAt"]
        states = {kind: each["status"] for kind, each in conditions(found[name]).items()}
        assert (states["Ready"], states["Reconciling"], states["Stalled"]) == ("True", "False", "False")
        assert ("Normal", "Created", f"Created instance default/{body['id']}") in stage.kube.events(name)
    assert found["site"]["status"]["paused"] is True


def test_an_edit_sends_only_what_changed_and_a_label_sends_nothing(make_stage):
    quiet = {"poll_interval": 600, "stats_interval": 600, "settle_time": 600}
    stage = make_stage(**quiet)
    stage.operator.start()
    spec = {"type": "r2", "source": "my-bucket", "sourceParams": {"prefix": "a/"}, "maxNumResults": 20}
    stage.kube.apply(instance("docs", **spec))
    before = stage.kube.wait_condition(KIND, "docs", "Ready")

    stage.kube.apply(instance("docs", **{**spec, "sourceParams": {"prefix": "b/"}, "maxNumResults": 30}))

    after = stage.kube.wait(
        KIND, "docs", lambda body: body["status"]["observedGeneration"] > before["metadata"]["generation"], "updated"
    )
    assert stage.sent("instances.update") == [
        ("instances.update", {"max_num_results": 30, "source_params": {"prefix": "b/", "r2_jurisdiction": "default"}})
    ]
    assert conditions(after)["Ready"]["status"] == "True"
    assert after["status"]["observedGeneration"] == after["metadata"]["generation"]

    mark, written = len(stage.account.journal()), len(stage.writes("docs"))
    stage.kube.patch(KIND, "docs", {"metadata": {"labels": {"team": "search"}, "annotations": {"note": "mine"}}})
    stage.kube.apply(instance("marker"))
    stage.kube.wait_condition(KIND, "marker", "Ready")

    assert operations(stage.requests(since=mark)) == ["instances.create"]
    assert len(stage.writes("docs")) == written


def test_a_deleted_resource_takes_its_instance_with_it_also_one_that_is_gone_already(make_stage):
    stage = make_stage(poll_interval=600, stats_interval=600)  # the operator must not see it go
    stage.dashboard.create_namespace("team-a")
    stage.operator.start()
    kube, account = stage.kube, stage.account
    kube.apply(
        instance("there"),
        instance("gone", deletionPolicy="Delete"),  # without it, the statistics are asked first and tell
        instance("namespace-gone", searchNamespace="team-a", deletionPolicy="Delete"),
        instance("kept", deletionPolicy="Retain"),
        instance("asleep"),
    )
    names = ("there", "gone", "namespace-gone", "kept", "asleep")
    for name in names:
        kube.wait_condition(KIND, name, "Ready")
    account.delete_instance("gone")
    account.delete_instance("namespace-gone", "team-a")
    stage.dashboard.delete_namespace("team-a")
    kube.apply(instance("asleep", suspend=True))
    kube.wait_condition(KIND, "asleep", "Ready", status="Unknown", reason="Suspended")

    for name in names:
        kube.delete(KIND, name)

    for name in names:
        kube.wait_gone(KIND, name)
    answers = {entry.path: entry.code for entry in account.journal(operation="instances.delete")}
    assert answers == {
        "/namespaces/default/instances/there": None,
        "/namespaces/default/instances/gone": 7002,
        "/namespaces/team-a/instances/namespace-gone": 7063,
        "/namespaces/default/instances/asleep": None,
    }
    assert len(account.journal(operation="instances.delete")) == 4
    assert [each.id for each in account.instances()] == ["kept"]
    assert kube.wait_event("kept", "Retained") == (
        "Normal",
        f"Instance default/kept of account {account.id} stays at Cloudflare: spec.deletionPolicy is Retain",
    )


def test_a_change_of_the_search_namespace_moves_the_instance_once_the_target_exists(stage):
    kube = stage.kube
    kube.apply(instance("docs", maxNumResults=20), instance("stuck"))
    for name in ("docs", "stuck"):
        kube.wait_condition(KIND, name, "Ready")

    kube.apply(instance("docs", maxNumResults=20, searchNamespace="team-a"))
    kube.apply(instance("stuck", searchNamespace="team-b"))

    waiting = kube.wait_condition(KIND, "docs", "Reconciling", reason="SearchNamespaceNotFound")
    assert conditions(waiting)["Ready"]["status"] == "False"
    assert waiting["status"]["searchNamespace"] == "default"
    stage.dashboard.create_namespace("team-a")
    moved = kube.wait_condition(KIND, "docs", "Ready")
    assert moved["status"]["searchNamespace"] == "team-a"
    assert ("Normal", "Moved", "Moved instance default/docs to team-a/docs") in kube.events("docs")
    kube.wait_condition(KIND, "stuck", "Reconciling", reason="SearchNamespaceNotFound")
    for name in ("docs", "stuck"):
        kube.delete(KIND, name)
        kube.wait_gone(KIND, name)
    assert stage.sent("instances.move") == [("instances.move", {"new_namespace": "team-a"})]
    assert len(stage.sent()) == 2 + 1 + 2
    assert stage.account.instances() == []


def test_a_suspended_resource_is_left_alone_until_it_is_resumed(stage):
    kube = stage.kube
    kube.apply(instance("docs", suspend=True), instance("marker"))
    asleep = kube.wait_condition(KIND, "docs", "Ready", status="Unknown", reason="Suspended")
    assert {conditions(asleep)[kind]["status"] for kind in ("Reconciling", "Stalled")} == {"False"}
    kube.wait_condition(KIND, "marker", "Ready")
    stage.await_sweeps()
    assert stage.sent() == [("instances.create", {"id": "marker"})]

    kube.apply(instance("docs", suspend=False))
    kube.wait_condition(KIND, "docs", "Ready")

    kube.apply(instance("docs", suspend=True, maxNumResults=40))
    kube.wait_condition(KIND, "docs", "Ready", status="Unknown", reason="Suspended")
    stage.account.patch_instance("docs", max_num_results=7)
    stage.await_sweeps()
    assert stage.sent("instances.update") == []

    kube.apply(instance("docs", maxNumResults=40))
    kube.wait_condition(KIND, "docs", "Ready")
    assert stage.sent("instances.update") == [("instances.update", {"max_num_results": 40})]


def test_an_instance_of_somebody_else_is_refused_and_left_alone_until_adoption_is_allowed(make_stage):
    # At rate 1 the instances are older than the resources: a clock that runs ahead makes them look younger.
    stage = make_stage(rate=1, poll_interval=600, stats_interval=600)
    kube = stage.kube
    stage.dashboard.create_instance("listed", max_num_results=5, cache=False)
    stage.operator.start()
    kube.apply(instance("marker"))
    kube.wait_condition(KIND, "marker", "Ready")
    stage.dashboard.create_instance("unlisted", max_num_results=5)  # after the operator's only list: POST finds it

    for name in ("listed", "unlisted"):
        kube.apply(instance(name, maxNumResults=20))

    for name in ("listed", "unlisted"):
        refused = kube.wait_condition(KIND, name, "Stalled", reason="AdoptionRefused")
        assert "spec.adoptionPolicy" in conditions(refused)["Ready"]["message"]
        assert "instanceId" not in refused["status"]
        assert kube.wait_event(name, "AdoptionRefused")[0] == "Warning"
    assert [entry.code for entry in stage.account.journal(operation="instances.create")[-1:]] == [7022]

    kube.delete(KIND, "unlisted")
    kube.wait_gone(KIND, "unlisted")
    assert stage.sent("instances.delete") == []

    kube.apply(instance("listed", maxNumResults=20, adoptionPolicy="IfExists"))
    adopted = kube.wait_condition(KIND, "listed", "Ready")
    assert adopted["status"]["instanceId"] == "listed"
    assert stage.sent("instances.update") == [("instances.update", {"max_num_results": 20})]
    assert ("Normal", "Adopted", "Took over instance default/listed") in kube.events("listed")
    assert stage.account.instance("listed")["cache"] is False


def test_of_two_resources_for_one_instance_the_older_has_it_and_the_younger_inherits(stage):
    kube = stage.kube
    kube.apply(instance("older", instanceId="shared", maxNumResults=20))
    kube.wait_condition(KIND, "older", "Ready")

    kube.apply(instance("younger", instanceId="shared", maxNumResults=30))

    stalled = kube.wait_condition(KIND, "younger", "Stalled", reason="ClaimedByAnotherResource")
    assert f"{stage.kube.namespace}/older" in conditions(stalled)["Ready"]["message"]
    kube.delete(KIND, "older")
    kube.wait_condition(KIND, "younger", "Ready")
    assert stage.sent() == [
        ("instances.create", {"id": "shared", "max_num_results": 20}),
        ("instances.delete", None),
        ("instances.create", {"id": "shared", "max_num_results": 30}),
    ]


def test_the_statistics_and_the_state_of_the_index_are_in_status(stage):
    stage.account.configure(files=7)
    stage.kube.apply(instance("docs", type="r2", source="my-bucket"))

    indexed = stage.kube.wait_condition(KIND, "docs", "Indexed", reason="IndexComplete")

    counts = indexed["status"]["stats"]
    assert (counts["completed"], counts["queued"], counts["running"], counts["error"]) == (7, 0, 0, 0)
    stage.kube.wait(KIND, "docs", lambda body: body["status"]["state"] == "active", "active")


def test_a_resource_that_never_got_an_instance_can_be_deleted(stage):
    stage.account.configure(max_chunk_size=1000)
    kube = stage.kube
    kube.apply(instance("homeless", searchNamespace="missing"), instance("refused", chunkSize=1001))
    kube.wait_condition(KIND, "homeless", "Reconciling", reason="SearchNamespaceNotFound")
    refused = kube.wait_condition(KIND, "refused", "Stalled", reason="InvalidRequest")
    assert "invalid_chunk_size" in conditions(refused)["Ready"]["message"]

    for name in ("homeless", "refused"):
        kube.delete(KIND, name)
        kube.wait_gone(KIND, name)

    assert stage.sent("instances.delete") == []


def test_deleting_the_younger_of_two_resources_leaves_the_instance_of_the_older(stage):
    kube = stage.kube
    kube.apply(instance("older", instanceId="shared", maxNumResults=20))
    kube.wait_condition(KIND, "older", "Ready")
    kube.apply(instance("younger", instanceId="shared", maxNumResults=20))
    kube.wait_condition(KIND, "younger", "Stalled", reason="ClaimedByAnotherResource")
    # Made anew after the younger resource, the instance looks as if that had made it.
    stage.account.delete_instance("shared")
    eventually(lambda: stage.count("instances.create") == 2, lambda: "the instance was not made again")
    stage.operator.kill()
    stage.operator.start()

    kube.delete(KIND, "younger")
    kube.wait_gone(KIND, "younger")

    stage.await_sweeps()
    assert stage.sent("instances.delete") == []
    assert stage.account.instance("shared") is not None
