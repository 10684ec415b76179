"""What happens at Cloudflare behind the operator's back, and the fields that Cloudflare never shows."""

from harness.kube import conditions, eventually, instance
from harness.stage import PROMPT

KIND = "AISearchInstance"
TOKEN_ID = "0b9f4c1e-6f1d-4a55-9b62-64f2a1c8d001"


def test_an_instance_deleted_behind_the_operators_back_is_created_again(stage):
    kube, account = stage.kube, stage.account
    kube.apply(instance("docs", maxNumResults=20, systemPromptAiSearch=f"{PROMPT} 1"))
    kube.wait_condition(KIND, "docs", "Ready")

    account.delete_instance("docs")

    eventually(lambda: account.instance("docs") is not None, lambda: "it is not created again")
    eventually(lambda: len(stage.sent("instances.update")) == 2, lambda: "the prompt is not sent again")
    kube.wait_condition(KIND, "docs", "Ready")
    stage.await_sweeps()
    create = ("instances.create", {"id": "docs", "max_num_results": 20})
    update = ("instances.update", {"system_prompt_ai_search": f"{PROMPT} 1"})
    assert stage.sent() == [create, update, create, update]

    def told():
        return [message for _, reason, message in kube.events("docs") if reason == "Created"]

    eventually(lambda: len(told()) == 2, lambda: f"the second is not told, only {told()}")
    assert told()[1] == "Created instance default/docs again: it was deleted at Cloudflare"


def test_what_the_spec_says_is_set_back_with_one_request_and_what_it_does_not_say_is_left(stage):
    kube, account = stage.kube, stage.account
    spec = {"type": "r2", "source": "my-bucket", "sourceParams": {"prefix": "a/"}, "maxNumResults": 20}
    kube.apply(instance("docs", **spec))
    kube.wait_condition(KIND, "docs", "Ready")

    account.patch_instance("docs", score_threshold=0.9, paused=True, status="paused for a reason")
    kube.wait(KIND, "docs", lambda body: body["status"]["paused"], "seen to be paused")
    account.patch_instance(
        "docs", max_num_results=7, source_params={"prefix": "b/", "include_items": ["/x"], "r2_jurisdiction": "default"}
    )

    kind, message = kube.wait_event("docs", "DriftRepaired")
    assert (kind, message) == (
        "Normal",
        "Set back what was changed at Cloudflare: sourceParams.prefix, maxNumResults",
    )
    stage.await_sweeps()
    kube.wait_condition(KIND, "docs", "Drifted", status="False")
    whole = {"prefix": "a/", "include_items": ["/x"], "r2_jurisdiction": "default"}
    assert stage.sent("instances.update") == [
        ("instances.update", {"max_num_results": 20, "source_params": whole}),
    ]
    left = account.instance("docs")
    assert (left["score_threshold"], left["paused"]) == (0.9, True)


def test_drift_is_only_reported_when_the_policy_says_so_and_repaired_when_it_changes(stage):
    kube, account = stage.kube, stage.account
    kube.apply(instance("docs", maxNumResults=20, driftPolicy="Report"))
    kube.wait_condition(KIND, "docs", "Ready")

    account.patch_instance("docs", max_num_results=7)

    drifted = kube.wait_condition(KIND, "docs", "Drifted", reason="DriftFound")
    (entry,) = drifted["status"]["drift"]
    assert (entry["path"], entry["desired"], entry["observed"]) == ("maxNumResults", "20", "7")
    assert "maxNumResults" in conditions(drifted)["Drifted"]["message"]
    assert conditions(drifted)["Ready"]["status"] == "True"

    account.patch_instance("docs", max_num_results=20)
    settled = kube.wait_condition(KIND, "docs", "Drifted", status="False")
    assert settled["status"].get("drift", []) == []

    account.patch_instance("docs", max_num_results=8)
    kube.wait_condition(KIND, "docs", "Drifted", reason="DriftFound")
    stage.await_sweeps()
    assert stage.sent("instances.update") == []
    kube.apply(instance("docs", maxNumResults=20, driftPolicy="Repair"))
    kube.wait_condition(KIND, "docs", "Drifted", status="False")
    assert stage.sent("instances.update") == [("instances.update", {"max_num_results": 20})]


def test_an_edit_is_sent_under_the_policy_to_report_but_not_what_drifted_elsewhere(stage):
    kube, account = stage.kube, stage.account
    kube.apply(instance("docs", maxNumResults=20, cacheTtl=600, driftPolicy="Report"))
    kube.wait_condition(KIND, "docs", "Ready")
    account.patch_instance("docs", cache_ttl=3600)
    kube.wait_condition(KIND, "docs", "Drifted", reason="DriftFound")

    kube.apply(instance("docs", maxNumResults=30, cacheTtl=600, driftPolicy="Report"))

    eventually(lambda: stage.sent("instances.update") != [], lambda: "the edit is not sent")
    drifted = kube.wait_condition(KIND, "docs", "Drifted", reason="DriftFound")
    stage.await_sweeps()
    assert stage.sent("instances.update") == [("instances.update", {"max_num_results": 30})]
    assert [entry["path"] for entry in drifted["status"]["drift"]] == ["cacheTtl"]


def test_fields_that_cloudflare_does_not_show_are_sent_once_and_again_only_when_they_change(stage):
    kube = stage.kube
    spec = {
        "type": "r2",
        "source": "my-bucket",
        "tokenId": TOKEN_ID,
        "chunk": False,
        "systemPromptAiSearch": f"{PROMPT} 1",
        "systemPromptRewriteQuery": f"{PROMPT} 2",
    }
    kube.apply(instance("docs", **spec))
    ready = kube.wait_condition(KIND, "docs", "Ready")
    assert PROMPT not in ready["status"]["writeOnlyHash"]
    assert stage.sent("instances.create") == [
        ("instances.create", {"id": "docs", "type": "r2", "source": "my-bucket", "token_id": TOKEN_ID, "chunk": False})
    ]
    first = {"system_prompt_ai_search": f"{PROMPT} 1", "system_prompt_rewrite_query": f"{PROMPT} 2"}
    assert stage.sent("instances.update") == [("instances.update", first)]

    assert stage.operator.stop() == 0
    stage.operator.start()
    stage.await_sweeps()
    assert stage.sent("instances.update") == [("instances.update", first)]

    other_token = TOKEN_ID.replace("0b9f", "ffff")
    kube.apply(instance("docs", **{**spec, "systemPromptAiSearch": f"{PROMPT} 3", "tokenId": other_token}))
    kube.wait_condition(KIND, "docs", "Ready")
    eventually(lambda: len(stage.sent("instances.update")) == 2, lambda: "the edit is not sent")
    stage.await_sweeps()
    changed = {"system_prompt_ai_search": f"{PROMPT} 3", "token_id": other_token}
    assert stage.sent("instances.update")[1:] == [("instances.update", changed)]
    stored = stage.account.instance("docs")
    assert (stored["chunk"], stored["system_prompt_rewrite_query"]) == (False, f"{PROMPT} 2")
    assert stored["token_id"] == other_token
