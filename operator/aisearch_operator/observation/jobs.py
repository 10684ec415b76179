"""The job observer: one LIST of jobs per instance serves all its active sync jobs."""

import logging
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from aisearch_operator.cloudflare.budget import Priority
from aisearch_operator.cloudflare.errors import CloudflareError, NotFound, Terminal
from aisearch_operator.cloudflare.listing import Listing
from aisearch_operator.cloudflare.wire import Job
from aisearch_operator.engine.store import ObjectKey
from aisearch_operator.engine.workqueue import Again
from aisearch_operator.observation.address import Connection, InstanceAddress
from aisearch_operator.observation.pace import JOBS, interval
from aisearch_operator.observation.polling import PUT_OFF, PollQueue, Timing, Watches, after_error

__all__ = ["JobObserver", "JobsSeen"]

logger = logging.getLogger(__name__)

HICCUPS = 3
"""Looks that fail in a row before a running job's conditions say so."""


@dataclass(frozen=True, slots=True)
class JobsSeen:
    """The jobs of an instance.

    Parameters
    ----------
    server_time
        The API's own time of this look.
    unlisted
        Why there is no list: the one job was asked for by its id. None for a list.
    """

    jobs: tuple[Job, ...]
    server_time: datetime
    unlisted: CloudflareError | None = None


