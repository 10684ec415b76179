"""The health checks, run as Argo CD runs them, over the cases of `health_test.yaml`."""

from collections.abc import Mapping
from typing import Any

import pytest

from argocd_lua.customizations import Customization, customizations, load
from argocd_lua.sandbox import run
from argocd_lua.states import STATES

LIBRARIES = pytest.mark.parametrize("open_libs", [True, False], ids=["built in", "of the ConfigMap"])

CASES = [
    pytest.param(kind, case, id=f"{kind.kind}/{case['inputPath']}")
    for kind in customizations()
    for case in load(kind.folder / "health_test.yaml")["tests"]
]


@LIBRARIES
@pytest.mark.parametrize(("kind", "case"), CASES)
def test_a_state_has_its_health_and_its_message(kind: Customization, case, open_libs):
    resource = load(kind.folder / case["inputPath"])

    assert run(kind.health, resource, open_libs=open_libs) == case["healthStatus"]


@pytest.mark.parametrize("kind", customizations(), ids=lambda kind: kind.kind)
def test_every_state_is_a_case_but_deletion_which_argo_cd_judges_itself(kind):
    cases = {case["inputPath"] for case in load(kind.folder / "health_test.yaml")["tests"]}

    assert cases == {f"testdata/{name}.yaml" for name in STATES[kind.kind] if name != "deleting"}


@pytest.mark.parametrize(("kind", "case"), CASES)
def test_argo_cd_helm_and_flux_agree(kind, case):
    resource = load(kind.folder / case["inputPath"])
    health = run(kind.health, resource, open_libs=False)["status"]

    if health == "Suspended":
        assert resource["spec"]["suspend"] is True
    else:
        assert {"Healthy": "Current", "Progressing": "InProgress", "Degraded": "Failed"}[health] == kstatus(resource)


def kstatus(resource: Mapping[str, Any]) -> str:
    """Judge a custom resource as Helm 4 and Flux do (facts/gitops.md 2)."""
    status = resource["status"]
    if status["observedGeneration"] != resource["metadata"]["generation"]:
        return "InProgress"
    states = {condition["type"]: condition["status"] for condition in status.get("conditions", [])}
    if states.get("Reconciling") == "True":
        return "InProgress"
    if states.get("Stalled") == "True":
        return "Failed"
    return "Current" if states.get("Ready", "True") == "True" else "InProgress"


@LIBRARIES
@pytest.mark.parametrize("kind", customizations(), ids=lambda kind: kind.kind)
@pytest.mark.parametrize(
    "status",
    [
        None,
        {},
        {"observedGeneration": -1},
        {"observedGeneration": 2, "conditions": []},
        {"observedGeneration": 2, "conditions": [{"type": "Later", "status": "True"}]},
    ],
)
def test_a_resource_whose_status_says_nothing_yet_is_waited_for(kind, status, open_libs):
    resource = {"metadata": {"generation": 2}, "spec": {}, "status": status}

    assert run(kind.health, resource, open_libs=open_libs)["status"] == "Progressing"
