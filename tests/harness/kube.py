"""Quick access to the API server: server-side apply, read, delete, wait; a request each, no process."""

import base64
import os
import ssl
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import httpx
import yaml
from tenacity import RetryError, retry, retry_if_result, stop_after_delay, wait_exponential

from aisearch_operator.resources.group import API_VERSION, GROUP

Body = Mapping[str, Any]

PATHS = {
    "AISearchInstance": "/apis/aisearch.cloudflare.com/v1alpha1/namespaces/{namespace}/aisearchinstances",
    "AISearchSyncJob": "/apis/aisearch.cloudflare.com/v1alpha1/namespaces/{namespace}/aisearchsyncjobs",
    "ConfigMap": "/api/v1/namespaces/{namespace}/configmaps",
    "Secret": "/api/v1/namespaces/{namespace}/secrets",
    "Event": "/api/v1/namespaces/{namespace}/events",
    "ServiceAccount": "/api/v1/namespaces/{namespace}/serviceaccounts",
    "Lease": "/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases",
    "Role": "/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}/roles",
    "RoleBinding": "/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}/rolebindings",
    "ClusterRole": "/apis/rbac.authorization.k8s.io/v1/clusterroles",
    "ClusterRoleBinding": "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings",
    "Namespace": "/api/v1/namespaces",
    "CustomResourceDefinition": "/apis/apiextensions.k8s.io/v1/customresourcedefinitions",
    "Deployment": "/apis/apps/v1/namespaces/{namespace}/deployments",
    "Application": "/apis/argoproj.io/v1alpha1/namespaces/{namespace}/applications",
    "AppProject": "/apis/argoproj.io/v1alpha1/namespaces/{namespace}/appprojects",
}
PATIENCE = 10
"""Attempts of a request that the API server asks to send later, which it does with a pause of a second."""

MERGE = {"Content-Type": "application/merge-patch+json"}

TIMEOUT = 180.0
"""Seconds that a condition has to come true; far more than it needs, since the machine may be busy."""


class Kube:
    """The cluster's administrator, in one namespace.

    Parameters
    ----------
    kubeconfig
        With a client certificate in it.
    """

    def __init__(self, kubeconfig: Path, namespace: str) -> None:
        self.namespace = namespace
        config = yaml.safe_load(kubeconfig.read_text())
        self._http = httpx.Client(
            base_url=config["clusters"][0]["cluster"]["server"],
            transport=_PatientTransport(verify=_tls(config)),
            timeout=60,
            trust_env=False,
        )

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def apply(self, *bodies: Body) -> None:
        """Apply objects server-side, with strict validation.

        Raises
        ------
        httpx.HTTPStatusError
            One was refused; the message holds the reason.
        """
        for body in bodies:
            path = f"{self._path(body['kind'])}/{body['metadata']['name']}"
            _check(
                self._http.patch(
                    path,
                    params={"fieldManager": "test", "force": "true", "fieldValidation": "Strict"},
                    content=yaml.safe_dump(dict(body)),
                    headers={"Content-Type": "application/apply-patch+yaml"},
                )
            )

    def patch(self, kind: str, name: str, body: Body, *, subresource: str = "") -> None:
        """Send a merge patch."""
        path = "/".join(filter(None, [self._path(kind), name, subresource]))
        _check(self._http.patch(path, json=body, headers=MERGE))

    def create(self, body: Body) -> dict[str, Any]:
        """Create an object, whose name the API server may complete, and return it."""
        made: dict[str, Any] = _check(self._http.post(self._path(body["kind"]), json=dict(body))).json()
        return made

    def get(self, kind: str, name: str) -> dict[str, Any] | None:
        """Read an object; None when there is none."""
        answer = self._http.get(f"{self._path(kind)}/{name}")
        if answer.status_code == httpx.codes.NOT_FOUND:
            return None
        found: dict[str, Any] = _check(answer).json()
        return found

    def list_all(self, kind: str) -> list[dict[str, Any]]:
        """Read all objects of a kind."""
        found: list[dict[str, Any]] = _check(self._http.get(self._path(kind))).json()["items"]
        return found

    def delete(self, kind: str, name: str) -> None:
        """Ask for the deletion of an object; it need not exist."""
        answer = self._http.delete(f"{self._path(kind)}/{name}", params={"propagationPolicy": "Background"})
        if answer.status_code != httpx.codes.NOT_FOUND:
            _check(answer)

    def clear(self) -> None:
        """Delete all custom resources here, and take their finalizers off: nobody is there to do so.

        A namespace in which one is left is emptied in vain for ever: the controller tries again every few seconds,
        and a test run with many of them is a busy one.
        """
        for kind in ("AISearchSyncJob", "AISearchInstance"):
            for body in self.list_all(kind):
                path, name = self._path(kind), body["metadata"]["name"]
                self.delete(kind, name)
                if body["metadata"].get("finalizers"):
                    answer = self._http.patch(f"{path}/{name}", json={"metadata": {"finalizers": None}}, headers=MERGE)
                    if answer.status_code != httpx.codes.NOT_FOUND:
                        _check(answer)

    def allows(self, user: str, verb: str, resource: str, group: str = GROUP) -> bool:
        """Tell whether a user may do something to a resource here; ``resource`` may name a subresource."""
        plural, _, subresource = resource.partition("/")
        attributes = {"namespace": self.namespace, "verb": verb, "group": group, "resource": plural}
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SubjectAccessReview",
            "spec": {"user": user, "resourceAttributes": {**attributes, "subresource": subresource}},
        }
        answer = _check(self._http.post("/apis/authorization.k8s.io/v1/subjectaccessreviews", json=review))
        return bool(answer.json()["status"]["allowed"])

    def events(self, name: str) -> list[tuple[str, str, str]]:
        """Give type, reason and message of the Events about an object, oldest first."""
        events = [event for event in self.list_all("Event") if event["involvedObject"].get("name") == name]
        events.sort(key=lambda event: (event["firstTimestamp"], int(event["metadata"]["resourceVersion"])))
        return [(event["type"], event["reason"], event["message"]) for event in events]

    def wait_event(self, name: str, reason: str) -> tuple[str, str]:
        """Wait for an Event about an object, and give type and message of the first of this reason."""
        found: list[tuple[str, str]] = []

        def look() -> bool:
            found[:] = [(kind, message) for kind, why, message in self.events(name) if why == reason]
            return bool(found)

        eventually(look, lambda: f"{name} has no Event {reason}: {self.events(name)}")
        return found[0]

    def wait(
        self,
        kind: str,
        name: str,
        until: Callable[[dict[str, Any]], bool],
        what: str,
        *,
        timeout: float = TIMEOUT,
    ) -> dict[str, Any]:
        """Wait until an object is as a predicate wants it, and return it.

        Raises
        ------
        AssertionError
            It did not become so; the message holds what it was at the end.
        """
        last: dict[str, Any] | None = None

        def look() -> bool:
            nonlocal last
            last = self.get(kind, name)
            return last is not None and until(last)

        eventually(look, lambda: f"{kind} {name} is not {what}: {yaml.safe_dump((last or {}).get('status'))}", timeout)
        assert last is not None
        return last

    def wait_gone(self, kind: str, name: str, *, timeout: float = TIMEOUT) -> None:
        """Wait until an object does not exist any more."""
        eventually(
            lambda: self.get(kind, name) is None,
            lambda: f"{kind} {name} is still there: {self.get(kind, name)}",
            timeout,
        )

    def wait_condition(
        self,
        kind: str,
        name: str,
        condition: str,
        *,
        status: str = "True",
        reason: str | None = None,
        timeout: float = TIMEOUT,
    ) -> dict[str, Any]:
        """Wait for a condition of the current generation, and return the object."""

        def holds(found: dict[str, Any]) -> bool:
            if found["status"].get("observedGeneration") != found["metadata"]["generation"]:
                return False
            match = conditions(found).get(condition, {})
            return match.get("status") == status and reason in {None, match.get("reason")}

        return self.wait(kind, name, holds, f"{condition}={status} ({reason or 'any reason'})", timeout=timeout)

    def _path(self, kind: str) -> str:
        return PATHS[kind].format(namespace=self.namespace)


