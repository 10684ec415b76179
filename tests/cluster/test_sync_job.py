"""AISearchSyncJob on a real API server: from apply to its end, cancelled, failed, superseded, deleted."""

from datetime import datetime

import pytest

from fake_cloudflare import JobPlan
from harness.kube import conditions, eventually, instance, sync_job

KIND = "AISearchSyncJob"
ENDLESS = JobPlan(duration=None)


@pytest.fixture
def stage(make_stage):
    """A stage with a ready instance `docs`, whose first index job is out of the way."""
    made = make_stage()
    made.account.configure(initial_job=False)
    made.operator.start()
    made.kube.apply(instance("docs", type="r2", source="my-bucket"))
    made.kube.wait_condition("AISearchInstance", "docs", "Ready")
    return made


def unmanaged(name, instance_id, **spec):
    return {**sync_job(name, ""), "spec": {"instance": {"id": instance_id}, **spec}}


def phase(expected):
    return lambda body: body["status"].get("phase") == expected


def states(body):
    return {kind: each["status"] for kind, each in conditions(body).items()}


def seconds_between(status, start, end):
    return (datetime.fromisoformat(status[end]) - datetime.fromisoformat(status[start])).total_seconds()


def cancels(stage):
    return [
        (entry.method, entry.path, entry.body, entry.code) for entry in stage.account.journal(operation="jobs.cancel")
    ]


def test_a_job_runs_to_its_end_and_tells_all_of_it_in_status(stage, kubectl):
    kube = stage.kube
    stage.account.set_rate(0)
    kube.apply(sync_job("first", "docs", description="Nightly"))

    pending = kube.wait(KIND, "first", lambda body: "jobId" in body["status"], "at Cloudflare")
    assert pending["status"]["phase"] == "Pending"
    assert states(pending) == {
        "Ready": "Unknown",
        "Reconciling": "True",
        "Stalled": "False",
        "Complete": "False",
        "Failed": "False",
    }
    stage.account.advance(2)
    running = kube.wait(KIND, "first", phase("Running"), "running")
    assert "startTime" in running["status"]
    assert conditions(running)["Ready"]["reason"] == "Running"
    stage.account.advance(29)

    waited = kubectl(
        "wait", "-n", kube.namespace, "--for=condition=Complete", "--timeout=60s", "aisj/first", check=False
    )

    assert waited.returncode == 0, waited.stderr
    done = kube.get(KIND, "first")
    status = done["status"]
    (job,) = stage.account.jobs("docs")
    assert status["observedGeneration"] == done["metadata"]["generation"]
    assert (status["phase"], status["jobId"], status["attempts"]) == ("Succeeded", job.id, 1)
    assert (status["accountId"], status["instanceId"]) == (stage.account.id, "docs")
    assert seconds_between(status, "startTime", "completionTime") == 30
    assert status["duration"] == "30s"
    assert seconds_between(status, "startTime", "lastSeenTime") == 30
    assert "endReason" not in status
    messages = [line["message"] for line in status["logs"]]
    assert (messages[0], messages[-1]) == ("Sync job started", "Sync job finished")
    assert states(done) == {
        "Ready": "True",
        "Reconciling": "False",
        "Stalled": "False",
        "Complete": "True",
        "Failed": "False",
    }
    uid = done["metadata"]["uid"]
    assert stage.sent("jobs.create") == [("jobs.create", {"description": f"Nightly [k8s {uid}#1]"})]
    assert [event[1] for event in kube.events("first")] == ["Started", "Succeeded"]


