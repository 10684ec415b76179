"""Passes over sync jobs: resource and account in, requests and status and Events out."""

import pytest

from fake_cloudflare import Broken, Drop, JobPlan, Status
from unit.reconcilers.bench import Bench, ready_instance
from unit.reconcilers.scenes import start_unheard, started_job, state


async def test_an_operator_that_has_just_started_lets_the_job_of_the_one_before_it_show_up(bench):
    # A POST that was on its way when its operator was killed arrives after the next one has looked.
    await ready_instance(bench)
    old = bench.job("old")
    await bench.restart(settle_time=3600)
    bench.requests()

    again = await bench.make_pass(old)

    assert state(bench, old) == ("Pending", "LookingForEarlierJob")
    assert again is not None
    assert bench.writes() == []


async def test_a_sync_job_that_is_younger_than_the_operator_has_no_earlier_job_to_wait_for(bench):
    await ready_instance(bench)
    await bench.restart(settle_time=3600)
    bench.requests()
    young = bench.job("young")

    await bench.make_pass(young)

    assert state(bench, young) == ("Pending", "Accepted")
    assert [operation for operation, _ in bench.writes()] == ["jobs.create"]


async def test_a_sync_job_runs_from_its_start_to_its_end(bench):
    await ready_instance(bench)
    key = bench.job(description="every night")

    await bench.make_pass(key)
    assert state(bench, key) == ("Pending", "Accepted")
    bench.account.advance(2)
    await bench.look_again()
    assert "nightly" in bench.drain_woken()
    await bench.make_pass(key)
    assert state(bench, key) == ("Running", "Running")
    assert bench.states(key)[:3] == ("Unknown", "True", "False")
    bench.account.advance(60)
    await bench.look_again()
    await bench.make_pass(key)

    assert bench.writes() == [("jobs.create", {"description": f"every night [k8s {key.uid}#1]"})]
    status = bench.status_of(key)
    assert status["phase"] == "Succeeded"
    assert bench.states(key) == ("True", "False", "False", "Succeeded")
    assert (bench.condition(key, "Complete").status, bench.condition(key, "Failed").status) == ("True", "False")
    (job,) = bench.account.jobs("docs")
    assert (status["jobId"], status["attempts"], status["duration"]) == (job.id, 1, "30s")
    assert status["startTime"] < status["completionTime"]
    assert status["logs"][-1]["message"] == "Sync job finished"
    assert bench.drain_events() == [("Normal", "Started"), ("Normal", "Succeeded")]
    assert len(bench.drain_patches()) == 3, "start, running, end"


async def test_a_job_that_starts_at_once_costs_a_list_and_its_start_and_no_look_at_an_empty_log(bench):
    bench.account.configure(job_start_delay=0)
    await ready_instance(bench)
    bench.requests()
    key = bench.job()

    await bench.make_pass(key)

    assert state(bench, key) == ("Running", "Running")
    assert [entry.operation for entry in bench.requests()] == ["jobs.list", "jobs.create"]


async def test_a_job_without_a_description_is_named_after_its_resource(bench):
    await ready_instance(bench)
    key = bench.job("nightly")

    await bench.make_pass(key)

    assert bench.writes()[0][1]["description"].startswith("nightly [k8s ")


async def test_a_finished_job_is_never_looked_at_again(bench):
    key = await started_job(bench)
    bench.account.advance(60)
    await bench.look_again()
    await bench.make_pass(key)
    await bench.restart()
    bench.requests()
    bench.drain_patches()

    await bench.make_pass(key)
    await bench.look_again()

    assert bench.requests() == []
    assert bench.drain_patches() == []


async def test_an_edit_of_a_finished_job_is_only_noted(bench):
    key = await started_job(bench)
    bench.account.advance(60)
    await bench.look_again()
    await bench.make_pass(key)
    bench.drain_patches()
    bench.requests()
    bench.job(cancel=True)

    await bench.make_pass(key)

    assert bench.requests() == []
    assert bench.drain_patches() == [("nightly", {"observedGeneration": 2})]


async def test_the_heartbeat_and_the_log_are_written_at_most_once_a_minute(bench):
    bench.account.configure(job_duration=None)
    key = await started_job(bench)

    for _ in range(12):
        bench.account.advance(10)
        await bench.look_again()
        await bench.make_pass(key)

    patches = bench.drain_patches()
    assert len(patches) == 2
    assert all("logs" in patch and "lastSeenTime" in patch for _, patch in patches)


async def test_a_job_for_an_unmanaged_instance_starts_there(bench):
    theirs = await ready_instance(bench)
    bench.is_gone(theirs)
    key = bench.unmanaged_job(id="docs", searchNamespace="default")

    await bench.make_pass(key)

    assert [operation for operation, _ in bench.writes()] == ["jobs.create"]
    assert state(bench, key) == ("Pending", "Accepted")


