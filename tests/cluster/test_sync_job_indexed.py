"""`spec.completionPolicy: Indexed`: a sync job is complete when also its items are indexed."""

from harness.kube import conditions, instance, sync_job

KIND = "AISearchSyncJob"
FOR_EVER = 1e9
"""Seconds of the account's clock for which items stay queued after the end of a job."""


def test_a_sync_job_is_complete_only_when_nothing_is_queued_or_running(make_stage):
    stage = make_stage(stats_interval=0.3)
    stage.account.configure(initial_job=False, indexing_lag=FOR_EVER)
    stage.operator.start()
    kube, account = stage.kube, stage.account
    stage.dashboard.create_instance("theirs", type="r2", source="theirs")
    kube.apply(*(instance(name, type="r2", source="my-bucket") for name in ("docs", "early", "deleted")))
    account.set_files("theirs", 7)
    unmanaged = {**sync_job("theirs", ""), "spec": {"instance": {"id": "theirs"}, "completionPolicy": "Indexed"}}
    kube.apply(
        *(sync_job(name, name, completionPolicy="Indexed") for name in ("docs", "deleted")),
        sync_job("early", "early"),
        unmanaged,
    )

    for name in ("docs", "theirs", "deleted"):
        waiting = kube.wait(KIND, name, lambda body: "stats" in body["status"], "counting items")
        assert (waiting["status"]["phase"], "indexingSince" in waiting["status"]) == ("Indexing", True), name
        assert conditions(waiting)["Ready"]["reason"] == "Indexing", name
        assert waiting["status"]["stats"]["queued"] + waiting["status"]["stats"]["running"] > 0
    assert kube.wait_condition(KIND, "early", "Complete")["status"].get("stats") is None
    kube.delete(KIND, "deleted")
    kube.wait_gone(KIND, "deleted")
    stage.operator.kill()
    stage.operator.start()
    account.configure(indexing_lag=0)

    for name, files in (("docs", 12), ("theirs", 7)):
        done = kube.wait_condition(KIND, name, "Complete")
        stats = done["status"]["stats"]
        assert (stats["completed"], stats["queued"], stats["running"]) == (files, 0, 0), name
        assert "indexingSince" not in done["status"]
    assert stage.count("jobs.create") == 4
    assert stage.count("jobs.cancel") == 0
