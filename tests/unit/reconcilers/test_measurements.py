"""What passes leave in the metrics, and in the log and the Events of what went wrong."""

import logging

import pytest

from aisearch_operator.engine.workqueue import Again
from aisearch_operator.kube.api import Conflict, KubeUnavailable
from aisearch_operator.resources.group import INSTANCE_KIND, SYNC_JOB_KIND
from aisearch_operator.telemetry import definitions as metric
from aisearch_operator.telemetry.definitions import DEFINITIONS, OTHER
from fake_cloudflare import JobPlan
from harness.scrape import label_values_in, samples_in
from unit.reconcilers.bench import ready_instance


def read(bench, definition):
    """Give the samples of a metric that are not 0."""
    text = bench.metrics.exposition("")[0].decode()
    return {labels: value for labels, value in samples_in(text, definition).items() if value}


async def run_job(bench, key, seconds):
    await bench.make_pass(key)
    bench.account.advance(2)
    await bench.look_again()
    await bench.make_pass(key)
    bench.account.advance(seconds)
    await bench.look_again()
    await bench.make_pass(key)


async def test_an_instance_that_is_made_counts_as_a_pass_a_write_requests_and_a_time_to_ready(bench):
    await bench.make_pass(bench.instance(source="bucket", age=30))

    assert read(bench, metric.PASSES) == {(INSTANCE_KIND, "success"): 1}
    assert read(bench, metric.PASS_DURATION) == {(INSTANCE_KIND,): 1}
    assert read(bench, metric.STATUS_WRITES) == {(INSTANCE_KIND, "written"): 1}
    assert {(method, outcome) for method, _, outcome in read(bench, metric.REQUESTS)} == {
        ("GET", "success"),
        ("POST", "success"),
    }
    assert read(bench, metric.RESOURCES) == {(INSTANCE_KIND, "ready"): 1}
    assert read(bench, metric.CREDENTIALS) == {("accepted",): 1}
    assert read(bench, metric.INSTANCE_READY) == {(): 1}


async def test_the_time_to_ready_counts_once_however_often_the_instance_recovers(bench):
    key = await ready_instance(bench, chunkSize=512)
    bench.account.fail("instances.update", 400, 7001)
    bench.instance(source="bucket", chunkSize=600)
    await bench.make_pass(key)
    assert read(bench, metric.RESOURCES) == {(INSTANCE_KIND, "stalled"): 1}
    await bench.make_pass(key)

    assert read(bench, metric.RESOURCES) == {(INSTANCE_KIND, "ready"): 1}
    assert read(bench, metric.INSTANCE_READY) == {(): 1}


async def test_a_restarted_operator_does_not_take_the_age_of_an_instance_for_its_time_to_ready(bench):
    bench.account.fail("instances.create", 500)
    key = bench.instance(source="bucket")
    await bench.make_pass(key)
    assert bench.condition(key, "Ready").status == "False"
    await bench.restart()
    await bench.make_pass(key)

    assert read(bench, metric.RESOURCES) == {(INSTANCE_KIND, "ready"): 1}
    assert read(bench, metric.INSTANCE_READY) == {}


async def test_a_job_counts_by_its_outcome_and_with_its_time_at_cloudflare(bench):
    await ready_instance(bench)
    await run_job(bench, bench.job("first"), 60)
    assert read(bench, metric.JOBS_FINISHED) == {("Succeeded",): 1}

    bench.account.advance(40)
    bench.account.plan_next_job(JobPlan(end_reason="source_error"))
    await run_job(bench, bench.job("second"), 60)

    assert read(bench, metric.JOBS_FINISHED) == {("Succeeded",): 1, ("Failed",): 1}
    assert read(bench, metric.JOB_DURATION) == {(): 2}
    assert read(bench, metric.RESOURCES)[SYNC_JOB_KIND, "ready"] == 1
    assert read(bench, metric.STALLED) == {(SYNC_JOB_KIND, "Failed"): 1}


async def test_drift_counts_when_it_is_found_and_when_it_is_repaired(bench):
    key = await ready_instance(bench, chunkSize=512)
    for _ in range(2):
        bench.account.patch_instance("docs", chunk_size=100)
        await bench.look_again()
        await bench.make_pass(key)

    assert read(bench, metric.DRIFT_FOUND) == {(): 2}
    assert read(bench, metric.DRIFT_REPAIRED) == {(): 2}


async def test_drift_that_is_only_reported_counts_once_for_as_long_as_it_lasts(bench):
    key = await ready_instance(bench, chunkSize=512, driftPolicy="Report")
    bench.account.patch_instance("docs", chunk_size=100)
    for _ in range(3):
        await bench.look_again()
        await bench.make_pass(key)

    assert read(bench, metric.DRIFT_FOUND) == {(): 1}
    assert read(bench, metric.DRIFT_REPAIRED) == {}


