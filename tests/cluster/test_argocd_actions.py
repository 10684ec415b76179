"""What Argo CD's actions make of resources is taken by the API server: schema, rules about changes, owner and all."""

import pytest

from argocd_lua.customizations import customizations, load
from argocd_lua.sandbox import run
from argocd_lua.testdata import NOW
from harness.kube import PATHS

CASES = [
    pytest.param(kind, case, id=f"{kind.kind}/{case['action']}/{case['inputPath']}")
    for kind in customizations()
    for case in load(kind.folder / "actions" / "action_test.yaml")["actionTests"]
]


@pytest.mark.parametrize(("kind", "case"), CASES)
def test_the_api_server_takes_what_an_action_makes(administrator, namespace, kind, case):
    resources = PATHS[kind.kind].format(namespace=namespace)
    resource = load(kind.folder / "actions" / case["inputPath"])
    resource["metadata"] = {"name": resource["metadata"]["name"], "namespace": namespace}
    stored = (
        administrator.post(resources, params={"fieldValidation": "Strict"}, json=resource).raise_for_status().json()
    )
    assert stored["spec"] == resource["spec"], "the test data have the defaults that the CRD has"
    administrator.patch(
        f"{resources}/{stored['metadata']['name']}/status",
        json={"status": resource["status"]},
        headers={"Content-Type": "application/merge-patch+json"},
    ).raise_for_status()

    made = run(kind.actions[case["action"]], stored, open_libs=False, now=NOW)

    if isinstance(made, list):
        for each in made:
            assert each["operation"] == "create"
            created = administrator.post(
                PATHS[each["resource"]["kind"]].format(namespace=namespace),
                params={"fieldValidation": "Strict"},
                json=each["resource"],
            )
            assert created.is_success, created.text
            assert created.json()["metadata"]["name"].startswith(f"{stored['metadata']['name']}-")
            (owner,) = created.json()["metadata"]["ownerReferences"]
            assert owner["uid"] == stored["metadata"]["uid"]
    else:
        changed = administrator.patch(
            f"{resources}/{stored['metadata']['name']}",
            params={"fieldValidation": "Strict"},
            json={"metadata": {"annotations": made["metadata"].get("annotations")}, "spec": made["spec"]},
            headers={"Content-Type": "application/merge-patch+json"},
        )
        assert changed.is_success, changed.text
        assert changed.json()["spec"] == made["spec"]
