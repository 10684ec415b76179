"""Sync jobs that are tried again, limited in time, suspended, put before others, and run once more."""

from fake_cloudflare import JobPlan
from harness.kube import conditions, instance, sync_job

KIND = "AISearchSyncJob"
RATE = 60
"""Seconds of the account's clock in a real second: a pause of 35 s takes half a second."""


def stage_with(make_stage, *names, **settings):
    """Set a stage with ready instances of these names, one for each case."""
    stage = make_stage(rate=RATE, **settings)
    stage.account.configure(initial_job=False)
    stage.operator.start()
    stage.kube.apply(*(instance(name, type="r2", source="my-bucket") for name in names))
    for name in names:
        stage.kube.wait_condition("AISearchInstance", name, "Ready")
    return stage


def phase(expected):
    return lambda body: body["status"].get("phase") == expected


def history(body):
    return [(each["attempt"], each["outcome"]) for each in body["status"]["attemptHistory"]]


def states(body):
    return tuple(conditions(body)[kind]["status"] for kind in ("Ready", "Reconciling", "Stalled"))


def numbers(stage, name):
    """Give the numbers of the attempts that were started for the instance of this name."""
    return [job.description.rpartition("#")[2].rstrip("]") for job in stage.account.jobs(name)]


def test_a_failed_job_is_tried_again_until_it_ends_well_or_a_limit_is_reached(make_stage, kubectl):
    stage = stage_with(make_stage, "recovers", "gives-up", "too-late", "superseded")
    kube, account = stage.kube, stage.account
    account.configure(job_end_reason="bucket_not_found", job_duration=5)
    kube.apply(
        sync_job("recovers", "recovers", backoffLimit=100),
        sync_job("gives-up", "gives-up", backoffLimit=2),
        sync_job("too-late", "too-late", backoffLimit=100, activeDeadlineSeconds=120),
    )

    pausing = kube.wait_condition(KIND, "recovers", "Reconciling", reason="BackOff")
    assert states(pausing) == ("False", "True", "False")
    assert pausing["status"]["attemptHistory"][0]["endReason"] == "bucket_not_found"
    assert kube.wait_event("recovers", "Failed")[0] == "Warning"
    given_up = kube.wait_condition(KIND, "gives-up", "Failed", reason="BackoffLimitExceeded")
    assert states(given_up) == ("False", "False", "True")
    assert history(given_up) == [(1, "Failed"), (2, "Failed"), (3, "Failed")]
    assert (given_up["status"]["attempts"], given_up["status"]["failed"]) == (3, 3)
    assert "bucket_not_found" in conditions(given_up)["Failed"]["message"]
    assert numbers(stage, "gives-up") == ["1", "2", "3"]
    pauses = [
        (later.started_at - earlier.ended_at).total_seconds()
        for earlier, later in zip(account.jobs("gives-up"), account.jobs("gives-up")[1:], strict=False)
    ]
    assert min(pauses) >= 35
    late = kube.wait_condition(KIND, "too-late", "Failed", reason="DeadlineExceeded")
    *earlier, last = [outcome for _, outcome in history(late)]
    assert all(outcome == "Failed" for outcome in earlier)
    assert last in {"Failed", "DeadlineExceeded"}  # it strikes between two attempts, or in the middle of one

    account.configure(job_end_reason=None)
    done = kube.wait_condition(KIND, "recovers", "Complete")
    assert [outcome for _, outcome in history(done)][-2:] == ["Failed", "Succeeded"]
    account.plan_next_job(JobPlan(duration=None))
    kube.apply(sync_job("superseded", "superseded", backoffLimit=1))
    kube.wait(KIND, "superseded", phase("Running"), "running")
    account.start_job("superseded", source="schedule", plan=JobPlan(duration=5))
    again = kube.wait_condition(KIND, "superseded", "Complete")
    assert history(again) == [(1, "Superseded"), (2, "Succeeded")]
    assert [entry.code for entry in account.journal(operation="jobs.create") if entry.status != 200] == []


def test_a_run_that_takes_too_long_is_cancelled_and_has_failed(make_stage):
    stage = stage_with(make_stage, "docs")
    stage.account.plan_next_job(JobPlan(duration=None))
    stage.kube.apply(sync_job("slow", "docs", activeDeadlineSeconds=60, backoffLimit=5))

    failed = stage.kube.wait_condition(KIND, "slow", "Failed", reason="DeadlineExceeded")

    assert states(failed) == ("False", "False", "True")
    assert failed["status"]["phase"] == "Failed"
    assert history(failed) == [(1, "DeadlineExceeded")]
    (job,) = stage.account.jobs("docs")
    assert (job.ended_at - job.started_at).total_seconds() >= 58  # whole seconds, from the POST on
    assert stage.count("jobs.cancel") == 1


