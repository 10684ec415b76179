"""What a user of Argo CD sees of an instance and its sync jobs, from commits alone."""

import pytest

from fake_cloudflare import JobPlan
from harness.kube import eventually, instance, sync_job

INSTANCE = "AISearchInstance"
JOB = "AISearchSyncJob"
SOURCE = {"type": "web-crawler", "source": "https://docs.example.com"}


def annotated(body, **annotations):
    named = {f"argocd.argoproj.io/{name.replace('_', '-')}": str(value) for name, value in annotations.items()}
    return {**body, "metadata": {**body["metadata"], "annotations": named}}


def hook(instance_name, **spec):
    """Make the job that the documentation recommends for every sync: a new one each time, removed when it went well."""
    body = annotated(sync_job("", instance_name, **spec), hook="PostSync", hook_delete_policy="HookSucceeded")
    return {**body, "metadata": {"generateName": "after-sync-", "annotations": body["metadata"]["annotations"]}}


@pytest.mark.parametrize("server_side_diff", [False, True], ids=["client-side", "server-side"])
def test_jobs_in_waves_run_one_after_another_and_the_last_makes_it_healthy(site, server_side_diff):
    revision = site.repository.write(
        "app/all.yaml",
        annotated(instance("docs", **SOURCE), sync_wave=0),
        annotated(sync_job("first", "docs"), sync_wave=1),
        annotated(sync_job("second", "docs"), sync_wave=2),
    )

    site.account.configure(initial_job=False)
    site.account.plan_next_job(JobPlan(duration=None))

    def shown(state):
        return (state.phase, state.resource_health(JOB, "first")[0], state.resource_health(JOB, "second")[0])

    app = site.application(server_side_diff=server_side_diff)

    app.wait(lambda state: shown(state) == ("Running", "Progressing", "Missing"), "waiting for the first job")
    eventually(lambda: bool(site.account.jobs("docs")), lambda: "the first job is not started")
    (first,) = site.account.jobs("docs")
    site.account.end_job("docs", first.id)
    app.wait_synced(revision)
    seen = [shown(state) for state in app.states]
    assert all(first == "Healthy" for _, first, second in seen if second not in {"", "Missing"})
    done = [state for state in app.states if (state.sync, state.health) == ("Synced", "Healthy")]
    assert all(state.resource_health(JOB, "second")[0] == "Healthy" for state in done)
    assert site.count("jobs.create") == 2


def test_a_failed_job_degrades_the_application_and_says_why(site):
    site.account.configure(initial_job=False)
    site.account.plan_next_job(JobPlan(start_delay=0, duration=5, end_reason="bucket_not_found"))
    site.repository.write(
        "app/all.yaml",
        annotated(instance("docs", **SOURCE), sync_wave=0),
        annotated(sync_job("first", "docs"), sync_wave=1),
        annotated(sync_job("never", "docs"), sync_wave=2),
    )

    app = site.application()

    message = app.wait_resource(JOB, "first", "Degraded")
    assert "bucket_not_found" in message
    state = app.wait(lambda state: state.phase == "Failed", "failed")
    assert state.health == "Degraded"
    assert site.count("jobs.create") == 1


def test_a_rejected_token_degrades_the_application_until_it_is_corrected(site):
    site.account.revoke()
    revision = site.repository.write("app/all.yaml", instance("docs", **SOURCE))

    app = site.application()

    message = app.wait_resource(INSTANCE, "docs", "Degraded")
    assert "token" in message
    site.account.add_token("token", site.account.token)
    app.wait_synced(revision)


def test_an_edit_in_git_is_one_update_and_one_by_hand_is_healed(site):
    site.repository.write("app/all.yaml", instance("docs", **SOURCE, maxNumResults=10))
    app = site.application()
    app.wait_resource(INSTANCE, "docs", "Healthy")

    revision = site.repository.write("app/all.yaml", instance("docs", **SOURCE, maxNumResults=20, scoreThreshold=0.5))

    app.wait_synced(revision)
    assert [entry.body for entry in site.requests("instances.update")] == [
        {"max_num_results": 20, "score_threshold": 0.5}
    ]

    with app.edited_by_hand():
        site.kube.patch(INSTANCE, "docs", {"spec": {"maxNumResults": 30}})

    healed = site.kube.get(INSTANCE, "docs")
    assert healed["spec"]["maxNumResults"] == 20
    site.kube.wait_condition(INSTANCE, "docs", "Ready")
    assert site.account.instance("docs")["max_num_results"] == 20
    app.wait_synced(revision)


