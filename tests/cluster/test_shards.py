"""Two operators beside one another: each serves its part, and a resource that changes hands is served once."""

from datetime import UTC, datetime

from harness.held_requests import HELD, applied, hold, wait_until_held
from harness.kube import conditions, eventually, instance, sync_job
from harness.replicas import PATIENCE
from harness.shards import shards

HANDED_OVER = 25.0
"""Seconds that the second operator waits for what the first may have sent unheard."""


def labelled(body, shard):
    return {**body, "metadata": {**body["metadata"], "labels": {"shard": shard}}}


def relabel(stage, shard, *names, kinds=("AISearchInstance", "AISearchSyncJob")):
    """Hand resources over to another shard, as `kubectl label` does, and give the moment at which that was done."""
    for name in names:
        for kind in kinds:
            if stage.kube.get(kind, name) is not None:
                stage.kube.patch(kind, name, {"metadata": {"labels": {"shard": shard}}})
    return datetime.now(UTC)


def written(write):
    return write.body["involvedObject"]["name"] if write.resource == "events" else write.name


def subject(entry):
    """Give the instance that a request to Cloudflare is about."""
    made = entry.operation == "instances.create"
    return entry.body["id"] if made else entry.path.split("/instances/")[1].split("/")[0]


def ready(stage, *names, shard="a"):
    stage.kube.apply(*(labelled(instance(name, type="r2", source="documents"), shard) for name in names))
    for name in names:
        stage.kube.wait_condition("AISearchInstance", name, "Ready")


def running(stage, *names, shard="a"):
    ready(stage, *names, shard=shard)
    stage.kube.apply(*(labelled(sync_job(name, name), shard) for name in names))
    for name in names:
        stage.kube.wait_condition("AISearchSyncJob", name, "Ready", status="Unknown", reason="Running")


def await_request(stage, shard, operation, about=""):
    """Wait for one more request of a shard, or for the first about an instance."""
    before = 0 if about else len(stage.account.journal())
    eventually(
        lambda: any(
            entry.operation == operation and (not about or about in entry.path.split("/"))
            for entry in shard.requests(before)
        ),
        lambda: f"{shard.name} sends no {operation} {about}:\n{shard.operator.log[-2000:]}",
    )


def await_handover(stage, first, second, operation):
    """Wait until the second asks, and the first nothing more.

    Each hears of it in its own time. What the first saw before, it may still be about.
    """

    def is_silent():
        before = len(first.requests())
        for _ in range(2):
            await_request(stage, second, operation)
        return len(first.requests()) == before

    eventually(is_silent, lambda: f"{first.name} goes on:\n{first.operator.log[-2000:]}")


def deleting_in_vain(stage, shard):
    """Have a running job deleted, which its shard tries to cancel for as long as Cloudflare has a fault."""
    running(stage, "docs")
    stage.account.fail("jobs.cancel", 500, times=None)
    stage.kube.delete("AISearchSyncJob", "docs")
    await_request(stage, shard, "jobs.cancel")


def has_finalizer(stage, name):
    return bool(stage.kube.get("AISearchSyncJob", name)["metadata"].get("finalizers"))


def test_each_of_two_operators_serves_its_part_and_holds_a_lease_of_its_own(make_stage, tmp_path):
    stage = make_stage()
    stage.account.configure(initial_job=False)
    with shards(stage, tmp_path) as (ours, rest):
        bodies = [instance("ours", type="r2", source="documents"), sync_job("ours", "ours")]
        stage.kube.apply(*(labelled(body, "a") for body in bodies))
        stage.kube.apply(instance("rest", type="r2", source="documents"), sync_job("rest", "rest"))
        for name in ("ours", "rest"):
            stage.kube.wait_condition("AISearchSyncJob", name, "Complete")
            stage.kube.delete("AISearchSyncJob", name)
            stage.kube.delete("AISearchInstance", name)
        for name in ("ours", "rest"):
            stage.kube.wait_gone("AISearchInstance", name)
            stage.kube.wait_gone("AISearchSyncJob", name)

        for shard, name in ((ours, "ours"), (rest, "rest")):
            assert {written(write) for write in shard.writes()} == {name}
            assert [entry.operation for entry in shard.sent()] == [
                "instances.create",
                "jobs.create",
                "instances.delete",
            ]
            assert {subject(entry) for entry in shard.sent()} == {name}
            assert stage.kube.get("Lease", shard.name)["spec"]["holderIdentity"]
        assert ours.operator.stop() == rest.operator.stop() == 0


