"""Several AISearchSyncJobs for one instance: one after another, in order, none ends another."""

from collections import defaultdict
from itertools import pairwise

from fake_cloudflare import JobPlan
from harness.kube import conditions, instance, sync_job

KIND = "AISearchSyncJob"


def markers(stage, names):
    """The resource that each job of the API belongs to, in the order of the jobs."""
    uids = {stage.kube.get(KIND, name)["metadata"]["uid"]: name for name in names}
    return [
        next((name for uid, name in uids.items() if uid in (job.description or "")), None)
        for job in stage.account.jobs("docs")
    ]


def assert_one_after_another(jobs, *, pause):
    """No job was ended by the next, and each kept its distance to the one before."""
    assert [job.end_reason for job in jobs] == [None] * len(jobs)
    for earlier, later in pairwise(jobs):
        assert (later.started_at - earlier.ended_at).total_seconds() >= pause


def test_five_jobs_at_once_run_one_after_another_in_the_order_of_creation_then_name(make_stage):
    stage = make_stage(rate=60)
    stage.account.configure(initial_job=False)
    stage.operator.start()
    kube = stage.kube
    names = ["e", "c", "a", "d", "b"]
    kube.apply(*(sync_job(name, "docs") for name in names))
    for name in names:  # else the first may start before the next is applied
        kube.wait_condition(KIND, name, "Reconciling", reason="InstanceResourceMissing")

    kube.apply(instance("docs", type="r2", source="my-bucket"))

    ended = {name: kube.wait_condition(KIND, name, "Complete") for name in names}
    created = {name: (body["metadata"]["creationTimestamp"], name) for name, body in ended.items()}
    jobs = stage.account.jobs("docs")
    assert markers(stage, names) == sorted(names, key=created.__getitem__)
    assert_one_after_another(jobs, pause=30)
    assert [entry.code for entry in stage.account.journal(operation="jobs.create")] == [None] * 5
    for name, body in ended.items():
        assert body["status"]["attempts"] == 1, name


def test_jobs_of_different_instances_do_not_wait_for_each_other_and_those_of_the_dashboard_are_let_end(make_stage):
    stage = make_stage()
    stage.account.configure(initial_job=False)
    stage.operator.start()
    kube, account = stage.kube, stage.account
    kube.apply(*(instance(name, type="r2", source="my-bucket") for name in ("docs", "blog")))
    for name in ("docs", "blog"):
        kube.wait_condition("AISearchInstance", name, "Ready")
    theirs = account.start_job("docs", source="user", plan=JobPlan(duration=None))

    kube.apply(sync_job("for-docs", "docs"), sync_job("next-for-docs", "docs"), sync_job("for-blog", "blog"))

    kube.wait_condition(KIND, "for-blog", "Complete")
    waiting = kube.wait_condition(KIND, "for-docs", "Reconciling", reason="AnotherJobRunning")
    assert theirs.id in conditions(waiting)["Ready"]["message"]
    kube.wait_condition(KIND, "next-for-docs", "Reconciling", reason="WaitingForTurn")
    account.end_job("docs", theirs.id)
    kube.wait_condition(KIND, "next-for-docs", "Complete")
    assert_one_after_another(account.jobs("docs"), pause=30)
    assert markers(stage, ["for-docs", "next-for-docs"]) == [None, "for-docs", "next-for-docs"]
    codes = defaultdict(list)
    for entry in account.journal(operation="jobs.create"):
        codes[entry.path].append(entry.code)
    assert set(map(len, codes.values())) == {1, 2}
    assert {code for answered in codes.values() for code in answered} == {None}


def test_the_next_job_starts_when_the_one_before_it_is_deleted_or_cancelled(make_stage):
    stage = make_stage(rate=60)
    stage.account.configure(initial_job=False)
    stage.operator.start()
    kube, account = stage.kube, stage.account
    kube.apply(instance("docs", type="r2", source="my-bucket"))
    kube.wait_condition("AISearchInstance", "docs", "Ready")
    account.configure(job_duration=None)
    kube.apply(sync_job("first", "docs"))
    kube.wait(KIND, "first", lambda body: body["status"].get("phase") == "Running", "running")
    kube.apply(sync_job("second", "docs"), sync_job("third", "docs"), sync_job("unwanted", "docs"))
    kube.wait_condition(KIND, "third", "Reconciling", reason="WaitingForTurn")
    kube.delete(KIND, "unwanted")
    kube.wait_gone(KIND, "unwanted")

    kube.delete(KIND, "first")

    kube.wait(KIND, "second", lambda body: body["status"].get("phase") == "Running", "running")
    account.configure(job_duration=30.0)
    kube.apply(sync_job("second", "docs", cancel=True))
    kube.wait_condition(KIND, "third", "Complete")
    jobs = account.jobs("docs")
    assert [job.end_reason for job in jobs] == ["cancelled", "cancelled", None]
    assert markers(stage, ["second", "third"]) == [None, "second", "third"]
    assert {entry.code for entry in account.journal(operation="jobs.create")} == {None}


def test_jobs_keep_their_order_over_a_time_in_which_their_instance_cannot_become_ready(make_stage):
    stage = make_stage(rate=60)
    stage.account.configure(initial_job=False, max_chunk_size=1000)
    stage.operator.start()
    kube = stage.kube
    spec = {"type": "r2", "source": "my-bucket"}
    names = ["c", "a", "b"]
    kube.apply(instance("docs", chunkSize=1001, **spec), *(sync_job(name, "docs") for name in names))
    for name in names:
        stalled = kube.wait_condition(KIND, name, "Stalled", reason="InstanceStalled")
        assert "invalid_chunk_size" in conditions(stalled)["Ready"]["message"]

    kube.apply(instance("docs", chunkSize=1000, **spec))

    ended = {name: kube.wait_condition(KIND, name, "Complete") for name in names}
    created = {name: (body["metadata"]["creationTimestamp"], name) for name, body in ended.items()}
    assert markers(stage, names) == sorted(names, key=created.__getitem__)
    assert_one_after_another(stage.account.jobs("docs"), pause=30)
