"""What the operator writes to Kubernetes, counted in the API server's own audit log.

Counted is what the operator has to say. So Cloudflare's clock stands still, where it does not need to
go on, and statistics are not read: their changes are changes of state, which cost a write each.
"""

from fake_cloudflare import JobPlan
from harness.kube import eventually, instance, sync_job
from harness.stage import PROMPT

INSTANCE = "AISearchInstance"
JOB = "AISearchSyncJob"
TOKEN_ID = "0b9f4c1e-6f1d-4a55-9b62-64f2a1c8d001"
NO_STATISTICS = {"stats_interval": 600}


def written(stage, name):
    """What each write was: of the finalizers, or of the status with the reason that it gives."""
    return [
        "finalizers" if not write.subresource else f"status {reason(write.body['status'])}"
        for write in stage.writes(name)
    ]


def reason(status):
    return next((each["reason"] for each in status.get("conditions", ()) if each["type"] == "Ready"), "only")


def phase(expected):
    return lambda body: body["status"].get("phase") == expected


def await_looks_at_jobs(stage, count=3):
    """Wait until the jobs were listed so many times more: what they showed is dealt with by then."""
    before = stage.count("jobs.list")
    eventually(lambda: stage.count("jobs.list") >= before + count, lambda: "the jobs are not looked at")


def test_an_instance_costs_two_writes_to_create_and_one_for_each_change(make_stage):
    stage = make_stage(rate=0, **NO_STATISTICS)
    kube = stage.kube
    stage.operator.start()

    def update(**spec):
        kube.apply(instance("docs", systemPromptAiSearch=f"{PROMPT} 1", **spec))
        kube.wait_condition(INSTANCE, "docs", "Ready")
        stage.await_sweeps()

    update(maxNumResults=10)
    assert written(stage, "docs") == ["finalizers", "status Synced"]

    update(maxNumResults=20)
    assert written(stage, "docs")[2:] == ["status Synced"]

    kube.patch(INSTANCE, "docs", {"metadata": {"labels": {"team": "search"}, "annotations": {"note": "mine"}}})
    stage.await_sweeps()
    assert written(stage, "docs")[3:] == []

    stage.account.fail("instances.update", 503, 7017, times=3)
    update(maxNumResults=30)
    assert len(stage.sent("instances.update")) == 1 + 1 + 4
    assert written(stage, "docs")[3:] == ["status ApiUnavailable", "status Synced"]

    kube.delete(INSTANCE, "docs")
    kube.wait_gone(INSTANCE, "docs")
    assert written(stage, "docs")[5:] == ["finalizers"]


def test_a_job_costs_a_write_for_each_thing_that_happens_to_it(make_stage):
    stage = make_stage(rate=0, **NO_STATISTICS)
    kube, account = stage.kube, stage.account
    account.configure(initial_job=False)
    account.plan_next_job(JobPlan(start_delay=1, duration=200))
    stage.operator.start()
    kube.apply(instance("docs", type="r2", source="my-bucket"))
    kube.wait_condition(INSTANCE, "docs", "Ready")

    kube.apply(sync_job("job", "docs"))
    kube.wait_condition(JOB, "job", "Reconciling", reason="Accepted")
    await_looks_at_jobs(stage)
    assert written(stage, "job") == ["finalizers", "status Accepted"]

    account.advance(1)
    kube.wait(JOB, "job", phase("Running"), "running")
    for _ in range(4):  # heartbeats at 10, 20, 30 and 40 s
        account.advance(10)
        await_looks_at_jobs(stage)
    assert written(stage, "job")[2:] == ["status Running"]

    account.advance(25)
    kube.wait(JOB, "job", lambda body: len(body["status"].get("logs", ())) > 10, "brought up to date")
    account.advance(30)
    await_looks_at_jobs(stage)
    assert written(stage, "job")[3:] == ["status only"]

    account.advance(200)
    kube.wait_condition(JOB, "job", "Complete")
    kube.patch(JOB, "job", {"metadata": {"labels": {"team": "search"}}})
    kube.delete(JOB, "job")
    kube.wait_gone(JOB, "job")
    assert written(stage, "job")[4:] == ["status Succeeded", "finalizers"]


