"""The generated configuration of Argo CD holds every script, word for word."""

import shutil

import yaml

from argocd_lua import config_map
from argocd_lua.customizations import DEPLOY, customizations


def test_argo_cd_reads_the_very_scripts_from_the_config_map():
    patch = yaml.safe_load(config_map.generate()["argocd-cm-patch.yaml"])

    assert (patch["kind"], patch["metadata"]) == ("ConfigMap", {"name": "argocd-cm"})
    for kind in customizations():
        assert patch["data"].pop(f"resource.customizations.health.{kind.key}") == kind.health
        actions = yaml.safe_load(patch["data"].pop(f"resource.customizations.actions.{kind.key}"))
        assert actions["discovery.lua"] == kind.discovery
        assert {each["name"]: each["action.lua"] for each in actions["definitions"]} == kind.actions
    assert patch["data"] == {}


def test_the_values_of_the_helm_chart_hold_the_same():
    patch, values = (yaml.safe_load(text) for text in config_map.generate().values())

    assert values == {"configs": {"cm": patch["data"]}}


def test_an_edited_script_and_an_edited_file_are_noticed(tmp_path):
    deploy = tmp_path / "argocd"
    shutil.copytree(DEPLOY, deploy)
    assert config_map.drift(deploy) == ()

    with (deploy / "argo-cd-values.yaml").open("a") as values:
        values.write("# by hand\n")
    assert config_map.drift(deploy) == ("argo-cd-values.yaml",)
    config_map.write(deploy)
    assert config_map.drift(deploy) == ()
    script = next(deploy.glob("resource_customizations/*/AISearchInstance/health.lua"))
    script.write_text(f"-- changed\n{script.read_text()}")
    assert config_map.drift(deploy) == ("argocd-cm-patch.yaml", "argo-cd-values.yaml")
