"""Passes over sync jobs that are complete only when everything is indexed."""

from typing import Any

import pytest

from aisearch_operator.engine.store import ObjectKey
from unit.reconcilers.bench import Bench, ready_instance

LAG = 600.0
"""Seconds of the account's clock for which items stay queued after the end of a job."""


async def indexing_job(bench: Bench, *, managed: bool = True, **spec: Any) -> ObjectKey:
    """Make a sync job whose job has ended well, and whose items are queued."""
    docs = await ready_instance(bench)
    bench.account.configure(indexing_lag=LAG)
    if managed:
        key = bench.job(completionPolicy="Indexed", **spec)
    else:
        bench.is_gone(docs)
        target = {"instance": {"id": "docs", "searchNamespace": "default"}}
        key = bench.apply("AISearchSyncJob", "nightly", {**target, "completionPolicy": "Indexed", **spec})
    await bench.make_pass(key)
    bench.account.advance(60)
    await bench.look_again()
    await bench.make_pass(key)
    bench.drain_events()
    bench.drain_patches()
    bench.drain_woken()
    bench.requests()
    return key


async def read_and_pass(bench: Bench, key: ObjectKey) -> None:
    await bench.read_statistics()
    await bench.make_pass(key)


def phase(bench: Bench, key: ObjectKey) -> str:
    found: str = bench.status_of(key)["phase"]
    return found


@pytest.mark.parametrize("managed", [True, False], ids=["managed", "unmanaged"])
async def test_a_run_is_complete_when_nothing_is_queued_or_running(bench, managed):
    key = await indexing_job(bench, managed=managed)
    ended = bench.status_of(key)
    await bench.make_pass(key)
    await read_and_pass(bench, key)
    meanwhile = (phase(bench, key), bench.states(key))
    counted = bench.status_of(key)["stats"]
    bench.account.advance(LAG)
    bench.drain_woken()
    await bench.read_statistics()
    assert "nightly" in bench.drain_woken()

    await bench.make_pass(key)

    assert (ended["phase"], ended["indexingSince"]) == ("Indexing", ended["completionTime"])
    assert meanwhile == ("Indexing", ("Unknown", "True", "False", "Indexing"))
    assert counted["queued"] + counted["running"] > 0
    assert bench.states(key) == ("True", "False", "False", "Succeeded")
    status = bench.status_of(key)
    assert status["phase"] == "Succeeded"
    assert (status["stats"]["completed"], status["stats"]["queued"]) == (12, 0)
    assert "indexingSince" not in status
    assert [record["outcome"] for record in status["attemptHistory"]] == ["Succeeded"]
    assert bench.drain_events() == [("Normal", "Succeeded")]
    assert bench.writes() == [], "one job was sent, before"


async def test_statistics_from_before_the_end_of_the_job_do_not_count(bench):
    docs = await ready_instance(bench)
    await bench.make_pass(docs)
    await bench.read_statistics()
    key = bench.job(completionPolicy="Indexed")
    await bench.make_pass(key)
    bench.account.advance(60)
    await bench.look_again()
    await bench.make_pass(key)

    await bench.make_pass(key)

    assert phase(bench, key) == "Indexing"
    assert "still to come" in bench.condition(key, "Ready").message
    await read_and_pass(bench, key)
    assert phase(bench, key) == "Succeeded"


async def test_waiting_for_the_index_lists_no_jobs_and_holds_no_other_job_up(bench):
    key = await indexing_job(bench)
    await bench.make_pass(key)
    bench.requests()
    await bench.look_again()
    assert "jobs.list" not in {entry.operation for entry in bench.requests()}
    other = bench.job("other")
    bench.account.advance(36)

    await bench.make_pass(other)

    assert bench.states(other)[3] == "Accepted"


async def test_degraded_statistics_are_waited_out(bench):
    key = await indexing_job(bench)
    await bench.make_pass(key)
    bench.account.configure(stats_degraded=True)
    await read_and_pass(bench, key)
    bench.account.advance(LAG)
    await read_and_pass(bench, key)
    degraded = (phase(bench, key), "cannot count" in bench.condition(key, "Ready").message)
    bench.account.configure(stats_degraded=False)

    await read_and_pass(bench, key)

    assert degraded == ("Indexing", True)
    assert phase(bench, key) == "Succeeded"


