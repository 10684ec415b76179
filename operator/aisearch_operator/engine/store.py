"""The store of known resources: what the watch last said of each, and which are for the same instance."""

import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Self

from aisearch_operator.engine.packing import pack, unpack
from aisearch_operator.resources.group import (
    FINALIZER,
    INSTANCE_KIND,
    RECONCILE_REQUESTED,
    REQUEST_LENGTH,
    SYNC_JOB_KIND,
)
from aisearch_operator.telemetry.resource_state import ResourceSummary

__all__ = ["Departed", "Known", "ObjectKey", "Store"]


_Target = tuple[str, str, str]
"""Kind, Kubernetes namespace, and what a resource is for; instances are for the same thing across namespaces."""


class Departed(Exception):
    """A resource is not this operator's any more: it is gone, or has become another's."""

    def __init__(self, key: "ObjectKey") -> None:
        super().__init__(f"{key} is not this operator's any more")


@dataclass(frozen=True, slots=True, order=True)
class ObjectKey:
    """One Kubernetes object. The uid tells it from a later one of the same name."""

    kind: str
    namespace: str
    name: str
    uid: str

    @classmethod
    def of(cls, kind: str, body: Mapping[str, Any]) -> "ObjectKey":
        """Give the key of an object."""
        metadata = body["metadata"]
        # A few namespaces are the same text in thousands of objects.
        return cls(kind, sys.intern(metadata["namespace"]), metadata["name"], metadata["uid"])

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True)
class Known:
    """An object as the API server last showed it, without its managed fields.

    It is packed; what is asked of all objects at once stands beside it.

    Parameters
    ----------
    created
        ``metadata.creationTimestamp``.
    deleting
        Whether the object is marked for deletion.
    urgent
        Whether it goes before all others: it is deleted, or the job that it has at Cloudflare is to be ended.
    requested
        The value of the annotation that asks for a pass now, unless the status acknowledges it already.
    target
        What the resource is for: kind, Kubernetes namespace and instance. Instances are for the same thing across
        namespaces.
    summary
        How it is, for the metrics.
    """

    key: ObjectKey
    generation: int
    resource_version: str
    created: str
    deleting: bool
    urgent: bool
    requested: str | None
    target: _Target
    summary: ResourceSummary
    packed: bytes

    @classmethod
    def of(cls, key: ObjectKey, body: Mapping[str, Any]) -> Self:
        """Take what counts out of an object."""
        metadata = {name: value for name, value in body["metadata"].items() if name != "managedFields"}
        spec, status = body.get("spec", {}), body.get("status", {})
        kept = {"metadata": metadata, "spec": spec, "status": status}
        deleting = "deletionTimestamp" in metadata
        return cls(
            key,
            generation=int(metadata.get("generation", 0)),
            resource_version=str(metadata.get("resourceVersion", "")),
            created=str(metadata.get("creationTimestamp", "")),
            deleting=deleting,
            urgent=deleting or (key.kind == SYNC_JOB_KIND and _ends_its_job(spec, status)),
            requested=_requested(metadata, status),
            target=_target(key, spec),
            summary=ResourceSummary.of(kept),
            packed=pack(kept),
        )

    @property
    def body(self) -> Mapping[str, Any]:
        """Unpack metadata, spec and status. The answer is the caller's own."""
        body: Mapping[str, Any] = unpack(self.packed)
        return body

    @property
    def taken_up(self) -> bool:
        """Whether some operator has begun to serve the object: it puts its finalizer on first."""
        return FINALIZER in (self.body["metadata"].get("finalizers") or ())


