"""The annotation that asks for a pass now: everything is read afresh, once, and status acknowledges it."""

import asyncio
from collections import Counter

import pytest

from fake_cloudflare import JobPlan
from unit.reconcilers.bench import READY, ready_instance
from unit.reconcilers.scenes import started_job


def operations(bench):
    return Counter(entry.operation for entry in bench.requests())


async def test_a_request_reads_secret_and_instance_afresh_and_is_acknowledged_in_the_same_write(bench):
    key = await ready_instance(bench, chunkSize=512)
    bench.account.patch_instance("docs", chunk_size=100)
    bench.kube.secret_reads.clear()

    bench.request_pass(key, "2026-11-23T12:00:00Z")
    woken = bench.drain_woken()
    await bench.make_pass(key)

    assert woken == {"docs"}
    assert bench.kube.secret_reads == [("team", "aisearch-credentials")]
    assert operations(bench) == {"instances.list": 1, "instances.update": 1}
    assert len(bench.drain_patches()) == 1
    assert bench.status_of(key)["lastHandledReconcileAt"] == "2026-11-23T12:00:00Z"
    assert bench.status_of(key)["observedGeneration"] == 1


async def test_a_request_that_was_answered_causes_nothing_and_another_value_does(bench):
    key = await ready_instance(bench)
    bench.request_pass(key, "one")
    await bench.make_pass(key)
    bench.drain_woken()
    bench.requests()
    bench.drain_patches()

    bench.request_pass(key, "one")
    again = bench.drain_woken()
    await bench.make_pass(key)
    after = operations(bench)
    bench.request_pass(key, "two")

    assert (again, after, bench.drain_patches()) == (set(), {}, [])
    assert bench.drain_woken() == {"docs"}


@pytest.mark.parametrize("value", ["", "x" * 5000], ids=["empty", "long"])
async def test_any_value_is_acknowledged_once(bench, value):
    key = await ready_instance(bench)
    for _ in range(3):
        bench.request_pass(key, value)
        await bench.make_pass(key)

    assert operations(bench) == {"instances.list": 1}
    assert len(bench.drain_patches()) == 1


async def test_another_annotation_causes_nothing(bench):
    key = await ready_instance(bench)

    bench.request_pass(key, "now", annotation="example.com/note")

    assert bench.drain_woken() == set()


async def test_a_refusal_is_tried_again_on_request(bench):
    key = bench.instance(source="bucket", chunkSize=3000)
    bench.account.configure(max_chunk_size=1000)
    await bench.make_pass(key)
    refused = bench.states(key)[3]
    bench.account.configure(max_chunk_size=4000)
    bench.drain_woken()

    bench.request_pass(key, "now")
    woken = bench.drain_woken()
    await bench.make_pass(key)

    assert (refused, woken) == ("InvalidRequest", {"docs"})
    assert bench.states(key) == READY


async def test_a_rejected_list_is_tried_again_on_request(bench):
    key = await ready_instance(bench)
    bench.account.fail("instances.list", 401, 10000)
    await bench.look_again()
    await bench.make_pass(key)
    rejected = bench.states(key)[:3]

    bench.request_pass(key, "now")
    await bench.make_pass(key)

    assert rejected == ("False", "False", "True")
    assert bench.states(key) == READY


async def test_a_repair_that_was_held_back_is_made_on_request(bench):
    key = await ready_instance(bench, chunkSize=512)
    for _ in range(4):
        bench.account.patch_instance("docs", chunk_size=100)
        await bench.look_again()
        await bench.make_pass(key)
    bench.requests()

    bench.request_pass(key, "now")
    await bench.make_pass(key)

    assert bench.writes() == [("instances.update", {"chunk_size": 512})]


async def test_a_suspended_resource_acknowledges_and_looks_at_nothing(bench):
    key = bench.instance(suspend=True)
    bench.request_pass(key, "now")

    await bench.make_pass(key)

    assert bench.requests() == []
    assert bench.status_of(key)["lastHandledReconcileAt"] == "now"


async def test_many_requests_at_the_same_time_cost_few_lists(bench):
    keys = [await ready_instance(bench, f"docs-{number}") for number in range(8)]
    for key in keys:
        bench.request_pass(key, "now")

    await asyncio.gather(*(bench.make_pass(key) for key in keys))

    assert operations(bench)["instances.list"] <= 2
    assert all(bench.status_of(key)["lastHandledReconcileAt"] == "now" for key in keys)


async def test_a_request_on_a_running_sync_job_lists_its_jobs_now_and_is_acknowledged(bench):
    key = await started_job(bench)
    bench.kube.secret_reads.clear()

    bench.request_pass(key, "now")
    woken = bench.drain_woken()
    for _ in range(2):
        await bench.make_pass(key)

    assert woken == {"nightly"}
    assert bench.kube.secret_reads == [("team", "aisearch-credentials")]
    assert operations(bench)["jobs.list"] == 1
    assert bench.writes() == []
    assert bench.status_of(key)["lastHandledReconcileAt"] == "now"
    assert len(bench.drain_patches()) == 1


async def test_a_request_on_a_finished_sync_job_starts_nothing_and_is_acknowledged_once(bench):
    key = await started_job(bench)
    bench.account.advance(60)
    await bench.look_again()
    await bench.make_pass(key)
    assert bench.status_of(key)["phase"] == "Succeeded"
    bench.requests()
    bench.drain_patches()

    bench.request_pass(key, "now")
    for _ in range(3):
        await bench.make_pass(key)

    assert bench.requests() == []
    assert bench.drain_patches() == [("nightly", {"lastHandledReconcileAt": "now"})]
    assert bench.status_of(key)["phase"] == "Succeeded"


async def test_a_request_is_no_way_round_the_cooldown(bench):
    await ready_instance(bench)
    bench.account.start_job("docs", plan=JobPlan(start_delay=0, duration=1))
    bench.account.advance(2)
    key = bench.job()
    await bench.make_pass(key)
    assert bench.condition(key, "Ready").reason == "Cooldown"
    bench.requests()

    bench.request_pass(key, "now")
    await bench.make_pass(key)

    assert bench.writes() == []
    assert bench.status_of(key)["lastHandledReconcileAt"] == "now"
