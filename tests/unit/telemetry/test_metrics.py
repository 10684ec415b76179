"""The metrics: bounded series, there from the start, in the formats that Prometheus asks for."""

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as parse_openmetrics
from prometheus_client.parser import text_string_to_metric_families as parse_text

from aisearch_operator.telemetry import definitions as metric
from aisearch_operator.telemetry.definitions import DEFINITIONS, OTHER
from aisearch_operator.telemetry.metrics import Metrics
from harness.scrape import samples_in


def samples(metrics, definition):
    return samples_in(metrics.exposition("")[0].decode(), definition)


def test_each_metric_has_its_own_name_with_its_unit_and_a_text():
    assert len({each.name for each in DEFINITIONS}) == len(DEFINITIONS)
    for each in DEFINITIONS:
        assert each.name.startswith("aisearch_")
        assert each.name.endswith("_total") is (each.type == "counter")
        assert each.name.endswith("_seconds") or each.type != "histogram"
        assert each.text.endswith(".")
        assert bool(each.buckets) is (each.type == "histogram")
        assert sorted(each.buckets) == list(each.buckets)


@pytest.mark.parametrize("accept", ["", "application/openmetrics-text;version=1.0.0"])
def test_each_metric_is_announced_before_anything_has_happened(accept):
    body, content_type = Metrics().exposition(accept)
    text = body.decode()
    parse = parse_openmetrics if accept else parse_text

    assert content_type.startswith("application/openmetrics-text" if accept else "text/plain")
    announced = {family.name: family.type for family in parse(text)}
    for each in DEFINITIONS:
        assert announced[each.name.removesuffix("_total")] == each.type


def test_a_counter_stands_at_0_from_the_start_for_every_label_but_routes():
    metrics = Metrics()

    assert samples(metrics, metric.STATUS_WRITES) == {
        (kind, outcome): 0 for kind in metric.KINDS for outcome in metric.WriteOutcome
    }
    assert samples(metrics, metric.DRIFT_FOUND) == {(): 0}
    assert samples(metrics, metric.REQUESTS) == {}


def test_what_happens_is_counted():
    metrics = Metrics()
    metrics.count(metric.QUEUE_RETRIES, "poll")
    metrics.count(metric.QUEUE_RETRIES, "poll")
    metrics.count(metric.DRIFT_FOUND)
    metrics.observe(metric.JOB_DURATION, 90)

    assert samples(metrics, metric.QUEUE_RETRIES) == {("reconcile",): 0, ("poll",): 2}
    assert samples(metrics, metric.DRIFT_FOUND) == {(): 1}
    assert samples(metrics, metric.JOB_DURATION) == {(): 1}


def test_a_gauge_is_read_when_somebody_asks_and_adds_up_what_it_is_given():
    metrics, found = Metrics(), [(("AISearchInstance", "ready"), 1)]
    metrics.read(metric.RESOURCES, lambda: found)
    assert samples(metrics, metric.RESOURCES) == {("AISearchInstance", "ready"): 1}

    found += [(("AISearchInstance", "ready"), 1), (("AISearchSyncJob", "ready"), 0)]
    assert samples(metrics, metric.RESOURCES) == {("AISearchInstance", "ready"): 2, ("AISearchSyncJob", "ready"): 0}


def test_a_text_that_is_not_documented_becomes_no_series():
    metrics = Metrics()
    metrics.read(metric.STALLED, lambda: [(("AISearchInstance", f"Reason{n}"), 1) for n in range(50)])
    for number in range(50):
        metrics.count(metric.JOBS_FINISHED, f"Outcome{number}")

    assert samples(metrics, metric.STALLED) == {("AISearchInstance", OTHER): 50}
    assert samples(metrics, metric.JOBS_FINISHED)[OTHER,] == 50


def test_two_operators_in_one_process_share_nothing():
    first, second = Metrics(), Metrics()
    first.count(metric.DRIFT_FOUND)

    assert samples(second, metric.DRIFT_FOUND) == {(): 0}
