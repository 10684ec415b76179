"""The promises of the operator, checked on what a round left behind: the journal, the account, the cluster, the log."""

import contextlib
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from aisearch_operator.resources.instance import AISearchInstance
from fake_cloudflare.admin_client import AdminError, JobView
from fake_cloudflare.journal import JournalEntry
from harness.kube import conditions
from harness.stage import Stage
from soak.plan import RETRY_AFTER, Plan

__all__ = ["Evidence", "of_deletions", "of_everything"]

MARKER = re.compile(r"\[k8s (?P<uid>[0-9a-f-]+)#\d+\]$")

SUPERSEDED = "new_job_has_started"

KOPF_STREAM = "closing of asynchronous generator <async_generator object infinite_watch"

UNDER_WAY = 0.5
"""Seconds in which requests may still arrive that were sent before a 429 was heard."""

MOST_RESTLESS = 5
"""Spans of two lists until the operator must have stopped writing: statistics come one by one."""

WRITES_PER_DISTURBANCE = 4
"""Status writes of one resource that each action, fault and restart of a round may cause at most: into trouble and
out of it, and the same for what it depends on."""


@dataclass(slots=True)
class Evidence:
    """What is known of a round.

    Attributes
    ----------
    restarts
        Times of the account's clock at which an operator started: a new one knows nothing of a block.
    jobs
        Every job with a marker of ours that was ever seen at the account, by id, as it was last, with its instance.
    uids
        Uids of the sync job resources, by name.
    created
        Names of instance resources whose status has named their instance.
    rest_writes
        Writes of the operator while nothing happened.
    """

    stage: Stage
    plan: Plan
    restarts: list[float] = field(default_factory=list)
    jobs: dict[str, tuple[str, JobView]] = field(default_factory=dict)
    uids: dict[str, str] = field(default_factory=dict)
    created: set[str] = field(default_factory=set)
    rest_writes: list[str] = field(default_factory=list)

    def note_restart(self) -> None:
        """Note that an operator has started just now."""
        self.restarts.append(self.stage.account.now())

    def note(self) -> None:
        """Note the resources and the jobs that are there now: some will be gone at the end."""
        for found in self.stage.kube.list_all("AISearchInstance"):
            if found["status"].get("instanceId"):
                self.created.add(found["metadata"]["name"])
        for found in self.stage.kube.list_all("AISearchSyncJob"):
            self.uids[found["metadata"]["name"]] = found["metadata"]["uid"]
        for instance in self.stage.account.instances():
            with contextlib.suppress(AdminError):  # it was deleted or moved in between
                for job in self.stage.account.jobs(instance.id, instance.namespace):
                    self.jobs[job.id] = (instance.id, job)

    def rest(self) -> None:
        """Wait for a time without writes; what the last one was full of is noted when there is none."""
        sweeps = 2 * len({spec.get("searchNamespace") for spec in self.plan.instances.values()})
        for _ in range(MOST_RESTLESS):
            before = len(self.stage.writes())
            if sweeps:
                self.stage.await_sweeps(sweeps)
            self.rest_writes = [f"{write.verb} {write.resource}/{write.name}" for write in self.stage.writes()[before:]]
            if not self.rest_writes:
                return

    def unowned(self, name: str) -> bool:
        """Whether the operator cannot know an instance as its own, by design.

        It knows one that it made unheard by the settings that it sent; an edit before the next look leaves no trace
        of them.
        """
        return name in self.plan.edited and name not in self.created


def of_deletions(evidence: Evidence) -> list[str]:
    """Check what deleted resources leave behind, before jobs are ended by hand (I3)."""
    return list(_deleted_jobs(evidence)) + list(_deleted_instances(evidence))


