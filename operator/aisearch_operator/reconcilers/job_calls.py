"""The calls for sync jobs, with the memory of what was sent: one POST and one cancellation for each resource."""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from weakref import WeakValueDictionary

from aisearch_operator.cloudflare.budget import Priority
from aisearch_operator.cloudflare.errors import Cause, CloudflareError, JobAlreadyEnded, NotFound, Retry, Wait
from aisearch_operator.cloudflare.wire import Job, JobLog
from aisearch_operator.domain.job_state import Attempt
from aisearch_operator.domain.sync_job_status import MAX_LOGS
from aisearch_operator.engine.store import ObjectKey, Store
from aisearch_operator.observation.address import InstanceAddress
from aisearch_operator.observation.jobs import JobObserver, JobsSeen
from aisearch_operator.observation.polling import PUT_OFF
from aisearch_operator.reconcilers.outcome import utc_now
from aisearch_operator.reconcilers.target import Target
from aisearch_operator.resources.group import SYNC_JOB_KIND

__all__ = ["JobCalls"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Unheard:
    """A POST that nobody answered."""

    error: Retry
    until: float


@dataclass(frozen=True, slots=True)
class _Cancelled:
    """A cancellation that Cloudflare confirmed."""

    job_id: str
    at: float


class JobCalls:
    """Speaks to Cloudflare for the sync job reconciler.

    Parameters
    ----------
    store
        No job is started for a resource that is not in there.
    settle
        Seconds after a POST without an answer until its job must be in the list. No other is sent
        before that: it would end the first.
    """

    def __init__(
        self, jobs: JobObserver, store: Store, *, settle: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._jobs = jobs
        self._store = store
        self._settle = settle
        self._clock = clock
        self._inherited: dict[ObjectKey, float] = {}
        self._sent: set[ObjectKey] = set()
        self._locks: WeakValueDictionary[InstanceAddress, asyncio.Lock] = WeakValueDictionary()
        self._unheard: dict[ObjectKey, _Unheard] = {}
        self._cancelled: dict[ObjectKey, _Cancelled] = {}

    def inherit(self, keys: Iterable[ObjectKey]) -> None:
        """Note sync jobs that are taken over now: the operator before this one may have sent a POST for them."""
        until = self._clock() + self._settle
        for key in keys:
            if key.kind == SYNC_JOB_KIND:
                self._inherited.setdefault(key, until)

    def starting(self, target: Target) -> asyncio.Lock:
        """Give the lock of an instance: one POST at a time, each decided on a list of its own."""
        return self._locks.setdefault(target.address, asyncio.Lock())

    def known(self, key: ObjectKey, target: Target, since: datetime) -> JobsSeen | None:
        """Give the jobs as they were listed last; see `JobObserver.known`."""
        return self._jobs.known(key, target.connection, target.address, since)

    async def refresh(self, key: ObjectKey, target: Target, since: datetime) -> JobsSeen:
        """List the jobs now; see `JobObserver.refresh`."""
        return await self._jobs.refresh(key, target.connection, target.address, since, urgent=False)

    async def refresh_to_end(self, key: ObjectKey, target: Target, since: datetime, job_id: str | None) -> JobsSeen:
        """List the jobs in order to end one, before all else.

        Parameters
        ----------
        job_id
            Its id, if that is known: where the list fails, the job is asked for by itself. A list that does not
            work must not keep a job running.

        Raises
        ------
        CloudflareError
            Neither could be had.
        """
        try:
            return await self._jobs.refresh(key, target.connection, target.address, since, urgent=True)
        except Retry as error:
            if job_id is None or error.cause in PUT_OFF:
                raise
            job = await self.look_up(key, target, job_id, urgent=True)
            if job is None:
                raise
            return JobsSeen((job,), utc_now(), unlisted=error)

    def unheard(self, key: ObjectKey) -> Retry | None:
        """Give the error of a POST whose job may still show up in the list."""
        found = self._unheard.get(key)
        return found.error if found is not None and self._clock() < found.until else None

    def may_have_started(self, key: ObjectKey) -> bool:
        """Whether a POST may have been sent for this resource, by this operator or the one before it."""
        return key in self._sent or key in self._inherited

    def may_show_up(self, *keys: ObjectKey) -> float | None:
        """Give the seconds until a job of these that nobody sees cannot be late any more; None when they are over.

        Reads may lag behind a POST of which nobody heard, or it may still be on its way: ours, or that
        of the operator before this one.
        """
        now = self._clock()
        ours = [self._unheard[key].until for key in keys if key in self._unheard]
        earlier = [self._inherited[key] for key in keys if key in self._inherited]
        left = max((*ours, *earlier), default=now) - now
        return left if left > 0 else None

    async def started_unheard(self, key: ObjectKey, target: Target, attempt: Attempt, since: datetime) -> bool:
        """Look for a job of an attempt of which no answer was heard; do not follow the instance's jobs for it."""
        seen = await self.refresh(key, target, since)
        found = any(attempt.owns(job) for job in seen.jobs)
        if not found:
            self._jobs.forget(key)
        return found

    async def start(self, key: ObjectKey, target: Target, description: str) -> Job:
        """POST the job, unless an earlier POST may have been carried out unheard.

        Raises
        ------
        CloudflareError
            It was refused, or nobody knows; then the job is to be looked for.
        Departed
            The resource is not this operator's any more.
        """
        self._store.check(key)
        if (unheard := self.unheard(key)) is not None:
            raise unheard.with_traceback(None)  # it is raised for each pass, and would grow with each
        self._sent.add(key)
        try:
            job = await target.connection.client.create_job(
                target.address.namespace, target.address.instance_id, description
            )
        except Retry as error:
            if error.effect_unknown:
                self._unheard[key] = _Unheard(error, self._clock() + self._settle)
            raise
        except Wait as error:
            if error.cause is Cause.INSTANCE_PAUSED:
                self._jobs.forget(key)  # a pause may last for weeks, without any need of a list
            raise
        self._jobs.record(key, target.connection, target.address, job)
        return job

    def cancelled_for(self, key: ObjectKey, job: Job) -> float | None:
        """Give the seconds since the job's cancellation was confirmed; None when it was not."""
        sent = self._cancelled.get(key)
        return self._clock() - sent.at if sent is not None and sent.job_id == job.id else None

    async def cancel(self, key: ObjectKey, target: Target, job: Job) -> Job | None:
        """Ask for the end of a job; None when Cloudflare does not know it any more."""
        namespace, instance_id = target.address.namespace, target.address.instance_id
        try:
            answer = await target.connection.client.cancel_job(namespace, instance_id, job.id)
        except JobAlreadyEnded:
            return await self.look_up(key, target, job.id, urgent=True)
        except NotFound:
            return None
        self._cancelled[key] = _Cancelled(job.id, self._clock())
        self._jobs.record(key, target.connection, target.address, answer)
        return answer

    async def look_up(self, key: ObjectKey, target: Target, job_id: str, *, urgent: bool = False) -> Job | None:
        """Ask for one job; None when Cloudflare does not know it."""
        namespace, instance_id = target.address.namespace, target.address.instance_id
        priority = Priority.CANCEL if urgent else None
        try:
            job = await target.connection.client.get_job(namespace, instance_id, job_id, priority=priority)
        except NotFound:
            return None
        self._jobs.record(key, target.connection, target.address, job)
        return job

    async def logs(self, target: Target, job: Job) -> tuple[JobLog, ...] | None:
        """Read the end of a job's log; None when that fails: a log is a convenience, and holds nothing up."""
        try:
            return await target.connection.client.job_logs(
                target.address.namespace, target.address.instance_id, job.id, tail=MAX_LOGS
            )
        except CloudflareError as error:
            logger.info("The log of job %s could not be read: %s", job.id, error)
            return None

    def close(self, key: ObjectKey) -> None:
        """Drop what was kept of an attempt that is over: the next one is sent by itself."""
        self._inherited.pop(key, None)
        self._sent.discard(key)
        self._unheard.pop(key, None)
        self._cancelled.pop(key, None)

    def forget(self, key: ObjectKey) -> None:
        """Drop what was kept for a sync job that is over or gone."""
        self._jobs.forget(key)
        self.close(key)
