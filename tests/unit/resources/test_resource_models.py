"""Custom resources read from and written to Kubernetes."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from pydantic import BaseModel, ValidationError

from aisearch_operator.resources.base import Timestamp
from aisearch_operator.resources.conditions import Condition
from aisearch_operator.resources.instance import AISearchInstance, AISearchInstanceStatus
from aisearch_operator.resources.sync_job import AISearchSyncJob, AISearchSyncJobStatus, LogLine
from cluster.complete_manifests import complete_instance, complete_sync_job

METADATA = {
    "name": "docs",
    "namespace": "team",
    "uid": "6f1d4a55",
    "resourceVersion": "17",
    "generation": 3,
    "creationTimestamp": "2026-11-23T10:00:00Z",
    "finalizers": ["aisearch.cloudflare.com/finalizer"],
    "managedFields": [{"manager": "kubectl"}],
}

READY = {
    "type": "Ready",
    "status": "True",
    "observedGeneration": 3,
    "lastTransitionTime": "2026-11-23T10:00:05Z",
    "reason": "Succeeded",
    "message": "",
}


class Moment(BaseModel):
    at: Timestamp


@pytest.mark.parametrize(
    ("model", "manifest"), [(AISearchInstance, complete_instance()), (AISearchSyncJob, complete_sync_job())]
)
def test_a_complete_spec_is_read_and_written_without_a_change(model, manifest):
    resource = model.model_validate({**manifest, "metadata": METADATA})

    assert resource.spec.to_kubernetes() == manifest["spec"]


@pytest.mark.parametrize(
    ("model", "status"),
    [
        (
            AISearchInstanceStatus,
            {
                "observedGeneration": 3,
                "conditions": [READY],
                "managed": True,
                "lastHandledReconcileAt": "2026-11-23T10:00:00Z",
                "instanceId": "docs",
                "accountId": "023e105f4ecef8ad9ca31a8372d0c353",
                "searchNamespace": "default",
                "state": "active",
                "paused": False,
                "createdAt": "2026-11-23T10:00:01Z",
                "modifiedAt": "2026-11-23T10:00:02Z",
                "endpoints": {
                    "api": {
                        "search": "https://a.example/search",
                        "chatCompletions": "https://a.example/chat/completions",
                    },
                    "public": [{"host": "s.example", "search": "https://s.example/search"}],
                },
                "connectionConfigMap": "docs-connection",
                "stats": {
                    "completed": 1,
                    "error": 2,
                    "queued": 3,
                    "running": 4,
                    "skipped": 5,
                    "outdated": 6,
                    "degraded": False,
                },
                "drift": [{"path": "cache", "desired": "true", "observed": "false", "since": "2026-11-23T10:00:03Z"}],
                "writeOnlyHash": "chunk:0123456789abcdef",
                "lastSyncedTime": "2026-11-23T10:00:04Z",
            },
        ),
        (
            AISearchSyncJobStatus,
            {
                "observedGeneration": 1,
                "conditions": [READY],
                "phase": "Succeeded",
                "jobId": "5f",
                "accountId": "023e105f4ecef8ad9ca31a8372d0c353",
                "searchNamespace": "default",
                "instanceId": "docs",
                "credentialsSecret": "",
                "runId": "monday",
                "lastHandledReconcileAt": "2026-11-23T10:00:00Z",
                "runStartTime": "2026-11-23T10:00:01Z",
                "stopping": "Suspended",
                "attempts": 1,
                "failed": 1,
                "attemptHistory": [
                    {
                        "attempt": 1,
                        "runId": "monday",
                        "jobId": "j",
                        "startTime": "2026-11-23T10:00:01Z",
                        "completionTime": "2026-11-23T10:02:06Z",
                        "endReason": "bucket_not_found",
                        "outcome": "Failed",
                    }
                ],
                "startTime": "2026-11-23T10:00:01Z",
                "completionTime": "2026-11-23T10:02:06Z",
                "lastSeenTime": "2026-11-23T10:02:00Z",
                "duration": "2m5s",
                "endReason": "completed",
                "indexingSince": "2026-11-23T10:02:06Z",
                "stats": {"completed": 12, "error": 1, "queued": 0, "running": 0, "skipped": 0, "outdated": 0},
                "logs": [{"time": "2026-11-23T10:00:01Z", "message": "started"}],
            },
        ),
    ],
)
def test_a_status_is_read_and_written_without_a_change(model, status):
    assert set(status) == set(model.model_json_schema(by_alias=True)["properties"]), "every field is in the example"
    assert model.model_validate(status).to_kubernetes() == status


def test_a_resource_without_a_status_has_not_been_seen():
    resource = AISearchInstance.model_validate({"metadata": METADATA, "spec": {}})

    assert resource.status.observed_generation == -1
    assert resource.status.conditions == ()


def test_what_a_status_does_not_say_is_not_written():
    assert AISearchSyncJobStatus(observed_generation=1, phase="Pending").to_kubernetes() == {
        "observedGeneration": 1,
        "conditions": [],
        "phase": "Pending",
        "attemptHistory": [],
        "logs": [],
    }


def test_unset_policies_protect_foreign_instances_and_repair_drift():
    spec = AISearchInstance.model_validate({"metadata": METADATA, "spec": {}}).spec

    assert (
        spec.search_namespace,
        spec.deletion_policy,
        spec.adoption_policy,
        spec.drift_policy,
        spec.suspend,
    ) == (
        "default",
        None,
        "Never",
        "Repair",
        False,
    )


def test_metadata_tells_whether_the_resource_is_being_deleted():
    deleted = {**METADATA, "deletionTimestamp": "2026-11-23T11:00:00Z"}
    resource = AISearchSyncJob.model_validate({"metadata": deleted, "spec": {"instanceRef": {"name": "docs"}}})

    assert resource.metadata.deletion_timestamp == datetime(2026, 11, 23, 11, tzinfo=UTC)
    assert resource.metadata.finalizers == ("aisearch.cloudflare.com/finalizer",)
    assert resource.metadata.generation == 3


def test_a_moment_is_written_as_kubernetes_does_in_utc_and_whole_seconds():
    moment = Moment(at=datetime(2026, 11, 23, 12, 0, 0, 999_999, tzinfo=timezone(timedelta(hours=2))))

    assert moment.model_dump(mode="json") == {"at": "2026-11-23T10:00:00Z"}
    assert moment.at == datetime(2026, 11, 23, 10, tzinfo=UTC)


def test_a_moment_that_bypassed_validation_is_written_the_same_way():
    status = AISearchSyncJobStatus().model_copy(update={"start_time": datetime(2026, 11, 23, 10, 0, 0, 5, tzinfo=UTC)})

    assert status.to_kubernetes()["startTime"] == "2026-11-23T10:00:00Z"


def test_a_moment_without_a_zone_is_refused():
    with pytest.raises(ValidationError, match="timezone"):
        Moment(at=datetime(2026, 11, 23))  # noqa: DTZ001 - the naive moment is the point


@pytest.mark.parametrize("length", [1024, 1025, 5000])
def test_a_long_log_line_is_cut_to_what_the_schema_takes(length):
    message = LogLine(message="x" * length).message

    assert len(message) == 1024
    assert message.endswith("…") == (length > 1024)


def test_a_condition_takes_a_message_of_any_length():
    condition = Condition.model_validate({**READY, "message": "x" * 100_000})

    assert len(condition.message) == 32_768


def test_resources_cannot_be_changed_in_place():
    resource = AISearchInstance.model_validate({"metadata": METADATA, "spec": {}})

    with pytest.raises(ValidationError, match="frozen"):
        setattr(resource.spec, "suspend", True)  # noqa: B010 - mypy would refuse the plain assignment
