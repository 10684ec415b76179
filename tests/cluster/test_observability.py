"""What an operator tells about itself: metrics, probes and logs, as Prometheus, the kubelet and a person read them."""

import json
from typing import Any

from prometheus_client.parser import text_string_to_metric_families

from aisearch_operator.resources.group import INSTANCE_KIND, SYNC_JOB_KIND
from aisearch_operator.telemetry import definitions as metric
from aisearch_operator.telemetry.definitions import DEFINITIONS, OTHER
from controlplane.ports import free_ports
from fake_cloudflare import JobPlan
from harness.kube import eventually, instance, sync_job
from harness.operator_process import READY
from harness.scrape import ask, label_values_in, samples_in
from harness.stage import PROMPT
from monitoring.rules import ALERTS, DASHBOARD, metrics_in


def test_metrics_probes_and_logs_tell_what_happened_and_no_secret(make_stage):
    (port,) = free_ports(1)
    stage = make_stage(http_port=port)
    kube, account = stage.kube, stage.account
    account.configure(initial_job=False)
    stage.operator.start()

    kube.apply(
        instance("docs", type="r2", source="documents", maxNumResults=10, systemPromptRewriteQuery=PROMPT),
        sync_job("good", "docs"),
    )
    kube.wait_condition(INSTANCE_KIND, "docs", "Ready")
    kube.apply(instance("second", instanceId="docs"))
    kube.wait_condition(INSTANCE_KIND, "second", "Stalled", reason="ClaimedByAnotherResource")
    kube.wait_condition(SYNC_JOB_KIND, "good", "Complete")
    account.plan_next_job(JobPlan(end_reason="source_error"))
    kube.apply(sync_job("bad", "docs"))
    kube.wait_condition(SYNC_JOB_KIND, "bad", "Failed")
    account.fail("instances.update", 500)
    account.patch_instance("docs", max_num_results=5)
    kube.wait_event("docs", "DriftRepaired")
    kube.wait_condition(INSTANCE_KIND, "docs", "Ready")

    def scraped(definition):
        return samples_in(ask(port, "/metrics").text, definition)

    eventually(lambda: scraped(metric.DRIFT_REPAIRED) == {(): 1}, lambda: "the repair is not counted")
    text = ask(port, "/metrics").text
    families = {family.name: family for family in text_string_to_metric_families(text)}
    for each in DEFINITIONS:
        assert families[each.name.removesuffix("_total")].samples, each.name
        for label, documented in each.labels.items():
            if documented:
                assert label_values_in(text, each, label) <= {*documented, OTHER}
    exposed = {sample.name for family in families.values() for sample in family.samples}
    for asked in (DASHBOARD, ALERTS):
        assert metrics_in(asked.read_text()) <= exposed
    assert samples_in(text, metric.LEADER) == {(): 1}
    resources = {labels: count for labels, count in samples_in(text, metric.RESOURCES).items() if count}
    assert resources == {
        (INSTANCE_KIND, "ready"): 1,
        (INSTANCE_KIND, "stalled"): 1,
        (SYNC_JOB_KIND, "ready"): 1,
        (SYNC_JOB_KIND, "stalled"): 1,
    }
    assert samples_in(text, metric.STALLED) == {
        (INSTANCE_KIND, "ClaimedByAnotherResource"): 1,
        (SYNC_JOB_KIND, "Failed"): 1,
    }
    finished = {outcome: count for (outcome,), count in samples_in(text, metric.JOBS_FINISHED).items() if count}
    assert finished == {"Succeeded": 1, "Failed": 1}
    assert samples_in(text, metric.JOB_DURATION) == {(): 2}
    assert samples_in(text, metric.INSTANCE_READY) == {(): 1}
    assert samples_in(text, metric.DRIFT_FOUND) == {(): 1}
    requests = samples_in(text, metric.REQUESTS)
    assert sum(count for (_, _, outcome), count in requests.items() if outcome == "server_error") == 1
    assert sum(count for (method, _, _), count in requests.items() if method == "POST") == stage.count(
        "instances.create"
    ) + stage.count("jobs.create")
    assert samples_in(text, metric.PASSES)[INSTANCE_KIND, "retry"] >= 1
    assert samples_in(text, metric.PASSES)[INSTANCE_KIND, "bug"] == 0
    assert samples_in(text, metric.CREDENTIALS) == {("accepted",): 1, ("rejected",): 0}
    assert 0 < samples_in(text, metric.BUDGET_LEFT)[()] <= samples_in(text, metric.BUDGET_LIMIT)[()]
    assert all(age < 60 for age in samples_in(text, metric.SWEEP_AGE).values())
    assert families["process_resident_memory_bytes"].samples[0].value > 10_000_000
    for secret in (*stage.secrets, account.id, "docs"):
        assert secret not in text
    assert ask(port, "/readyz").json() == {"ready": True, "role": "leader"}
    assert ask(port, "/livez").json() == {"alive": True, "stuck": {}}

    lines = [json.loads(line) for line in stage.operator.log.splitlines()]
    passes = [line for line in lines if "requestId" in line]
    for line in passes:
        assert line.keys() >= {"time", "level", "logger", "message", "kind", "namespace", "name", "uid"}
    (failure,) = [line for line in passes if "ApiUnavailable" in line["message"] and "cfRay" in line]
    assert (failure["kind"], failure["name"], failure["generation"]) == (INSTANCE_KIND, "docs", 1)
    assert failure["namespace"] == kube.namespace
    same_pass = [line["message"] for line in passes if line["requestId"] == failure["requestId"]]
    assert any(message.startswith("PUT") for message in same_pass)
    assert len({line["requestId"] for line in passes}) > 4