class Store:
    """All known resources by key, and by the instance that they are for.

    Where the watch may not have told the latest of an object, it is in doubt until a request has shown it again. So it
    is after a request has found that the object has left: what the watch still tells of it is from before, and would
    have an instance deleted that its new operator was told to keep.
    """

    def __init__(self) -> None:
        self._doubted: set[ObjectKey] = set()
        self._known: dict[ObjectKey, Known] = {}
        self._by_name: dict[tuple[str, str, str], ObjectKey] = {}
        self._by_target: defaultdict[_Target, set[ObjectKey]] = defaultdict(set)

    def put(self, kind: str, body: Mapping[str, Any]) -> Known:
        """Keep this version of the object, unless it is known or a newer one is, and give the one that is kept.

        The answer to a write may overtake older events of the watch.
        """
        key = ObjectKey.of(kind, body)
        before = self._known.get(key)
        if before is not None and _not_newer(body["metadata"].get("resourceVersion", ""), before.resource_version):
            return before
        known = Known.of(key if before is None else before.key, body)
        if before is not None and before.target != known.target:
            self._leave_target(before)
        self._known[known.key] = known
        self._by_name[key.kind, key.namespace, key.name] = known.key
        self._by_target[known.target].add(known.key)
        return known

    def renew(self, kind: str, body: Mapping[str, Any]) -> Known | None:
        """Keep the answer to a request like `put`, unless its object was dropped in the meantime: None then.

        It ends a doubt.
        """
        key = ObjectKey.of(kind, body)
        if key not in self._known:
            return None
        self._doubted.discard(key)
        return self.put(kind, body)

    def drop(self, key: ObjectKey, *, told: bool = False) -> None:
        """Forget the object.

        Parameters
        ----------
        told
            Whether the watch says that it has left: what it tells of it later is about its return.
        """
        if told:
            self._doubted.discard(key)
        else:
            self.doubt(key)
        known = self._known.pop(key, None)
        if known is None:
            return
        if self._by_name.get((key.kind, key.namespace, key.name)) == key:
            del self._by_name[key.kind, key.namespace, key.name]
        self._leave_target(known)

    def get(self, key: ObjectKey) -> Known | None:
        """Look the object up."""
        return self._known.get(key)

    def doubt(self, key: ObjectKey) -> None:
        """Note that the watch may not tell the latest of the object from now on, if it is known."""
        if key in self._known:
            self._doubted.add(key)

    def doubts(self, key: ObjectKey) -> bool:
        """Whether what is known of the object may not be the latest."""
        return key in self._doubted

    def check(self, key: ObjectKey) -> None:
        """Return while the object is known, beyond doubt.

        Raises
        ------
        Departed
            It is not, or not any more.
        """
        if key not in self._known or key in self._doubted:
            raise Departed(key)

    def instance(self, namespace: str, name: str) -> Known | None:
        """Look an instance resource up by its name."""
        key = self._by_name.get((INSTANCE_KIND, namespace, name))
        return self._known.get(key) if key else None

    def instances_at(self, search_namespace: str, instance_id: str) -> Iterator[Known]:
        """Iterate over the instance resources, of all Kubernetes namespaces, whose spec names this instance.

        They may be for different accounts: which one is not always in the spec.
        """
        return self._at(_instance_target(search_namespace, instance_id))

    def jobs_of(self, namespace: str, instance: str) -> Iterator[Known]:
        """Iterate over the sync jobs whose ``spec.instanceRef`` names this instance resource."""
        return self._at((SYNC_JOB_KIND, namespace, instance))

    def rivals(self, namespace: str, job: str) -> Iterator[Known]:
        """Iterate over the other sync jobs in the namespace that are for the same instance."""
        key = self._by_name.get((SYNC_JOB_KIND, namespace, job))
        known = self._known.get(key) if key else None
        return (rival for rival in self._at(known.target) if rival.key != key) if known else iter(())

    def all(self, kind: str) -> Iterator[Known]:
        """Iterate over all objects of a kind."""
        return (known for key, known in tuple(self._known.items()) if key.kind == kind)

    def __len__(self) -> int:
        return len(self._known)

    def _at(self, target: _Target) -> Iterator[Known]:
        return (self._known[key] for key in tuple(self._by_target.get(target, ())))

    def _leave_target(self, known: Known) -> None:
        keys = self._by_target[known.target]
        keys.discard(known.key)
        if not keys:
            del self._by_target[known.target]


def _target(key: ObjectKey, spec: Mapping[str, Any]) -> _Target:
    if key.kind == INSTANCE_KIND:
        return _instance_target(spec.get("searchNamespace") or "default", spec.get("instanceId") or key.name)
    if reference := spec.get("instanceRef"):
        return key.kind, key.namespace, str(reference["name"])
    instance = spec.get("instance") or {}
    return key.kind, key.namespace, f"{instance.get('searchNamespace')}/{instance.get('id')}"


def _ends_its_job(spec: Mapping[str, Any], status: Mapping[str, Any]) -> bool:
    return bool(spec.get("cancel") or spec.get("suspend") or status.get("stopping"))


def _requested(metadata: Mapping[str, Any], status: Mapping[str, Any]) -> str | None:
    asked = (metadata.get("annotations") or {}).get(RECONCILE_REQUESTED)
    if asked is None:
        return None
    value = str(asked)[:REQUEST_LENGTH]
    return None if value == status.get("lastHandledReconcileAt") else value


def _instance_target(search_namespace: str, instance_id: str) -> _Target:
    return INSTANCE_KIND, "", f"{search_namespace}/{instance_id}"


def _not_newer(version: str, than: str) -> bool:
    """Compare resource versions: decimal numbers that grow, since Kubernetes 1.35 by contract."""
    return version.isdecimal() and than.isdecimal() and int(version) <= int(than)
