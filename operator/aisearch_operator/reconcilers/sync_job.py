"""AISearchSyncJob: one pass through the protocol of `domain.sync_job`, from the resource to its status."""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from weakref import WeakValueDictionary

from pydantic import ValidationError

from aisearch_operator.cloudflare.errors import Cause, CloudflareError, JobAlreadyEnded, NotFound, Retry, Wait
from aisearch_operator.cloudflare.wire import Job, JobLog
from aisearch_operator.domain.job_state import Attempt, finished
from aisearch_operator.domain.reasons import Reason
from aisearch_operator.domain.sync_job import (
    Cancel,
    Finish,
    Hold,
    LookUp,
    Release,
    Request,
    Start,
    Step,
    Track,
    next_step,
    removal_step,
)
from aisearch_operator.domain.sync_job_status import (
    MAX_LOGS,
    JobFinding,
    ended_verdict,
    is_terminal,
    outcome,
    progress_due,
    running_verdict,
    summarize_job,
)
from aisearch_operator.domain.verdict import Verdict
from aisearch_operator.engine.store import Known, ObjectKey, Store
from aisearch_operator.engine.workqueue import Again
from aisearch_operator.kube.credentials import CredentialError
from aisearch_operator.kube.events import Event
from aisearch_operator.observation.jobs import JobObserver, JobsSeen
from aisearch_operator.observation.statistics import StatisticsObserver
from aisearch_operator.reconcilers.outcome import Released, Reporter, RetryPolicy, Trouble, invalid_fields, utc_now
from aisearch_operator.reconcilers.target import Target, TargetFinder
from aisearch_operator.resources.sync_job import AISearchSyncJob, AISearchSyncJobStatus

__all__ = ["JobTiming", "SyncJobReconciler"]

logger = logging.getLogger(__name__)

CLOCK_SKEW = timedelta(hours=1)
"""How far Cloudflare's clock may be behind the API server's when old jobs are left out of a list."""

CONFIRM_INTERVAL = 1.0
"""Seconds between two looks for the end of a cancelled job."""


@dataclass(frozen=True, slots=True)
class JobTiming:
    """The pauses of the protocol.

    Parameters
    ----------
    cooldown
        After the start or end of a job, before the next one.
    settle
        After a POST without an answer, until its job must be in the list.
    cancel
        After a cancellation, until a deleted resource goes although its job has not ended.
    release
        For missing or rejected credentials, until a deleted resource goes.
    """

    cooldown: timedelta
    settle: timedelta
    cancel: timedelta
    release: timedelta

    @classmethod
    def from_seconds(cls, *, cooldown: float, settle: float, cancel: float, release: float) -> "JobTiming":
        """Take each pause in seconds."""
        return cls(*(timedelta(seconds=pause) for pause in (cooldown, settle, cancel, release)))


@dataclass(slots=True)
class _Pass:
    """What a pass has found out and done so far; an error in its middle loses nothing of it."""

    key: ObjectKey
    resource: AISearchSyncJob
    finding: JobFinding = field(default_factory=lambda: JobFinding(Verdict.working(Reason.WORKING, "")))
    events: list[Event] = field(default_factory=list)

    def note(self, **changes: object) -> None:
        self.finding = replace(self.finding, **changes)  # type: ignore[arg-type]  # checked by the dataclass

    def tell(self, reason: Reason, message: str) -> None:
        self.events.append(Event("Normal", reason, message))


@dataclass(slots=True)
class _Unheard:
    """A POST that nobody answered: until its job must show up, no other is sent."""

    error: Retry
    until: float


