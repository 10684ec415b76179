"""deploy/chart/ai-search by the real Helm: what it renders, what the API server takes, and what a release waits for."""

import re
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from controlplane import tools
from fake_cloudflare import JobPlan
from harness.kube import PATHS, eventually

DEPLOY = Path(__file__).resolve().parents[2] / "deploy"
CHART = DEPLOY / "chart" / "ai-search"
EXAMPLES = DEPLOY / "argocd" / "examples"
VALUES = sorted((CHART / "ci").glob("*-values.yaml"))
INSTANCE, JOB = "AISearchInstance", "AISearchSyncJob"
ONCE = CHART / "ci" / "once-values.yaml"

PATIENCE = 180.0
"""Seconds that Helm has for what takes it two."""


@pytest.fixture
def helm(tmp_path):
    """Run Helm: `helm("template", ...)` gives exit code and all that was printed."""
    folders = {name: str(tmp_path / name) for name in ("HELM_CACHE_HOME", "HELM_CONFIG_HOME", "HELM_DATA_HOME")}

    def run(*arguments: object, env: dict[str, str] | None = None) -> tuple[int, str]:
        ended = subprocess.run(
            [str(tools.helm()), *map(str, arguments)],
            env=(env or {}) | folders,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        return ended.returncode, ended.stdout

    return run


@pytest.fixture
def render(helm):
    """Render the chart: `render(values_file, "sync.recipe=hook")` gives the objects."""

    def objects(values: Path = ONCE, *settings: str) -> list[dict[str, Any]]:
        choices = [part for setting in settings for part in ("--set-json", setting)]
        code, printed = helm("template", "search", CHART, "--values", values, *choices)
        assert code == 0, printed
        return [body for body in yaml.safe_load_all(printed) if body]

    return objects


def jobs(objects: list[dict[str, Any]]) -> list[str]:
    return [body["metadata"]["name"] for body in objects if body["kind"] == JOB]


@pytest.mark.parametrize("values", [CHART / "values.yaml", *VALUES], ids=lambda path: path.name)
def test_the_chart_passes_the_strict_lint(helm, values):
    code, printed = helm("lint", "--strict", CHART, "--values", values)

    assert code == 0, printed


def test_the_api_server_takes_all_that_the_chart_renders_and_the_examples_for_argo_cd(
    render, administrator, namespace, tmp_path
):
    by_argo_cd = yaml.safe_load((EXAMPLES / "search-chart.yaml").read_text())["spec"]["source"]["helm"]["valuesObject"]
    (tmp_path / "values.yaml").write_text(yaml.safe_dump(by_argo_cd))
    rendered = [render(values) for values in (*VALUES, tmp_path / "values.yaml")]
    plain = [yaml.safe_load(path.read_text()) for path in sorted((EXAMPLES / "search").glob("*.yaml"))]

    for objects in (*rendered, plain):
        assert objects
        for body in objects:
            body["metadata"]["namespace"] = namespace
            path = f"{PATHS[body['kind']].format(namespace=namespace)}/{body['metadata']['name']}"
            answer = administrator.patch(
                path,
                params={"fieldManager": "helm", "fieldValidation": "Strict", "dryRun": "All"},
                content=yaml.safe_dump(body),
                headers={"Content-Type": "application/apply-patch+yaml"},
            )
            assert answer.is_success, answer.text


def test_a_job_runs_once_for_each_content(render):
    (name,) = jobs(render())
    same = [
        "instances.docs.spec.deletionPolicy=null",
        'instances.docs.spec.driftPolicy="Report"',
        "instances.docs.spec.suspend=true",
        'credentialsSecret="another"',
        "sync.spec.cancel=true",
        "sync.spec.backoffLimit=3",
        'commonLabels={"team": "search"}',
    ]
    other = [
        "instances.docs.spec.maxNumResults=21",
        'instances.docs.spec.sourceParams={"prefix": "guides/"}',
        'sync.revision="7f3c2a1"',
        'instances.docs.sync={"revision": "7f3c2a2"}',
        'sync.spec.description="Another"',
    ]

    assert re.fullmatch(r"docs-sync-[0-9a-f]{10}", name)
    assert [jobs(render(ONCE, setting)) for setting in same] == [[name]] * len(same)
    assert len({name, *(jobs(render(ONCE, setting))[0] for setting in other)}) == 1 + len(other)


def test_an_instance_comes_a_wave_before_its_job_and_a_hook_is_one_to_argo_cd_and_to_helm(render):
    instance, job = (body["metadata"]["annotations"] for body in render())
    (_, hook) = render(ONCE, 'sync.recipe="hook"')

    assert instance["argocd.argoproj.io/sync-wave"] < job["argocd.argoproj.io/sync-wave"]
    assert hook["metadata"]["name"] == "docs-sync"
    assert hook["metadata"]["annotations"] == {
        "argocd.argoproj.io/hook": "PostSync",
        "argocd.argoproj.io/hook-delete-policy": "BeforeHookCreation",
        "helm.sh/hook": "post-install,post-upgrade,post-rollback",
        "helm.sh/hook-delete-policy": "before-hook-creation",
    }
    assert hook["spec"]["ttlSecondsAfterFinished"] == 86_400
    assert jobs(render(ONCE, 'sync.recipe="none"')) == []


def test_an_instance_overrides_how_all_are_synced_with_false_and_zero_too(render):
    own = 'instances.docs.sync={"recipe": "hook", "spec": {"suspend": false, "ttlSecondsAfterFinished": 0}}'

    (_, job) = render(ONCE, "sync.spec.suspend=true", own)

    assert (job["spec"]["suspend"], job["spec"]["ttlSecondsAfterFinished"]) == (False, 0)
    assert job["spec"]["activeDeadlineSeconds"] == 31_536_000, "of all, and not written as 3.1536e+07"


@pytest.mark.parametrize(
    ("setting", "says"),
    [
        ("replicas=2", "additional properties 'replicas' not allowed"),
        ('sync.recipe="always"', "value must be one of 'once', 'hook', 'none'"),
        ("sync.revision=7", "got number, want string"),
        ('instances.docs.source="docs"', "additional properties 'source' not allowed"),
        ('instances={"Docs": {"spec": {}}}', "invalid propertyName 'Docs'"),
        ('instances={"docs": {}}', "missing property 'spec'"),
        ("sync.spec.ttlSecondsAfterFinished=5", "does not go with the recipe once"),
        ('sync.spec.instanceRef={"name": "docs"}', "names an instance"),
    ],
)
def test_a_wrong_value_is_refused_with_words_that_name_it(helm, setting, says):
    code, printed = helm("template", "search", CHART, "--values", ONCE, "--set-json", setting)

    assert code != 0
    assert says in printed


def test_a_release_is_installed_when_its_job_is_done_and_an_upgrade_runs_another(stage, control_plane, helm):
    kube, account = stage.kube, stage.account
    account.configure(initial_job=False)
    release = ["search", CHART, "--namespace", kube.namespace, "--values", ONCE, "--wait", "--timeout", "150s"]

    code, printed = helm("install", *release, env=control_plane.env())

    assert code == 0, printed
    (first,) = kube.list_all(JOB)
    assert first["status"]["phase"] == "Succeeded"
    commands = re.findall(r"^ +(kubectl .*)$", printed, re.MULTILINE)
    assert len(commands) == 3
    for command in commands:
        answered = control_plane.kubectl(*shlex.split(command)[1:])
        assert answered.returncode == 0, answered.stderr
    code, printed = helm("upgrade", *release, "--set", "sync.revision=second", env=control_plane.env())
    assert code == 0, printed
    eventually(lambda: len(kube.list_all(JOB)) == 1, lambda: "the job of the revision before is still there")
    (second,) = kube.list_all(JOB)
    assert second["status"]["phase"] == "Succeeded"
    assert second["metadata"]["name"] != first["metadata"]["name"]
    assert stage.count("jobs.create") == 2
    code, printed = helm("uninstall", "search", "--namespace", kube.namespace, "--wait", env=control_plane.env())
    assert code == 0, printed
    assert kube.list_all(INSTANCE) == kube.list_all(JOB) == []
    assert [each.id for each in account.instances()] == ["docs"], "the values say Retain"


def test_a_release_whose_job_fails_is_failed_with_the_reason(stage, control_plane, helm):
    account = stage.account
    account.configure(initial_job=False)
    account.plan_next_job(JobPlan(duration=1, end_reason="bucket_unauthorized"))

    release = ["search", CHART, "--namespace", stage.kube.namespace, "--values", ONCE, "--wait", "--timeout", "300s"]
    code, printed = helm("install", *release, env=control_plane.env())

    assert code != 0
    assert "bucket_unauthorized" in printed


def test_a_hook_runs_after_every_install_and_upgrade_is_not_waited_for_and_outlives_the_release(
    stage, control_plane, helm
):
    kube, account = stage.kube, stage.account
    account.configure(initial_job=False)
    account.plan_next_job(JobPlan(duration=None))
    release = ["search", CHART, "--namespace", kube.namespace, "--values", CHART / "ci" / "hook-values.yaml", "--wait"]

    code, printed = helm("install", *release, env=control_plane.env())

    assert code == 0, printed
    first = kube.wait(JOB, "docs-sync", lambda body: body["status"].get("phase") == "Running", "running")
    code, printed = helm("upgrade", *release, env=control_plane.env())
    assert code == 0, printed
    assert stage.count("jobs.cancel") == 1, "the one that ran made way"
    second = kube.wait_condition(JOB, "docs-sync", "Complete")
    assert second["metadata"]["uid"] != first["metadata"]["uid"]
    code, printed = helm("uninstall", "search", "--namespace", kube.namespace, "--wait", env=control_plane.env())
    assert code == 0, printed
    kube.patch(JOB, "docs-sync", {"spec": {"ttlSecondsAfterFinished": 0}})  # an hour is too long for a test
    kube.wait_gone(JOB, "docs-sync")
