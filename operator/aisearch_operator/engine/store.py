"""The store of known resources: what the watch last said of each, and who refers to whom."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from aisearch_operator.resources.group import INSTANCE_KIND, SYNC_JOB_KIND

__all__ = ["Known", "ObjectKey", "Store"]


@dataclass(frozen=True, slots=True, order=True)
class ObjectKey:
    """One Kubernetes object. The uid tells it from a later one of the same name."""

    kind: str
    namespace: str
    name: str
    uid: str

    def __str__(self) -> str:
        return f"{self.kind} {self.namespace}/{self.name}"


@dataclass(frozen=True, slots=True)
class Known:
    """An object as the API server last showed it, without its managed fields.

    ``body`` is never changed in place: a newer version replaces it.
    """

    key: ObjectKey
    body: Mapping[str, Any]

    @property
    def generation(self) -> int:
        """Give ``metadata.generation``."""
        return int(self.body["metadata"].get("generation", 0))

    @property
    def resource_version(self) -> str:
        """Give ``metadata.resourceVersion``."""
        return str(self.body["metadata"].get("resourceVersion", ""))

    @property
    def deleting(self) -> bool:
        """Whether the object is marked for deletion."""
        return "deletionTimestamp" in self.body["metadata"]


class Store:
    """All known resources by key, and the sync jobs by the instance that they are for.

    Only metadata, spec and status are kept, without managedFields: those are half of an object.
    """

    def __init__(self) -> None:
        self._known: dict[ObjectKey, Known] = {}
        self._by_name: dict[tuple[str, str, str], ObjectKey] = {}
        self._jobs: defaultdict[tuple[str, str], set[ObjectKey]] = defaultdict(set)

    def put(self, kind: str, body: Mapping[str, Any]) -> Known:
        """Keep this version of the object, unless a newer one is known, and give the one that is kept.

        The answer to a write may overtake older events of the watch.
        """
        metadata = {name: value for name, value in body["metadata"].items() if name != "managedFields"}
        key = ObjectKey(kind, metadata["namespace"], metadata["name"], metadata["uid"])
        before = self._known.get(key)
        if before is not None and _older(metadata.get("resourceVersion", ""), before.resource_version):
            return before
        known = Known(key, {"metadata": metadata, "spec": body.get("spec", {}), "status": body.get("status", {})})
        self._known[key] = known
        self._by_name[key.kind, key.namespace, key.name] = key
        if target := _job_target(known):
            self._jobs[key.namespace, target].add(key)
        return known

    def drop(self, key: ObjectKey) -> None:
        """Forget the object."""
        known = self._known.pop(key, None)
        if known is None:
            return
        if self._by_name.get((key.kind, key.namespace, key.name)) == key:
            del self._by_name[key.kind, key.namespace, key.name]
        if target := _job_target(known):
            jobs = self._jobs[key.namespace, target]
            jobs.discard(key)
            if not jobs:
                del self._jobs[key.namespace, target]

    def get(self, key: ObjectKey) -> Known | None:
        """Look the object up."""
        return self._known.get(key)

    def instance(self, namespace: str, name: str) -> Known | None:
        """Look an instance resource up by its name."""
        key = self._by_name.get((INSTANCE_KIND, namespace, name))
        return self._known.get(key) if key else None

    def jobs_of(self, namespace: str, instance: str) -> Iterator[Known]:
        """Iterate over the sync jobs whose ``spec.instanceRef`` names this instance resource."""
        for key in tuple(self._jobs.get((namespace, instance), ())):
            yield self._known[key]

    def rivals(self, namespace: str, job: str) -> Iterator[Known]:
        """Iterate over the other sync jobs in the namespace that are for the same instance."""
        known = self._by_name.get((SYNC_JOB_KIND, namespace, job))
        target = _job_target(self._known[known]) if known else None
        return (rival for rival in self.jobs_of(namespace, target or "") if rival.key != known)

    def all(self, kind: str) -> Iterator[Known]:
        """Iterate over all objects of a kind."""
        return (known for key, known in tuple(self._known.items()) if key.kind == kind)

    def __len__(self) -> int:
        return len(self._known)


def _job_target(known: Known) -> str | None:
    """Name what a sync job is for: an instance resource, or ``search namespace/id`` of an unmanaged instance."""
    if known.key.kind != SYNC_JOB_KIND:
        return None
    spec = known.body["spec"]
    if reference := spec.get("instanceRef"):
        return str(reference["name"])
    instance = spec.get("instance") or {}
    return f"{instance.get('searchNamespace')}/{instance.get('id')}"


def _older(version: str, than: str) -> bool:
    """Compare resource versions: decimal numbers that grow, since Kubernetes 1.35 by contract."""
    return version.isdecimal() and than.isdecimal() and int(version) < int(than)