def test_a_failed_job_says_why_in_the_words_of_the_api(stage, kubectl):
    stage.account.plan_next_job(JobPlan(duration=5, end_reason="bucket_unauthorized"))
    stage.kube.apply(sync_job("bad", "docs"))

    kubectl("wait", "-n", stage.kube.namespace, "--for=condition=Failed", "--timeout=60s", "aisj/bad")

    failed = stage.kube.wait_condition(KIND, "bad", "Failed")
    assert states(failed) == {
        "Ready": "False",
        "Reconciling": "False",
        "Stalled": "True",
        "Complete": "False",
        "Failed": "True",
    }
    assert failed["status"]["phase"] == "Failed"
    assert failed["status"]["endReason"] == "bucket_unauthorized"
    assert "bucket_unauthorized" in conditions(failed)["Stalled"]["message"]
    assert failed["status"]["logs"][-1]["message"] == "Ended: bucket_unauthorized"
    assert stage.kube.wait_event("bad", "Failed")[0] == "Warning"
    stage.await_sweeps()
    assert len(stage.sent("jobs.create")) == 1


def test_a_job_that_the_dashboard_superseded_is_failed_and_not_started_again(stage):
    stage.account.plan_next_job(ENDLESS)
    stage.kube.apply(sync_job("mine", "docs"))
    stage.kube.wait(KIND, "mine", phase("Running"), "running")

    stage.account.start_job("docs", source="user", plan=JobPlan(duration=10))

    failed = stage.kube.wait_condition(KIND, "mine", "Failed", reason="Superseded")
    assert failed["status"]["endReason"] == "new_job_has_started"
    stage.await_sweeps()
    assert len(stage.sent("jobs.create")) == 1


def test_spec_cancel_ends_a_running_job_and_keeps_a_waiting_one_from_starting(stage):
    stage.account.plan_next_job(ENDLESS)
    kube = stage.kube
    kube.apply(sync_job("running", "docs"))
    kube.wait(KIND, "running", phase("Running"), "running")
    kube.apply(sync_job("waiting", "docs"))
    kube.wait_condition(KIND, "waiting", "Reconciling", reason="WaitingForTurn")

    kube.apply(sync_job("waiting", "docs", cancel=True))
    stopped = kube.wait_condition(KIND, "waiting", "Failed", reason="Cancelled")
    assert "jobId" not in stopped["status"]
    assert cancels(stage) == []

    kube.apply(sync_job("running", "docs", cancel=True))
    ended = kube.wait_condition(KIND, "running", "Failed", reason="Cancelled")
    assert ended["status"]["phase"] == "Cancelled"
    assert ended["status"]["completionTime"]
    assert len(cancels(stage)) == 1
    assert len(stage.sent("jobs.create")) == 1
    for name in ("waiting", "running"):
        kube.delete(KIND, name)
        kube.wait_gone(KIND, name)
    assert len(cancels(stage)) == 1


def test_deleting_a_running_job_cancels_it_once_and_the_resource_stays_until_it_has_ended(stage):
    stage.account.configure(cancel_delay=3600)
    stage.account.plan_next_job(ENDLESS)
    kube = stage.kube
    kube.apply(sync_job("doomed", "docs"))
    job_id = kube.wait(KIND, "doomed", phase("Running"), "running")["status"]["jobId"]

    kube.delete(KIND, "doomed")

    path = f"/namespaces/default/instances/docs/jobs/{job_id}"
    eventually(lambda: cancels(stage) != [], lambda: "no cancellation was sent")
    looks = stage.count("jobs.get") + stage.count("jobs.list")
    eventually(
        lambda: stage.count("jobs.get") + stage.count("jobs.list") >= looks + 3,
        lambda: "the job's end is not looked for",
    )
    assert kube.get(KIND, "doomed") is not None
    stage.account.advance(3600)
    kube.wait_gone(KIND, "doomed")
    assert cancels(stage) == [("PATCH", path, {"action": "cancel"}, None)]
    (job,) = stage.account.jobs("docs")
    assert job.ended_at is not None


