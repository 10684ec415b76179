"""The checks of the soak: each finds what it is there for, and nothing else."""

import json
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest

from fake_cloudflare.admin_client import JobView
from fake_cloudflare.journal import JournalEntry
from soak import invariants
from soak.invariants import Evidence
from soak.plan import make_plan

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def request(time, operation="jobs.create", **fields):
    path = "/namespaces/default/instances/i1/jobs"
    return JournalEntry(seq=1, time=time, method="POST", path=path, query={}, operation=operation, **fields)


def creation(uid, *, applied=True):
    return request(1.0, body={"description": f"sync [k8s {uid}#1]"}, applied=applied)


@pytest.fixture
def evidence():
    plan = make_plan(1, 1)
    plan.disturbed.clear()
    plan.options = {**plan.options, "read_lag": 0.0, "job_read_lag": 0.0}
    stage: Any = SimpleNamespace(operator=SimpleNamespace(log=""))
    return Evidence(stage, plan)


def test_two_jobs_of_one_attempt_are_found():
    assert list(invariants._one_job_per_attempt([creation("a"), creation("b")])) == []
    assert list(invariants._one_job_per_attempt([creation("a"), creation("a", applied=False)])) == []
    assert list(invariants._one_job_per_attempt([creation("a"), creation("a")])) == [
        "I1 2 jobs for the attempt [k8s a#1]"
    ]


@pytest.mark.parametrize(
    ("description", "disturbed", "found"),
    [("sync [k8s a#1]", False, 1), ("sync [k8s a#1]", True, 0), ("by hand", False, 0)],
)
def test_a_superseded_job_of_ours_is_found_unless_somebody_else_did_it(evidence, description, disturbed, found):
    times = {"started_at": NOW, "last_seen_at": NOW, "ended_at": NOW}
    job = JobView(id="1", source="user", description=description, end_reason="new_job_has_started", **times)
    evidence.jobs["1"] = ("i1", job)
    if disturbed:
        evidence.plan.disturbed.add("i1")

    assert len(list(invariants._none_superseded(evidence))) == found


@pytest.mark.parametrize(
    ("times", "restarts", "found"),
    [
        pytest.param([10.0, 10.0, 10.1], [], 0, id="under-way"),
        pytest.param([10.0, 10.0, 11.0], [], 1, id="in-the-block"),
        pytest.param([10.0, 11.0, 11.0], [], 0, id="before-it-was-told"),
        pytest.param([10.0, 11.0, 12.0], [], 1, id="in-the-block-that-was-told-late"),
        pytest.param([10.0, None, 11.0], [], 0, id="never-told"),
        pytest.param([10.0, 10.0, 12.5], [], 0, id="after-it"),
        pytest.param([10.0, 10.0, 11.0], [10.5], 0, id="by-another-operator"),
    ],
)
def test_a_request_during_a_block_is_found(evidence, times, restarts, found):
    evidence.restarts = restarts
    asked, told, then = times
    blocked = request(asked, status=429, code=971, answered=told)
    journal = [blocked, request(then, "instances.list", status=200, answered=then)]

    assert len(list(invariants._silence_during_a_block(evidence, journal))) == found


@pytest.mark.parametrize(("disturbed", "found"), [(False, 1), (True, 0)])
def test_a_provoked_cooldown_is_found_unless_somebody_else_started_a_job(evidence, disturbed, found):
    if disturbed:
        evidence.plan.disturbed.add("i1")

    assert len(list(invariants._no_cooldown_provoked(evidence, [request(1.0, code=7020)]))) == found


def test_a_traceback_in_the_log_is_found(evidence):
    well, failed = {"message": "all is well"}, {"message": "A pass failed", "exc_info": "Traceback ...\nKeyError: 1"}
    evidence.stage.operator.log = json.dumps(well)
    assert list(invariants._no_traceback(evidence)) == []
    evidence.stage.operator.log = "\n".join(map(json.dumps, [well, failed]))
    assert list(invariants._no_traceback(evidence)) == ["I8 A pass failed: ['KeyError: 1']"]
