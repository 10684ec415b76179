"""The actions in Argo CD's menu, run by its own Lua machine on live resources that git holds."""

from harness.kube import eventually, instance, sync_job

INSTANCE = "AISearchInstance"
JOB = "AISearchSyncJob"
SOURCE = {"type": "r2", "source": "docs-bucket"}


def phase(wanted):
    return lambda body: body.get("status", {}).get("phase") == wanted


def test_sync_now_runs_a_job_that_argo_cd_neither_compares_nor_prunes(site):
    site.account.configure(initial_job=False)
    revision = site.repository.write("app/all.yaml", instance("docs", **SOURCE))
    app = site.application()
    app.wait_synced(revision)

    (made,) = site.act(INSTANCE, "docs", "sync-now")

    name = made["metadata"]["name"]
    site.kube.wait(JOB, name, phase("Succeeded"), "over")
    app.wait_compared()
    assert site.count("jobs.create") == 1
    assert (app.state.sync, app.state.health) == ("Synced", "Healthy")
    assert site.kube.get(JOB, name) is not None
    app.delete()
    app.wait_gone()
    eventually(lambda: site.kube.get(JOB, name) is None, lambda: "the job outlives its instance")


def test_cancel_ends_the_job_and_retry_runs_it_again(site):
    site.account.configure(initial_job=False, job_duration=None)
    revision = site.repository.write("app/all.yaml", instance("docs", **SOURCE), sync_job("first", "docs"))
    app = site.application()
    site.kube.wait(JOB, "first", phase("Running"), "running")

    site.act(JOB, "first", "cancel")

    message = app.wait_resource(JOB, "first", "Degraded")
    assert "cancel" in message.lower()
    assert [job.end_reason for job in site.account.jobs("docs")] == ["cancelled"]
    site.account.configure(job_duration=10)
    site.act(JOB, "first", "retry")
    app.wait_synced(revision)
    assert [job.end_reason for job in site.account.jobs("docs")] == ["cancelled", None]


def test_suspend_stays_where_git_does_not_mention_it_and_is_undone_where_it_does(site):
    site.account.configure(initial_job=False)
    site.repository.write("app/left.yaml", instance("left", **SOURCE))
    revision = site.repository.write("app/set.yaml", instance("set", **SOURCE, suspend=False))
    app = site.application()
    app.wait_synced(revision)

    site.act(INSTANCE, "left", "suspend")

    app.wait_resource(INSTANCE, "left", "Suspended")
    with app.edited_by_hand():
        site.act(INSTANCE, "set", "suspend")
    site.act(INSTANCE, "set", "reconcile-now")
    asked = site.kube.get(INSTANCE, "set")["metadata"]["annotations"]["aisearch.cloudflare.com/reconcile-requested-at"]
    site.kube.wait(INSTANCE, "set", lambda body: body["status"].get("lastHandledReconcileAt") == asked, "reconciled")
    app.wait_compared()
    assert site.kube.get(INSTANCE, "set")["spec"]["suspend"] is False
    site.act(INSTANCE, "left", "resume")
    app.wait_synced(revision)
