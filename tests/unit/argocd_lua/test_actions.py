"""The actions, run as Argo CD runs them, over the cases of `action_test.yaml`."""

from typing import Any

import pytest

from argocd_lua.customizations import Customization, customizations, load
from argocd_lua.sandbox import run
from argocd_lua.testdata import NOW

LIBRARIES = pytest.mark.parametrize("open_libs", [True, False], ids=["built in", "of the ConfigMap"])


def cases(what: str) -> list[Any]:
    return [
        pytest.param(kind, case, id="/".join(filter(None, [kind.kind, case.get("action"), case["inputPath"]])))
        for kind in customizations()
        for case in load(kind.folder / "actions" / "action_test.yaml")[what]
    ]


@LIBRARIES
@pytest.mark.parametrize(("kind", "case"), cases("discoveryTests"))
def test_a_state_offers_its_actions(kind: Customization, case, open_libs):
    resource = load(kind.folder / "actions" / case["inputPath"])

    found = run(kind.discovery, resource, open_libs=open_libs)

    offered = [{"name": name, **action} for name, action in found.items()]
    assert sorted(map(shown, offered), key=str) == sorted(map(shown, case["result"]), key=str)


def shown(action: dict[str, Any]) -> dict[str, Any]:
    """Give an action as Argo CD compares it: false is the same as not said."""
    return {key: value for key, value in sorted(action.items()) if value is not False}


@LIBRARIES
@pytest.mark.parametrize(("kind", "case"), cases("actionTests"))
def test_an_action_makes_of_a_resource_what_it_promises(kind: Customization, case, open_libs):
    folder = kind.folder / "actions"
    expected = load(folder / case["expectedOutputPath"])

    made = run(kind.actions[case["action"]], load(folder / case["inputPath"]), open_libs=open_libs, now=NOW)

    if isinstance(made, list):
        made = [{"k8sOperation": each["operation"], "unstructuredObj": each["resource"]} for each in made]
    assert made == expected


@pytest.mark.parametrize("kind", customizations(), ids=lambda kind: kind.kind)
def test_every_action_is_offered_and_tested_and_every_offer_can_be_taken(kind):
    cases = load(kind.folder / "actions" / "action_test.yaml")
    offered = {each["name"] for case in cases["discoveryTests"] for each in case["result"]}

    assert offered == set(kind.actions) == {case["action"] for case in cases["actionTests"]}
    for action in offered:
        taken = [
            each.get("disabled")
            for case in cases["discoveryTests"]
            for each in case["result"]
            if each["name"] == action
        ]
        assert {None, True} == set(taken), f"{action} is never, or always, to be had"


@pytest.mark.parametrize("kind", customizations(), ids=lambda kind: kind.kind)
def test_an_action_can_be_taken_in_every_state_that_it_is_tested_in(kind):
    for case in load(kind.folder / "actions" / "action_test.yaml")["actionTests"]:
        found = run(kind.discovery, load(kind.folder / "actions" / case["inputPath"]), open_libs=False)
        assert found[case["action"]]["disabled"] is False
