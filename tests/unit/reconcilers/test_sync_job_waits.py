"""Sync jobs that wait: for their instance, their turn, the end of another job, and the pause after it."""

import pytest

from fake_cloudflare import JobPlan
from unit.reconcilers.bench import Bench, ready_instance
from unit.reconcilers.scenes import COOLDOWN, started_job, state


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
