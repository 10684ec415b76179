"""What becomes of a null in a manifest on its way to the API server: it depends on the tool."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from aisearch_operator.resources.group import API_VERSION, INSTANCE_KIND
from controlplane import ControlPlane, tools

VALUES = {
    "aiGatewayId": "search",
    "aiSearchModel": "@cf/meta/llama-3.3-70b-instruct-fp8-fast",
    "sourceParams": {"prefix": "guides/"},
    "publicEndpointParams": {"enabled": True, "customDomains": ["search.example.com"]},
}
NULLS = {
    "aiGatewayId": None,
    "aiSearchModel": None,
    "sourceParams": None,
    "publicEndpointParams": {"enabled": True, "customDomains": None},
}
WITHOUT = {"publicEndpointParams": {"enabled": True}}

Write = Callable[[dict[str, Any]], None]
"""Brings a spec to the API server."""


def manifest(spec: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": API_VERSION, "kind": INSTANCE_KIND, "metadata": {"name": "docs"}, "spec": spec}


@pytest.fixture
def stored(kubectl, namespace) -> Callable[[], dict[str, Any]]:
    """Give what the API server keeps of the fields of this test."""

    def read() -> dict[str, Any]:
        spec = json.loads(kubectl("get", "-n", namespace, "aisi", "docs", "-o", "json").stdout)["spec"]
        return {field: spec[field] for field in VALUES if field in spec}

    return read


def by_kubectl(kubectl: Callable[..., Any], namespace: str, *arguments: str) -> Write:
    return lambda spec: kubectl(*arguments, "-n", namespace, "-f", "-", input=json.dumps(manifest(spec)))


def by_helm(control_plane: ControlPlane, namespace: str, folder: Path, *, server_side: bool) -> Write:
    (folder / "templates").mkdir()
    (folder / "Chart.yaml").write_text('{"apiVersion": "v2", "name": "docs", "version": "1.0.0"}')
    own = {name: str(folder / name) for name in ("HELM_CACHE_HOME", "HELM_CONFIG_HOME", "HELM_DATA_HOME")}

    def write(spec: dict[str, Any]) -> None:
        (folder / "templates" / "instance.yaml").write_text(json.dumps(manifest(spec)))
        command = [str(tools.helm()), "upgrade", "--install", "docs", str(folder), "--namespace", namespace]
        subprocess.run(
            [*command, f"--server-side={str(server_side).lower()}"],
            env=control_plane.env() | own,
            check=True,
            capture_output=True,
        )

    return write


@pytest.mark.parametrize("way", ["kubectl apply --server-side", "kubectl replace", "Helm 4"])
def test_these_keep_a_null_in_a_new_resource_and_in_a_changed_one(
    way, kubectl, namespace, stored, control_plane, tmp_path
):
    create, change = {
        "kubectl apply --server-side": (by_kubectl(kubectl, namespace, "apply", "--server-side"),) * 2,
        "kubectl replace": (by_kubectl(kubectl, namespace, "create"), by_kubectl(kubectl, namespace, "replace")),
        "Helm 4": (by_helm(control_plane, namespace, tmp_path, server_side=True),) * 2,
    }[way]

    for write, spec in ((create, NULLS), (change, VALUES), (change, NULLS)):
        write(spec)
        assert stored() == spec


@pytest.mark.parametrize("way", ["kubectl apply", "Helm without --server-side"])
def test_these_remove_the_field_instead(way, kubectl, namespace, stored, control_plane, tmp_path):
    if way == "kubectl apply":
        write = by_kubectl(kubectl, namespace, "apply")
    else:
        write = by_helm(control_plane, namespace, tmp_path, server_side=False)
    write(VALUES)

    write(NULLS)

    assert stored() == WITHOUT


def test_a_json_patch_keeps_a_null_and_a_merge_patch_removes_the_field(kubectl, namespace, stored):
    kubectl("create", "-n", namespace, "-f", "-", input=json.dumps(manifest(VALUES)))
    patch = ("patch", "-n", namespace, "aisi", "docs")

    kubectl(*patch, "--type=json", "-p", '[{"op": "replace", "path": "/spec/aiGatewayId", "value": null}]')
    kubectl(*patch, "--type=merge", "-p", '{"spec": {"aiSearchModel": null}}')

    expected = {field: value for field, value in VALUES.items() if field != "aiSearchModel"}
    assert stored() == {**expected, "aiGatewayId": None}


def test_a_null_of_a_field_that_cannot_be_cleared_is_the_same_as_no_field_or_refused(kubectl, namespace, stored):
    fixed = json.dumps(manifest({"maxNumResults": None, "source": None, "embeddingModel": None}))

    refused = kubectl("apply", "--server-side", "-n", namespace, "-f", "-", input=fixed, check=False)
    kubectl("create", "-n", namespace, "--validate=strict", "-f", "-", input=fixed)

    assert refused.returncode != 0
    for field in ("maxNumResults", "source", "embeddingModel"):
        assert f"spec.{field} in body must be of type" in refused.stderr
    spec = json.loads(kubectl("get", "-n", namespace, "aisi", "docs", "-o", "json").stdout)["spec"]
    assert not spec.keys() & {"maxNumResults", "source", "embeddingModel"}


def test_no_custom_domain_is_left_when_they_are_cleared(kubectl, namespace):
    spec = {"publicEndpointParams": {"enabled": True, "defaultDomainEnabled": False, "customDomains": None}}

    refused = kubectl("create", "-n", namespace, "-f", "-", input=json.dumps(manifest(spec)), check=False)

    assert "defaultDomainEnabled false needs at least one entry in customDomains" in refused.stderr
