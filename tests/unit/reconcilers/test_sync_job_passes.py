"""Passes over sync jobs: resource and account in, requests and status and Events out."""

from typing import Any

import pytest

from aisearch_operator.engine.store import ObjectKey
from fake_cloudflare import Broken, Drop, JobPlan, Status
from unit.reconcilers.bench import Bench, ready_instance

COOLDOWN = 36.0
"""Seconds of the account's clock: above the operator's pause between two jobs."""


async def started_job(bench: Bench, name: str = "nightly", **spec: Any) -> ObjectKey:
    """Make an instance and a sync job that Cloudflare runs."""
    await ready_instance(bench)
    key = bench.job(name, **spec)
    await bench.make_pass(key)
    bench.account.advance(2)
    await bench.look_again()
    await bench.make_pass(key)
    assert bench.status_of(key)["phase"] == "Running"
    bench.requests()
    bench.drain_patches()
    bench.drain_events()
    bench.drain_woken()
    return key


def state(bench: Bench, key: ObjectKey) -> tuple[str, str]:
    return bench.status_of(key)["phase"], bench.condition(key, "Ready").reason


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


@pytest.mark.parametrize("instance", ["none", "unready", "stalled", "being deleted", "edited"])
async def test_a_job_waits_until_its_instance_is_ready(bench, instance):
    if instance != "none":
        docs = bench.instance(source="bucket", **({"chunkSize": 1_000_000} if instance == "stalled" else {}))
    if instance in {"stalled", "being deleted", "edited"}:
        await bench.make_pass(docs)
    if instance == "being deleted":
        bench.mark_deleted(docs)
    if instance == "edited":
        bench.instance(source="bucket", cache=True)
    key = bench.job()
    bench.requests()

    await bench.make_pass(key)

    assert bench.requests() == []
    special = {
        "none": "InstanceResourceMissing",
        "stalled": "InstanceStalled",
        "being deleted": "InstanceDeleting",
    }
    reason = special.get(instance, "InstanceNotReady")
    assert state(bench, key) == ("Pending", reason)


async def test_a_job_is_woken_up_by_news_of_its_instance(bench):
    key = bench.job()
    await bench.make_pass(key)
    bench.drain_woken()

    docs = bench.instance(source="bucket")
    await bench.make_pass(docs)

    assert "nightly" in bench.drain_woken()
    await bench.make_pass(key)
    assert state(bench, key) == ("Pending", "Accepted")


async def test_a_job_for_an_unmanaged_instance_starts_there(bench):
    theirs = await ready_instance(bench)
    bench.is_gone(theirs)
    key = bench.unmanaged_job(id="docs", searchNamespace="default")

    await bench.make_pass(key)

    assert [operation for operation, _ in bench.writes()] == ["jobs.create"]
    assert state(bench, key) == ("Pending", "Accepted")


async def test_jobs_for_one_instance_run_one_after_another_and_none_ends_another(bench):
    await ready_instance(bench)
    keys = [bench.job(f"job-{number}", age=100 - number) for number in range(3)]

    for _ in range(60):
        for key in reversed(keys):
            await bench.make_pass(key)
        bench.account.advance(5)
        await bench.look_again()

    assert [bench.status_of(key)["phase"] for key in keys] == ["Succeeded"] * 3
    jobs = bench.account.jobs("docs")
    assert [job.description.split()[0] for job in jobs] == ["job-0", "job-1", "job-2"]
    assert {job.end_reason for job in jobs} == {None}
    assert [entry.status for entry in bench.requests() if entry.operation == "jobs.create"] == [200] * 3


async def test_a_younger_job_waits_for_its_turn_and_is_woken_up_for_it(bench):
    key = await started_job(bench, age=100)
    younger = bench.job("younger")
    await bench.make_pass(younger)
    waits = state(bench, younger)
    bench.drain_woken()
    bench.account.advance(60)
    await bench.look_again()
    bench.drain_woken()

    await bench.make_pass(key)

    assert waits == ("Pending", "WaitingForTurn")
    assert "younger" in bench.drain_woken()


async def test_a_job_that_stalls_lets_the_next_one_have_its_turn(bench):
    await ready_instance(bench)
    older = bench.job("older", age=100)
    younger = bench.job("younger")
    bench.account.fail("jobs.create", 400, 7001)
    await bench.make_pass(younger)
    bench.drain_woken()

    await bench.make_pass(older)

    assert bench.states(older)[:3] == ("False", "False", "True")
    assert "younger" in bench.drain_woken()
    await bench.make_pass(younger)
    assert state(bench, younger) == ("Pending", "Accepted")


async def test_a_job_that_cannot_be_read_holds_nobody_up(bench):
    await ready_instance(bench)
    older = bench.job("older", age=100, cancel="perhaps")
    younger = bench.job("younger")

    await bench.make_pass(older)
    await bench.make_pass(younger)

    assert bench.states(older) == ("False", "False", "True", "InvalidSpec")
    assert state(bench, younger) == ("Pending", "Accepted")


async def test_a_job_of_an_instance_that_cannot_be_read_waits(bench):
    docs = await ready_instance(bench)
    bench.instance(source="bucket", chunkSize="many")
    await bench.make_pass(docs)
    key = bench.job()

    await bench.make_pass(key)

    assert state(bench, key)[0] == "Pending"
    assert bench.writes() == []


