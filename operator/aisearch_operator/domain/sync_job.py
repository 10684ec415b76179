"""The sync job protocol: which step comes next. Exactly one POST per attempt, whatever happens."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from aisearch_operator.cloudflare.wire import Job
from aisearch_operator.domain.job_state import Attempt, finished
from aisearch_operator.domain.reasons import Reason

__all__ = [
    "Cancel",
    "Finish",
    "Hold",
    "LookUp",
    "Release",
    "Request",
    "Start",
    "Step",
    "Track",
    "next_step",
    "removal_step",
]


@dataclass(frozen=True, slots=True)
class Request:
    """What a sync job resource asks for, and what its status remembers.

    Parameters
    ----------
    job_id
        The job that status knows; None while none was seen.
    ahead
        How many older resources wait for the same instance.
    """

    attempt: Attempt
    job_id: str | None
    cancel: bool
    ahead: int


@dataclass(frozen=True, slots=True)
class Hold:
    """Wait; look again in ``after`` seconds, or when the jobs of the instance change."""

    reason: Reason
    message: str
    after: float | None


@dataclass(frozen=True, slots=True)
class Start:
    """POST the job, after a fresh look at the list that still says so."""


@dataclass(frozen=True, slots=True)
class Track:
    """The job is at Cloudflare and has not ended."""

    job: Job


@dataclass(frozen=True, slots=True)
class Cancel:
    """Ask for the end of the job, which has not ended."""

    job: Job


@dataclass(frozen=True, slots=True)
class LookUp:
    """Status knows a job that the list does not show: ask for it by its id."""

    job_id: str


@dataclass(frozen=True, slots=True)
class Finish:
    """It is over. ``job`` is None when none was ever started."""

    job: Job | None


@dataclass(frozen=True, slots=True)
class Release:
    """Nothing runs any more: the resource may go."""


Step = Hold | Start | Track | Cancel | LookUp | Finish


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
        if finished(mine):
            return Finish(mine)
        return Cancel(mine) if request.cancel else Track(mine)
    if request.job_id is not None:
        return LookUp(request.job_id)
    if request.cancel:
        return Finish(None)
    if request.ahead:
        jobs_word = "job is" if request.ahead == 1 else "jobs are"
        message = f"{request.ahead} older sync {jobs_word} ahead of this one for the same instance"
        return Hold(Reason.WAITING_FOR_TURN, message, None)
    running = [job for job in jobs if not finished(job)]
    if running:
        message = f"Job {running[0].id} ({running[0].source}) of the instance has not ended yet"
        return Hold(Reason.ANOTHER_JOB_RUNNING, message, None)
    until = free_from(jobs, cooldown)
    if until is not None and until > server_time:
        message = f"Cloudflare takes the next sync job {cooldown.total_seconds():.0f} s after the last one"
        return Hold(Reason.COOLDOWN, message, (until - server_time).total_seconds())
    return Start()


def removal_step(request: Request, jobs: Sequence[Job]) -> Cancel | LookUp | Release:
    """Decide the next step of a sync job whose resource is being deleted."""
    mine = own_job(request, jobs)
    if mine is not None:
        return Release() if finished(mine) else Cancel(mine)
    return Release() if request.job_id is None else LookUp(request.job_id)


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
