"""The age of the longest running sync job, read from the statuses when Prometheus asks."""

from datetime import UTC, datetime, timedelta

import pytest

from aisearch_operator.engine.store import Store
from aisearch_operator.gauges import show_resources
from aisearch_operator.resources.group import SYNC_JOB_KIND
from aisearch_operator.telemetry.definitions import JOB_RUNNING
from aisearch_operator.telemetry.metrics import Metrics
from harness.scrape import samples_in
from unit.builders import metadata


@pytest.fixture
def store():
    return Store()


def run(store, name, *, phase, started):
    """Let a sync job have started its present job so long ago, in seconds."""
    start_time = (datetime.now(UTC) - timedelta(seconds=started)).strftime("%Y-%m-%dT%H:%M:%SZ")
    status = {"phase": phase, "startTime": start_time}
    store.put(SYNC_JOB_KIND, {"metadata": metadata(name), "spec": {"instanceRef": {"name": "docs"}}, "status": status})


def longest(store):
    metrics = Metrics()
    show_resources(metrics, store)
    return samples_in(metrics.exposition("")[0].decode(), JOB_RUNNING)[()]


def test_the_job_that_runs_the_longest_counts_and_one_that_does_not_end_when_cancelled_runs(store):
    run(store, "short", phase="Running", started=60)
    assert longest(store) == pytest.approx(60, abs=30)

    run(store, "long", phase="Cancelling", started=7200)
    assert longest(store) == pytest.approx(7200, abs=30)


@pytest.mark.parametrize("phase", ["Pending", "Indexing", "Suspended", "Succeeded", "Cancelled", "Failed"])
def test_a_job_that_has_ended_or_not_begun_does_not_run(store, phase):
    run(store, "docs", phase=phase, started=7200)

    assert longest(store) == 0


def test_a_resource_that_the_operator_has_not_seen_and_a_clock_that_is_ahead_are_no_age(store):
    store.put(SYNC_JOB_KIND, {"metadata": metadata("new"), "spec": {"instanceRef": {"name": "docs"}}})
    run(store, "ahead", phase="Running", started=-3600)

    assert longest(store) == 0