async def test_refused_credentials_count_and_stop_to_count_when_they_are_accepted(bench):
    bench.account.add_token("token", bench.account.token, permission="none")
    key = bench.instance(source="bucket")
    await bench.make_pass(key)
    assert read(bench, metric.CREDENTIALS) == {("rejected",): 1}
    assert read(bench, metric.PASSES) == {(INSTANCE_KIND, "stalled"): 1}
    assert read(bench, metric.STALLED) == {(INSTANCE_KIND, "PermissionDenied"): 1}

    bench.account.add_token("token", bench.account.token)
    await bench.look_again()
    await bench.make_pass(key)

    assert read(bench, metric.CREDENTIALS) == {("accepted",): 1}
    assert read(bench, metric.STALLED) == {}


async def test_a_429_shows_as_a_block_and_an_empty_budget(bench):
    key = await ready_instance(bench)
    (limit,) = read(bench, metric.BUDGET_LIMIT).values()
    (left,) = read(bench, metric.BUDGET_LEFT).values()
    assert 0 < left <= limit

    bench.account.fail("instances.list", 429, 10429)
    await bench.look_again()
    await bench.look_again()
    await bench.make_pass(key)

    assert read(bench, metric.BLOCKED) == {(): 1}
    assert read(bench, metric.BUDGET_LEFT) == {}, "0"
    outcomes = {outcome: value for (_, _, outcome), value in read(bench, metric.REQUESTS).items()}
    assert outcomes["rate_limited"] == 1


async def test_a_pass_that_fails_counts_as_a_retry_and_one_that_hits_a_bug_as_a_bug(bench, monkeypatch):
    bench.account.fail("instances.create", 500)
    key = bench.instance(source="bucket")
    await bench.make_pass(key)
    assert read(bench, metric.PASSES) == {(INSTANCE_KIND, "retry"): 1}

    monkeypatch.setattr(bench.kube, "patch_status", None)
    with pytest.raises(TypeError):
        await bench.make_pass(key)

    assert read(bench, metric.PASSES) == {(INSTANCE_KIND, "retry"): 1, (INSTANCE_KIND, "bug"): 1}


async def test_a_job_that_waits_counts_as_waiting_and_a_resource_that_is_being_deleted_as_that(bench):
    job = bench.job(instance="missing")
    await bench.make_pass(job)
    assert read(bench, metric.PASSES) == {(SYNC_JOB_KIND, "waiting"): 1}

    bench.mark_deleted(job)

    assert read(bench, metric.RESOURCES) == {(SYNC_JOB_KIND, "deleting"): 1}
    assert await bench.make_pass(job) is None
    assert read(bench, metric.PASSES) == {(SYNC_JOB_KIND, "waiting"): 1, (SYNC_JOB_KIND, "success"): 1}


async def test_a_suspended_instance_shows_as_suspended(bench):
    await bench.make_pass(bench.instance(source="bucket", suspend=True))

    assert read(bench, metric.RESOURCES) == {(INSTANCE_KIND, "suspended"): 1}


async def test_a_write_that_is_overtaken_and_one_that_fails_count(bench):
    key = bench.instance(source="bucket")
    bench.kube.fail("patch_status", Conflict("overtaken"), None)
    await bench.make_pass(key)
    assert read(bench, metric.STATUS_WRITES) == {(INSTANCE_KIND, "conflict"): 1, (INSTANCE_KIND, "written"): 1}

    bench.instance(source="bucket", chunkSize=600)
    bench.kube.fail("patch_status", KubeUnavailable("down"))
    assert await bench.make_pass(key) == Again()

    assert read(bench, metric.STATUS_WRITES)[INSTANCE_KIND, "failed"] == 1


async def test_many_names_and_many_errors_become_no_label_values(bench):
    for number in range(30):
        status = (400, 403, 404, 409, 429, 500, 502, 520)[number % 8]
        bench.account.fail("instances.create", status, 7000 + number)
        await bench.make_pass(bench.instance(f"docs-{number}", source="bucket"))
        await bench.make_pass(bench.job(f"job-{number}", f"docs-{number}"))

    text = bench.metrics.exposition("")[0].decode()
    for each in DEFINITIONS:
        for label, documented in each.labels.items():
            if documented:
                assert label_values_in(text, each, label) <= {*documented, OTHER}
    assert len(label_values_in(text, metric.STALLED, "reason")) > 1
    assert len(label_values_in(text, metric.REQUESTS, "outcome")) > 2
    for foreign in ("docs-1", "job-1", bench.account.id, bench.account.token):
        assert foreign not in text


async def test_the_id_of_a_refused_request_is_in_the_event_and_in_the_log_and_in_no_condition(bench, caplog):
    caplog.set_level(logging.INFO, "aisearch_operator")
    bench.account.fail("instances.create", 400, 7001)
    key = bench.instance(source="bucket")
    await bench.make_pass(key)

    (ray,) = {record.cfRay for record in caplog.records if hasattr(record, "cfRay")}
    ((_, _, reason, message),) = bench.kube.events
    assert reason == bench.condition(key, "Stalled").reason
    assert message == f"{bench.condition(key, 'Stalled').message} (cf-ray {ray})"