async def test_a_running_job_of_somebody_else_is_waited_for_and_then_the_cooldown(bench):
    await ready_instance(bench)
    theirs = bench.account.start_job("docs", plan=JobPlan(start_delay=0, duration=None))
    key = bench.job()

    await bench.make_pass(key)
    waits = state(bench, key)
    bench.account.end_job("docs", theirs.id)
    await bench.look_again()
    woken = bench.drain_woken()
    await bench.make_pass(key)
    cools = state(bench, key)
    bench.account.advance(COOLDOWN)
    await bench.look_again()
    await bench.make_pass(key)

    assert (waits, cools) == (("Pending", "AnotherJobRunning"), ("Pending", "Cooldown"))
    assert "nightly" in woken
    assert state(bench, key) == ("Pending", "Accepted")
    assert [operation for operation, _ in bench.writes()] == ["jobs.create"]


async def test_a_cooldown_that_the_operator_did_not_foresee_is_waited_for(fake, account):
    bench = Bench(fake, account, job_cooldown=0)
    try:
        await ready_instance(bench)
        bench.account.start_job("docs", plan=JobPlan(start_delay=0, duration=1))
        bench.account.advance(2)
        key = bench.job()

        again = await bench.make_pass(key)

        assert state(bench, key) == ("Pending", "Cooldown")
        assert again is not None
        bench.account.advance(COOLDOWN)
        await bench.make_pass(key)
        assert state(bench, key) == ("Pending", "Accepted")
    finally:
        await bench.close()


async def test_a_pause_that_is_nearly_over_is_not_looked_at_without_rest(bench):
    await ready_instance(bench)
    bench.account.configure(timestamp_format="iso")
    bench.account.advance(1.002 - bench.account.now() % 1)
    bench.account.start_job("docs", plan=JobPlan(start_delay=0, duration=1))
    bench.account.advance(36)  # the pause ends in 0.002 s, as far as whole seconds of the header Date can tell
    key = bench.job()

    again = await bench.make_pass(key)

    assert state(bench, key) == ("Pending", "Cooldown")
    assert again.after == 1.0


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


async def test_an_unwanted_job_that_was_started_unheard_is_cancelled_once_it_shows_up(fake, account):
    bench = Bench(fake, account, settle_time=3600)
    try:
        await ready_instance(bench)
        bench.account.configure(job_read_lag=10, job_duration=None)
        key = bench.job()
        bench.account.drop("jobs.create", stage="after")
        await bench.make_pass(key)
        bench.job(cancel=True)

        await bench.make_pass(key)
        early = state(bench, key)
        bench.account.advance(11)
        await bench.make_pass(key)

        assert early == ("Pending", "LookingForEarlierJob")
        assert state(bench, key) == ("Cancelled", "Cancelled")
        assert [job.end_reason for job in bench.account.jobs("docs")] == ["cancelled"]
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


async def test_a_job_that_is_unwanted_before_its_start_is_never_started(bench):
    await ready_instance(bench)
    key = bench.job(cancel=True)

    await bench.make_pass(key)

    assert bench.writes() == []
    assert state(bench, key) == ("Cancelled", "Cancelled")
    assert "jobId" not in bench.status_of(key)


async def test_an_unwanted_job_of_an_instance_that_does_not_exist_is_cancelled(bench):
    key = bench.job(cancel=True)

    await bench.make_pass(key)

    assert state(bench, key) == ("Cancelled", "Cancelled")


@pytest.mark.parametrize("delay", [0.0, 20.0])
async def test_a_running_job_is_cancelled_by_one_request_and_its_end_confirmed(bench, delay):
    key = await started_job(bench)
    bench.account.configure(cancel_delay=delay)
    bench.job(cancel=True)

    await bench.make_pass(key)
    if delay:
        assert state(bench, key) == ("Cancelling", "Cancelling")
        for _ in range(3):
            await bench.make_pass(key)
        bench.account.advance(delay)
        await bench.make_pass(key)

    assert bench.writes() == [("jobs.cancel", {"action": "cancel"})]
    assert state(bench, key) == ("Cancelled", "Cancelled")
    assert bench.status_of(key)["endReason"] == "cancelled"


@pytest.mark.parametrize("unwanted", ["cancel", "suspend"])
async def test_a_job_is_ended_although_jobs_cannot_be_listed_any_more(bench, unwanted):
    key = await started_job(bench)
    bench.account.inject(Status(status=500), "jobs.list", times=None)
    for _ in range(4):
        await bench.look_again()
    bench.job(**{unwanted: True})

    for _ in range(2):  # a suspension is announced first
        await bench.make_pass(key)

    assert [job.end_reason for job in bench.account.jobs("docs")] == ["cancelled"]
    assert bench.status_of(key)["endReason"] == "cancelled"


async def test_a_job_that_ends_before_its_cancellation_keeps_its_own_outcome(bench):
    key = await started_job(bench)
    bench.account.advance(60)
    bench.job(cancel=True)

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
        bench.account.configure(job_read_lag=10, job_duration=None)
        key = bench.job()
        bench.account.drop("jobs.create", stage="after")
        await bench.make_pass(key)
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
