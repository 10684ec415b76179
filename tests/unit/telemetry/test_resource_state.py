"""How a resource is, in one word, and how a pass over it ended: tables from its conditions."""

import pytest

from aisearch_operator.telemetry.resource_state import ResourceSummary, pass_outcome


def body(ready=("False", "Working"), *, reconciling="False", stalled="False", deleting=False):
    status, reason = ready
    conditions = [
        {"type": "Ready", "status": status, "reason": reason},
        {"type": "Reconciling", "status": reconciling, "reason": reason},
        {"type": "Stalled", "status": stalled, "reason": reason},
    ]
    metadata = {"deletionTimestamp": "2026-11-23T12:00:00Z"} if deleting else {}
    return {"metadata": metadata, "spec": {}, "status": {"conditions": conditions}}


NEW = {"metadata": {}, "spec": {}, "status": {"observedGeneration": -1}}
SYNCED = body(("True", "Synced"))
RUNNING = body(("Unknown", "Running"), reconciling="True")
FAILED = body(("False", "Failed"), stalled="True")
SUSPENDED = body(("Unknown", "Suspended"))
DELETING = body(("True", "Synced"), deleting=True)
DELETING_IN_TROUBLE = body(("False", "CredentialsRejected"), stalled="True", deleting=True)


@pytest.mark.parametrize(
    ("resource", "state", "reason"),
    [
        (NEW, "progressing", ""),
        (SYNCED, "ready", ""),
        (RUNNING, "progressing", ""),
        (FAILED, "stalled", "Failed"),
        (SUSPENDED, "suspended", ""),
        (DELETING, "deleting", ""),
        (DELETING_IN_TROUBLE, "deleting", "CredentialsRejected"),
    ],
)
def test_the_state_of_a_resource_and_why_a_person_must_act(resource, state, reason):
    summary = ResourceSummary.of(resource)

    assert (summary.state, summary.stalled) == (state, reason)


@pytest.mark.parametrize(
    ("resource", "failed", "done", "outcome"),
    [
        (SYNCED, False, False, "success"),
        (SUSPENDED, False, False, "success"),
        (RUNNING, False, False, "waiting"),
        (FAILED, False, False, "stalled"),
        (RUNNING, True, False, "retry"),
        (SYNCED, True, False, "retry"),
        (DELETING, False, False, "waiting"),
        (DELETING, True, False, "retry"),
        (DELETING, False, True, "success"),
        (DELETING_IN_TROUBLE, False, False, "stalled"),
        (None, False, False, "success"),
    ],
)
def test_the_outcome_of_a_pass(resource, failed, done, outcome):
    summary = None if resource is None else ResourceSummary.of(resource)

    assert pass_outcome(summary, failed=failed, done=done) == outcome
