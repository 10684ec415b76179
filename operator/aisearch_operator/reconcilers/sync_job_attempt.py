"""The steps of a sync job at Cloudflare: each one carried out, and what came of it noted for the status."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from aisearch_operator.cloudflare.errors import Cause, CloudflareError, Wait
from aisearch_operator.domain.attempts import run_id_of
from aisearch_operator.domain.reasons import Reason
from aisearch_operator.domain.sync_job import ended_step, known_step, next_step, step_after_closing
from aisearch_operator.domain.sync_job_status import (
    JobFinding,
    progress_due,
    with_closing,
    with_index_awaited,
    with_step,
)
from aisearch_operator.domain.sync_job_steps import (
    Announce,
    Cancel,
    Close,
    Finish,
    Hold,
    LookUp,
    Request,
    StandBy,
    Start,
    Step,
    Track,
)
from aisearch_operator.domain.verdict import Verdict
from aisearch_operator.engine.store import Known, ObjectKey
from aisearch_operator.engine.workqueue import Again
from aisearch_operator.kube.events import Event
from aisearch_operator.observation.jobs import JobsSeen
from aisearch_operator.reconcilers.job_calls import JobCalls
from aisearch_operator.reconcilers.outcome import Pass
from aisearch_operator.reconcilers.sync_job_removal import CONFIRM_INTERVAL, LATE_JOB_INTERVAL
from aisearch_operator.reconcilers.target import Target
from aisearch_operator.resources.sync_job import AISearchSyncJob

__all__ = ["SyncJobPass", "SyncJobSteps"]

CLOCK_SKEW = timedelta(hours=1)
"""How far Cloudflare's clock may be behind the API server's when old jobs are left out of a list."""


@dataclass(slots=True)
class SyncJobPass(Pass[AISearchSyncJob, JobFinding]):
    """A pass over a sync job.

    Parameters
    ----------
    rivals
        The other sync jobs for the same instance.
    """

    rivals: Sequence[ObjectKey] = ()

    @classmethod
    def over(cls, known: Known, resource: AISearchSyncJob, rivals: Sequence[ObjectKey]) -> "SyncJobPass":
        """Begin a pass."""
        run_id = run_id_of(resource, adopts=False)
        finding = JobFinding(Verdict.working(Reason.WORKING, ""), run_id=run_id, handled=known.requested)
        return cls(known, resource, finding, rivals=rivals)

    @property
    def since(self) -> datetime:
        """Jobs that ended before this need not be looked at."""
        history = self.resource.status.attempt_history
        last = history[-1].completion_time if history else None
        return (last or self.resource.metadata.creation_timestamp) - CLOCK_SKEW

    def see(self, step: Step) -> None:
        """Note what a step says of the sync job."""
        self.finding = with_step(self.finding, step)
        if self.finding.finished is Reason.SUCCEEDED and self.resource.spec.completion_policy == "Indexed":
            self.finding = with_index_awaited(self.finding)
        if self.finding.finished is Reason.SUCCEEDED:
            self.tell(Reason.SUCCEEDED, self.finding.verdict.message)
        if isinstance(step, StandBy) and self.resource.status.phase != "Suspended":
            self.tell(Reason.SUSPENDED, self.finding.verdict.message)


@dataclass(frozen=True, slots=True)
class _Scene:
    """What the steps of one pass are about."""

    this: SyncJobPass
    target: Target
    request: Request
    seen: JobsSeen


class SyncJobSteps:
    """Carries out what the protocol of `domain.sync_job` decides.

    Parameters
    ----------
    cooldown
        Seconds after the start or end of a job, before the next one.
    poll_interval
        Seconds between two lists of an instance's jobs.
    """

    def __init__(self, calls: JobCalls, *, cooldown: float, poll_interval: float) -> None:
        self._calls = calls
        self._cooldown = timedelta(seconds=cooldown)
        self._poll_interval = poll_interval

    async def advance(self, this: SyncJobPass, target: Target, request: Request) -> Again | None:
        """Bring the sync job one step further."""
        seen = self._last_seen(this, target, request)
        if seen is None and request.ending:
            seen = await self._calls.refresh_to_end(this.key, target, this.since, request.job_id)
        elif seen is None:
            async with self._calls.starting(target):
                seen = await self._calls.refresh(this.key, target, this.since)
                if isinstance(self._decide(request, seen), Start):
                    return await self._start(_Scene(this, target, request, seen))
        scene, step = _Scene(this, target, request, seen), self._decide(request, seen)
        this.note(server_time=seen.server_time)
        if isinstance(step, LookUp):
            step = await self._look_up(scene, step.job_id)
        if isinstance(step, Track | Announce | Cancel | Close | Finish) and step.job is not None:
            this.note(run_id=run_id_of(this.resource, adopts=request.job_id is None))
        return await self._follow(scene, step)

    def _last_seen(self, this: SyncJobPass, target: Target, request: Request) -> JobsSeen | None:
        """Give the jobs as they were listed last, where that will do."""
        if this.finding.handled is not None:
            return None  # a pass now was asked for
        try:
            seen = self._calls.known(this.key, target, this.since)
        except CloudflareError:
            if not request.ending:
                raise
            return None  # its job may be known by its id
        return None if seen is None or _needs_a_fresh_look(self._decide(request, seen)) else seen

    def leave(self, this: SyncJobPass, request: Request, now: datetime) -> None:
        """Note what becomes of a sync job that has nothing at Cloudflare, where nothing is to be asked."""
        this.see(next_step(request, (), now, self._cooldown))

    def miss(self, this: SyncJobPass, request: Request, now: datetime) -> Again | None:
        """Note that the job of the present attempt is not to be found any more."""
        return self._end(this, request, ended_step(request, None, now), JobsSeen((), now))

    def _decide(self, request: Request, seen: JobsSeen) -> Step:
        return next_step(request, seen.jobs, seen.server_time, self._cooldown)

    async def _follow(self, scene: _Scene, step: Step) -> Again | None:
        this = scene.this
        match step:
            case Hold(after=after):
                this.see(step)
                return self._after(after)
            case Track(job, after):
                this.see(step)
                # A job that this pass has started has no log yet.
                if this.resource.status.job_id == job.id and progress_due(this.resource.status, job):
                    this.note(logs=await self._calls.logs(scene.target, job))
                return self._after(after)
            case Announce():
                this.see(step)
                return Again(0)
            case Cancel():
                return await self._cancel(scene, step)
            case StandBy() | Finish(job=None, outcome=None):
                if (late := self._late(this)) is None:
                    this.see(step)
                return late
            case Close(job) | Finish(job):
                if job is not None:
                    this.note(logs=await self._calls.logs(scene.target, job))
                return self._end(this, scene.request, step, scene.seen)
        return Again(0)  # Start and LookUp were dealt with before

    def _end(self, this: SyncJobPass, request: Request, step: Close | Finish, seen: JobsSeen) -> Again | None:
        """Note the end of the present attempt, and of the run perhaps."""
        if isinstance(step, Finish):
            this.see(step)
            return None if this.finding.indexing_since is None else Again(0)
        then = step_after_closing(request, step, seen.jobs, seen.server_time, self._cooldown)
        this.finding = with_closing(this.finding, step, then)
        number = request.attempt.number
        if step.outcome is Reason.SUSPENDED:
            this.tell(step.outcome, f"Attempt {number} was ended, as spec.suspend asks for")
        else:
            message = f"Attempt {number} is over; another follows, as spec.backoffLimit allows"
            this.events.append(Event("Warning", step.outcome, message))
        return self._after(then.after) if isinstance(then, Hold) else Again(0)

    def _after(self, seconds: float | None) -> Again | None:
        # Looked at again with every list: pauses and deadlines are measured by Cloudflare's clock, not by ours.
        return None if seconds is None else Again(min(max(seconds, CONFIRM_INTERVAL), self._poll_interval))

    async def _start(self, scene: _Scene) -> Again | None:
        this, seen = scene.this, scene.seen
        this.note(server_time=seen.server_time)
        if self._calls.unheard(this.key) is None and (late := self._late(this, *this.rivals)) is not None:
            return late
        description = scene.request.attempt.description(this.resource.spec.description or this.key.name)
        try:
            job = await self._calls.start(this.key, scene.target, description)
        except Wait as error:
            if error.cause is not Cause.SYNC_COOLDOWN:
                raise
            this.see(Hold(Reason.COOLDOWN, str(error), None))
            return Again(error.after or self._cooldown.total_seconds())
        this.tell(Reason.STARTED, f"Started job {job.id}")
        return await self._follow(scene, known_step(scene.request, job, seen.server_time))

    def _late(self, this: SyncJobPass, *others: ObjectKey) -> Again | None:
        """Wait for a job, of this resource or others, that may have been started unheard; None when there is none."""
        left = self._calls.may_show_up(this.key, *others)
        if left is None:
            return None
        message = "A job of the instance that was started unheard may still show up"
        this.see(Hold(Reason.LOOKING_AROUND, message, left))
        return Again(min(left, LATE_JOB_INTERVAL))

    async def _cancel(self, scene: _Scene, step: Cancel) -> Again | None:
        this, request, now = scene.this, scene.request, scene.seen.server_time
        this.see(step)
        if self._calls.cancelled_for(this.key, step.job) is None:
            answer = await self._calls.cancel(this.key, scene.target, step.job)
            this.tell(Reason.CANCELLING, f"Asked Cloudflare to cancel job {step.job.id}")
        else:
            answer = await self._calls.look_up(this.key, scene.target, step.job.id)
        following = ended_step(request, None, now) if answer is None else known_step(request, answer, now)
        if isinstance(following, Close | Finish):
            return await self._follow(scene, following)
        return Again(CONFIRM_INTERVAL)

    async def _look_up(self, scene: _Scene, job_id: str) -> Step:
        """Ask for a job that the list does not show."""
        job = await self._calls.look_up(scene.this.key, scene.target, job_id)
        if job is not None:
            return known_step(scene.request, job, scene.seen.server_time)
        if left := self._calls.may_show_up(scene.this.key):
            return Hold(Reason.WORKING, f"Cloudflare does not show job {job_id} yet, or not any more", left)
        return ended_step(scene.request, None, scene.seen.server_time)


def _needs_a_fresh_look(step: Step) -> bool:
    """Whether a step is too grave for a list that may be old: a start, and what holds only if there is no job."""
    match step:
        case Start() | StandBy() | Finish(job=None):
            return True
        case _:
            return False