def test_deleting_an_orphan_or_a_job_that_does_not_run_cancels_nothing(stage):
    kube, account = stage.kube, stage.account
    account.plan_next_job(JobPlan(duration=1))
    kube.apply(sync_job("finished", "docs"))
    kube.wait_condition(KIND, "finished", "Complete")
    kube.apply(sync_job("never-started", "missing"))
    kube.wait_condition(KIND, "never-started", "Reconciling", reason="InstanceResourceMissing")

    account.plan_next_job(ENDLESS)
    kube.apply(sync_job("orphan", "docs", deletionPolicy="Orphan"))
    kube.wait(KIND, "orphan", phase("Running"), "running")

    for name in ("finished", "never-started", "orphan"):
        kube.delete(KIND, name)
        kube.wait_gone(KIND, name)

    assert cancels(stage) == []
    assert len(stage.sent("jobs.create")) == 2
    assert kube.wait_event("orphan", "Retained")[0] == "Normal"
    assert account.jobs("docs")[-1].ended_at is None


@pytest.mark.parametrize(
    ("status", "code", "message"), [(400, 7046, "job_cannot_be_cancelled"), (404, 7021, "job_not_found")]
)
def test_a_job_that_ends_or_is_lost_under_the_cancellation_lets_the_resource_go(stage, status, code, message):
    account = stage.account
    account.plan_next_job(ENDLESS)
    stage.kube.apply(sync_job("doomed", "docs"))
    job_id = stage.kube.wait(KIND, "doomed", phase("Running"), "running")["status"]["jobId"]
    account.gate("cancel", "jobs.cancel")
    stage.kube.delete(KIND, "doomed")
    account.wait_at_gate("cancel")

    if code == 7046:
        account.end_job("docs", job_id)
    else:
        account.delete_instance("docs")
        eventually(lambda: account.instance("docs") is not None, lambda: "the operator does not make it anew")
    account.release("cancel")

    stage.kube.wait_gone(KIND, "doomed")
    assert [entry[3] for entry in cancels(stage)] == [code]


def test_a_job_waits_for_its_instance_and_for_a_job_of_the_schedule(make_stage):
    stage = make_stage()
    kube, account = stage.kube, stage.account
    account.fail("instances.create", 503, 7017, times=None)
    stage.operator.start()
    kube.apply(sync_job("early", "docs"))
    kube.wait_condition(KIND, "early", "Reconciling", reason="InstanceResourceMissing")

    kube.apply(instance("docs", type="r2", source="my-bucket"))

    kube.wait_condition(KIND, "early", "Reconciling", reason="InstanceNotReady")
    account.configure(initial_job_duration=None)
    account.clear_faults()
    kube.wait_condition(KIND, "early", "Reconciling", reason="AnotherJobRunning")
    (first,) = account.jobs("docs")
    account.end_job("docs", first.id)
    kube.wait_condition(KIND, "early", "Complete")
    assert [entry.code for entry in account.journal(operation="jobs.create")] == [None]
    assert [job.source for job in account.jobs("docs")] == ["schedule", "user"]


def test_an_instance_that_no_resource_manages_is_synced_too(stage):
    stage.dashboard.create_instance("theirs", type="r2", source="their-bucket")
    stage.account.plan_next_job(JobPlan(duration=1))
    stage.kube.apply(unmanaged("for-theirs", "theirs"))

    done = stage.kube.wait_condition(KIND, "for-theirs", "Complete")
    assert done["status"]["instanceId"] == "theirs"

    stage.account.plan_next_job(ENDLESS)
    stage.kube.apply(unmanaged("doomed", "theirs"))
    stage.kube.wait(KIND, "doomed", phase("Running"), "running")
    stage.kube.delete(KIND, "doomed")
    stage.kube.wait_gone(KIND, "doomed")
    assert len(cancels(stage)) == 1

    stage.kube.apply(unmanaged("for-nobody", "absent"))
    waiting = stage.kube.wait_condition(KIND, "for-nobody", "Reconciling", reason="InstanceNotFound")
    assert conditions(waiting)["Ready"]["status"] == "False"
    stage.kube.delete(KIND, "for-nobody")
    stage.kube.wait_gone(KIND, "for-nobody")
