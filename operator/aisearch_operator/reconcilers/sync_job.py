"""AISearchSyncJob: one pass through the protocol of `domain.sync_job`, from the resource to its status."""

from collections.abc import Callable, Iterable
from dataclasses import replace

from pydantic import ValidationError

from aisearch_operator.cloudflare.errors import CloudflareError, NotFound
from aisearch_operator.domain.attempts import open_job_id, run_of, wants_new_run
from aisearch_operator.domain.conditions import condition
from aisearch_operator.domain.reasons import Reason
from aisearch_operator.domain.sync_job import request_of
from aisearch_operator.domain.sync_job_status import JobFinding, is_suspended, is_terminal, reopen, summarize_job
from aisearch_operator.domain.sync_job_steps import Request
from aisearch_operator.domain.verdict import Verdict
from aisearch_operator.engine.store import Known, ObjectKey, Store
from aisearch_operator.engine.workqueue import Again
from aisearch_operator.kube.credentials import CredentialError
from aisearch_operator.observation.statistics import StatisticsObserver
from aisearch_operator.reconcilers.job_calls import JobCalls
from aisearch_operator.reconcilers.outcome import (
    Released,
    Reporter,
    RetryPolicy,
    Stay,
    Trouble,
    invalid_fields,
    utc_now,
)
from aisearch_operator.reconcilers.sync_job_attempt import SyncJobPass, SyncJobSteps
from aisearch_operator.reconcilers.sync_job_expiry import JobExpiry
from aisearch_operator.reconcilers.sync_job_index import IndexWait
from aisearch_operator.reconcilers.sync_job_removal import LATE_JOB_INTERVAL, JobRemoval
from aisearch_operator.reconcilers.target import Target, TargetFinder
from aisearch_operator.reconcilers.turns import Turns, in_line, readable_part
from aisearch_operator.resources.sync_job import AISearchSyncJob, AISearchSyncJobStatus