def eventually(holds: Callable[[], bool], otherwise: Callable[[], str], timeout: float = TIMEOUT) -> None:
    """Wait until something holds; fail with a message when it does not in time."""
    waiting = retry(
        retry=retry_if_result(lambda done: not done),
        stop=stop_after_delay(timeout),
        wait=wait_exponential(multiplier=0.02, max=0.3),  # many tests wait at the same time for one API server
    )
    try:
        waiting(holds)()
    except RetryError:
        raise AssertionError(f"after {timeout} s: {otherwise()}") from None


def conditions(body: Body) -> dict[str, dict[str, Any]]:
    """Give the conditions of an object by type."""
    return {condition["type"]: condition for condition in body.get("status", {}).get("conditions", [])}


def instance(name: str, **spec: object) -> Body:
    """Make an AISearchInstance."""
    return {"apiVersion": API_VERSION, "kind": "AISearchInstance", "metadata": {"name": name}, "spec": spec}


def sync_job(name: str, instance_name: str, **spec: object) -> Body:
    """Make an AISearchSyncJob for an instance resource."""
    return {
        "apiVersion": API_VERSION,
        "kind": "AISearchSyncJob",
        "metadata": {"name": name},
        "spec": {"instanceRef": {"name": instance_name}, **spec},
    }


def secret(name: str, **data: str) -> Body:
    """Make a Secret."""
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": data}


class _PatientTransport(httpx.HTTPTransport):
    """Does what an API server asks for with a 429, as kubectl does: it comes right after a CRD is established."""

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        for _ in range(PATIENCE):
            answer = super().handle_request(request)
            if answer.status_code != httpx.codes.TOO_MANY_REQUESTS:
                break
            answer.close()
            time.sleep(float(answer.headers.get("Retry-After", 1)))
        return answer


def _tls(config: dict[str, Any]) -> ssl.SSLContext:
    cluster, user = config["clusters"][0]["cluster"], config["users"][0]["user"]
    authority = base64.b64decode(cluster["certificate-authority-data"]).decode()
    context = ssl.create_default_context(cadata=authority)
    pair = base64.b64decode(user["client-certificate-data"]) + b"\n" + base64.b64decode(user["client-key-data"])
    # In memory: whoever is killed here leaves no file behind.
    with os.fdopen(os.memfd_create("client-certificate"), "wb") as file:
        file.write(pair)
        file.flush()
        context.load_cert_chain(f"/proc/self/fd/{file.fileno()}")
    return context


def _check(answer: httpx.Response) -> httpx.Response:
    if answer.is_error:
        message = answer.json().get("message", "") if "json" in answer.headers.get("content-type", "") else answer.text
        raise httpx.HTTPStatusError(f"{answer.status_code}: {message}", request=answer.request, response=answer)
    return answer