def of_everything(evidence: Evidence) -> list[str]:
    """Check all else, at the end (I1, I2, I4, I5, I7, I8, I9); I6 is checked when the stage is struck."""
    journal = evidence.stage.account.journal()
    checks = (
        _one_job_per_attempt(journal),
        _none_superseded(evidence),
        _instances_as_specified(evidence),
        _jobs_told_truly(evidence),
        _silence_during_a_block(evidence, journal),
        _no_cooldown_provoked(evidence, journal),
        _no_traceback(evidence),
        _few_writes(evidence),
    )
    return [violation for check in checks for violation in check]


def _one_job_per_attempt(journal: list[JournalEntry]) -> Iterator[str]:
    made = Counter(
        marker
        for entry in journal
        if entry.operation == "jobs.create" and entry.applied and (marker := _marker(entry.body))
    )
    yield from (f"I1 {count} jobs for the attempt {marker}" for marker, count in made.items() if count > 1)


def _none_superseded(evidence: Evidence) -> Iterator[str]:
    for instance_id, job in evidence.jobs.values():
        ours = job.description is not None and MARKER.search(job.description)
        if ours and job.end_reason == SUPERSEDED and instance_id not in evidence.plan.disturbed:
            yield f"I2 job {job.id} of instance {instance_id} was ended by a new one"


def _deleted_jobs(evidence: Evidence) -> Iterator[str]:
    cancelling = {
        evidence.uids[name]: name
        for name, spec in evidence.plan.gone_jobs.items()
        if spec["deletionPolicy"] == "Cancel" and name in evidence.uids
    }
    existing = {
        job.id
        for instance in evidence.stage.account.instances()
        for job in evidence.stage.account.jobs(instance.id, instance.namespace)
    }
    for job_id, (instance_id, job) in evidence.jobs.items():
        match = MARKER.search(job.description or "")
        running = job.ended_at is None and job_id in existing and instance_id not in evidence.plan.out_of_sight
        if match and match["uid"] in cancelling and running:
            yield f"I3 job {job_id} of instance {instance_id} runs on, but {cancelling[match['uid']]} was deleted"


def _deleted_instances(evidence: Evidence) -> Iterator[str]:
    plan = evidence.plan
    there = {instance.id for instance in evidence.stage.account.instances()}
    wanted = {spec["instanceId"] for spec in plan.instances.values()}
    retained = {spec["instanceId"] for spec in plan.gone_instances.values() if spec["deletionPolicy"] == "Retain"}
    for name, spec in plan.gone_instances.items():
        left = spec["deletionPolicy"] == "Delete" and spec["instanceId"] in there - wanted - retained
        if left and not evidence.unowned(name):
            yield f"I3 instance {spec['instanceId']} is still there, but {name} was deleted"
    only_retained = retained - {
        spec["instanceId"] for spec in plan.gone_instances.values() if spec["deletionPolicy"] == "Delete"
    }
    for entry in evidence.stage.account.journal(operation="instances.delete"):
        if entry.path.rsplit("/", 1)[-1] in only_retained:
            yield f"I3 {entry.path} was to be deleted, but its resource retains it"


def _instances_as_specified(evidence: Evidence) -> Iterator[str]:
    for name in evidence.plan.instances:
        body = evidence.stage.kube.get("AISearchInstance", name)
        if body is None:
            yield f"I4 AISearchInstance {name} is gone"
            continue
        resource = AISearchInstance.model_validate(body)
        where = resource.spec.search_namespace
        found = evidence.stage.account.instance(resource.instance_id, where)
        if found is None:
            yield f"I4 there is no instance {where}/{resource.instance_id} for {name}"
            continue
        for setting, value in resource.spec.settings().items():
            if not _holds(found.document.get(setting), value):
                yield f"I4 {setting} of {where}/{resource.instance_id} is not what {name} wants"


def _holds(observed: Any, wanted: Any) -> bool:
    if isinstance(wanted, Mapping) and isinstance(observed, Mapping):
        return all(_holds(observed.get(key), value) for key, value in wanted.items())
    return bool(observed == wanted)