__all__ = ["SyncJobReconciler"]


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
        calls: JobCalls,
        steps: SyncJobSteps,
        index: IndexWait,
        removal: JobRemoval,
        expiry: JobExpiry,
        statistics: StatisticsObserver,
        reporter: Reporter,
        retry: RetryPolicy,
        *,
        wake: Callable[[Iterable[ObjectKey]], None],
    ) -> None:
        self._store = store
        self._turns = Turns(store)
        self._targets = targets
        self._calls = calls
        self._steps = steps
        self._index = index
        self._removal = removal
        self._expiry = expiry
        self._statistics = statistics
        self._reporter = reporter
        self._retry = retry
        self._wake = wake

    async def reconcile(self, known: Known) -> Again | None:
        """Make one pass over a resource that is not being deleted."""
        try:
            resource = AISearchSyncJob.model_validate(known.body)
        except ValidationError as error:
            await self._unreadable(known, error)
            return None
        status, generation = resource.status, resource.metadata.generation
        if is_terminal(status):
            return await self._settled(known, resource)
        if _is_asleep(resource) and known.requested is None:
            return None
        this = SyncJobPass.over(known, resource, self._turns.others(known.key))
        try:
            again = await self._pass(this)
        except (CredentialError, CloudflareError) as error:
            again = self._troubled(this, error)
        after = summarize_job(status, this.finding, generation=generation, now=utc_now())
        if this.finding.finished is not None:
            this.events += self._expiry.exemption(resource)
        await self._reporter.report(known, status, after, this.events, ray_id=this.ray_id)
        if this.finding.closed is not None:
            self._calls.close(this.key)
        updated = resource.model_copy(update={"status": after})
        if this.finding.finished is not None:
            self._leave(this)
            return Again(0) if wants_new_run(updated) else await self._expiry.step(known.key)
        indexing_from_now_on = after.indexing_since is not None and status.indexing_since is None
        if indexing_from_now_on or is_suspended(after, generation):
            self._stop_looking(this.key)
        elif not in_line(resource) or in_line(updated):
            return again
        self._wake_rivals(known.key)
        return again

    async def remove(self, known: Known) -> Again | Released:
        """Make one pass over a resource that is being deleted: its job first, then the resource."""
        resource = readable_part(known.body)
        if is_terminal(resource.status) or resource.status.indexing_since is not None:
            return Released()
        this = SyncJobPass.over(known, resource, self._turns.others(known.key))
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
        self._stop_looking(known.key)

    async def _pass(self, this: SyncJobPass) -> Again | None:
        if this.finding.handled is not None:
            await self._targets.read_credentials_again(this.key)
        if this.resource.status.indexing_since is not None:
            return await self._index.advance(this)
        request = self._request(this)
        target = await self._target(this)
        if isinstance(target, Verdict):
            earlier = await self._started_unheard(this, request)
            if earlier is None:
                this.note(verdict=target)
                return self._look_again(this, request)
            target = earlier
        if target is None:
            self._steps.leave(this, request, utc_now())
            return None
        this.note(
            account_id=target.address.account_id,
            search_namespace=target.address.search_namespace,
            instance_id=target.address.instance_id,
            credentials_secret=target.connection.secret,
        )
        return await self._steps.advance(this, target, request)

    def _troubled(self, this: SyncJobPass, error: CredentialError | CloudflareError) -> Again | None:
        started = open_job_id(this.resource.status) is not None
        if isinstance(error, NotFound) and (started or _unwanted(this)):
            if not self._targets.resolves_itself(this.key, this.resource):
                # 7002, 7063: without the instance nothing runs any more, and nothing is to be waited for
                if started:
                    return self._steps.miss(this, self._request(this), utc_now())
                self._steps.leave(this, self._request(this), utc_now())
                return None
            this.note(verdict=Verdict.of_error(error))
            return Again()
        trouble = self._retry.trouble(error)
        this.note(verdict=trouble.verdict)
        this.ray_id = trouble.ray_id
        return trouble.again

    async def _started_unheard(self, this: SyncJobPass, request: Request) -> Target | None:
        """Find where a job runs that was started unheard, although none may be started there any more."""
        unknown = this.resource.status.instance_id is None
        if unknown or request.job_id is not None or not self._calls.may_have_started(this.key):
            return None
        try:
            target = await self._targets.started(this.key, this.resource)
            found = await self._calls.started_unheard(this.key, target, request.attempt, this.since)
        except (CredentialError, CloudflareError):
            return None  # what the job waits for says more than this
        return target if found else None

    def _look_again(self, this: SyncJobPass, request: Request) -> Again | None:
        """Come back for what nobody wakes the sync job up for: its deadline, and a job that shows up late."""
        deadline, late = request.run.deadline, self._calls.may_show_up(this.key)
        left = None if deadline is None else max(0.0, (deadline - utc_now()).total_seconds())
        soon = None if late is None else min(late, LATE_JOB_INTERVAL)
        times = [seconds for seconds in (left, soon) if seconds is not None]
        return Again(min(times)) if times else None

    async def _target(self, this: SyncJobPass) -> Target | Verdict | None:
        """Find the target; None when no job is wanted and none can have been started."""
        target = await self._targets.find(this.key, this.resource)
        if isinstance(target, Verdict) and _unwanted(this):
            return await self._targets.find_for_removal(this.key, this.resource)
        return target

    def _leave(self, this: SyncJobPass) -> None:
        """Stop observing for a finished job, and let the next one have its turn."""
        self._stop_looking(this.key)
        self._wake_rivals(this.key)
        if this.resource.spec.instance_ref is not None:
            instance = self._store.instance(this.key.namespace, this.resource.spec.instance_ref.name)
            if instance is not None:
                self._statistics.hurry(instance.key)

    def _stop_looking(self, key: ObjectKey) -> None:
        self._targets.forget(key)
        self._calls.forget(key)
        self._statistics.forget(key)

    async def _still_there(self, known: Known, this: SyncJobPass, trouble: Trouble) -> None:
        status = this.resource.status
        finding = replace(this.finding, verdict=trouble.verdict)
        after = summarize_job(status, finding, generation=this.resource.metadata.generation, now=utc_now())
        await self._reporter.report(known, status, after, (), ray_id=trouble.ray_id)

    async def _settled(self, known: Known, resource: AISearchSyncJob) -> Again | None:
        """Follow an edit of a finished job's spec: it may ask for another run, or change when the resource goes."""
        status, generation = resource.status, resource.metadata.generation
        if resource.spec.run_id is not None and wants_new_run(resource):
            # Written before anything is started: a deletion must know that there is something to look for.
            after = reopen(status, resource.spec.run_id, generation=generation, now=utc_now())
            await self._reporter.report(known, status, after, ())
            return Again(0)
        edited = status.observed_generation != generation
        if edited or known.requested is not None:
            changes: dict[str, object] = {"observed_generation": generation}
            if known.requested is not None:
                changes["last_handled_reconcile_at"] = known.requested
            events = self._expiry.exemption(resource) if edited else ()
            await self._reporter.report(known, status, status.model_copy(update=changes), events)
        return await self._expiry.step(known.key)

    async def _unreadable(self, known: Known, error: ValidationError) -> None:
        before = AISearchSyncJobStatus.model_validate(known.body["status"])
        verdict = Verdict.stalled(Reason.INVALID_SPEC, f"The spec cannot be read: {invalid_fields(error)}")
        finding = JobFinding(verdict, handled=known.requested)
        after = summarize_job(before, finding, generation=known.generation, now=utc_now())
        await self._reporter.report(known, before, after, ())
        stalled = condition(before.conditions, "Stalled")
        if stalled is None or stalled.status != "True":
            self._wake_rivals(known.key)

    def _request(self, this: SyncJobPass) -> Request:
        ahead, spared = self._turns.ahead_of(this.resource), self._turns.spared_by(this.resource)
        return request_of(this.resource, this.key.uid, ahead=ahead, spared=spared)

    def _wake_rivals(self, key: ObjectKey) -> None:
        self._wake(self._turns.others(key))


def _is_asleep(resource: AISearchSyncJob) -> bool:
    """Whether the sync job is suspended, and nothing is left to do about that."""
    spec = resource.spec
    return spec.suspend and not spec.cancel and is_suspended(resource.status, resource.metadata.generation)


def _unwanted(this: SyncJobPass) -> bool:
    """Whether nothing more is to be started for the sync job, as it stands."""
    return this.resource.spec.cancel or this.resource.spec.suspend or run_of(this.resource).overdue(utc_now())
