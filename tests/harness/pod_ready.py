"""Test code in place of a kubelet: it says of every pod that it runs, so that Deployments become available.

No container runs. The test control plane has no nodes, and neither `helm install --wait` nor Argo CD would ever be
done: both wait for what a kubelet reports of pods. A pod that is to run once (``restartPolicy: Never``), as that
of `helm test`, is said to have succeeded.
"""

import contextlib
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from typing import Any

import httpx

from controlplane.plane import ControlPlane
from harness.repeating import repeating

__all__ = ["pod_status", "pods_become_ready"]

INTERVAL = 0.2
"""Seconds between two looks. A list of a few pods is cheaper than a watch that must be ended from another thread."""


@contextlib.contextmanager
def pods_become_ready(plane: ControlPlane, namespace: str | None = None) -> Iterator[None]:
    """Report pods as ready for as long as the context lasts.

    Parameters
    ----------
    namespace
        Only those of this namespace; None means all.
    """
    path = f"/api/v1/namespaces/{namespace}/pods" if namespace else "/api/v1/pods"
    with (
        plane.client() as client,
        repeating(partial(_report, client, path), interval=INTERVAL, name="pods-become-ready"),
    ):
        yield


def _report(client: httpx.Client, path: str) -> None:
    with contextlib.suppress(httpx.TransportError):
        answer = client.get(path, params={"fieldSelector": "status.phase=Pending"})
        for pod in answer.json().get("items", ()):
            metadata = pod["metadata"]
            if "deletionTimestamp" not in metadata:
                client.patch(
                    f"/api/v1/namespaces/{metadata['namespace']}/pods/{metadata['name']}/status",
                    json={"status": pod_status(pod["spec"])},
                    headers={"Content-Type": "application/merge-patch+json"},
                )


def pod_status(spec: dict[str, Any]) -> dict[str, Any]:
    """Make the status that a kubelet reports of a pod whose containers all do well."""
    now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    once = spec["restartPolicy"] == "Never"
    state = {"terminated": {"exitCode": 0, "finishedAt": now}} if once else {"running": {"startedAt": now}}
    types = ["PodScheduled", "Initialized", *(() if once else ("ContainersReady", "Ready"))]
    return {
        "phase": "Succeeded" if once else "Running",
        "startTime": now,
        "conditions": [{"type": each, "status": "True", "lastTransitionTime": now} for each in types],
        "containerStatuses": [
            {
                "name": container["name"],
                "image": container["image"],
                "imageID": "",
                "restartCount": 0,
                "ready": not once,
                "started": not once,
                "state": state,
            }
            for container in spec["containers"]
        ],
    }
