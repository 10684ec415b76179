"""The proof: what the demo says it has shown, each claim checked against the records of both sides."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from controlplane import AuditedRequest, writes
from demo.display import SHORT_ID
from demo.errors import DemoError
from demo.installation import NAMESPACE, Installation
from demo.scenario import FIRST_JOB, INSTANCE, SECOND_JOB
from demo.view import moment
from fake_cloudflare import JobView, JournalEntry
from harness.kube import conditions

INSTANCE_ID = "docs"
SUCCESS = range(200, 300)


@dataclass(frozen=True)
class Claim:
    """One claim: what it says, whether it holds, and the numbers that show it."""

    text: str
    holds: bool
    seen: str

    def __str__(self) -> str:
        return f"{self.text}: {self.seen}"


@dataclass(frozen=True)
class Evidence:
    """The records of both sides.

    Attributes
    ----------
    instance, first, second
        The resources as they were seen last.
    requests
        All that Cloudflare got.
    jobs
        All jobs of the instance, as Cloudflare has them.
    patches
        The operator's writes to the second job's resource itself, from the API server's audit log.
    second_exists
        Whether the second job's resource is still there.
    """

    instance: Mapping[str, Any]
    first: Mapping[str, Any]
    second: Mapping[str, Any]
    requests: Sequence[JournalEntry]
    jobs: Sequence[JobView]
    patches: Sequence[AuditedRequest]
    second_exists: bool


def gather(installation: Installation) -> Evidence:
    """Read the records of both sides.

    Raises
    ------
    DemoError
        A resource of the scenario was never seen.
    """
    watcher, account = installation.watcher, installation.account
    kind, name = "AISearchSyncJob", SECOND_JOB.partition("/")[2]
    audited = writes(installation.plane.audit_log, namespace=NAMESPACE)
    return Evidence(
        instance=watcher.last_seen(INSTANCE),
        first=watcher.last_seen(FIRST_JOB),
        second=watcher.last_seen(SECOND_JOB),
        requests=account.journal(),
        jobs=account.jobs(INSTANCE_ID),
        patches=[write for write in audited if write.name == name and write.verb == "patch" and not write.subresource],
        second_exists=watcher.exists(kind, name),
    )


def examine(evidence: Evidence) -> tuple[Claim, ...]:
    """Check every claim."""
    return (
        created_once(evidence),
        *(started_once(evidence, body) for body in (evidence.first, evidence.second)),
        nothing_else_started(evidence),
        completed(evidence),
        cancelled_once(evidence),
        gone_after_end(evidence),
        refused_nothing(evidence),
    )


def created_once(evidence: Evidence) -> Claim:
    """Check that the instance was created, once, and is ready."""
    creations = _of(evidence.requests, "instances.create")
    ready = conditions(evidence.instance).get("Ready", {}).get("status")
    return Claim(
        f"{INSTANCE} is Ready, and Cloudflare was asked once to create the instance",
        ready == "True" and len(creations) == 1 and creations[0].applied,
        f"Ready={ready}, {len(creations)} POST",
    )


def started_once(evidence: Evidence, body: Mapping[str, Any]) -> Claim:
    """Check that there is one POST for a sync job's resource: each carries the resource's uid."""
    metadata = body["metadata"]
    posts = [entry for entry in _of(evidence.requests, "jobs.create") if metadata["uid"] in str(entry.body)]
    job_id = body["status"].get("jobId")
    known = [job.id for job in evidence.jobs if metadata["uid"] in (job.description or "")]
    return Claim(
        f"aisj/{metadata['name']} started exactly one job, the one that its status named",
        len(posts) == 1 and known == [job_id],
        f"{len(posts)} POST, job {str(job_id)[:SHORT_ID]}…",
    )


def nothing_else_started(evidence: Evidence) -> Claim:
    """Check that there is no POST beside those two, and that no job ended another."""
    posts = _of(evidence.requests, "jobs.create")
    superseded = [job.id for job in evidence.jobs if job.end_reason == "new_job_has_started"]
    return Claim(
        "No other job was started, and none ended another one",
        len(posts) == 2 and not superseded,
        f"{len(posts)} POST in all, {len(superseded)} jobs superseded",
    )


def completed(evidence: Evidence) -> Claim:
    """Check that the first job's end, with its times, is in its status."""
    status = evidence.first["status"]
    job = next((job for job in evidence.jobs if job.id == status.get("jobId")), None)
    started, ended, seen = (moment(status.get(name)) for name in ("startTime", "completionTime", "lastSeenTime"))
    complete = conditions(evidence.first).get("Complete", {}).get("status")
    return Claim(
        f"{FIRST_JOB} is Complete, with Cloudflare's own times",
        complete == "True"
        and job is not None
        and None not in (started, ended, seen)
        and all(map(_same_second, (started, ended, seen), (job.started_at, job.ended_at, job.last_seen_at))),
        f"Complete={complete}, {status.get('startTime')} to {status.get('completionTime')}",
    )


def cancelled_once(evidence: Evidence) -> Claim:
    """Check that one PATCH cancelled the second job, on the path that knows search namespaces."""
    job_id = evidence.second["status"].get("jobId")
    wanted = f"/namespaces/default/instances/{INSTANCE_ID}/jobs/{job_id}"
    patches = [entry for entry in evidence.requests if entry.method == "PATCH"]
    return Claim(
        f'{SECOND_JOB} was cancelled by one PATCH {{"action": "cancel"}} on the namespaced path',
        [(entry.path, entry.body, entry.status) for entry in patches] == [(wanted, {"action": "cancel"}, 200)],
        f"{len(patches)} PATCH",
    )


def gone_after_end(evidence: Evidence) -> Claim:
    """Check that the finalizer was taken from the second job's resource only when its job had ended."""
    job_id = evidence.second["status"].get("jobId")
    ended = next((job.ended_at for job in evidence.jobs if job.id == job_id), None)
    released = max((write.time for write in evidence.patches), default=None)
    text = f"{SECOND_JOB} is gone, and went only after its job had ended"
    if evidence.second_exists or ended is None or released is None:
        return Claim(text, holds=False, seen=f"there: {evidence.second_exists}, released {released}, job ended {ended}")
    after = (released - ended).total_seconds()
    return Claim(text, after >= 0, f"{after:.2f} s after")


def refused_nothing(evidence: Evidence) -> Claim:
    """Check that the operator sent nothing that Cloudflare refuses."""
    refused = [entry for entry in evidence.requests if entry.status not in SUCCESS]
    return Claim("Cloudflare refused no request", not refused, f"{len(refused)} of {len(evidence.requests)} refused")


def require(claims: Iterable[Claim]) -> None:
    """Raise a `DemoError` that names the claims that do not hold, if any."""
    failed = [str(claim) for claim in claims if not claim.holds]
    if failed:
        raise DemoError("not everything happened as claimed:\n" + "\n".join(f"  {claim}" for claim in failed))


def _of(requests: Iterable[JournalEntry], operation: str) -> list[JournalEntry]:
    return [entry for entry in requests if entry.operation == operation]


def _same_second(one: datetime | None, other: datetime | None) -> bool:
    """Compare times; Kubernetes keeps them to the second."""
    return one is not None and other is not None and one.replace(microsecond=0) == other.replace(microsecond=0)
