"""The words of the sync job protocol: what a sync job asks for, and the steps that can follow."""

from dataclasses import dataclass

from aisearch_operator.cloudflare.wire import Job
from aisearch_operator.domain.attempts import Run
from aisearch_operator.domain.job_state import Attempt
from aisearch_operator.domain.reasons import Reason
from aisearch_operator.resources.sync_job import StopReason

__all__ = [
    "Announce",
    "Cancel",
    "Close",
    "Finish",
    "Hold",
    "LookUp",
    "Release",
    "Request",
    "StandBy",
    "Start",
    "Step",
    "Track",
]

NEW_RUN = Run()


@dataclass(frozen=True, slots=True)
class Request:
    """What a sync job resource asks for, and what its status remembers.

    Parameters
    ----------
    attempt
        The present attempt, started or not.
    job_id
        Its job, as far as status knows it; None while none was seen.
    stopping
        Why the operator is ending that job; this was written to status before Cloudflare is asked to,
        so that its end is taken for what it is, whatever happens in between.
    ahead
        How many other resources for the same instance come first.
    replaces
        Whether other jobs of the instance are not waited for.
    spared
        Resources, by their uid, whose jobs are waited for even then.
    """

    attempt: Attempt
    job_id: str | None = None
    cancel: bool = False
    suspend: bool = False
    stopping: StopReason | None = None
    run: Run = NEW_RUN
    ahead: int = 0
    replaces: bool = False
    spared: frozenset[str] = frozenset()

    @property
    def ending(self) -> bool:
        """Whether the job is to be ended, if there is one."""
        return self.cancel or self.suspend or self.stopping is not None


@dataclass(frozen=True, slots=True)
class Hold:
    """Wait; look again in ``after`` seconds, or when the jobs of the instance change."""

    reason: Reason
    message: str
    after: float | None


@dataclass(frozen=True, slots=True)
class StandBy:
    """The run is suspended, and nothing of it is at Cloudflare."""


@dataclass(frozen=True, slots=True)
class Start:
    """POST the job, after a fresh look at the list that still says so."""


@dataclass(frozen=True, slots=True)
class Track:
    """The job is at Cloudflare and has not ended; look again in ``after`` seconds, or when it changes."""

    job: Job
    after: float | None = None


@dataclass(frozen=True, slots=True)
class Announce:
    """Write to status why the job is about to be cancelled, and only then cancel it."""

    job: Job
    why: StopReason


@dataclass(frozen=True, slots=True)
class Cancel:
    """Ask for the end of the job, which has not ended."""

    job: Job
    why: StopReason = "Cancelled"


@dataclass(frozen=True, slots=True)
class LookUp:
    """Status knows a job that the list does not show: ask for it by its id."""

    job_id: str


@dataclass(frozen=True, slots=True)
class Close:
    """The attempt is over, and the run is not: write that to status before anything else is started.

    Parameters
    ----------
    job
        None when it is lost.
    """

    job: Job | None
    outcome: Reason


@dataclass(frozen=True, slots=True)
class Finish:
    """The run is over.

    Parameters
    ----------
    job
        The job of the present attempt; None when there is none, or none any more.
    reason
        How the run ended.
    outcome
        How the present attempt ended; None when it never started.
    """

    job: Job | None
    reason: Reason
    outcome: Reason | None


@dataclass(frozen=True, slots=True)
class Release:
    """Nothing runs any more: the resource may go."""


Step = Hold | StandBy | Start | Track | Announce | Cancel | LookUp | Close | Finish