async def test_a_restart_waits_on_and_writes_nothing(bench):
    key = await indexing_job(bench)
    await bench.make_pass(key)
    await read_and_pass(bench, key)
    bench.drain_patches()
    await bench.restart()

    await bench.make_pass(key)
    waiting = (phase(bench, key), bench.drain_patches())
    bench.account.advance(LAG)
    await read_and_pass(bench, key)

    assert waiting == ("Indexing", [])
    assert phase(bench, key) == "Succeeded"


async def test_the_wait_is_looked_at_when_its_deadline_comes(bench):
    key = await indexing_job(bench, activeDeadlineSeconds=1800)

    again = await bench.make_pass(key)

    assert again is not None
    assert again.after == pytest.approx(1800, abs=30)


async def test_the_deadline_ends_the_wait(bench):
    bench.account.advance(-3600)
    key = await indexing_job(bench, activeDeadlineSeconds=1800)

    await bench.make_pass(key)

    assert (phase(bench, key), bench.states(key)[3]) == ("Failed", "DeadlineExceeded")
    assert "ended well" in bench.condition(key, "Failed").message
    assert bench.writes() == []


@pytest.mark.parametrize(
    ("change", "ends"),
    [
        ({"completionPolicy": "JobEnded"}, "Succeeded"),
        ({"completionPolicy": "Indexed", "cancel": True}, "Cancelled"),
        ({"completionPolicy": "Indexed", "suspend": True}, "Indexing"),
        ({"completionPolicy": "Indexed", "runId": "2"}, "Indexing"),
    ],
)
async def test_an_edit_while_the_index_is_waited_for_acts(bench, change, ends):
    key = await indexing_job(bench)
    await bench.make_pass(key)
    bench.job(**change)

    await bench.make_pass(key)

    assert phase(bench, key) == ends
    assert bench.writes() == []
    assert bench.status_of(key)["observedGeneration"] == 2


async def test_a_new_run_waits_for_the_index_anew(bench):
    key = await indexing_job(bench)
    await bench.make_pass(key)
    bench.account.advance(LAG)
    await read_and_pass(bench, key)
    bench.job(completionPolicy="Indexed", runId="2")
    await bench.make_pass(key)
    reopened = bench.status_of(key)
    await bench.make_pass(key)
    bench.account.advance(60)
    await bench.look_again()
    await bench.make_pass(key)

    await bench.make_pass(key)

    assert "stats" not in reopened
    assert phase(bench, key) == "Indexing"
    bench.account.advance(LAG)
    await read_and_pass(bench, key)
    assert phase(bench, key) == "Succeeded"


async def test_a_deleted_resource_goes_at_once_while_the_index_is_waited_for(bench):
    key = await indexing_job(bench)
    await bench.make_pass(key)
    bench.requests()
    bench.mark_deleted(key)

    await bench.make_pass(key)

    assert bench.released(key)
    assert bench.requests() == []


async def test_a_run_whose_unmanaged_instance_is_deleted_is_lost(bench):
    key = await indexing_job(bench, managed=False)
    await bench.make_pass(key)
    bench.account.delete_instance("docs")

    await read_and_pass(bench, key)

    assert (phase(bench, key), bench.states(key)[3]) == ("Failed", "Lost")


async def test_a_run_waits_on_while_its_resource_makes_the_instance_anew(bench):
    key = await indexing_job(bench)
    await bench.make_pass(key)
    bench.account.delete_instance("docs")

    await read_and_pass(bench, key)

    assert phase(bench, key) == "Indexing"
    assert bench.states(key) == ("False", "True", "False", "InstanceNotFound")


async def test_a_refused_token_stalls_the_wait_until_it_is_corrected(bench):
    key = await indexing_job(bench)
    await bench.make_pass(key)
    bench.account.fail("instances.stats", 403, 10000, times=None)
    await read_and_pass(bench, key)
    refused = (phase(bench, key), bench.states(key))
    bench.account.clear_faults()
    bench.account.advance(LAG)

    await read_and_pass(bench, key)

    assert refused == ("Indexing", ("False", "False", "True", "PermissionDenied"))
    assert phase(bench, key) == "Succeeded"


async def test_a_job_that_failed_is_not_followed_by_a_wait_for_the_index(bench):
    await ready_instance(bench)
    bench.account.configure(job_end_reason="bucket_not_found")
    key = bench.job(completionPolicy="Indexed")
    await bench.make_pass(key)
    bench.account.advance(60)
    await bench.look_again()

    await bench.make_pass(key)

    assert (phase(bench, key), bench.states(key)[3]) == ("Failed", "Failed")