class JobObserver:
    """Keeps a snapshot of the jobs of each instance that an active sync job is for.

    Parameters
    ----------
    wake
        Called with the sync jobs of an instance whose jobs have changed.
    """

    def __init__(
        self,
        polls: PollQueue,
        timing: Timing,
        *,
        wake: Callable[[Iterable[ObjectKey]], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._polls = polls
        self._timing = timing
        self._wake = wake
        self._clock = clock
        self._watches: Watches[_Scope, JobsWatch] = Watches()

    def known(
        self, key: ObjectKey, connection: Connection, address: InstanceAddress, since: datetime
    ) -> JobsSeen | None:
        """Give the jobs of an instance as they were listed last, None before the first time.

        From now on the sync job is woken up when they change.

        Parameters
        ----------
        since
            Older jobs may be left out.

        Raises
        ------
        CloudflareError
            The jobs could not be listed for some time now.
        """
        watch = self._follow(key, connection, address, since)
        if watch.lasting_error is not None:
            raise watch.lasting_error.with_traceback(None)  # it is raised for each pass, and would grow with each
        return watch.seen

    async def refresh(
        self, key: ObjectKey, connection: Connection, address: InstanceAddress, since: datetime, *, urgent: bool
    ) -> JobsSeen:
        """List the jobs of an instance now: a POST is decided on nothing less.

        Parameters
        ----------
        urgent
            Whether a job is to be ended, which goes before all else.

        Raises
        ------
        CloudflareError
            The jobs could not be listed.
        """
        watch = self._follow(key, connection, address, since)
        seen = await watch.refresh(Priority.CANCEL if urgent else Priority.OBSERVE, by=key)
        self._polls.add_after(watch, watch.interval())
        return seen

    def record(self, key: ObjectKey, connection: Connection, address: InstanceAddress, job: Job) -> None:
        """Note a job that Cloudflare answered this sync job with."""
        watch = self._watches.get((connection.caller, address))
        if watch is not None:
            watch.record(job, by=key)

    def forget(self, key: ObjectKey) -> None:
        """Stop observing for this sync job."""
        self._watches.leave(key)

    def oldest_look(self) -> float:
        """Give the age in seconds of the oldest list that is kept up to date; 0 when there is none."""
        return self._watches.oldest_look(self._clock())

    def _watched_by(self, caller: str) -> int:
        """Count the instances whose jobs one caller looks at."""
        return len(self._watches.of(caller))

    def _follow(self, key: ObjectKey, connection: Connection, address: InstanceAddress, since: datetime) -> "JobsWatch":
        def make() -> JobsWatch:
            return JobsWatch(connection, address, self._timing, self._wake, self._clock, self._watched_by)

        watch = self._watches.join(key, (connection.caller, address), make)
        watch.followers[key] = since
        return watch


class JobsWatch:
    """The jobs of one instance, as one caller sees them."""

    def __init__(
        self,
        connection: Connection,
        address: InstanceAddress,
        timing: Timing,
        wake: Callable[[Iterable[ObjectKey]], None],
        clock: Callable[[], float],
        watched_by: Callable[[str], int],
    ) -> None:
        self.followers: dict[ObjectKey, datetime] = {}
        self.caller = connection.caller
        self._watched_by = watched_by
        self.seen: JobsSeen | None = None
        self._connection = connection
        self._address = address
        self._timing = timing
        self._wake = wake
        self._clock = clock
        self._written: dict[str, tuple[float, Job]] = {}
        self._errors: list[CloudflareError] = []
        self.looked_at: float | None = None

    @property
    def lasting_error(self) -> CloudflareError | None:
        """The error of the last looks, once it is more than a hiccup: a condition that flips costs two writes."""
        if self._errors and (len(self._errors) >= HICCUPS or isinstance(self._errors[-1], Terminal | NotFound)):
            return self._errors[-1]
        return None

    async def refresh(self, priority: Priority = Priority.OBSERVE, *, by: ObjectKey | None = None) -> JobsSeen:
        """List the jobs now, and wake up those who see a change.

        Parameters
        ----------
        by
            The follower that asks, and need not be told.
        """
        began = self._clock()
        listing: Listing[Job] = await self._connection.client.list_jobs(
            self._address.namespace,
            self._address.instance_id,
            since=min(self.followers.values(), default=None),
            priority=priority,
        )
        self.looked_at = self._clock()
        jobs = {job.id: job for job in listing.items}
        for job_id, (written, job) in tuple(self._written.items()):
            if began >= written + self._timing.settle:
                del self._written[job_id]
            elif job_id not in jobs:
                jobs[job_id] = job  # created so lately that the list lags behind
        recovered = self.lasting_error is not None
        self._errors.clear()
        return self._see(jobs, listing.server_time, by, news=recovered)

    def record(self, job: Job, *, by: ObjectKey) -> None:
        """Note a job that Cloudflare answered a follower with, and wake up the others if it is news."""
        self._written[job.id] = (self._clock(), job)
        if self.seen is not None:
            jobs = {known.id: known for known in self.seen.jobs}
            self._see(jobs | {job.id: job}, self.seen.server_time, by)

    async def poll(self) -> Again | None:
        """List the jobs once."""
        if not self.followers:
            return None
        try:
            await self.refresh()
        except CloudflareError as error:
            logger.warning("The jobs of %s could not be listed: %s", self._address.instance_id, error)
            if isinstance(error, NotFound):
                self.looked_at = self._clock()
            if error.cause not in PUT_OFF:  # else it is late: a running job can be cancelled without it
                self._errors = [*self._errors[-HICCUPS:], error]
                self._wake(tuple(self.followers))
            return after_error(error, terminal_retry=self._timing.terminal_retry)
        return Again(self.interval())

    def interval(self) -> float:
        """Give the seconds between two lists: a page each is the least that a round costs."""
        return interval(
            self._timing.interval,
            requests=self._watched_by(self.caller),
            rate=self._connection.client.rate,
            part=JOBS,
        )

    def _see(
        self, jobs: Mapping[str, Job], server_time: datetime, by: ObjectKey | None, *, news: bool = False
    ) -> JobsSeen:
        """Keep what was seen; whoever saw it first, the others must hear of it."""
        before, self.seen = self.seen, JobsSeen(tuple(jobs.values()), server_time)
        if news or before is None or {job.id: job for job in before.jobs} != jobs:
            self._wake(tuple(key for key in self.followers if key != by))
        return self.seen


_Scope = tuple[str, InstanceAddress]
"""A caller and an instance."""
