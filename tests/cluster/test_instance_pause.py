"""Pauses, source errors and repairs that are undone, as a user sees them."""

from harness.kube import conditions, eventually, instance

KIND = "AISearchInstance"
R2 = {"type": "r2", "source": "my-bucket"}


def test_a_pause_says_who_made_it_and_what_to_do_and_is_fought_only_on_request(make_stage):
    stage = make_stage(rate=0)
    stage.operator.start()
    kube, account = stage.kube, stage.account
    account.configure(initial_job=False)
    kube.apply(instance("wanted", **R2, paused=True), instance("broken", **R2), instance("idle", **R2))
    kube.apply(instance("blocked", type="web-crawler", source="https://docs.example.com"))
    for name in ("wanted", "broken", "idle", "blocked"):
        kube.wait_condition(KIND, name, "Ready")
    kube.wait_condition(KIND, "broken", "Paused", status="False", reason="NotPaused")

    account.break_source("broken", "bucket_not_found")
    account.patch_instance("blocked", status="blocked_by_robots_txt", paused=True)
    account.patch_instance("idle", paused=True)

    kube.wait_condition(KIND, "wanted", "Paused", reason="PausedBySpec")
    for name, reason, says in (
        ("broken", "SourceError", "bucket_not_found (create the bucket"),
        ("blocked", "BlockedBySite", "robots.txt"),
    ):
        for kind, status in (("Paused", "True"), ("Indexed", "False")):
            found = kube.wait_condition(KIND, name, kind, status=status, reason=reason)
            assert says in conditions(found)[kind]["message"]
            assert conditions(found)["Ready"]["status"] == "True"
    found = kube.wait_condition(KIND, "idle", "Paused", reason="PausedAtCloudflare")
    assert "set spec.paused: false" in conditions(found)["Paused"]["message"]
    stage.await_sweeps()
    assert stage.sent("instances.update") == [("instances.update", {"paused": True})]

    kube.apply(instance("idle", **R2, paused=False))
    kube.wait_condition(KIND, "idle", "Paused", status="False")
    assert stage.sent("instances.update")[1:] == [("instances.update", {"paused": False})]


def test_drift_is_told_once_and_a_repair_that_is_always_undone_gives_way(stage):
    kube, account = stage.kube, stage.account
    kube.apply(instance("docs", maxNumResults=20), instance("report", maxNumResults=20, driftPolicy="Report"))
    for name in ("docs", "report"):
        kube.wait_condition(KIND, name, "Ready")

    account.patch_instance("report", max_num_results=7)
    kube.wait_condition(KIND, "report", "Drifted", reason="DriftFound")
    while len(stage.sent("instances.update")) < 3:
        account.patch_instance("docs", max_num_results=7)
        eventually(lambda: account.instance("docs")["max_num_results"] == 20, lambda: "it is not set back")
    account.patch_instance("docs", max_num_results=7)
    undone = kube.wait_condition(KIND, "docs", "Drifted", reason="RepairUndone")
    assert "maxNumResults" in conditions(undone)["Drifted"]["message"]
    assert conditions(undone)["Ready"]["status"] == "True"
    stage.await_sweeps()
    account.patch_instance("report", max_num_results=20)
    kube.wait_condition(KIND, "report", "Drifted", status="False")

    assert len(stage.sent("instances.update")) == 3
    kube.wait_event("report", "NoDrift")
    kube.wait_event("docs", "RepairUndone")
    told = {name: [reason for _, reason, _ in kube.events(name)] for name in ("docs", "report")}
    assert told == {
        "docs": ["Created", "DriftRepaired", "DriftRepaired", "DriftRepaired", "RepairUndone"],
        "report": ["Created", "DriftFound", "NoDrift"],
    }
    assert kube.wait_event("report", "DriftFound")[0] == "Warning"
