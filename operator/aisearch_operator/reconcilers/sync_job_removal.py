"""The end of a deleted sync job resource: its job is cancelled, and its end confirmed."""

from dataclasses import replace
from datetime import datetime, timedelta

from aisearch_operator.cloudflare.errors import CloudflareError, NotFound
from aisearch_operator.cloudflare.wire import Job
from aisearch_operator.domain.job_state import finished
from aisearch_operator.domain.reasons import Reason
from aisearch_operator.domain.sync_job import removal_step
from aisearch_operator.domain.sync_job_steps import LookUp, Release, Request
from aisearch_operator.engine.store import ObjectKey
from aisearch_operator.engine.workqueue import Again
from aisearch_operator.kube.credentials import CredentialError
from aisearch_operator.kube.events import Event
from aisearch_operator.reconcilers.job_calls import JobCalls
from aisearch_operator.reconcilers.outcome import Leave, RetryPolicy, Stay, Trouble
from aisearch_operator.reconcilers.target import Target, TargetFinder
from aisearch_operator.resources.sync_job import AISearchSyncJob

__all__ = ["CONFIRM_INTERVAL", "LATE_JOB_INTERVAL", "JobRemoval"]

CONFIRM_INTERVAL = 1.0
"""Seconds between two looks for the end of a cancelled job."""

LATE_JOB_INTERVAL = 5.0
"""Seconds between two looks for a job that was started unheard: most lists show it at once."""


class JobRemoval:
    """Ends jobs whose resources are deleted.

    Parameters
    ----------
    cancel_timeout
        Seconds after the cancellation until the resource goes although the job has not ended.
    release_timeout
        Seconds that a deletion waits for what only a person can put right.
    """

    def __init__(
        self,
        targets: TargetFinder,
        calls: JobCalls,
        retry: RetryPolicy,
        *,
        cancel_timeout: float,
        release_timeout: float,
    ) -> None:
        self._targets = targets
        self._calls = calls
        self._retry = retry
        self._cancel_timeout = cancel_timeout
        self._release_timeout = timedelta(seconds=release_timeout)

    async def step(self, key: ObjectKey, resource: AISearchSyncJob, request: Request, since: datetime) -> Stay | Leave:
        """Bring the job one step nearer to its end.

        Parameters
        ----------
        since
            Older jobs need not be looked at.
        """
        if resource.spec.deletion_policy == "Orphan":
            message = f"Job {request.job_id} runs on, as spec.deletionPolicy says"
            return Leave([Event("Normal", Reason.RETAINED, message)] if request.job_id else [])
        try:
            target = await self._targets.find_for_removal(key, resource)
            return await self._end(key, target, request, since) if target is not None else Leave()
        except CredentialError as error:
            if resource.status.instance_id is None:
                return Leave()  # without credentials nothing was ever started
            return self._troubled(key, resource, request, self._retry.trouble(error))
        except CloudflareError as error:
            trouble = self._retry.trouble(error)
            if isinstance(error, NotFound):
                if not self._targets.resolves_itself(key, resource):
                    return Leave()  # 7002, 7063: without the instance nothing can run
                trouble = replace(trouble, bounded=True)
            return self._troubled(key, resource, request, trouble)

    def _troubled(self, key: ObjectKey, resource: AISearchSyncJob, request: Request, trouble: Trouble) -> Stay | Leave:
        if trouble.bounded and request.job_id is None and not self._calls.may_have_started(key):
            return Leave()  # a job that was refused from its first day, say for an account of others
        if trouble.overdue(resource.metadata.deletion_timestamp, self._release_timeout):
            return _give_up(resource, request, trouble.verdict.message)
        return Stay(trouble.again, trouble)

    async def _end(self, key: ObjectKey, target: Target, request: Request, since: datetime) -> Stay | Leave:
        seen = await self._calls.refresh_to_end(key, target, since, request.job_id)
        step = removal_step(request, seen.jobs)
        if isinstance(step, Release):
            if seen.unlisted is not None:
                raise seen.unlisted  # an earlier attempt may have shown up again
            return self._leave(key, unseen=request.job_id is None)
        job = await self._calls.look_up(key, target, step.job_id, urgent=True) if isinstance(step, LookUp) else step.job
        if job is None or finished(job):
            return self._leave(key, unseen=job is None)
        return await self._cancel(key, target, job)

    def _leave(self, key: ObjectKey, *, unseen: bool) -> Stay | Leave:
        """Let the resource go, unless a job that nobody sees may still be on its way into the lists."""
        left = self._calls.may_show_up(key) if unseen else None
        return Leave() if left is None else Stay(Again(min(left, LATE_JOB_INTERVAL)))

    async def _cancel(self, key: ObjectKey, target: Target, job: Job) -> Stay | Leave:
        waited = self._calls.cancelled_for(key, job)
        if waited is None:
            told = [Event("Normal", Reason.CANCELLING, f"Asked Cloudflare to cancel job {job.id}")]
            answer = await self._calls.cancel(key, target, job)
            ended = answer is None or finished(answer)
            return Leave(told) if ended else Stay(Again(CONFIRM_INTERVAL), events=told)
        if waited < self._cancel_timeout:
            return Stay(Again(CONFIRM_INTERVAL))
        where = f"{target.address.search_namespace}/{target.address.instance_id} of account {target.address.account_id}"
        return Leave([_left(f"Job {job.id} of instance {where}", "it was cancelled and has not ended since")])


def _give_up(resource: AISearchSyncJob, request: Request, why: str) -> Leave:
    status = resource.status
    job = f"Job {request.job_id}" if request.job_id else f"A job marked {request.attempt.marker}"
    where = f"{status.search_namespace}/{status.instance_id} of account {status.account_id}"
    return Leave([_left(f"{job} of instance {where}", why)])


def _left(what: str, why: str) -> Event:
    return Event("Warning", Reason.RELEASED_UNCONFIRMED, f"{what} may still run at Cloudflare: {why}")
