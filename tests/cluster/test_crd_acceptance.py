"""What the real API server accepts and shows: complete manifests, the samples, columns, documentation."""

import json
from pathlib import Path

import pytest
import yaml

from aisearch_operator.resources.instance import AISearchInstance
from aisearch_operator.resources.sync_job import AISearchSyncJob
from cluster.complete_manifests import complete_instance, complete_sync_job

SAMPLES = sorted((Path(__file__).parents[2] / "deploy" / "samples").glob("*.yaml"))

READY = {
    "type": "Ready",
    "status": "True",
    "observedGeneration": 1,
    "lastTransitionTime": "2026-11-23T10:00:05Z",
    "reason": "Succeeded",
    "message": "All is well",
}


@pytest.mark.parametrize(
    ("manifest", "model"),
    [
        pytest.param(complete_instance(), AISearchInstance, id="AISearchInstance"),
        pytest.param(complete_sync_job(), AISearchSyncJob, id="AISearchSyncJob"),
    ],
)
def test_a_manifest_with_every_field_is_accepted_and_given_back_unchanged(kubectl, namespace, manifest, model):
    created = kubectl(
        "create", "-n", namespace, "--validate=strict", "-o", "json", "-f", "-", input=json.dumps(manifest)
    )

    stored = json.loads(created.stdout)
    assert stored["spec"] == manifest["spec"]
    assert model.model_validate(stored).spec.to_kubernetes() == manifest["spec"]


def test_a_new_resource_says_that_the_operator_has_not_seen_it(kubectl, namespace):
    manifest = {**complete_sync_job(), "spec": {"instanceRef": {"name": "docs"}}}

    created = kubectl("create", "-n", namespace, "-o", "json", "-f", "-", input=json.dumps(manifest))

    assert json.loads(created.stdout)["status"] == {"observedGeneration": -1}


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.name)
def test_a_sample_is_accepted(kubectl, namespace, sample):
    kubectl("create", "-n", namespace, "--validate=strict", "-f", str(sample))


def test_the_samples_belong_together():
    kinds = {path.name: yaml.safe_load(path.read_text(encoding="utf-8")) for path in SAMPLES}

    instance = kinds["instance.yaml"]["metadata"]["name"]
    for job in ("syncjob.yaml", "syncjob-to-cancel.yaml"):
        assert kinds[job]["spec"]["instanceRef"]["name"] == instance


def test_a_status_shows_in_the_columns(kubectl, namespace):
    kubectl("create", "-n", namespace, "-f", "-", input=json.dumps(complete_instance()))
    status = {
        "observedGeneration": 1,
        "conditions": [READY],
        "state": "active",
        "instanceId": "docs_2-search",
        "searchNamespace": "default",
        "stats": {"completed": 42, "queued": 7, "error": 3},
        "paused": True,
    }
    patch = json.dumps({"status": status})
    kubectl("patch", "-n", namespace, "aisi", "complete", "--subresource=status", "--type=merge", "-p", patch)

    header, row = kubectl("get", "-n", namespace, "aisi").stdout.splitlines()
    wide = kubectl("get", "-n", namespace, "aisi", "-o", "wide").stdout

    assert header.split() == ["NAME", "READY", "REASON", "STATE", "FILES", "AGE"]
    assert row.split()[:-1] == ["complete", "True", "Succeeded", "active", "42"]
    for shown in ("docs_2-search", "default", "7", "3", "true", "All is well"):
        assert shown in wide


def test_a_sync_job_shows_its_instance_however_it_was_named(kubectl, namespace):
    by_name = {**complete_sync_job("by-name"), "spec": {"instanceRef": {"name": "docs-resource"}}}
    by_id = {**complete_sync_job("by-id"), "spec": {"instance": {"id": "docs-at-cloudflare"}}}
    for manifest in (by_name, by_id):
        kubectl("create", "-n", namespace, "-f", "-", input=json.dumps(manifest))

    rows = [line.split() for line in kubectl("get", "-n", namespace, "aisj").stdout.splitlines()]

    assert [row[:2] for row in rows] == [
        ["NAME", "INSTANCE"],
        ["by-id", "docs-at-cloudflare"],
        ["by-name", "docs-resource"],
    ]


def test_the_sync_jobs_of_an_instance_can_be_selected(kubectl, namespace):
    for name, instance in (("first", "docs"), ("second", "other")):
        manifest = {**complete_sync_job(name), "spec": {"instanceRef": {"name": instance}}}
        kubectl("create", "-n", namespace, "-f", "-", input=json.dumps(manifest))

    found = kubectl("get", "-n", namespace, "aisj", "--field-selector", "spec.instanceRef.name=docs", "-o", "name")

    assert found.stdout.split() == ["aisearchsyncjob.aisearch.cloudflare.com/first"]


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("aisi.spec", "What is unset is left to Cloudflare"),
        ("aisi.spec.sourceParams", "Which part of the data source is indexed"),
        ("aisi.spec.indexingOptions.useOcr", "indexes everything again, which Cloudflare charges for"),
        ("aisi.spec.writeConnectionConfigMapToRef", "left alone"),
        ("aisi.status.endpoints.public.mcp", "Model Context Protocol"),
        ("aisi.status.stats", "How many items are in which state"),
        ("aisj.spec.cancel", "taken back only together with a new runId"),
        ("aisj.status.conditions", "Complete: it ended well"),
    ],
)
def test_explain_reads_as_documentation(kubectl, path, says):
    explained = " ".join(kubectl("explain", path).stdout.split())

    assert says in explained


def test_the_resources_are_found_by_category_and_short_name(kubectl, namespace):
    kubectl("create", "-n", namespace, "-f", "-", input=json.dumps(complete_instance()))
    kubectl("create", "-n", namespace, "-f", "-", input=json.dumps(complete_sync_job()))

    for kinds in ("cloudflare", "aisearch", "aisi,aisj"):
        assert len(kubectl("get", "-n", namespace, kinds, "-o", "name").stdout.split()) == 2
