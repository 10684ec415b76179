"""The one way in which the tests of the operator's core build each object."""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from aisearch_operator.cloudflare.wire import Instance, Job
from aisearch_operator.domain.conditions import condition
from aisearch_operator.domain.instance_plan import Desired, Memory
from aisearch_operator.domain.job_state import Attempt
from aisearch_operator.domain.sync_job_steps import Request
from aisearch_operator.domain.write_only import encode
from aisearch_operator.resources.conditions import Condition

NOW = datetime(2026, 11, 23, 12, 0, 0, tzinfo=UTC)
UID = "6f1d4a55-93b5-4c1c-8a7e-0d6c1d6f0f2a"


def ago(seconds: float) -> datetime:
    return NOW - timedelta(seconds=seconds)


def wire_instance(instance_id: str = "docs", *, created: datetime | None = NOW, **settings: Any) -> Instance:
    """Build an instance as the API sends it."""
    received = {"id": instance_id, "created_at": created.isoformat() if created else None, **settings}
    return Instance.model_validate(received)


def wire_job(
    job_id: str = "job-1",
    *,
    started: datetime | None = None,
    seen: datetime | None = None,
    ended: datetime | None = None,
    end_reason: str | None = None,
    description: str | None = None,
    source: str = "user",
) -> Job:
    """Build a job of the API."""
    return Job(
        id=job_id,
        source=source,
        description=description,
        started_at=started,
        last_seen_at=seen,
        ended_at=ended,
        end_reason=end_reason,
    )


def desired(
    settings: Mapping[str, Any] | None = None,
    *,
    search_namespace: str = "default",
    created: datetime | None = None,
    may_adopt: bool = False,
    repairs_drift: bool = True,
) -> Desired:
    """Build what a resource asks for; it was made a minute before `NOW` unless ``created`` says otherwise."""
    return Desired(
        instance_id="docs",
        search_namespace=search_namespace,
        settings=settings or {},
        uid=UID,
        resource_created=created or ago(60),
        may_adopt=may_adopt,
        repairs_drift=repairs_drift,
    )


def managing(
    settings: Mapping[str, Any] | None = None,
    *,
    search_namespace: str = "default",
    applied: bool = True,
    known_drift: frozenset[tuple[str, str, str]] = frozenset(),
) -> Memory:
    """Build the memory of a resource that manages its instance and last sent these write-only settings."""
    return Memory(search_namespace, encode(settings or {}, UID), spec_applied=applied, known_drift=known_drift)


ATTEMPT = Attempt(UID, 1)


def request(job_id: str | None = None, **asked: Any) -> Request:
    """Build what a sync job asks for."""
    return Request(ATTEMPT, job_id, **asked)


def metadata(name: str, *, uid: str = "", generation: int = 1, created: datetime = NOW, **more: Any) -> dict[str, Any]:
    """Build the metadata of a stored object."""
    return {
        "name": name,
        "namespace": "team",
        "uid": uid or f"uid-{name}",
        "resourceVersion": "1",
        "generation": generation,
        "creationTimestamp": created.strftime("%Y-%m-%dT%H:%M:%SZ"),
        **more,
    }


def next_version(body: Mapping[str, Any], **changes: Any) -> dict[str, Any]:
    """Give the body of a stored object as the API server has it after a write that changes these parts of it."""
    about = changes.pop("metadata", body["metadata"])
    return {**body, "metadata": {**about, "resourceVersion": str(int(about["resourceVersion"]) + 1)}, **changes}


def said(conditions: Iterable[Condition], condition_type: str) -> Condition:
    """Give the condition of a type, which must be there."""
    found = condition(conditions, condition_type)
    assert found is not None, f"no condition {condition_type}"
    return found
