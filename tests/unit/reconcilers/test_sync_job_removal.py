"""Deleted sync job resources: the job is cancelled once, and its end confirmed."""

import asyncio

import pytest

from fake_cloudflare import Drop, Status
from unit.reconcilers.bench import NEVER, Bench, ready_instance
from unit.reconcilers.scenes import LONG_AGO, start_unheard, started_job


async def test_a_running_job_is_cancelled_before_its_resource_may_go(bench):
    key = await started_job(bench)
    bench.mark_deleted(key)

    await bench.make_pass(key)

    assert bench.writes() == [("jobs.cancel", {"action": "cancel"})]
    assert bench.released(key)
    assert bench.account.jobs("docs")[0].end_reason == "cancelled"
    assert bench.drain_events() == [("Normal", "Cancelling")]
    assert bench.drain_patches() == []


async def test_a_resource_stays_until_its_job_has_ended(bench):
    key = await started_job(bench)
    bench.account.configure(cancel_delay=20)
    bench.mark_deleted(key)

    for _ in range(3):
        assert await bench.make_pass(key) is not None
        assert not bench.released(key)
    bench.account.advance(20)
    await bench.make_pass(key)

    assert bench.released(key)
    assert bench.writes() == [("jobs.cancel", {"action": "cancel"})]


async def test_a_job_that_does_not_end_after_its_cancellation_is_named_and_left(fake, account):
    bench = Bench(fake, account, cancel_timeout=0.001)
    try:
        key = await started_job(bench)
        bench.account.configure(cancel_delay=NEVER)
        job_id = bench.status_of(key)["jobId"]
        bench.mark_deleted(key)
        await bench.make_pass(key)
        bench.drain_events()

        await bench.make_pass(key)

        assert bench.released(key)
        (event,) = bench.kube.events
        assert event[1:3] == ("Warning", "ReleasedUnconfirmed")
        assert job_id in event[3]
        assert f"default/docs of account {bench.account.id}" in event[3]
    finally:
        await bench.close()


async def test_a_finished_job_is_not_cancelled(bench):
    key = await started_job(bench)
    bench.account.advance(60)
    await bench.look_again()
    await bench.make_pass(key)
    bench.requests()
    bench.mark_deleted(key)

    await bench.make_pass(key)

    assert bench.released(key)
    assert bench.requests() == []


async def test_a_job_that_ended_without_anybody_noticing_is_not_cancelled(bench):
    key = await started_job(bench)
    bench.account.advance(60)
    bench.mark_deleted(key)

    await bench.make_pass(key)

    assert bench.released(key)
    assert bench.writes() == []


async def test_a_job_that_was_never_started_is_not_cancelled(bench):
    await ready_instance(bench)
    key = bench.job()
    bench.mark_deleted(key)

    await bench.make_pass(key)

    assert bench.released(key)
    assert bench.writes() == []


async def test_a_job_that_waits_for_its_turn_leaves_the_running_one_alone(bench):
    running = await started_job(bench, age=100)
    waiting = bench.job("waiting")
    await bench.make_pass(waiting)
    bench.mark_deleted(waiting)

    await bench.make_pass(waiting)

    assert bench.released(waiting)
    assert bench.writes() == []
    assert bench.status_of(running)["phase"] == "Running"


async def test_a_job_that_is_to_run_on_runs_on(bench):
    key = await started_job(bench, deletionPolicy="Orphan")
    bench.mark_deleted(key)

    await bench.make_pass(key)

    assert bench.released(key)
    assert bench.requests() == []
    assert bench.drain_events() == [("Normal", "Retained")]


@pytest.mark.parametrize("effect", [Drop(), Status(status=500)], ids=["drop", "500"])
@pytest.mark.parametrize("killed", [False, True], ids=["goes on", "is killed"])
async def test_a_job_that_was_started_unheard_is_found_and_cancelled(bench, effect, killed):
    await ready_instance(bench)
    key = bench.job()
    bench.account.inject(effect, "jobs.create", stage="after")
    await bench.make_pass(key)
    if killed:
        await bench.restart()
    bench.mark_deleted(key)

    await bench.make_pass(key)

    assert bench.released(key)
    assert [job.end_reason for job in bench.account.jobs("docs")] == ["cancelled"]


async def test_a_job_that_was_started_unheard_is_waited_for_while_lists_lag(fake, account):
    bench = Bench(fake, account, settle_time=3600)
    try:
        await ready_instance(bench)
        key = await start_unheard(bench)
        bench.mark_deleted(key)

        await bench.make_pass(key)
        early = bench.released(key)
        bench.account.advance(11)
        await bench.make_pass(key)

        assert not early
        assert bench.released(key)
        assert [job.end_reason for job in bench.account.jobs("docs")] == ["cancelled"]
    finally:
        await bench.close()


async def test_a_job_that_is_unknown_when_it_is_cancelled_holds_nothing_up(bench):
    key = await started_job(bench)
    bench.mark_deleted(key)
    bench.account.fail("jobs.cancel", 404, 7021)

    await bench.make_pass(key)

    assert bench.released(key)