def _jobs_told_truly(evidence: Evidence) -> Iterator[str]:
    """Compare each job's status with what became of the job at the account."""
    by_uid = {
        match["uid"]: (instance_id, job)
        for instance_id, job in evidence.jobs.values()
        if (match := MARKER.search(job.description or ""))
    }
    for name, spec in evidence.plan.jobs.items():
        body = evidence.stage.kube.get("AISearchSyncJob", name)
        if body is None:
            yield f"I4 AISearchSyncJob {name} is gone"
            continue
        told = conditions(body).get("Ready", {}).get("reason")
        instance_id, job = by_uid.get(body["metadata"]["uid"], (None, None))
        instance = spec["instanceRef"]["name"]
        if job is None:
            instance_id = (evidence.plan.instances | evidence.plan.gone_instances)[instance]["instanceId"]
        if instance_id in evidence.plan.disturbed | evidence.plan.out_of_sight:
            continue
        if told not in _truths(job, cancel=bool(spec.get("cancel"))):
            yield f"I4 {name} says {told}, but its job at Cloudflare is {job}"
        if job is not None and body["status"].get("jobId") != job.id:
            yield f"I4 {name} names job {body['status'].get('jobId')} instead of {job.id}"


def _truths(job: JobView | None, *, cancel: bool) -> set[str]:
    if job is None:
        return {"Cancelled"} if cancel else {"InstanceResourceMissing"}
    if job.end_reason is None:
        return {"Succeeded"}
    if job.end_reason == "cancelled":
        return {"Cancelled"}
    return {"Failed", "Cancelled"} if cancel else {"Failed"}  # it may have failed before it was to be cancelled


def _silence_during_a_block(evidence: Evidence, journal: list[JournalEntry]) -> Iterator[str]:
    """Check that nothing was sent after a 429 was heard, until it had passed or another operator had started."""
    told = [entry.answered for entry in journal if entry.code == 971 and entry.answered is not None]
    for entry in journal:
        for heard in told:
            forgotten = any(heard <= restart <= entry.time for restart in evidence.restarts)
            if heard + UNDER_WAY < entry.time < heard + RETRY_AFTER and not forgotten:
                yield f"I5 {entry.operation} was sent {entry.time - heard:.1f} s after a 429"


def _no_cooldown_provoked(evidence: Evidence, journal: list[JournalEntry]) -> Iterator[str]:
    if evidence.plan.lagging:
        return  # what the API did not show yet cannot be waited for
    for entry in journal:
        if entry.operation == "jobs.create" and entry.code == 7020:
            instance_id = entry.path.split("/instances/")[1].split("/")[0]
            if instance_id not in evidence.plan.disturbed:
                yield f"I7 a sync job of {instance_id} was requested during the cooldown"


def _no_traceback(evidence: Evidence) -> Iterator[str]:
    for line in evidence.stage.operator.log.splitlines():
        if "Traceback" not in line:
            continue
        record = json.loads(line) if line.startswith("{") else {"message": line, "exc_info": ""}
        # kopf 1.45 leaves its watch stream to the event loop's end now and then; the operator has stopped by then.
        if KOPF_STREAM not in record["message"]:
            yield f"I8 {record['message']}: {record['exc_info'].splitlines()[-1:]}"


def _few_writes(evidence: Evidence) -> Iterator[str]:
    disturbances = len(evidence.plan.steps) + len(evidence.restarts)
    most = 10 + WRITES_PER_DISTURBANCE * disturbances
    counts = Counter(f"{write.resource}/{write.name}" for write in evidence.stage.writes())
    yield from (f"I9 {count} writes to {name}" for name, count in counts.items() if count > most)
    if evidence.rest_writes:
        yield f"I9 writes at rest: {evidence.rest_writes}"


def _marker(body: Any) -> str | None:
    text = body.get("description") if isinstance(body, Mapping) else None
    match = MARKER.search(text) if isinstance(text, str) else None
    return match[0] if match else None
