"""The example Applications name what is there, and nothing that could be taken for a real address."""

from pathlib import Path

import pytest

from argocd_lua.customizations import DEPLOY, load

ROOT = Path(__file__).resolve().parents[3]
APPLICATIONS = sorted((DEPLOY / "examples").glob("*.yaml"))


@pytest.mark.parametrize("path", APPLICATIONS, ids=lambda path: path.name)
def test_an_application_has_the_placeholder_for_the_repository_and_a_path_in_this_one(path):
    application = load(path)
    source = application["spec"]["source"]

    assert (application["apiVersion"], application["kind"]) == ("argoproj.io/v1alpha1", "Application")
    assert application["metadata"]["namespace"] == "argocd"
    assert source["repoURL"] == "https://git.example.com/team/ai-search.git"
    assert (ROOT / source["path"]).is_dir()


def test_the_app_of_apps_holds_all_others_and_the_operator_is_first():
    root = load(DEPLOY / "examples" / "app-of-apps.yaml")["spec"]["source"]
    named = root["directory"]["include"].removeprefix("{").removesuffix("}.yaml").split(",")

    assert sorted(f"{name}.yaml" for name in named) == [p.name for p in APPLICATIONS if p.name != "app-of-apps.yaml"]
    waves = {path.stem: wave_of(path) for path in APPLICATIONS}
    assert all(waves["operator"] < wave for name, wave in waves.items() if name != "operator")


def test_the_instance_comes_a_wave_before_its_sync_job():
    instance, job = (DEPLOY / "examples" / "search" / f"{name}.yaml" for name in ("instance", "sync-job"))

    assert wave_of(instance) < wave_of(job)
    assert load(job)["spec"]["instanceRef"]["name"] == load(instance)["metadata"]["name"]


def wave_of(path: Path) -> int:
    return int(load(path)["metadata"].get("annotations", {}).get("argocd.argoproj.io/sync-wave", "0"))