def test_a_suspended_job_pauses_holds_nobody_up_and_goes_on_as_a_new_attempt(make_stage, kubectl):
    stage = stage_with(make_stage, "docs")
    kube, account = stage.kube, stage.account
    account.configure(job_duration=None, cancel_end_reason="stopped_by_user")
    kube.apply(sync_job("running", "docs"))
    kube.wait(KIND, "running", phase("Running"), "running")

    kube.apply(sync_job("running", "docs", suspend=True), sync_job("never-started", "docs", suspend=True))
    kubectl("wait", "-n", kube.namespace, "--for=condition=Suspended", "--timeout=60s", "aisj/running")

    for name in ("running", "never-started"):
        body = kube.wait_condition(KIND, name, "Suspended")
        assert states(body) == ("Unknown", "False", "False")
        assert body["status"]["phase"] == "Suspended"
    suspended = kube.get(KIND, "running")
    assert history(suspended) == [(1, "Suspended")]
    assert "failed" not in suspended["status"]
    account.configure(job_duration=5)
    kube.apply(sync_job("younger", "docs"))
    kube.wait_condition(KIND, "younger", "Complete")
    stage.operator.stop()
    stage.operator.start()
    before = stage.count("jobs.list")
    stage.await_sweeps()
    assert stage.count("jobs.list") == before, "nobody asks for the jobs of those that are suspended"

    kube.apply(sync_job("running", "docs"))
    done = kube.wait_condition(KIND, "running", "Complete")
    assert history(done) == [(1, "Suspended"), (2, "Succeeded")]
    assert conditions(done)["Suspended"]["status"] == "False"
    kube.delete(KIND, "never-started")
    kube.wait_gone(KIND, "never-started")
    assert len(account.jobs("docs")) == 3


def test_a_job_that_replaces_others_ends_them_but_not_those_of_younger_ones(make_stage):
    stage = stage_with(make_stage, "docs")
    kube, account = stage.kube, stage.account
    account.configure(job_duration=None)
    kube.apply(sync_job("a-first", "docs"))  # of one second, the names decide about the age
    kube.wait(KIND, "a-first", phase("Running"), "running")
    kube.apply(sync_job("b-waiting", "docs"))
    kube.wait_condition(KIND, "b-waiting", "Reconciling", reason="WaitingForTurn")

    kube.apply(sync_job("c-hasty", "docs", concurrencyPolicy="Replace"))

    kube.wait(KIND, "c-hasty", phase("Running"), "running")
    kube.wait_condition(KIND, "a-first", "Failed", reason="Superseded")
    kube.wait_condition(KIND, "b-waiting", "Reconciling", reason="WaitingForTurn")
    kube.apply(sync_job("b-waiting", "docs", concurrencyPolicy="Replace"))
    stage.await_sweeps()
    assert kube.get(KIND, "c-hasty")["status"]["phase"] == "Running"
    account.configure(job_duration=5)
    account.end_job("docs", kube.get(KIND, "c-hasty")["status"]["jobId"])
    for name in ("c-hasty", "b-waiting"):
        kube.wait_condition(KIND, name, "Complete")
    assert [job.end_reason for job in account.jobs("docs")] == ["new_job_has_started", None, None]


def test_a_new_run_id_runs_a_finished_job_again(make_stage, kubectl):
    stage = stage_with(make_stage, "docs")
    kube, account = stage.kube, stage.account
    account.configure(job_duration=5)
    kube.apply(sync_job("nightly", "docs", runId="2026-11-23"))
    first = kube.wait_condition(KIND, "nightly", "Complete")
    assert first["status"]["runId"] == "2026-11-23"

    kube.apply(sync_job("nightly", "docs", runId="2026-11-24"))
    in_time = ("--timeout=60s", "aisj/nightly")
    kubectl("wait", "-n", kube.namespace, "--for=jsonpath={.status.runId}=2026-11-24", *in_time)
    kubectl("wait", "-n", kube.namespace, "--for=condition=Complete", *in_time)

    again = kube.get(KIND, "nightly")
    assert [(each["attempt"], each["runId"]) for each in again["status"]["attemptHistory"]] == [
        (1, "2026-11-23"),
        (2, "2026-11-24"),
    ]
    kube.apply(sync_job("nightly", "docs", runId="2026-11-24", cancel=True))
    stage.await_sweeps()
    assert states(kube.get(KIND, "nightly")) == ("True", "False", "False")
    kube.apply(sync_job("nightly", "docs", runId="2026-11-25"))
    kube.wait(KIND, "nightly", lambda body: body["status"]["attempts"] == 3, "run again")
    kube.wait_condition(KIND, "nightly", "Complete")
    assert numbers(stage, "docs") == ["1", "2", "3"]