def test_a_sync_job_that_changes_hands_while_it_runs_is_followed_to_its_end_by_the_other(make_stage, tmp_path):
    stage = make_stage()
    stage.account.configure(initial_job=False, job_duration=None)
    with shards(stage, tmp_path) as (ours, rest):
        running(stage, "docs")

        moved = relabel(stage, "b", "docs")
        await_handover(stage, ours, rest, "jobs.list")
        (job,) = stage.account.jobs("docs")
        stage.account.end_job("docs", job.id)
        status = stage.kube.wait_condition("AISearchSyncJob", "docs", "Complete")["status"]

        assert status["jobId"] == job.id
        assert len(applied(stage.account, "jobs.create", "docs")) == 1
        assert ours.writes(since=moved) == []
        assert {written(write) for write in rest.writes(since=moved)} == {"docs"}


def test_sync_jobs_that_change_hands_in_the_middle_of_their_start_run_once(make_stage, tmp_path):
    stage = make_stage(rate=10.0)
    stage.account.configure(initial_job=False, job_duration=10)
    with shards(stage, tmp_path, settle_time=HANDED_OVER) as (ours, rest):
        ready(stage, *HELD)
        for name in HELD:
            hold(stage.account, name, "jobs.create", f"*/instances/{name}/jobs")
        stage.kube.apply(*(labelled(sync_job(name, name), "a") for name in HELD))
        wait_until_held(stage.account)

        moved = relabel(stage, "b", *HELD)
        for name in HELD:
            await_request(stage, rest, "jobs.list", name)
        for moment in HELD:
            stage.account.release(moment)

        for name in HELD:
            status = stage.kube.wait_condition("AISearchSyncJob", name, "Complete", timeout=PATIENCE)["status"]
            assert [job.id for job in stage.account.jobs(name)] == [status["jobId"]], name
        assert [write for write in ours.writes(since=moved) if write.resource != "events"] == []
        assert {entry.path.split("/")[-2] for entry in rest.sent() if entry.operation == "jobs.create"} == {
            "request-lost"
        }


def test_an_instance_that_changes_hands_is_repaired_by_the_other_alone_and_never_made_again(make_stage, tmp_path):
    stage = make_stage()
    with shards(stage, tmp_path) as (ours, rest):
        stage.kube.apply(labelled(instance("docs", maxNumResults=7), "a"))
        stage.kube.wait_condition("AISearchInstance", "docs", "Ready")

        moved, before = relabel(stage, "b", "docs"), len(stage.account.journal())
        await_handover(stage, ours, rest, "instances.list")
        stage.account.patch_instance("docs", max_num_results=9)
        stage.kube.wait_event("docs", "DriftRepaired")

        assert stage.account.instance("docs")["max_num_results"] == 7
        assert [entry.operation for entry in rest.sent(before)] == ["instances.update"]
        assert ours.sent(before) == []
        assert ours.writes(since=moved) == []
        assert stage.count("instances.create") == 1


def test_a_running_job_that_changes_hands_and_is_deleted_then_is_cancelled_by_the_other(make_stage, tmp_path):
    stage = make_stage()
    stage.account.configure(initial_job=False, job_duration=None)
    with shards(stage, tmp_path) as (ours, rest):
        running(stage, "docs")

        moved = relabel(stage, "b", "docs")
        stage.kube.delete("AISearchSyncJob", "docs")
        stage.kube.wait_gone("AISearchSyncJob", "docs")

        assert [job.end_reason for job in stage.account.jobs("docs")] == ["cancelled"]
        assert [entry.operation for entry in rest.sent()] == ["jobs.cancel"]
        assert ours.writes(since=moved) == []


