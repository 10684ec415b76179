"""What keeps an instance from being the target of a sync job: a table."""

from typing import Any

import pytest

from aisearch_operator.domain.job_target import missing_resource, obstacle_at_cloudflare, obstacle_in_resource
from aisearch_operator.domain.verdict import Verdict
from aisearch_operator.resources.conditions import Condition
from aisearch_operator.resources.instance import AISearchInstance
from unit.builders import NOW, metadata, wire_instance

WAITS, STALLS = "reconciling", "stalled"


def resource(ready: str = "True", *, stalled: str = "False", reason: str = "Synced", **more: Any) -> AISearchInstance:
    """An instance resource whose status says so of its current generation, unless ``more`` says otherwise."""
    moment = NOW.isoformat()
    conditions = [
        {"type": name, "status": status, "lastTransitionTime": moment, "reason": reason, "message": "chunk too big"}
        for name, status in (("Ready", ready), ("Stalled", stalled))
    ]
    return AISearchInstance.model_validate(
        {
            "metadata": metadata("docs", **more.get("metadata", {})),
            "spec": more.get("spec", {}),
            "status": {
                "observedGeneration": more.get("observed", 1),
                "conditions": conditions,
                "instanceId": more.get("instance_id", "docs"),
            },
        }
    )


@pytest.mark.parametrize(
    ("instance", "progress", "reason", "hint"),
    [
        (resource(metadata={"deletionTimestamp": NOW.isoformat()}), WAITS, "InstanceDeleting", "deleted"),
        (resource("Unknown", reason="Suspended", spec={"suspend": True}), WAITS, "InstanceSuspended", "spec.suspend"),
        (resource("False", stalled="True"), STALLS, "InstanceStalled", "chunk too big"),
        (resource("False", reason="ApiUnavailable"), WAITS, "InstanceNotReady", "(ApiUnavailable)"),
        (resource("False", stalled="True", observed=0), WAITS, "InstanceNotReady", "is not ready"),
        (resource(observed=0), WAITS, "InstanceNotReady", "is not ready"),
        (resource(instance_id=None), WAITS, "InstanceNotReady", "is not ready"),
    ],
)
def test_a_resource_that_is_no_target_says_what_has_to_happen(instance, progress, reason, hint):
    verdict = obstacle_in_resource(instance)

    assert verdict is not None
    assert (verdict.progress, verdict.reason) == (progress, reason)
    assert "AISearchInstance docs" in verdict.message
    assert hint in verdict.message


def test_a_resource_that_was_suspended_while_it_was_ready_is_no_target():
    verdict = obstacle_in_resource(resource(spec={"suspend": True}, observed=0))

    assert verdict is not None
    assert verdict.reason == "InstanceSuspended"


def test_a_ready_resource_is_a_target():
    assert obstacle_in_resource(resource()) is None


def test_a_resource_that_does_not_exist_is_waited_for():
    assert missing_resource("docs").progress == WAITS


@pytest.mark.parametrize(
    ("settings", "managed", "reason"),
    [
        ({"type": "r2", "source": "bucket"}, True, None),
        ({"type": "r2", "source": "bucket", "paused": True}, False, None),
        ({"type": None, "source": None}, True, "InstanceHasNoSource"),
        ({"type": None, "source": None}, False, "InstanceHasNoSource"),
        ({"source": ""}, False, "InstanceHasNoSource"),
        ({"type": "r2", "source": None}, True, None),
        ({}, True, None),
        (None, True, None),
        (None, False, "InstanceNotFound"),
    ],
)
def test_an_instance_is_a_target_unless_cloudflare_plainly_shows_that_it_is_none(settings, managed, reason):
    observed = None if settings is None else wire_instance(**settings)

    verdict = obstacle_at_cloudflare(observed, "default/docs", managed=managed, last=None)

    assert (verdict.reason if verdict else None) == reason
    assert verdict is None or "default/docs" in verdict.message


@pytest.mark.parametrize(
    ("paused", "reason", "waits"),
    [(True, "InstancePaused", True), (True, "Cooldown", False), (False, "InstancePaused", False)],
)
def test_a_paused_instance_is_no_target_once_cloudflare_has_refused_a_job_of_it(paused, reason, waits):
    observed = wire_instance(type="r2", source="bucket", paused=paused)
    last = Condition(type="Ready", status="False", last_transition_time=NOW, reason=reason, message="resume it")

    verdict = obstacle_at_cloudflare(observed, "default/docs", managed=True, last=last)

    assert verdict == (Verdict.working("InstancePaused", "resume it") if waits else None)


def test_a_resource_that_may_be_another_operators_is_said_to_be():
    verdict = missing_resource("docs", label_selector="shard=a")

    assert verdict.progress == WAITS
    assert "label selector, shard=a" in verdict.message
    assert "selector" not in missing_resource("docs").message