@pytest.mark.parametrize("killed", [False, True], ids=["goes on", "is killed"])
@pytest.mark.parametrize(
    "effect", [Drop(), Broken(body="truncated"), Status(status=500)], ids=["drop", "broken", "500"]
)
@pytest.mark.parametrize("stage", ["before", "after"])
async def test_a_start_without_an_answer_ends_with_exactly_one_job(bench, stage, effect, killed):
    await ready_instance(bench)
    key = bench.job()
    bench.account.inject(effect, "jobs.create", stage=stage)

    await bench.make_pass(key)
    in_doubt = bench.states(key)[:3]
    if killed:
        await bench.restart()
    await bench.make_pass(key)

    assert in_doubt == ("False", "True", "False")
    (job,) = bench.account.jobs("docs")
    assert bench.status_of(key)["jobId"] == job.id
    assert sum(entry.applied for entry in bench.requests() if entry.operation == "jobs.create") == 1


async def test_no_second_start_is_sent_while_lists_may_lag(fake, account):
    bench = Bench(fake, account, settle_time=3600)
    try:
        await ready_instance(bench)
        bench.account.configure(job_read_lag=10)
        key = bench.job()
        bench.account.drop("jobs.create", stage="after")

        for _ in range(3):
            await bench.make_pass(key)
        sent = len([operation for operation, _ in bench.writes() if operation == "jobs.create"])
        bench.account.advance(11)
        await bench.make_pass(key)

        assert sent == 1
        assert bench.status_of(key)["jobId"] == bench.account.jobs("docs")[0].id
    finally:
        await bench.close()


@pytest.mark.parametrize(
    ("end_reason", "phase", "reason"),
    [
        ("bucket_not_found", "Failed", "Failed"),
        ("new_job_has_started", "Failed", "Superseded"),
        ("cancelled", "Cancelled", "Cancelled"),
    ],
)
async def test_a_job_that_did_not_end_well_says_why(bench, end_reason, phase, reason):
    key = await started_job(bench)
    bench.account.end_job("docs", bench.status_of(key)["jobId"], end_reason)
    await bench.look_again()

    await bench.make_pass(key)

    assert state(bench, key) == (phase, reason)
    assert bench.states(key)[:3] == ("False", "False", "True")
    assert bench.condition(key, "Failed").status == "True"
    assert bench.status_of(key)["endReason"] == end_reason
    assert bench.drain_events() == [("Warning", reason)]


async def test_a_job_whose_unmanaged_instance_is_gone_is_lost(bench):
    theirs = await ready_instance(bench)
    bench.is_gone(theirs)
    key = bench.unmanaged_job(id="docs", searchNamespace="default")
    await bench.make_pass(key)
    bench.account.delete_instance("docs")
    await bench.look_again()

    await bench.make_pass(key)

    assert state(bench, key) == ("Failed", "Lost")


async def test_a_running_job_is_said_to_run_while_cloudflare_is_away(bench):
    key = await started_job(bench)
    bench.account.fail("jobs.list", 503, 7017, times=None)
    for _ in range(4):
        await bench.look_again()
        await bench.make_pass(key)
    away = state(bench, key)
    bench.account.clear_faults()
    await bench.look_again()
    await bench.make_pass(key)

    assert away == ("Running", "ApiUnavailable")
    assert state(bench, key) == ("Running", "Running")
    assert len(bench.drain_patches()) == 2


async def test_a_log_that_cannot_be_read_holds_nothing_up(bench):
    key = await started_job(bench)
    bench.account.fail("jobs.logs", 500, times=None)
    bench.account.advance(60)
    await bench.look_again()

    await bench.make_pass(key)

    assert state(bench, key) == ("Succeeded", "Succeeded")


async def test_what_one_sync_job_sees_first_another_hears_of(bench):
    await ready_instance(bench)
    bench.account.start_job("docs", plan=JobPlan(start_delay=0, duration=10))
    waiting = bench.unmanaged_job("elsewhere", id="docs", searchNamespace="default")
    other = bench.job("nightly")
    await bench.make_pass(waiting)
    await bench.make_pass(other)
    bench.account.advance(11)
    bench.drain_woken()
    bench.mark_deleted(other)

    await bench.make_pass(other)

    assert "elsewhere" in bench.drain_woken()


async def test_a_job_that_was_started_unheard_is_followed_although_its_instances_resource_is_gone(fake, account):
    bench = Bench(fake, account, settle_time=3600)
    try:
        instance = await ready_instance(bench, deletionPolicy="Retain")
        key = await start_unheard(bench)
        bench.is_gone(instance)

        await bench.make_pass(key)
        early = state(bench, key)
        bench.account.advance(11)
        await bench.make_pass(key)

        assert early == ("Pending", "InstanceResourceMissing")
        assert state(bench, key) == ("Running", "Running")
        assert bench.status_of(key)["jobId"] == bench.account.jobs("docs")[0].id
    finally:
        await bench.close()
