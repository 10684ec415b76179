"""Test code in place of the nodes: it runs the operator as its Deployment says, outside of any container.

`harness.pod_ready` tells the API server that pods run; this makes it true for the operator. One process stands for
all replicas of a Deployment, with its service account's token and its variables. When the pod template changes the
process is replaced, when the Deployment goes it ends.
"""

import base64
import contextlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx

from aisearch_operator.leadership import EXIT_CODE
from controlplane import ControlPlane
from harness.launch import forked
from harness.operator_process import OperatorProcess
from harness.repeating import repeating

__all__ = ["Node", "deployed_operators"]

INTERVAL = 0.3
"""Seconds between two looks."""

_LABEL = "app.kubernetes.io/name=aisearch-operator"


@contextlib.contextmanager
def deployed_operators(plane: ControlPlane, api_url: str, log_file: Path) -> Iterator["Node"]:
    """Run the operators of the chart, each for as long as the cluster has its Deployment.

    Parameters
    ----------
    api_url
        Of the fake Cloudflare, which takes the place of the real one.
    log_file
        Where the operator's log goes.
    """
    with plane.client() as client:
        node = Node(plane, client, api_url, log_file)
        try:
            with repeating(node.look, interval=INTERVAL, name="deployed-operators"):
                yield node
        finally:
            node.stop()


class Node:
    """What takes the place of the cluster's nodes."""

    def __init__(self, plane: ControlPlane, client: httpx.Client, api_url: str, log_file: Path) -> None:
        self._plane = plane
        self._client = client
        self._api_url = api_url
        self._log_file = log_file
        self._running: dict[str, tuple[str, OperatorProcess]] = {}

    @property
    def idle(self) -> bool:
        """Whether no operator runs, nor is one about to end."""
        return not self._running

    def look(self) -> None:
        """Bring what runs in line with what is deployed."""
        with contextlib.suppress(httpx.TransportError):  # the next look comes soon
            self._follow()

    def _follow(self) -> None:
        found = self._get("/apis/apps/v1/deployments", labelSelector=_LABEL)["items"]
        templates = {each["metadata"]["uid"]: json.dumps(each["spec"]["template"]) for each in found}
        for uid, (template, operator) in list(self._running.items()):
            if templates.get(uid) == template:
                if operator.wait_ended(0) == EXIT_CODE:
                    operator.start(wait=False)  # it has lost its Lease: a kubelet starts it again
                operator.check()
            else:
                operator.stop()
                del self._running[uid]
        for each in found:
            uid = each["metadata"]["uid"]
            if uid not in self._running:
                operator = self._start(each["metadata"]["namespace"], each["spec"]["template"]["spec"])
                self._running[uid] = templates[uid], operator

    def stop(self) -> None:
        """End the operators as a kubelet does, by SIGTERM."""
        while self._running:
            _, (_, operator) = self._running.popitem()
            operator.stop()

    def _start(self, namespace: str, pod: dict[str, Any]) -> OperatorProcess:
        (container,) = pod["containers"]
        variables = {each["name"]: self._value(namespace, each) for each in container.get("env", ())}
        settings = {
            name.removeprefix("AISEARCH_").lower(): value
            for name, value in variables.items()
            if name.startswith("AISEARCH_") and value is not None
        }
        watched = tuple(filter(None, settings.pop("namespaces", "").split(",")))
        return OperatorProcess(
            self._plane.service_account_kubeconfig(namespace, pod["serviceAccountName"]),
            watched,
            self._api_url,
            self._log_file,
            launch=forked,
            **{**settings, "http_port": 0},  # this machine's port 8080 may be somebody else's
        ).start(wait=False)

    def _value(self, namespace: str, variable: dict[str, Any]) -> str | None:
        """Resolve a variable of the container as a kubelet does; None when its key is optional and missing."""
        source = variable.get("valueFrom", {})
        if "secretKeyRef" in source:
            wanted = source["secretKeyRef"]
            data = self._get(f"/api/v1/namespaces/{namespace}/secrets/{wanted['name']}").get("data", {})
            encoded = data.get(wanted["key"])
            return None if encoded is None and wanted.get("optional") else base64.b64decode(encoded).decode()
        if "fieldRef" in source:
            assert source["fieldRef"]["fieldPath"] == "metadata.namespace", "no other field is used"
            return namespace
        value: str = variable.get("value", "")
        return value

    def _get(self, path: str, **query: str) -> dict[str, Any]:
        found: dict[str, Any] = self._client.get(path, params=query).raise_for_status().json()
        return found