def test_a_waiting_job_costs_one_write_for_each_reason_to_wait(make_stage):
    stage = make_stage(rate=0, **NO_STATISTICS)
    kube, account = stage.kube, stage.account
    account.fail("instances.create", 503, 7017, times=None)
    stage.operator.start()
    kube.apply(sync_job("job", "docs"))
    kube.wait_condition(JOB, "job", "Reconciling", reason="InstanceResourceMissing")
    kube.apply(instance("docs", type="r2", source="my-bucket"))
    kube.wait_condition(JOB, "job", "Reconciling", reason="InstanceNotReady")

    account.clear_faults()

    kube.wait_condition(JOB, "job", "Reconciling", reason="AnotherJobRunning")
    await_looks_at_jobs(stage)
    account.advance(6)
    kube.wait_condition(JOB, "job", "Reconciling", reason="Cooldown")
    for _ in range(3):
        account.advance(5)
        await_looks_at_jobs(stage)
    account.advance(25)
    kube.wait_condition(JOB, "job", "Reconciling", reason="Accepted")
    reasons = written(stage, "job")
    assert list(dict.fromkeys(reasons)) == [
        "finalizers",
        "status InstanceResourceMissing",
        "status InstanceNotReady",
        "status AnotherJobRunning",
        "status Cooldown",
        "status Accepted",
    ]
    # Not ready yet, and then not ready for the reason that the instance itself gives: that is one more.
    assert len(reasons) <= 6 + 1
    assert reasons.count("status InstanceNotReady") == len(reasons) - 5


def test_a_failed_attempt_and_a_suspension_cost_a_write_for_each_thing_that_happens(make_stage):
    stage = make_stage(rate=0, **NO_STATISTICS)
    kube, account = stage.kube, stage.account
    account.configure(initial_job=False, job_start_delay=0, job_duration=None)
    stage.operator.start()
    kube.apply(instance("docs", type="r2", source="my-bucket"))
    kube.wait_condition(INSTANCE, "docs", "Ready")
    kube.apply(sync_job("job", "docs", backoffLimit=1))
    running = kube.wait(JOB, "job", phase("Running"), "running")

    account.end_job("docs", running["status"]["jobId"], "bucket_not_found")
    kube.wait_condition(JOB, "job", "Reconciling", reason="BackOff")
    for _ in range(3):
        account.advance(10)
        await_looks_at_jobs(stage)
    assert written(stage, "job")[2:] == ["status BackOff"]

    account.advance(10)
    kube.wait(JOB, "job", phase("Running"), "running again")
    kube.apply(sync_job("job", "docs", backoffLimit=1, suspend=True))
    kube.wait_condition(JOB, "job", "Suspended")
    stage.await_sweeps()
    assert written(stage, "job")[3:] == ["status Running", "status Cancelling", "status Suspended"]

    kube.delete(JOB, "job")
    kube.wait_gone(JOB, "job")
    assert written(stage, "job")[6:] == ["finalizers"]


def test_a_restart_writes_nothing_however_many_resources_there_are(make_stage):
    stage = make_stage(stats_interval=0.3)
    kube, account = stage.kube, stage.account
    stage.operator.start()
    account.configure(initial_job=False, max_chunk_size=1000)
    plain = [f"plain-{number}" for number in range(5)]
    write_only = {"tokenId": TOKEN_ID, "chunk": False, "systemPromptAiSearch": f"{PROMPT} 2"}
    kube.apply(
        *(instance(name) for name in plain),
        instance("docs", type="r2", source="my-bucket", **write_only),
        instance("reported", maxNumResults=20, driftPolicy="Report"),
        instance("refused", chunkSize=1001),
        instance("asleep", suspend=True),
        sync_job("done", "docs"),
    )
    kube.wait_condition(INSTANCE, "refused", "Stalled", reason="InvalidRequest")
    kube.wait_condition(INSTANCE, "asleep", "Ready", status="Unknown", reason="Suspended")
    kube.wait_condition(JOB, "done", "Complete")
    for name in (*plain, "docs", "reported"):
        kube.wait(INSTANCE, name, lambda body: body["status"].get("stats") is not None, "counted")
    account.patch_instance("reported", max_num_results=9)
    kube.wait_condition(INSTANCE, "reported", "Drifted", reason="DriftFound")
    account.plan_next_job(JobPlan(duration=None))
    kube.apply(sync_job("running", "docs"), sync_job("waiting", "docs"), sync_job("early", "absent"))
    kube.wait(JOB, "running", phase("Running"), "running")
    kube.wait_condition(JOB, "waiting", "Reconciling", reason="WaitingForTurn")
    kube.wait_condition(JOB, "early", "Reconciling", reason="InstanceResourceMissing")
    account.set_rate(0)
    stage.await_sweeps()
    assert stage.operator.stop() == 0
    before = stage.writes()
    sent = len(stage.sent())

    stage.operator.start()
    kube.apply(instance("marker"))
    kube.wait_condition(INSTANCE, "marker", "Ready")
    stage.await_sweeps(3)

    assert [(write.name, write.body) for write in stage.writes()[len(before) :] if write.name != "marker"] == []
    tried_again = ("instances.create", {"id": "refused", "chunk_size": 1001})
    assert [each for each in stage.sent()[sent:] if each != tried_again] == [("instances.create", {"id": "marker"})]
