"""The cases of health_test.yaml and action_test.yaml, by the Lua machine that Argo CD runs."""

from pathlib import Path

import yaml

from argocd.lua import Question, ask
from argocd_lua.customizations import load

CUSTOMIZATIONS = Path(__file__).resolve().parents[3] / "deploy" / "argocd" / "resource_customizations"


def cases(file):
    """Give folder and content of the files of this name."""
    return [
        (path.parent, yaml.load(path.read_text(encoding="utf-8"), yaml.BaseLoader))
        for path in sorted(CUSTOMIZATIONS.rglob(file))
    ]


def without_times(body):
    """Leave out what an action writes about the present."""
    annotations = body["metadata"].get("annotations", {})
    annotations.pop("aisearch.cloudflare.com/reconcile-requested-at", None)
    if not annotations:
        body["metadata"].pop("annotations", None)
    body["spec"].pop("runId", None)
    return body


def test_every_health_case_holds_in_argo_cd_itself(settings):
    expected, questions = {}, []
    for folder, document in cases("health_test.yaml"):
        for case in document["tests"]:
            health = {key.lower(): value for key, value in case["healthStatus"].items()}
            expected[f"{folder.name}/{case['inputPath']}"] = {"message": "", **health}
            questions.append(Question(load(folder / case["inputPath"])))

    answers = ask(settings, *questions)

    assert not [answer.error for answer in answers if answer.error]
    assert dict(zip(expected, [answer.health for answer in answers], strict=True)) == expected
    assert len(expected) > 20


def test_every_action_on_offer_is_offered_by_argo_cd_itself(settings):
    expected, questions = {}, []
    for folder, document in cases("action_test.yaml"):
        for case in document["discoveryTests"]:
            offered = {each["name"]: each.get("disabled", "false") == "true" for each in case["result"]}
            expected[f"{folder.parent.name}/{case['inputPath']}"] = offered
            questions.append(Question(load(folder / case["inputPath"])))

    answers = ask(settings, *questions)

    found = [{name: each.get("disabled", False) for name, each in answer.actions.items()} for answer in answers]
    assert dict(zip(expected, found, strict=True)) == expected


def test_every_action_does_in_argo_cd_itself_what_its_case_says(settings):
    expected, questions = {}, []
    for folder, document in cases("action_test.yaml"):
        for case in document["actionTests"]:
            key = f"{folder.parent.name}/{case['action']}/{case['inputPath']}"
            expected[key] = impacts(load(folder / case["expectedOutputPath"]))
            questions.append(Question(load(folder / case["inputPath"]), case["action"]))

    answers = ask(settings, *questions)

    assert not [answer.error for answer in answers if answer.error]
    done = [[(each["operation"], without_times(dict(each["object"]))) for each in answer.impacts] for answer in answers]
    assert dict(zip(expected, done, strict=True)) == expected
    assert len(expected) > 5


def impacts(document):
    """Read what an action should do: what its own object becomes, or a list of operations."""
    several = document if isinstance(document, list) else [{"k8sOperation": "patch", "unstructuredObj": document}]
    return [(each["k8sOperation"], without_times(each["unstructuredObj"])) for each in several]


def test_a_broken_script_is_reported_and_not_taken_for_health(settings):
    key = "resource.customizations.health.aisearch.cloudflare.com_AISearchInstance"
    body = {"apiVersion": "aisearch.cloudflare.com/v1alpha1", "kind": "AISearchInstance", "metadata": {"name": "x"}}

    (answer,) = ask({**settings, key: "return string.upper(obj.kind)"}, Question(body))

    assert "string" in answer.error or "nil" in answer.error