async def test_a_job_that_ends_right_before_its_cancellation_holds_nothing_up(bench):
    key = await started_job(bench)
    bench.mark_deleted(key)
    bench.account.gate("late", "jobs.cancel")
    removal = asyncio.create_task(bench.make_pass(key))
    await asyncio.to_thread(bench.account.wait_at_gate, "late")
    bench.account.advance(60)
    bench.account.release("late")

    await removal

    assert [entry.code for entry in bench.requests() if entry.operation == "jobs.cancel"] == [7046]
    assert bench.released(key)


async def test_a_job_is_cancelled_although_jobs_cannot_be_listed(bench):
    key = await started_job(bench)
    bench.mark_deleted(key)
    bench.account.inject(Status(status=500), "jobs.list", times=2)

    await bench.make_pass(key)

    assert bench.released(key)
    assert bench.account.jobs("docs")[0].end_reason == "cancelled"


async def test_the_end_of_a_job_that_was_not_cancelled_is_believed_to_a_list_only(bench):
    key = await started_job(bench)
    bench.account.advance(60)
    bench.mark_deleted(key)
    bench.account.inject(Status(status=500), "jobs.list", times=2)

    for _ in range(2):
        await bench.make_pass(key)
        assert not bench.released(key)
    await bench.make_pass(key)

    assert bench.released(key)


async def test_a_list_that_fails_holds_the_removal_up_where_the_job_is_not_known_either(bench):
    key = await started_job(bench)
    bench.mark_deleted(key)
    bench.account.inject(Status(status=500), "jobs.list")
    bench.account.fail("jobs.get", 404, 7021)

    await bench.make_pass(key)
    assert not bench.released(key)
    await bench.make_pass(key)

    assert bench.released(key)
    assert bench.account.jobs("docs")[0].end_reason == "cancelled"


@pytest.mark.parametrize("stage", ["before", "after"])
async def test_a_cancellation_without_an_answer_is_made_sure_of(bench, stage):
    key = await started_job(bench)
    bench.mark_deleted(key)
    bench.account.drop("jobs.cancel", stage=stage)

    await bench.make_pass(key)
    assert not bench.released(key)
    await bench.make_pass(key)

    assert bench.released(key)
    assert bench.account.jobs("docs")[0].end_reason == "cancelled"


async def test_a_deleted_resource_is_cancelled_after_a_restart(bench):
    key = await started_job(bench)
    bench.mark_deleted(key)
    await bench.restart()

    await bench.make_pass(key)

    assert bench.released(key)
    assert bench.account.jobs("docs")[0].end_reason == "cancelled"


async def test_a_job_whose_instance_is_gone_holds_nothing_up(bench):
    key = await started_job(bench)
    docs = bench.instance(source="bucket")
    bench.mark_deleted(docs)
    await bench.make_pass(docs)
    bench.is_gone(docs)
    bench.mark_deleted(key)

    await bench.make_pass(key)

    assert bench.released(key)


@pytest.mark.parametrize("trouble", ["missing", "rejected"])
async def test_what_only_a_person_can_put_right_does_not_hold_a_deletion_for_ever(bench, trouble):
    key = await started_job(bench)
    if trouble == "missing":
        bench.kube.secrets.clear()
    else:
        bench.account.revoke()
    await bench.restart()
    bench.mark_deleted(key, ago=1)
    await bench.make_pass(key)
    early = bench.released(key)
    reason = bench.condition(key, "Ready").reason
    bench.kube.events.clear()
    bench.mark_deleted(key, ago=LONG_AGO)

    await bench.make_pass(key)

    assert not early
    assert reason == ("CredentialsMissing" if trouble == "missing" else "CredentialsRejected")
    assert bench.released(key)
    event = bench.kube.events[-1]
    assert event[1:3] == ("Warning", "ReleasedUnconfirmed")
    assert bench.status_of(key)["jobId"] in event[3]


async def test_a_job_that_never_got_credentials_may_go_at_once(bench):
    bench.kube.secrets.clear()
    key = bench.unmanaged_job(id="docs", searchNamespace="default")
    await bench.make_pass(key)
    bench.mark_deleted(key)

    await bench.make_pass(key)

    assert bench.released(key)


async def test_an_unreadable_spec_does_not_keep_its_resource(bench):
    key = await started_job(bench)
    bench.job(cancel="perhaps")
    bench.mark_deleted(key)

    await bench.make_pass(key)

    assert bench.released(key)
    assert bench.account.jobs("docs")[0].end_reason == "cancelled"


async def test_the_next_job_has_its_turn_when_one_is_deleted(bench):
    await ready_instance(bench)
    older = bench.job("older", age=100)
    younger = bench.job("younger")
    await bench.make_pass(younger)
    bench.drain_woken()
    bench.mark_deleted(older)

    await bench.make_pass(older)

    assert "younger" in bench.drain_woken()