def test_a_job_that_changes_hands_while_it_is_deleted_keeps_its_finalizer_until_the_other_has_cancelled_it(
    make_stage, tmp_path
):
    stage = make_stage()
    stage.account.configure(initial_job=False, job_duration=None)
    with shards(stage, tmp_path) as (ours, rest):
        deleting_in_vain(stage, ours)

        moved = relabel(stage, "b", "docs")
        await_request(stage, rest, "jobs.cancel")
        eventually(
            lambda: "not this operator's any more" in ours.operator.log,
            lambda: f"it does not let go:\n{ours.operator.log[-2000:]}",
        )
        await_request(stage, rest, "jobs.cancel")
        assert has_finalizer(stage, "docs")
        assert [job.end_reason for job in stage.account.jobs("docs")] == [None]

        stage.account.clear_faults()
        stage.kube.wait_gone("AISearchSyncJob", "docs")
        assert [job.end_reason for job in stage.account.jobs("docs")] == ["cancelled"]
        assert [entry.caller for entry in applied(stage.account, "jobs.cancel", "docs")] == [rest.name]
        assert [write for write in ours.writes(since=moved) if write.resource != "events"] == []


def test_an_instance_that_changes_hands_while_it_is_deleted_and_is_to_stay_then_stays(make_stage, tmp_path):
    stage = make_stage()
    with shards(stage, tmp_path) as (ours, rest):
        stage.kube.apply(labelled(instance("docs", deletionPolicy="Delete"), "a"))
        stage.kube.wait_condition("AISearchInstance", "docs", "Ready")
        stage.account.fail("instances.delete", 500, times=None)
        stage.kube.delete("AISearchInstance", "docs")
        await_request(stage, ours, "instances.delete")

        kept = {"metadata": {"labels": {"shard": "b"}}, "spec": {"deletionPolicy": "Retain"}}
        stage.kube.patch("AISearchInstance", "docs", kept)
        stage.kube.wait_gone("AISearchInstance", "docs")
        eventually(
            lambda: "not this operator's any more" in ours.operator.log,
            lambda: f"it does not let go:\n{ours.operator.log[-2000:]}",
        )
        stage.account.clear_faults()
        ready(stage, "next")  # whatever was still to be done is done by then

        assert rest.sent() == []
        assert stage.account.instance("docs") is not None


def test_a_job_that_comes_back_while_it_is_deleted_is_cancelled_once(make_stage, tmp_path):
    stage = make_stage()
    stage.account.configure(initial_job=False, job_duration=None)
    with shards(stage, tmp_path) as (ours, rest):
        deleting_in_vain(stage, ours)
        relabel(stage, "b", "docs")
        await_request(stage, rest, "jobs.cancel")
        relabel(stage, "a", "docs")
        await_request(stage, ours, "jobs.cancel")

        stage.account.clear_faults()
        stage.kube.wait_gone("AISearchSyncJob", "docs")

        assert [job.end_reason for job in stage.account.jobs("docs")] == ["cancelled"]
        assert len(applied(stage.account, "jobs.cancel", "docs")) == 1


def test_a_sync_job_whose_instance_another_operator_serves_says_so(make_stage, tmp_path):
    stage = make_stage()
    with shards(stage, tmp_path):
        stage.kube.apply(labelled(instance("docs"), "b"), labelled(sync_job("docs", "docs"), "a"))

        waiting = stage.kube.wait_condition(
            "AISearchSyncJob", "docs", "Ready", status="False", reason="InstanceResourceMissing"
        )

    assert "label selector, shard=a" in conditions(waiting)["Ready"]["message"]


def test_a_label_selector_that_kubernetes_does_not_understand_ends_the_operator_with_one_message(make_stage):
    stage = make_stage(label_selector="shard in (a")
    stage.await_right("list", "aisearchinstances")
    stage.operator.start(wait=False)

    assert stage.operator.wait_ended() == 1
    last = stage.operator.log.splitlines()[-1]
    assert last == "Error: AISEARCH_LABEL_SELECTOR: the API server does not understand 'shard in (a'"
    assert "Traceback" not in stage.operator.log
