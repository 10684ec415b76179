"""The sync job protocol: which step comes next. Exactly one POST per attempt, whatever happens."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from aisearch_operator.cloudflare.wire import Job
from aisearch_operator.domain.attempts import FAILURES, Run, closed_attempts, open_job_id, run_of
from aisearch_operator.domain.job_state import Attempt, finished, owner_of
from aisearch_operator.domain.reasons import Reason
from aisearch_operator.domain.sync_job_outcome import outcome
from aisearch_operator.domain.sync_job_steps import (
    Announce,
    Cancel,
    Close,
    Finish,
    Hold,
    LookUp,
    Release,
    Request,
    StandBy,
    Start,
    Step,
    Track,
)
from aisearch_operator.resources.sync_job import AISearchSyncJob

__all__ = ["ended_step", "known_step", "next_step", "removal_step", "request_of", "step_after_closing"]


def request_of(resource: AISearchSyncJob, uid: str, *, ahead: int, spared: frozenset[str]) -> Request:
    """Read from a resource what it asks for; see `Request` for what others add to it."""
    spec, status = resource.spec, resource.status
    job_id = open_job_id(status)
    return Request(
        attempt=Attempt(uid, closed_attempts(status) + 1),
        job_id=job_id,
        cancel=spec.cancel,
        suspend=spec.suspend,
        stopping=status.stopping,
        run=run_of(resource),
        ahead=ahead,
        replaces=spec.concurrency_policy == "Replace",
        spared=spared,
    )


def next_step(request: Request, jobs: Sequence[Job], server_time: datetime, cooldown: timedelta) -> Step:
    """Decide the next step of a sync job that was not deleted.

    Parameters
    ----------
    jobs
        The instance's jobs, as the API lists them.
    server_time
        The API's own time when it listed them: differences to its time stamps are free of the
        skew between its clock and ours.
    cooldown
        How long after the last start or end the API refuses a new job (facts 3.3).
    """
    mine = own_job(request, jobs)
    if mine is not None:
        return known_step(request, mine, server_time)
    if request.job_id is not None:
        return LookUp(request.job_id)
    if request.cancel:
        return Finish(None, Reason.CANCELLED, None)
    if request.suspend:
        return StandBy()
    run = request.run
    if run.overdue(server_time):
        return Finish(None, Reason.DEADLINE_EXCEEDED, None)
    if run.failed > run.backoff_limit:  # it was lowered
        return Finish(None, Reason.BACKOFF_LIMIT_EXCEEDED, None)
    step = _turn(request, jobs, server_time, cooldown)
    if isinstance(step, Hold):
        return replace(step, after=_sooner(step.after, _left(run, server_time)))
    return step


def known_step(request: Request, job: Job, server_time: datetime) -> Track | Announce | Cancel | Close | Finish:
    """Decide the next step of a sync job whose present attempt is at Cloudflare."""
    if finished(job):
        return ended_step(request, job, server_time)
    if request.cancel:
        return Cancel(job)
    if request.stopping is not None:
        return Cancel(job, request.stopping)
    if request.suspend:
        return Announce(job, "Suspended")
    if request.run.overdue(server_time):
        return Announce(job, "DeadlineExceeded")
    return Track(job, _left(request.run, server_time))


def ended_step(request: Request, job: Job | None, server_time: datetime) -> Close | Finish:
    """Decide what follows when the job of the present attempt has ended, or is not to be found any more."""
    how = outcome(job, cancel=request.cancel, stopping=request.stopping)
    run = request.run
    if how is Reason.SUSPENDED:
        return Close(job, how)
    if how not in FAILURES or run.backoff_limit == 0:
        return Finish(job, how, how)
    if run.failed >= run.backoff_limit:
        return Finish(job, Reason.BACKOFF_LIMIT_EXCEEDED, how)
    if run.overdue(server_time):
        return Finish(job, Reason.DEADLINE_EXCEEDED, how)
    return Close(job, how)


def step_after_closing(
    request: Request, step: Close, jobs: Sequence[Job], server_time: datetime, cooldown: timedelta
) -> Step:
    """Foretell what a run does once its present attempt is closed: what its status says in the meantime."""
    attempt = replace(request.attempt, number=request.attempt.number + 1)
    run = request.run
    if step.outcome in FAILURES:
        ended = step.job.ended_at if step.job else None
        run = replace(run, failed=run.failed + 1, failed_at=ended or server_time)
    else:
        run = replace(run, failed_at=None, started_at=None)
    return next_step(
        replace(request, attempt=attempt, job_id=None, stopping=None, run=run), jobs, server_time, cooldown
    )


def removal_step(request: Request, jobs: Sequence[Job]) -> Cancel | LookUp | Release:
    """Decide the next step of a sync job whose resource is being deleted."""
    mine = own_job(request, jobs)
    if mine is not None and not finished(mine):
        return Cancel(mine)
    # An earlier attempt that was given up as lost may have shown up again.
    for job in jobs:
        if owner_of(job) == request.attempt.uid and not finished(job):
            return Cancel(job)
    return Release() if request.job_id is None or mine is not None else LookUp(request.job_id)


def own_job(request: Request, jobs: Iterable[Job]) -> Job | None:
    """Find the job of this attempt: by the id that status knows, else by its marker."""
    by_marker = None
    for job in jobs:
        if job.id == request.job_id:
            return job
        if request.job_id is None and request.attempt.owns(job):
            by_marker = job
    return by_marker


def free_from(jobs: Iterable[Job], cooldown: timedelta) -> datetime | None:
    """Tell when the cooldown after the last start and the last end is over; None without a job."""
    moments = [moment for job in jobs for moment in (job.started_at, job.ended_at) if moment]
    return max(moments) + cooldown if moments else None


def _turn(request: Request, jobs: Sequence[Job], server_time: datetime, cooldown: timedelta) -> Hold | Start:
    run = request.run
    if run.failed_at is not None:
        pause = run.pause(cooldown)
        if run.failed_at + pause > server_time:
            message = (
                f"Attempt {request.attempt.number - 1} failed; the next one is made "
                f"{pause.total_seconds():.0f} s after its end"
            )
            return Hold(Reason.BACK_OFF, message, (run.failed_at + pause - server_time).total_seconds())
    if request.ahead:
        jobs_word = "sync job is" if request.ahead == 1 else "sync jobs are"
        message = f"{request.ahead} other {jobs_word} ahead of this one for the same instance"
        return Hold(Reason.WAITING_FOR_TURN, message, None)
    running = [job for job in jobs if not finished(job) and not (request.replaces and _may_end(request, job))]
    if running:
        message = f"Job {running[0].id} ({running[0].source}) of the instance has not ended yet"
        return Hold(Reason.ANOTHER_JOB_RUNNING, message, None)
    until = free_from(jobs, cooldown)
    if until is not None and until > server_time:
        message = f"Cloudflare takes the next sync job {cooldown.total_seconds():.0f} s after the last one"
        return Hold(Reason.COOLDOWN, message, (until - server_time).total_seconds())
    return Start()


def _may_end(request: Request, job: Job) -> bool:
    """Whether a job that replaces others may end this one: so two of them never end each other by turns."""
    return owner_of(job) not in request.spared


def _left(run: Run, server_time: datetime) -> float | None:
    return None if run.deadline is None else max(0.0, (run.deadline - server_time).total_seconds())


def _sooner(one: float | None, other: float | None) -> float | None:
    return min((after for after in (one, other) if after is not None), default=None)
