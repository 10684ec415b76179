"""`spec.ttlSecondsAfterFinished`: the resources of finished sync jobs go by themselves, unless Git keeps them."""

from harness.kube import instance, sync_job

KIND = "AISearchSyncJob"


def tracked(body, namespace):
    """Have Argo CD track a sync job."""
    name = body["metadata"]["name"]
    tracking = {"argocd.argoproj.io/tracking-id": f"search:aisearch.cloudflare.com/{KIND}:{namespace}/{name}"}
    return {**body, "metadata": {"name": name, "annotations": tracking}}


def test_finished_jobs_go_when_their_time_has_come_except_those_that_argo_cd_tracks(make_stage):
    stage = make_stage()
    stage.account.configure(initial_job=False)
    stage.operator.start()
    kube = stage.kube
    names = ("at-once", "later", "failed", "tracked", "stays")
    kube.apply(*(instance(name, type="r2", source="my-bucket") for name in names))
    kube.apply(
        tracked(sync_job("tracked", "tracked", ttlSecondsAfterFinished=0), kube.namespace),
        sync_job("stays", "stays"),
        sync_job("later", "later", ttlSecondsAfterFinished=3600),
        sync_job("failed", "failed", cancel=True, ttlSecondsAfterFinished=1),
        sync_job("at-once", "at-once", ttlSecondsAfterFinished=0),
    )
    for name in ("at-once", "failed"):
        kube.wait_gone(KIND, name)
    for name in ("tracked", "stays", "later"):
        kube.wait_condition(KIND, name, "Complete")
    stage.operator.stop()
    stage.operator.start()
    assert kube.get(KIND, "later") is not None

    kube.apply(sync_job("later", "later", ttlSecondsAfterFinished=1))

    kube.wait_gone(KIND, "later")
    assert {body["metadata"]["name"] for body in kube.list_all(KIND)} == {"tracked", "stays"}
    events = [event["message"] for event in kube.list_all("Event") if event["reason"] == "KeptAsInGit"]
    assert len(events) == 1
    assert "Argo CD" in events[0]
    assert stage.count("jobs.cancel") == 0, "what is over is not cancelled"
    deletions = [(write.name, write.code) for write in stage.writes() if write.verb == "delete"]
    assert sorted(deletions) == [("at-once", 200), ("failed", 200), ("later", 200)]
