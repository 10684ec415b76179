"""What the real API server refuses: every bad manifest, with a message that names the field."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from kubernetes import client, config
from kubernetes.client.exceptions import ApiException

from aisearch_operator.resources.group import (
    GROUP,
    INSTANCE_KIND,
    INSTANCE_PLURAL,
    SYNC_JOB_KIND,
    SYNC_JOB_PLURAL,
    VERSION,
)
from cluster.bad_manifests import (
    BAD_CHANGES,
    BAD_MANIFESTS,
    BadChange,
    BadManifest,
    Manifest,
    instance,
    sync_job,
)

PLURALS = {INSTANCE_KIND: INSTANCE_PLURAL, SYNC_JOB_KIND: SYNC_JOB_PLURAL}

NOT_CHECKED = "some validation rules were not checked"
"""What the API server adds to its refusal when the schema is broken already."""


@pytest.fixture(scope="module")
def resources(control_plane) -> Iterator[client.CustomObjectsApi]:
    """The raw API: a kubectl process for each manifest would take a hundred times as long."""
    kubeconfig = str(control_plane.kubeconfig)
    with config.new_client_from_config(kubeconfig) as connection:
        yield client.CustomObjectsApi(connection)


def create(api: client.CustomObjectsApi, namespace: str, manifest: Manifest, *, dry_run: str | None = None) -> Any:
    return api.create_namespaced_custom_object(
        GROUP,
        VERSION,
        namespace,
        PLURALS[manifest["kind"]],
        manifest,
        field_validation="Strict",
        dry_run=dry_run,
    )


def replace(api: client.CustomObjectsApi, namespace: str, stored: Manifest, changed: Manifest) -> Any:
    metadata = {**changed["metadata"], "resourceVersion": stored["metadata"]["resourceVersion"]}
    return api.replace_namespaced_custom_object(
        GROUP,
        VERSION,
        namespace,
        PLURALS[changed["kind"]],
        metadata["name"],
        {**changed, "metadata": metadata},
        field_validation="Strict",
    )


def refusal_status(refusal: ApiException) -> dict[str, Any]:
    """The Status object of a refusal."""
    status: dict[str, Any] = json.loads(refusal.body or "{}")
    return status


def refused_fields(refusal: ApiException) -> set[str]:
    """The fields that a 422 is attributed to."""
    causes = refusal_status(refusal)["details"].get("causes", [])
    return {cause["field"] for cause in causes if NOT_CHECKED not in cause["message"]}


@pytest.mark.parametrize("bad", BAD_MANIFESTS, ids=lambda bad: bad.name)
def test_a_bad_manifest_is_refused_and_the_refusal_names_the_field(resources, bad: BadManifest):
    with pytest.raises(ApiException) as refused:
        create(resources, "default", bad.manifest, dry_run="All")

    message = refusal_status(refused.value)["message"]
    assert bad.field in message
    assert bad.says in message
    if refused.value.status == 400:
        assert "strict decoding error: unknown field" in message
    else:
        assert refused.value.status == 422
        assert refused_fields(refused.value) == {bad.field}


@pytest.mark.parametrize("bad", BAD_CHANGES, ids=lambda bad: bad.name)
def test_a_forbidden_change_is_refused_and_the_refusal_names_the_field(resources, namespace, bad: BadChange):
    stored = create(resources, namespace, bad.stored)

    with pytest.raises(ApiException) as refused:
        replace(resources, namespace, stored, bad.changed)

    assert refused.value.status == 422
    assert bad.field in refused_fields(refused.value)
    message = refusal_status(refused.value)["message"]
    assert bad.field.removeprefix("spec.") in message
    assert bad.says in message


@pytest.mark.parametrize(
    ("stored", "changed"),
    [
        pytest.param(instance(), instance(searchNamespace="team-a"), id="move to another search namespace"),
        pytest.param(instance(hybridSearchEnabled=True), instance(), id="remove the deprecated switch"),
        pytest.param(
            instance(source="bucket"), instance(source="bucket", maxNumResults=5), id="set a field that was unset"
        ),
        pytest.param(
            sync_job(instanceRef={"name": "docs"}), sync_job(instanceRef={"name": "docs"}, cancel=True), id="cancel"
        ),
        pytest.param(
            sync_job(instance={"id": "docs"}),
            sync_job(instance={"id": "docs", "searchNamespace": "default"}, deletionPolicy="Orphan"),
            id="write down a default",
        ),
    ],
)
def test_a_change_that_cloudflare_allows_is_accepted(resources, namespace, stored, changed):
    before = create(resources, namespace, stored)

    after = replace(resources, namespace, before, changed)

    assert after["metadata"]["generation"] >= before["metadata"]["generation"]


def test_the_table_is_long_and_every_entry_has_its_own_name():
    names = [bad.name for bad in BAD_MANIFESTS] + [bad.name for bad in BAD_CHANGES]

    assert len(names) >= 40
    assert len(set(names)) == len(names)
