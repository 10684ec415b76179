"""A sync job whose instance moves or goes while it runs or waits."""

import pytest

from harness.kube import conditions, instance, sync_job

KIND = "AISearchSyncJob"


@pytest.fixture
def stage(make_stage):
    """A stage with two search namespaces, on which jobs run until they are ended."""
    made = make_stage()
    made.account.configure(initial_job=False, job_duration=None)
    made.dashboard.create_namespace("team")
    made.operator.start()
    return made


def apply_running(stage, *names):
    """Apply an instance and a sync job of each name, and wait until the jobs run."""
    for name in names:
        stage.kube.apply(instance(name, type="r2", source="documents"), sync_job(name, name))
    for name in names:
        stage.kube.wait_condition(KIND, name, "Ready", status="Unknown", reason="Running")


def move(stage, *names):
    """Move instances to the search namespace `team`."""
    for name in names:
        stage.kube.apply(instance(name, type="r2", source="documents", searchNamespace="team"))
    for name in names:
        stage.kube.wait_condition("AISearchInstance", name, "Ready")


def test_a_job_is_followed_and_cancelled_where_its_instance_has_moved(stage):
    apply_running(stage, "followed", "deleted")
    move(stage, "followed", "deleted")

    stage.kube.delete(KIND, "deleted")
    stage.kube.wait_gone(KIND, "deleted")
    (job,) = stage.account.jobs("deleted", "team")
    assert job.end_reason == "cancelled"
    (job,) = stage.account.jobs("followed", "team")
    stage.account.end_job("followed", job.id, namespace="team")
    done = stage.kube.wait_condition(KIND, "followed", "Complete")
    assert done["status"]["searchNamespace"] == "team"
    assert stage.count("jobs.create") == 2


def test_a_job_ends_with_the_resource_of_its_instance(stage):
    apply_running(stage, "lost")
    stage.kube.apply(instance("other", type="r2", source="documents"))
    stage.kube.wait_condition("AISearchInstance", "other", "Ready")
    other = stage.account.start_job("other", source="user", description="by hand")
    stage.kube.apply(sync_job("unwanted", "other"))
    stage.kube.wait_condition(KIND, "unwanted", "Reconciling", reason="AnotherJobRunning")
    assert other.end_reason is None

    for name in ("lost", "other"):
        stage.kube.delete("AISearchInstance", name)
        stage.kube.wait_gone("AISearchInstance", name)
    told = conditions(stage.kube.wait_condition(KIND, "lost", "Failed", reason="Lost"))
    assert told["Stalled"]["status"] == "True"
    assert "apply a new resource" in told["Failed"]["message"]
    stage.kube.wait_condition(KIND, "unwanted", "Reconciling", reason="InstanceResourceMissing")
    stage.kube.apply(sync_job("unwanted", "other", cancel=True))
    stage.kube.wait_condition(KIND, "unwanted", "Failed", reason="Cancelled")
    assert stage.count("jobs.create") == 1
