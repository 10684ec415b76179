"""AISearchSyncJob: one pass through the protocol of `domain.sync_job`, from the resource to its status."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from pydantic import ValidationError

from aisearch_operator.cloudflare.errors import Cause, CloudflareError, NotFound, Wait
from aisearch_operator.cloudflare.wire import Job
from aisearch_operator.domain.job_state import Attempt, finished
from aisearch_operator.domain.reasons import Reason
from aisearch_operator.domain.sync_job import Cancel, Finish, Hold, LookUp, Request, Start, Step, Track, next_step
from aisearch_operator.domain.sync_job_status import (
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
from aisearch_operator.observation.jobs import JobsSeen
from aisearch_operator.observation.statistics import StatisticsObserver
from aisearch_operator.reconcilers.job_calls import JobCalls
from aisearch_operator.reconcilers.outcome import (
    Pass,
    Released,
    Reporter,
    RetryPolicy,
    Stay,
    Trouble,
    invalid_fields,
    utc_now,
)
from aisearch_operator.reconcilers.sync_job_expiry import JobExpiry
from aisearch_operator.reconcilers.sync_job_removal import CONFIRM_INTERVAL, LATE_JOB_INTERVAL, JobRemoval
from aisearch_operator.reconcilers.target import Target, TargetFinder
from aisearch_operator.reconcilers.turns import Turns, in_line, readable_part
from aisearch_operator.resources.sync_job import AISearchSyncJob, AISearchSyncJobStatus

__all__ = ["SyncJobReconciler"]

CLOCK_SKEW = timedelta(hours=1)
"""How far Cloudflare's clock may be behind the API server's when old jobs are left out of a list."""


class _Pass(Pass[AISearchSyncJob, JobFinding]):
    """A pass over a sync job."""

    @classmethod
    def over(cls, known: Known, resource: AISearchSyncJob) -> "_Pass":
        return cls(known, resource, JobFinding(Verdict.working(Reason.WORKING, "")))

    @property
    def attempt(self) -> Attempt:
        return Attempt(self.key.uid, 1)

    @property
    def since(self) -> datetime:
        return self.resource.metadata.creation_timestamp - CLOCK_SKEW

    def finish(self, reason: Reason, job: Job | None) -> None:
        verdict = ended_verdict(reason, job)
        self.note(finished=reason, job=job, verdict=verdict)
        if reason is Reason.SUCCEEDED:
            self.tell(reason, verdict.message)


class SyncJobReconciler:
    """Runs sync jobs at Cloudflare: each attempt once.

    Parameters
    ----------
    cooldown
        Seconds after the start or end of a job, before the next one.
    poll_interval
        Seconds between two lists of an instance's jobs.
    wake
        Has resources looked at.
    """

    def __init__(
        self,
        store: Store,
        targets: TargetFinder,
        calls: JobCalls,
        removal: JobRemoval,
        expiry: JobExpiry,
        statistics: StatisticsObserver,
        reporter: Reporter,
        retry: RetryPolicy,
        *,
        cooldown: float,
        poll_interval: float,
        wake: Callable[[Iterable[ObjectKey]], None],
    ) -> None:
        self._store = store
        self._turns = Turns(store)
        self._targets = targets
        self._calls = calls
        self._removal = removal
        self._expiry = expiry
        self._statistics = statistics
        self._reporter = reporter
        self._retry = retry
        self._cooldown = timedelta(seconds=cooldown)
        self._poll_interval = poll_interval
        self._wake = wake

    async def reconcile(self, known: Known) -> Again | None:
        """Make one pass over a resource that is not being deleted."""
        try:
            resource = AISearchSyncJob.model_validate(known.body)
        except ValidationError as error:
            await self._unreadable(known, error)
            return None
        if is_terminal(resource.status):
            return await self._settled(known, resource)
        this = _Pass.over(known, resource)
        try:
            again = await self._pass(this)
        except (CredentialError, CloudflareError) as error:
            again = self._troubled(this, error)
        after = summarize_job(resource.status, this.finding, generation=resource.metadata.generation, now=utc_now())
        if this.finding.finished is not None:
            this.events += self._expiry.exemption(resource)
        await self._reporter.report(known, resource.status, after, this.events)
        if this.finding.finished is not None:
            self._leave(this)
            return await self._expiry.step(known.key)
        if in_line(resource.status) and not in_line(after):
            self._wake_rivals(known.key)
        return again

    async def remove(self, known: Known) -> Again | Released:
        """Make one pass over a resource that is being deleted: its job first, then the resource."""
        resource = readable_part(known.body)
        if is_terminal(resource.status):
            return Released()
        this = _Pass.over(known, resource)
        step = await self._removal.step(this.key, resource, self._request(this), this.since)
        await self._reporter.record(known, step.events)
        if isinstance(step, Stay):
            if step.trouble is not None:
                await self._still_there(known, this, step.trouble)
            return step.again
        self._wake_rivals(known.key)
        return Released()

    def forget(self, known: Known) -> None:
        """Drop all that was kept for a resource that is gone."""
        self._targets.forget(known.key)
        self._calls.forget(known.key)

    async def _pass(self, this: _Pass) -> Again | None:
        target = await self._target(this)
        if isinstance(target, Verdict):
            this.note(verdict=target)
            return None
        if target is None:
            this.finish(Reason.CANCELLED, None)
            return None
        this.note(
            account_id=target.address.account_id,
            search_namespace=target.address.search_namespace,
            instance_id=target.address.instance_id,
            credentials_secret=target.connection.secret,
        )
        seen = self._calls.known(this.key, target, this.since)
        step = self._decide(this, seen) if seen else None
        if step is None or isinstance(step, Start) or step == Finish(None):
            async with self._calls.starting(target):
                step = self._decide(this, await self._calls.refresh(this.key, target, this.since))
                if isinstance(step, Start):
                    return await self._start(this, target)
        return await self._follow(this, target, step)

    def _troubled(self, this: _Pass, error: CredentialError | CloudflareError) -> Again | None:
        started, unwanted = this.resource.status.job_id is not None, this.resource.spec.cancel
        if isinstance(error, NotFound) and (started or unwanted):
            if not self._targets.resolves_itself(this.key, this.resource):
                # 7002, 7063: without the instance nothing runs any more, and nothing is to be waited for
                this.finish(Reason.LOST if started else Reason.CANCELLED, None)
                return None
            this.note(verdict=Verdict.of_error(error))
            return Again()
        trouble = self._retry.trouble(error)
        this.note(verdict=trouble.verdict)
        return trouble.again

    async def _target(self, this: _Pass) -> Target | Verdict | None:
        """Find the target; None when the job is unwanted and cannot have been started."""
        target = await self._targets.find(this.key, this.resource)
        if isinstance(target, Verdict) and this.resource.spec.cancel:
            return await self._targets.find_for_removal(this.key, this.resource)
        return target

    def _decide(self, this: _Pass, seen: JobsSeen) -> Step:
        return next_step(self._request(this), seen.jobs, seen.server_time, self._cooldown)

    async def _follow(self, this: _Pass, target: Target, step: Step) -> Again | None:
        match step:
            case LookUp(job_id):
                return await self._follow(this, target, await self._look_up(this, target, job_id))
            case Hold(reason, message, after):
                this.note(verdict=Verdict.working(reason, message))
                # Looked at again with every list: the pause is measured by Cloudflare's clock, not by ours.
                return None if after is None else Again(min(max(after, CONFIRM_INTERVAL), self._poll_interval))
            case Start():
                return Again(0)  # decided on an old list: the next pass takes a fresh one
            case Track(job):
                logs = await self._calls.logs(target, job) if progress_due(this.resource.status, job) else None
                this.note(job=job, verdict=running_verdict(job), logs=logs)
                return None
            case Cancel(job):
                return await self._cancel(this, target, job)
            case Finish(job):
                return await self._over(this, target, job)

    async def _over(self, this: _Pass, target: Target, job: Job | None) -> Again | None:
        if job is None:
            started = this.resource.status.job_id is not None
            if not started and (late := self._late(this)) is not None:
                return late
            this.finish(Reason.LOST if started else Reason.CANCELLED, None)
            return None
        asked = this.resource.spec.cancel or self._calls.cancelled_for(this.key, job) is not None
        this.note(logs=await self._calls.logs(target, job))
        this.finish(outcome(job, cancel_requested=asked), job)
        return None

    async def _start(self, this: _Pass, target: Target) -> Again | None:
        if self._calls.unheard(this.key) is None and (late := self._late(this)) is not None:
            return late
        description = this.attempt.description(this.resource.spec.description or this.key.name)
        try:
            job = await self._calls.start(this.key, target, description)
        except Wait as error:
            if error.cause is not Cause.SYNC_COOLDOWN:
                raise
            this.note(verdict=Verdict.working(Reason.COOLDOWN, str(error)))
            return Again(error.after or self._cooldown.total_seconds())
        this.tell(Reason.STARTED, f"Started job {job.id}")
        return await self._follow(this, target, Finish(job) if finished(job) else Track(job))

    def _late(self, this: _Pass) -> Again | None:
        """Wait for a job that may have been started unheard; None when there can be none."""
        left = self._calls.may_show_up(this.key)
        if left is None:
            return None
        message = "A job of this resource that was started unheard may still show up"
        this.note(verdict=Verdict.working(Reason.LOOKING_AROUND, message))
        return Again(min(left, LATE_JOB_INTERVAL))

    async def _cancel(self, this: _Pass, target: Target, job: Job) -> Again | None:
        if self._calls.cancelled_for(this.key, job) is None:
            answer = await self._calls.cancel(this.key, target, job)
            this.tell(Reason.CANCELLING, f"Asked Cloudflare to cancel job {job.id}")
        else:
            answer = await self._calls.look_up(this.key, target, job.id)
        if answer is None:
            this.finish(Reason.CANCELLED, job)
            return None
        if finished(answer):
            return await self._follow(this, target, Finish(answer))
        this.note(job=answer, verdict=Verdict.working(Reason.CANCELLING, f"Job {job.id} is being cancelled"))
        return Again(CONFIRM_INTERVAL)

    async def _look_up(self, this: _Pass, target: Target, job_id: str) -> Track | Cancel | Finish | Hold:
        """Ask for a job that the list does not show."""
        job = await self._calls.look_up(this.key, target, job_id)
        if job is None and (left := self._calls.may_show_up(this.key)):
            return Hold(Reason.WORKING, f"Cloudflare does not show job {job_id} yet, or not any more", left)
        if job is None or finished(job):
            return Finish(job)
        return Cancel(job) if this.resource.spec.cancel else Track(job)

    def _leave(self, this: _Pass) -> None:
        """Stop observing for a finished job, and let the next one have its turn."""
        self._calls.forget(this.key)
        self._targets.forget(this.key)
        self._wake_rivals(this.key)
        if this.resource.spec.instance_ref is not None:
            instance = self._store.instance(this.key.namespace, this.resource.spec.instance_ref.name)
            if instance is not None:
                self._statistics.hurry(instance.key)

    async def _still_there(self, known: Known, this: _Pass, trouble: Trouble) -> None:
        status = this.resource.status
        finding = replace(this.finding, verdict=trouble.verdict)
        after = summarize_job(status, finding, generation=this.resource.metadata.generation, now=utc_now())
        await self._reporter.report(known, status, after, ())

    async def _settled(self, known: Known, resource: AISearchSyncJob) -> Again | None:
        """Follow an edit of a finished job's spec: it is noted, and may change when the resource is deleted."""
        status, generation = resource.status, resource.metadata.generation
        if status.observed_generation != generation:
            after = status.model_copy(update={"observed_generation": generation})
            await self._reporter.report(known, status, after, self._expiry.exemption(resource))
        return await self._expiry.step(known.key)

    async def _unreadable(self, known: Known, error: ValidationError) -> None:
        before = AISearchSyncJobStatus.model_validate(known.body["status"])
        finding = JobFinding(Verdict.stalled(Reason.INVALID_SPEC, f"The spec cannot be read: {invalid_fields(error)}"))
        after = summarize_job(before, finding, generation=known.generation, now=utc_now())
        await self._reporter.report(known, before, after, ())
        if in_line(before):
            self._wake_rivals(known.key)

    def _request(self, this: _Pass) -> Request:
        return Request(
            attempt=this.attempt,
            job_id=this.resource.status.job_id,
            cancel=this.resource.spec.cancel,
            ahead=self._turns.ahead_of(this.resource),
        )

    def _wake_rivals(self, key: ObjectKey) -> None:
        self._wake(self._turns.others(key))