def test_a_hook_runs_a_job_at_every_sync_and_its_failure_fails_the_sync(site):
    site.account.configure(initial_job=False)
    site.repository.write("app/instance.yaml", instance("docs", **SOURCE))
    first = site.repository.write("app/hook.yaml", hook("docs"))
    app = site.application(retries=0)  # a retry runs the hook again
    app.wait_synced(first)
    assert [job.end_reason for job in site.account.jobs("docs")] == [None]

    second = site.repository.write("app/instance.yaml", instance("docs", **SOURCE, maxNumResults=20))
    app.wait_synced(second)
    assert [job.end_reason for job in site.account.jobs("docs")] == [None, None]
    eventually(lambda: not site.kube.list_all(JOB), lambda: "a hook that went well is still there")

    site.account.plan_next_job(JobPlan(start_delay=0, duration=5, end_reason="bucket_not_found"))
    third = site.repository.write("app/instance.yaml", instance("docs", **SOURCE, maxNumResults=30))

    state = app.wait(lambda state: (state.synced_revision, state.phase) == (third, "Failed"), "failed")
    (result,) = [each for each in state.operation["syncResult"]["resources"] if each["kind"] == JOB]
    assert result["hookPhase"] == "Failed"
    assert "bucket_not_found" in result["message"]
    assert len(site.account.jobs("docs")) == 3


def test_what_git_holds_no_more_is_pruned_by_its_policy_and_its_job_cancelled(site):
    site.account.configure(initial_job=False, job_duration=None)
    site.repository.write("app/kept.yaml", instance("kept", **SOURCE))  # Argo CD never prunes all that there is
    site.repository.write("app/deleted.yaml", instance("deleted", **SOURCE))
    site.repository.write("app/retained.yaml", instance("retained", **SOURCE, deletionPolicy="Retain"))
    site.repository.write("app/job.yaml", sync_job("endless", "retained"))
    app = site.application()
    app.wait_resource(JOB, "endless", "Progressing")
    site.kube.wait(JOB, "endless", lambda body: body["status"].get("phase") == "Running", "running")

    revision = site.repository.remove("app/deleted.yaml", "app/retained.yaml", "app/job.yaml")

    app.wait_synced(revision)
    assert [each["metadata"]["name"] for each in site.kube.list_all(INSTANCE)] == ["kept"]
    assert not site.kube.list_all(JOB)
    assert {each.id for each in site.account.instances()} == {"kept", "retained"}
    assert site.account.jobs("retained")[0].end_reason == "cancelled"


@pytest.mark.parametrize("deletion", ["background", "foreground"])
def test_a_deleted_application_leaves_nothing_behind(site, deletion):
    site.account.configure(initial_job=False, job_duration=None)
    site.repository.write(
        "app/all.yaml",
        instance("docs", **SOURCE, writeConnectionConfigMapToRef={"name": "docs"}),
        sync_job("endless", "docs"),
    )
    app = site.application(deletion=deletion)
    app.wait_resource(JOB, "endless", "Progressing")
    site.kube.wait(JOB, "endless", lambda body: body.get("status", {}).get("phase") == "Running", "running")

    app.delete()

    app.wait_gone()
    eventually(
        lambda: not (site.kube.list_all(INSTANCE) or site.kube.list_all(JOB)), lambda: "resources are left behind"
    )
    eventually(lambda: not site.account.instances(), lambda: "an instance is left at Cloudflare")
    eventually(lambda: site.kube.get("ConfigMap", "docs") is None, lambda: "the ConfigMap is left behind")
    assert site.kube.get("CustomResourceDefinition", "aisearchinstances.aisearch.cloudflare.com") is not None