class SyncJobReconciler:
    """Runs sync jobs at Cloudflare: each attempt once.

    Parameters
    ----------
    wake
        Has resources looked at.
    """

    def __init__(
        self,
        store: Store,
        targets: TargetFinder,
        jobs: JobObserver,
        statistics: StatisticsObserver,
        reporter: Reporter,
        retry: RetryPolicy,
        timing: JobTiming,
        *,
        wake: Callable[[Iterable[ObjectKey]], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store = store
        self._targets = targets
        self._jobs = jobs
        self._statistics = statistics
        self._reporter = reporter
        self._retry = retry
        self._timing = timing
        self._wake = wake
        self._clock = clock
        self._starting: WeakValueDictionary[object, asyncio.Lock] = WeakValueDictionary()
        self._unheard: dict[ObjectKey, _Unheard] = {}
        self._cancelled: dict[ObjectKey, tuple[str, float]] = {}

    async def reconcile(self, known: Known) -> Again | None:
        """Make one pass over a resource that is not being deleted."""
        try:
            resource = AISearchSyncJob.model_validate(known.body)
        except ValidationError as error:
            await self._unreadable(known, error)
            return None
        if is_terminal(resource.status):
            await self._settled(known, resource)
            return None
        this = _Pass(known.key, resource)
        try:
            again = await self._pass(this)
        except (CredentialError, CloudflareError) as error:
            trouble = self._retry.trouble(error)
            this.note(verdict=trouble.verdict)
            again = trouble.again
        after = summarize_job(resource.status, this.finding, generation=resource.metadata.generation, now=utc_now())
        await self._reporter.report(known, resource.status, after, this.events)
        if this.finding.finished is not None:
            self._leave(this)
            return None
        return again

    async def remove(self, known: Known) -> Again | Released:
        """Make one pass over a resource that is being deleted: its job first, then the resource."""
        resource = AISearchSyncJob.model_validate(known.body)
        this = _Pass(known.key, resource)
        if is_terminal(resource.status):
            return Released()
        try:
            pause = await self._end(this)
        except (CredentialError, CloudflareError) as error:
            trouble = self._retry.trouble(error)
            if not trouble.overdue(resource.metadata.deletion_timestamp, self._timing.release):
                return await self._still_there(known, this, trouble)
            self._give_up(this, trouble.verdict.message)
        else:
            if pause is not None:
                return pause
        await self._reporter.record(known, this.events)
        self._wake_rivals(resource)
        return Released()

    def forget(self, known: Known) -> None:
        """Drop all that was kept for a resource that is gone."""
        self._targets.forget(known.key)
        self._jobs.forget(known.key)
        self._unheard.pop(known.key, None)
        self._cancelled.pop(known.key, None)

    async def _pass(self, this: _Pass) -> Again | None:
        target = await self._targets.find(this.key, this.resource)
        if isinstance(target, Verdict):
            if this.resource.spec.cancel:
                self._finish(this, Reason.CANCELLED, None)
            else:
                this.note(verdict=target)
            return None
        this.note(
            account_id=target.address.account_id,
            search_namespace=target.address.search_namespace,
            instance_id=target.address.instance_id,
            credentials_secret=target.connection.secret,
        )
        seen = self._jobs.known(this.key, target.connection, target.address, self._since(this))
        step = self._decide(this, seen) if seen else None
        if step is None or isinstance(step, Start):
            async with self._lock(target):  # one POST at a time for an instance, each on a list of its own
                step = self._decide(this, await self._refresh(this, target))
                if isinstance(step, Start):
                    return await self._start(this, target)
        return await self._follow(this, target, step)

    def _decide(self, this: _Pass, seen: JobsSeen) -> Step:
        return next_step(self._request(this), seen.jobs, seen.server_time, self._timing.cooldown)

    async def _follow(self, this: _Pass, target: Target, step: Step) -> Again | None:
        if isinstance(step, LookUp):
            step = await self._look_up(this, target, step.job_id)
        match step:
            case Hold(reason, message, after):
                this.note(verdict=Verdict.working(reason, message))
                return None if after is None else Again(max(after, CONFIRM_INTERVAL))
            case Track(job):
                due = progress_due(this.resource.status, job)
                this.note(job=job, verdict=running_verdict(job), logs=await self._logs(target, job) if due else None)
                return None
            case Cancel(job):
                return await self._cancel(this, target, job)
            case Finish(job=None):
                self._finish(this, Reason.LOST if this.resource.status.job_id else Reason.CANCELLED, None)
                return None
            case Finish(job=Job() as job):
                asked = this.resource.spec.cancel or this.key in self._cancelled
                this.note(logs=await self._logs(target, job))
                self._finish(this, outcome(job, cancel_requested=asked), job)
                return None
        return Again(0)

    async def _start(self, this: _Pass, target: Target) -> Again | None:
        unheard = self._unheard.get(this.key)
        if unheard is not None and self._clock() < unheard.until:
            raise unheard.error
        spec = this.resource.spec
        description = self._attempt(this).description(spec.description or this.key.name)
        try:
            job = await target.connection.client.create_job(
                target.address.namespace, target.address.instance_id, description
            )
        except Wait as error:
            if error.cause is not Cause.SYNC_COOLDOWN:
                raise
            this.note(verdict=Verdict.working(Reason.COOLDOWN, str(error)))
            return Again(error.after or self._timing.cooldown.total_seconds())
        except Retry as error:
            if error.effect_unknown:
                self._unheard[this.key] = _Unheard(error, self._clock() + self._timing.settle.total_seconds())
            raise
        self._jobs.record(target.connection, target.address, job)
        this.tell(Reason.STARTED, f"Started job {job.id}")
        return await self._follow(this, target, Finish(job) if finished(job) else Track(job))

    async def _cancel(self, this: _Pass, target: Target, job: Job) -> Again | None:
        try:
            job = await self._send_cancel(this, target, job)
        except NotFound:
            self._finish(this, Reason.CANCELLED, job)
            return None
        if finished(job):
            return await self._follow(this, target, Finish(job))
        this.note(job=job, verdict=Verdict.working(Reason.CANCELLING, f"Job {job.id} is being cancelled"))
        return Again(CONFIRM_INTERVAL)

    async def _send_cancel(self, this: _Pass, target: Target, job: Job) -> Job:
        """Send the one cancellation, or look how far the job is when it was sent already.

        Raises
        ------
        NotFound
            Cloudflare does not know the job.
        """
        namespace, instance_id = target.address.namespace, target.address.instance_id
        sent = self._cancelled.get(this.key)
        try:
            if sent is None or sent[0] != job.id:
                job = await target.connection.client.cancel_job(namespace, instance_id, job.id)
                self._cancelled[this.key] = (job.id, self._clock())
                this.tell(Reason.CANCELLING, f"Asked Cloudflare to cancel job {job.id}")
            else:
                job = await target.connection.client.get_job(namespace, instance_id, job.id)
        except JobAlreadyEnded:
            job = await target.connection.client.get_job(namespace, instance_id, job.id)
        self._jobs.record(target.connection, target.address, job)
        return job

    async def _end(self, this: _Pass) -> Again | None:
        """Bring the job of a deleted resource to its end; None when nothing is left to do."""
        resource = this.resource
        target = await self._targets.find_for_removal(this.key, resource)
        if target is None:
            return None
        if resource.spec.deletion_policy == "Orphan":
            if resource.status.job_id is not None:
                this.tell(Reason.RETAINED, f"Job {resource.status.job_id} runs on, as spec.deletionPolicy says")
            return None
        try:
            step = removal_step(self._request(this), (await self._refresh(this, target)).jobs)
            if isinstance(step, LookUp):
                job = await target.connection.client.get_job(
                    target.address.namespace, target.address.instance_id, step.job_id
                )
                step = Release() if finished(job) else Cancel(job)
            if isinstance(step, Release):
                unheard = self._unheard.get(this.key)
                late = unheard is not None and resource.status.job_id is None and self._clock() < unheard.until
                return Again(CONFIRM_INTERVAL) if late else None
            answer = await self._send_cancel(this, target, step.job)
        except NotFound:
            return None  # 7021, 7002, 7063: there is nothing that could run
        if finished(answer):
            return None
        _, since = self._cancelled[this.key]
        if self._clock() - since < self._timing.cancel.total_seconds():
            return Again(CONFIRM_INTERVAL)
        self._give_up(this, "it was cancelled and has not ended since")
        return None

    async def _look_up(self, this: _Pass, target: Target, job_id: str) -> Step:
        """Ask for a job that the list does not show."""
        try:
            job = await target.connection.client.get_job(target.address.namespace, target.address.instance_id, job_id)
        except NotFound:
            return Finish(None)
        if finished(job):
            return Finish(job)
        return Cancel(job) if this.resource.spec.cancel else Track(job)

    async def _logs(self, target: Target, job: Job) -> tuple[JobLog, ...] | None:
        try:
            return await target.connection.client.job_logs(
                target.address.namespace, target.address.instance_id, job.id, tail=MAX_LOGS
            )
        except CloudflareError as error:
            logger.info("The log of job %s could not be read: %s", job.id, error)
            return None  # the log is a convenience: its absence holds nothing up

    async def _refresh(self, this: _Pass, target: Target) -> JobsSeen:
        return await self._jobs.refresh(this.key, target.connection, target.address, self._since(this))

    def _finish(self, this: _Pass, reason: Reason, job: Job | None) -> None:
        verdict = ended_verdict(reason, job)
        this.note(finished=reason, job=job, verdict=verdict)
        if reason is Reason.SUCCEEDED:
            this.tell(reason, verdict.message)

    def _leave(self, this: _Pass) -> None:
        """Stop observing for a finished job, and let the next one have its turn."""
        self._jobs.forget(this.key)
        self._targets.forget(this.key)
        self._unheard.pop(this.key, None)
        self._cancelled.pop(this.key, None)
        self._wake_rivals(this.resource)
        if this.resource.spec.instance_ref is not None:
            instance = self._store.instance(this.key.namespace, this.resource.spec.instance_ref.name)
            if instance is not None:
                self._statistics.hurry(instance.key)

    def _give_up(self, this: _Pass, why: str) -> None:
        status = this.resource.status
        job = f"Job {status.job_id}" if status.job_id else f"A job marked {self._attempt(this).marker}"
        where = f"{status.search_namespace}/{status.instance_id} of account {status.account_id}"
        this.events.append(
            Event(
                "Warning", Reason.RELEASED_UNCONFIRMED, f"{job} of instance {where} may still run at Cloudflare: {why}"
            )
        )

    async def _still_there(self, known: Known, this: _Pass, trouble: Trouble) -> Again:
        status, metadata = this.resource.status, this.resource.metadata
        finding = replace(this.finding, verdict=trouble.verdict)
        after = summarize_job(status, finding, generation=metadata.generation, now=utc_now())
        await self._reporter.report(known, status, after, this.events)
        return trouble.again

    async def _settled(self, known: Known, resource: AISearchSyncJob) -> None:
        """Follow an edit of a finished job's spec: nothing happens any more but that it was seen."""
        status, generation = resource.status, resource.metadata.generation
        if status.observed_generation == generation:
            return
        after = status.model_copy(update={"observed_generation": generation})
        await self._reporter.report(known, status, after, ())

    async def _unreadable(self, known: Known, error: ValidationError) -> None:
        before = AISearchSyncJobStatus.model_validate(known.body["status"])
        finding = JobFinding(Verdict.stalled(Reason.INVALID_SPEC, f"The spec cannot be read: {invalid_fields(error)}"))
        after = summarize_job(before, finding, generation=known.generation, now=utc_now())
        await self._reporter.report(known, before, after, ())

    def _request(self, this: _Pass) -> Request:
        return Request(
            attempt=self._attempt(this),
            job_id=this.resource.status.job_id,
            cancel=this.resource.spec.cancel,
            ahead=self._ahead(this.resource),
        )

    def _attempt(self, this: _Pass) -> Attempt:
        return Attempt(this.key.uid, 1)

    def _since(self, this: _Pass) -> datetime:
        return this.resource.metadata.creation_timestamp - CLOCK_SKEW

    def _lock(self, target: Target) -> asyncio.Lock:
        return self._starting.setdefault(target.address, asyncio.Lock())

    def _ahead(self, resource: AISearchSyncJob) -> int:
        mine = (resource.metadata.creation_timestamp, resource.metadata.name)
        return sum(1 for rival in self._open_rivals(resource) if rival < mine)

    def _open_rivals(self, resource: AISearchSyncJob) -> Iterable[tuple[datetime, str]]:
        for known in self._rivals(resource):
            rival = AISearchSyncJob.model_validate(known.body)
            if not known.deleting and not _out_of_line(rival.status):
                yield rival.metadata.creation_timestamp, rival.metadata.name

    def _rivals(self, resource: AISearchSyncJob) -> Iterable[Known]:
        return self._store.rivals(resource.metadata.namespace, resource.metadata.name)

    def _wake_rivals(self, resource: AISearchSyncJob) -> None:
        self._wake([known.key for known in self._rivals(resource)])


def _out_of_line(status: AISearchSyncJobStatus) -> bool:
    return any(found.type == "Stalled" and found.status == "True" for found in status.conditions) or is_terminal(status)
