"""The look back at a whole run: what it takes for a broken rule."""

from datetime import UTC, datetime

import pytest

from aisearch_operator.domain.reasons import Reason
from controlplane.audit import AuditedRequest
from harness.audit_review import NEVER_WRITTEN, review

OPERATOR = "system:serviceaccount:team:aisearch-operator"


def write(resource="aisearchinstances", subresource="status", user=OPERATOR, body=None):
    moment = datetime(2026, 11, 23, tzinfo=UTC)
    return AuditedRequest(moment, "patch", resource, subresource, "team", "docs", user, 200, body)


def status(row, reason="Working", message="It is being made"):
    conditions = [
        {"type": name, "status": value, "reason": reason, "message": message}
        for name, value in zip(("Ready", "Reconciling", "Stalled"), row, strict=False)
    ]
    return write(body={"status": {"conditions": conditions}})


def test_reasons_come_from_conditions_and_events_of_operators_only():
    event = {"reason": "Created", "message": "Created instance default/docs"}

    found = review(
        [
            status(("False", "True", "False"), reason="ApiUnavailable"),
            write("events", "", body=event),
            write("events", "", user="system:kube-controller-manager", body={"reason": "Killing"}),
            write(body={"status": {"lastSeenTime": "2026-11-23T12:00:00Z"}}),
        ]
    )

    assert found.reasons == {"ApiUnavailable", "Created"}
    assert found.violations == []
    assert "Created" not in found.missing
    assert Reason.DELETED in found.missing


def test_a_reason_that_is_not_documented_is_unexpected_and_so_is_one_that_cannot_be():
    never = next(iter(NEVER_WRITTEN))

    found = review([status(("False", "True", "False"), reason=reason) for reason in ("Mystery", never)])

    assert found.unexpected == {"Mystery", never}


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (("True", "False", "False"), "Synced"),
        (("False", "True", "False"), "Working"),
        (("Unknown", "True", "False"), "Running"),
        (("False", "False", "True"), "Failed"),
        (("Unknown", "False", "False"), "Suspended"),
    ],
)
def test_the_rows_of_the_table_are_no_violations(row, reason):
    assert review([status(row, reason)]).violations == []


@pytest.mark.parametrize(
    ("written", "complaint"),
    [
        (status(("False", "True", "True")), "Ready, Reconciling, Stalled are ('False', 'True', 'True') (Working)"),
        (status(("True", "True", "False")), "Ready, Reconciling, Stalled are ('True', 'True', 'False') (Working)"),
        (status(("False", "False", "False")), "Ready, Reconciling, Stalled are ('False', 'False', 'False') (Working)"),
        (status(("Unknown", "False", "False")), "nothing is done, and the reason is Working"),
        (status(("False", "True")), "no condition 'Stalled'"),
        (status(("False", "False", "True"), message=""), "Stalled is True (Working) without a message"),
    ],
)
def test_what_kstatus_could_not_make_sense_of_is_a_violation(written, complaint):
    assert review([written]).violations == [f"team/docs: {complaint}"]


@pytest.mark.parametrize(
    "body",
    [
        {"metadata": {"finalizers": ["aisearch.cloudflare.com/finalizer"], "resourceVersion": "7"}},
        [
            {"op": "test", "path": "/metadata/resourceVersion", "value": "7"},
            {"op": "replace", "path": "/metadata/finalizers", "value": []},
        ],
    ],
)
def test_the_finalizer_may_be_written(body):
    assert review([write(subresource="", body=body)]).violations == []


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"spec": {"suspend": True}}, "spec"),
        ({"metadata": {"labels": {"team": "search"}}}, "metadata.labels"),
        ({"metadata": {"annotations": {"kopf.zalando.org/last-handled-configuration": "{}"}}}, "metadata.annotations"),
        ([{"op": "add", "path": "/metadata/labels/team", "value": "search"}], "metadata.labels"),
    ],
)
def test_what_is_the_users_to_write_is_a_violation(body, path):
    assert review([write(subresource="", body=body)]).violations == [f"team/docs: the operator wrote {path}"]
