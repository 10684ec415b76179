"""What kopf keeps of a resource: enough for kopf, and no more."""

import copy

import kopf
import pytest

from aisearch_operator.handlers import lighten, settings_for

OBJECT = {
    "apiVersion": "aisearch.cloudflare.com/v1alpha1",
    "kind": "AISearchInstance",
    "metadata": {
        "name": "docs",
        "namespace": "team",
        "uid": "1",
        "resourceVersion": "7",
        "generation": 2,
        "finalizers": ["aisearch.cloudflare.com/finalizer"],
        "managedFields": [{"manager": "kubectl", "fieldsV1": {"f:spec": {}}}],
    },
    "spec": {"source": "bucket"},
    "status": {"observedGeneration": 1, "conditions": [{"type": "Ready", "status": "True"}]},
}


def body(*, deleted, **changes):
    made = copy.deepcopy(OBJECT) | changes
    if deleted:
        made["metadata"]["deletionTimestamp"] = "2026-11-29T12:00:00Z"
    return made


def test_a_resource_that_stays_loses_only_its_managed_fields():
    lightened = body(deleted=False)
    lighten(lightened)

    assert "managedFields" not in lightened["metadata"]
    assert (lightened["spec"], lightened["status"]) == (OBJECT["spec"], OBJECT["status"])


@pytest.mark.parametrize("status", [{"observedGeneration": 1, "conditions": [{}]}, {"observedGeneration": -1}, {}])
def test_kopf_sees_the_same_of_a_deleted_resource_as_before(status):
    diffbase = settings_for(20, 60).persistence.diffbase_storage
    before = body(deleted=True, status=status)
    after = copy.deepcopy(before)
    lighten(after)

    assert after["spec"] == {}
    assert "conditions" not in after["status"]
    for seen in (diffbase.fetch, diffbase.build):
        assert seen(body=kopf.Body(after)) == seen(body=kopf.Body(before))
    kept = {name: value for name, value in before["metadata"].items() if name != "managedFields"}
    assert after["metadata"] == kept
