"""The Kubernetes API as far as the operator uses it, in memory: versions, conflicts, Secrets, Events."""

import copy
from collections.abc import Mapping
from typing import Any, Literal

from aisearch_operator.domain.connection_details import ConfigMap
from aisearch_operator.kube.api import Conflict, Gone, KubeApi, ObjectRef
from aisearch_operator.resources.group import INSTANCE_KIND, INSTANCE_PLURAL, SYNC_JOB_KIND, SYNC_JOB_PLURAL

PLURALS = {INSTANCE_KIND: INSTANCE_PLURAL, SYNC_JOB_KIND: SYNC_JOB_PLURAL}


def apply_merge_patch(target: Any, patch: Any) -> Any:
    """Apply a merge patch as RFC 7386 defines it."""
    if not isinstance(patch, dict):
        return patch
    result = dict(target) if isinstance(target, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = apply_merge_patch(result.get(key), value)
    return result


class FakeKube(KubeApi):
    """Keeps objects and Secrets, counts what is asked of it, and fails when a test says so."""

    def __init__(self) -> None:
        self.secrets: dict[tuple[str, str], dict[str, str]] = {}
        self.annotations: dict[str, dict[str, str]] = {}
        self.secret_reads: list[tuple[str, str]] = []
        self.patches: list[tuple[str, dict[str, Any]]] = []
        self.deletions: list[str] = []
        self.events: list[tuple[str, str, str, str]] = []
        self.config_maps: dict[tuple[str, str], ConfigMap] = {}
        self.config_map_calls: list[str] = []
        self.failures: dict[str, list[Exception | None]] = {}
        self._objects: dict[tuple[str, str, str], dict[str, Any]] = {}
        self._version = 100

    def store(self, kind: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Keep an object, as `kubectl apply` does: a new version, and no status of the caller's for a known one."""
        metadata = body["metadata"]
        at = (PLURALS[kind], metadata["namespace"], metadata["name"])
        known = self._objects.get(at)
        stored = copy.deepcopy(dict(body))
        if known is not None and known["metadata"]["uid"] == metadata["uid"]:
            stored["status"] = known.get("status", {})
        stored["metadata"]["resourceVersion"] = self._next_version()
        self._objects[at] = stored
        return copy.deepcopy(stored)

    def remove(self, kind: str, namespace: str, name: str) -> None:
        del self._objects[PLURALS[kind], namespace, name]

    def read(self, kind: str, namespace: str, name: str) -> dict[str, Any]:
        return copy.deepcopy(self._objects[PLURALS[kind], namespace, name])

    def fail(self, method: str, *errors: Exception | None) -> None:
        """Let the next calls of a method raise these errors; None lets a call through."""
        self.failures.setdefault(method, []).extend(errors)

    async def close(self) -> None:
        pass

    async def get(self, ref: ObjectRef) -> Mapping[str, Any]:
        self._meet_failure("get")
        return copy.deepcopy(self._find(ref))

    async def patch_status(self, ref: ObjectRef, resource_version: str, status: Mapping[str, Any]) -> Mapping[str, Any]:
        self._meet_failure("patch_status")
        stored = self._find(ref)
        if stored["metadata"]["resourceVersion"] != resource_version:
            raise Conflict("The API server answered 409 Conflict")
        self.patches.append((ref.name, copy.deepcopy(dict(status))))
        stored["status"] = apply_merge_patch(stored.get("status", {}), status)
        stored["metadata"]["resourceVersion"] = self._next_version()
        return copy.deepcopy(stored)

    async def delete(self, ref: ObjectRef, resource_version: str) -> Mapping[str, Any] | None:
        self._meet_failure("delete")
        stored = self._find(ref)
        if stored["metadata"]["resourceVersion"] != resource_version:
            raise Conflict("The API server answered 409 Conflict")
        self.deletions.append(ref.name)
        stored["metadata"] |= {"deletionTimestamp": "2026-11-23T12:00:00Z", "resourceVersion": self._next_version()}
        return copy.deepcopy(stored)

    async def read_secret(self, namespace: str, name: str) -> Mapping[str, str]:
        self.secret_reads.append((namespace, name))
        self._meet_failure("read_secret")
        if (namespace, name) not in self.secrets:
            raise Gone("The API server answered 404 Not Found")
        return dict(self.secrets[namespace, name])

    async def read_annotations(self, namespace: str) -> Mapping[str, str]:
        self._meet_failure("read_annotations")
        return dict(self.annotations.get(namespace, {}))

    async def read_config_map(self, namespace: str, name: str) -> ConfigMap:
        self._call_for_config_map("read", name)
        if (namespace, name) not in self.config_maps:
            raise Gone("The API server answered 404 Not Found")
        return self.config_maps[namespace, name]

    async def create_config_map(self, owner: ObjectRef, name: str, data: Mapping[str, str]) -> None:
        self._call_for_config_map("create", name)
        if (owner.namespace, name) in self.config_maps:
            raise Conflict("The API server answered 409 Conflict")
        self.put_config_map(owner.namespace, name, data, controller=owner.uid)

    async def write_config_map(self, namespace: str, name: str, before: ConfigMap, data: Mapping[str, str]) -> None:
        self._call_for_config_map("write", name)
        if self.config_maps.get((namespace, name)) != before:
            raise Conflict("The API server answered 409 Conflict")
        self.put_config_map(namespace, name, data, controller=before.controller)

    async def delete_config_map(self, namespace: str, name: str, before: ConfigMap) -> None:
        self._call_for_config_map("delete", name)
        if self.config_maps.get((namespace, name)) != before:
            raise Conflict("The API server answered 409 Conflict")
        del self.config_maps[namespace, name]

    def put_config_map(self, namespace: str, name: str, data: Mapping[str, str], *, controller: str | None) -> None:
        """Keep a ConfigMap, as whoever may do anything makes it."""
        known = self.config_maps.get((namespace, name))
        version = self._next_version()
        uid = known.uid if known else f"uid-{name}-{version}"
        self.config_maps[namespace, name] = ConfigMap(uid, version, controller, dict(data))

    def _call_for_config_map(self, verb: str, name: str) -> None:
        self.config_map_calls.append(f"{verb} {name}")
        self._meet_failure(f"{verb}_config_map")

    async def create_event(
        self, ref: ObjectRef, event_type: Literal["Normal", "Warning"], reason: str, message: str
    ) -> None:
        self._meet_failure("create_event")
        self.events.append((ref.name, event_type, reason, message))

    def _find(self, ref: ObjectRef) -> dict[str, Any]:
        stored = self._objects.get((ref.plural, ref.namespace, ref.name))
        if stored is None or stored["metadata"]["uid"] != ref.uid:
            raise Gone("The API server answered 404 Not Found")
        return stored

    def _meet_failure(self, method: str) -> None:
        error = self.failures[method].pop(0) if self.failures.get(method) else None
        if error is not None:
            raise error

    def _next_version(self) -> str:
        self._version += 1
        return str(self._version)