def test_it_says_that_it_is_ready_when_it_knows_every_resource_and_no_sooner(make_stage):
    (port,) = free_ports(1)
    stage = make_stage(http_port=port)
    with stage.network() as network:
        network.cut("reset")
        operator = stage.operator.start(wait=False)
        eventually(lambda: "The resources could not be listed" in operator.log, lambda: operator.log)
        assert READY not in operator.log
        assert ask(port, "/readyz").json()["reason"] == "waits for the first list of the resources"
        network.mend()
        operator.wait_ready()
        assert ask(port, "/readyz").json() == {"ready": True, "role": "leader"}


def test_watches_are_begun_anew_when_they_die_silently_and_only_readiness_suffers(make_stage):
    (port,) = free_ports(1)
    stage = make_stage(http_port=port, watch_timeout=5)
    with stage.network() as network:
        stage.operator.start()
        probes: list[dict[str, Any]] = []
        renewals = dict.fromkeys(metric.KINDS, 0)
        before = dict.fromkeys(metric.KINDS, 0.0)

        def has_been_quiet():
            """Whether every watch was begun anew twice without anything to tell."""
            probes.extend(ask(port, path).json() for path in ("/livez", "/readyz"))
            for (kind,), silence in samples_in(ask(port, "/metrics").text, metric.WATCH_SILENCE).items():
                renewals[kind] += silence < before[kind]
                before[kind] = silence
            return min(renewals.values()) >= 2

        eventually(has_been_quiet, lambda: f"watches begun anew: {renewals}")
        assert [body for body in probes if not body.get("alive", body.get("ready"))] == []

        network.cut("silent")
        eventually(lambda: ask(port, "/readyz").status_code == 503, lambda: "the silence goes unnoticed")
        assert ask(port, "/readyz").json()["reason"] == "waits for a sign of life in the watch"
        assert ask(port, "/livez").status_code == 200, "no restart would mend the network"
        network.mend()
        eventually(lambda: ask(port, "/readyz").status_code == 200, lambda: "the watch does not live again")
        stage.kube.apply(instance("docs"))
        eventually(
            lambda: any(samples_in(ask(port, "/metrics").text, metric.RESOURCES).values()),
            lambda: "the watch tells nothing",
        )
