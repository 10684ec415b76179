"""The demo's proof: it holds for a good run, and every kind of bad run breaks the claim that names it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import JsonValue

from controlplane import AuditedRequest
from demo import proof
from demo.errors import DemoError
from fake_cloudflare import JobView, JournalEntry

ENDED = datetime(2026, 11, 23, 10, 0, 30, 500_000, UTC)
NAMESPACED = "/namespaces/default/instances/docs"
ACCOUNT_LEVEL = "/instances/docs"


def request(operation: str, method: str, path: str, body: JsonValue = None, status: int | None = 200) -> JournalEntry:
    return JournalEntry(
        seq=1, time=0, method=method, path=path, query={}, operation=operation, body=body, status=status, applied=True
    )


def create_job(uid: str) -> JournalEntry:
    return request("jobs.create", "POST", f"{NAMESPACED}/jobs", {"description": f"A sync [k8s {uid}#1]"})


def cancel(path: str = f"{NAMESPACED}/jobs/job-b", action: str = "cancel") -> JournalEntry:
    return request("jobs.cancel", "PATCH", path, {"action": action})


CREATE = request("instances.create", "POST", "/namespaces/default/instances", status=201)


def job(job_id: str, uid: str, end_reason: str | None = None) -> JobView:
    return JobView(
        id=job_id,
        source="user",
        description=f"A sync [k8s {uid}#1]",
        started_at=ENDED - timedelta(seconds=8),
        last_seen_at=ENDED,
        ended_at=ENDED,
        end_reason=end_reason,
    )


def patch(time: datetime) -> AuditedRequest:
    return AuditedRequest(
        time=time,
        verb="patch",
        resource="aisearchsyncjobs",
        subresource="",
        namespace="default",
        name="docs-second-sync",
        user="system:serviceaccount:aisearch-system:aisearch-operator",
        code=200,
    )


def resource(name: str, condition: str, uid: str = "", **status: str) -> dict[str, Any]:
    conditions = [{"type": condition, "status": "True"}]
    return {"metadata": {"name": name, "uid": uid}, "status": {"conditions": conditions, **status}}


TIMES = {
    "startTime": "2026-11-23T10:00:22Z",
    "completionTime": "2026-11-23T10:00:30Z",
    "lastSeenTime": "2026-11-23T10:00:30Z",
}
GOOD = proof.Evidence(
    instance=resource("docs", "Ready"),
    first=resource("docs-first-sync", "Complete", "uid-a", jobId="job-a", **TIMES),
    second=resource("docs-second-sync", "Reconciling", "uid-b", jobId="job-b"),
    requests=[CREATE, create_job("uid-a"), create_job("uid-b"), cancel()],
    jobs=[job("job-a", "uid-a"), job("job-b", "uid-b", "cancelled")],
    patches=[patch(ENDED - timedelta(seconds=20)), patch(ENDED + timedelta(seconds=0.1))],
    second_exists=False,
)


def failed(evidence: proof.Evidence) -> list[str]:
    return [claim.text for claim in proof.examine(evidence) if not claim.holds]


def test_every_claim_holds_for_a_good_run():
    assert failed(GOOD) == []
    proof.require(proof.examine(GOOD))


@pytest.mark.parametrize(
    ("changes", "claim"),
    [
        ({"requests": [CREATE, *GOOD.requests]}, "asked once to create the instance"),
        ({"instance": resource("docs", "Stalled")}, "aisi/docs is Ready"),
        ({"requests": [*GOOD.requests, create_job("uid-a")]}, "aisj/docs-first-sync started exactly one job"),
        ({"requests": [*GOOD.requests, create_job("uid-b")]}, "aisj/docs-second-sync started exactly one job"),
        ({"jobs": [*GOOD.jobs, job("job-c", "uid-b")]}, "aisj/docs-second-sync started exactly one job"),
        ({"requests": [*GOOD.requests, create_job("nobody")]}, "No other job was started"),
        ({"jobs": [*GOOD.jobs, job("job-c", "x", "new_job_has_started")]}, "none ended another one"),
        ({"first": resource("docs-first-sync", "Failed", "uid-a", jobId="job-a", **TIMES)}, "is Complete"),
        (
            {"first": resource("docs-first-sync", "Complete", "uid-a", jobId="job-a", startTime=TIMES["startTime"])},
            "with Cloudflare's own times",
        ),
        (
            {
                "first": resource(
                    "docs-first-sync", "Complete", "uid-a", jobId="job-a", **TIMES | {"startTime": ENDED.isoformat()}
                )
            },
            "with Cloudflare's own times",
        ),
        ({"requests": GOOD.requests[:-1]}, "was cancelled by one PATCH"),
        ({"requests": [*GOOD.requests, cancel()]}, "was cancelled by one PATCH"),
        ({"requests": [*GOOD.requests[:-1], cancel(f"{ACCOUNT_LEVEL}/jobs/job-b")]}, "on the namespaced path"),
        ({"requests": [*GOOD.requests[:-1], cancel(action="stop")]}, '{"action": "cancel"}'),
        (
            {"requests": [*GOOD.requests[:-1], cancel(f"{NAMESPACED}/jobs/job-a")]},
            "aisj/docs-second-sync was cancelled",
        ),
        ({"second_exists": True}, "is gone"),
        ({"patches": [patch(ENDED - timedelta(milliseconds=1))]}, "only after its job had ended"),
        ({"patches": []}, "only after its job had ended"),
        ({"requests": [*GOOD.requests, request("jobs.get", "GET", "/x", status=404)]}, "refused no request"),
        ({"requests": [*GOOD.requests, request("jobs.get", "GET", "/x", status=None)]}, "refused no request"),
    ],
)
def test_a_bad_run_breaks_the_claim_that_names_it(changes, claim):
    assert any(claim in text for text in failed(replace(GOOD, **changes)))


def test_a_broken_claim_is_named_with_what_was_seen():
    with pytest.raises(DemoError, match=r"is gone, and went only after its job had ended: there: True"):
        proof.require(proof.examine(replace(GOOD, second_exists=True)))
