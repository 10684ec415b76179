"""A model of the jobs of one instance at Cloudflare, as facts 3 describes them."""

from datetime import UTC, datetime, timedelta

from aisearch_operator.cloudflare.wire import Job
from aisearch_operator.domain.job_state import SUPERSEDED, finished

__all__ = ["COOLDOWN", "EPOCH", "Api", "Refused"]

EPOCH = datetime(2026, 11, 23, tzinfo=UTC)

REFUSED = timedelta(seconds=30)
"""How long the API refuses a job after another (facts 3.3)."""

COOLDOWN = timedelta(seconds=35)
"""How long the operator waits; an ended job is remembered at least as long."""


class Refused(Exception):
    """The API takes no job now."""


class Api:
    """The jobs of one instance; the newest is first in the list.

    Parameters
    ----------
    lag
        Seconds until the list shows a new job.
    cancel_word
        The end reason of a cancelled job, which is not documented.
    cancels_at_once
        Whether a job ends with the request for it, or some time later.
    """

    def __init__(self, *, lag: int, cancel_word: str, cancels_at_once: bool) -> None:
        self.now = EPOCH
        self.jobs: dict[str, Job] = {}
        self._lag = timedelta(seconds=lag)
        self._cancel_word = cancel_word
        self._cancels_at_once = cancels_at_once
        self._ending: set[str] = set()
        self._requested: dict[str, datetime] = {}
        self._visible: dict[str, datetime] = {}

    def listed(self) -> list[Job]:
        return [job for job in reversed(self.jobs.values()) if self._visible[job.id] <= self.now]

    @property
    def unfinished(self) -> list[Job]:
        return [job for job in self.jobs.values() if not finished(job)]

    @property
    def in_cooldown(self) -> bool:
        moments = [at for job in self.jobs.values() for at in (job.started_at, job.ended_at) if at]
        return any(self.now - at < REFUSED for at in (*moments, *self._requested.values()))

    def post(self, description: str) -> Job:
        if self.in_cooldown:
            raise Refused
        return self._add(Job(id=f"job-{len(self._requested)}", source="user", description=description), self._lag)

    def schedule(self) -> None:
        """Start a job of nobody's, which the list shows at once."""
        self._add(Job(id=f"job-{len(self._requested)}", source="schedule", description=""), timedelta())

    def cancel(self, job_id: str) -> Job:
        self._ending.add(job_id)
        if self._cancels_at_once:
            self._end_cancelled()
        return self.jobs[job_id]

    def advance(self, seconds: int) -> None:
        """Let time pass, in which what was cancelled ends."""
        self.now += timedelta(seconds=seconds)
        self._end_cancelled()

    def start_pending(self) -> None:
        for job in self.unfinished:
            if not job.started_at:
                self._change(job.id, started_at=self.now)

    def end_running(self, reason: str | None) -> list[Job]:
        """End the jobs that run, and give them."""
        running = [job for job in self.unfinished if job.started_at]
        for job in running:
            self._end(job.id, reason)
        return running

    def forget_one(self) -> None:
        """Drop the oldest job that ended long ago.

        Not one of the last seconds: nothing says that this ends the cooldown.
        """
        old = [job for job in self.jobs.values() if job.ended_at and self.now - job.ended_at > COOLDOWN]
        if old:
            del self.jobs[old[0].id]

    def _add(self, job: Job, lag: timedelta) -> Job:
        for other in self.unfinished:
            self._end(other.id, SUPERSEDED)
        self.jobs[job.id], self._requested[job.id], self._visible[job.id] = job, self.now, self.now + lag
        return job

    def _end_cancelled(self) -> None:
        for job in self.unfinished:
            if job.id in self._ending:
                self._end(job.id, self._cancel_word)

    def _end(self, job_id: str, reason: str | None) -> None:
        self._change(job_id, ended_at=self.now, end_reason=reason)

    def _change(self, job_id: str, **changes: object) -> None:
        self.jobs[job_id] = self.jobs[job_id].model_copy(update=changes)
