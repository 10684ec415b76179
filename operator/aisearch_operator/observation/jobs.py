"""The job observer: one LIST of jobs per instance serves all its active sync jobs."""

import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from aisearch_operator.cloudflare.budget import Priority
from aisearch_operator.cloudflare.client import Listing
from aisearch_operator.cloudflare.errors import CloudflareError, NotFound, Terminal
from aisearch_operator.cloudflare.wire import Job
from aisearch_operator.engine.store import ObjectKey
from aisearch_operator.engine.workqueue import Again
from aisearch_operator.observation.address import Connection, InstanceAddress
from aisearch_operator.observation.instances import Timing
from aisearch_operator.observation.polling import PollQueue, after_error

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
    """

    jobs: tuple[Job, ...]
    server_time: datetime


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
        self._watches: dict[_Scope, JobsWatch] = {}
        self._followed: dict[ObjectKey, _Scope] = {}

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
            raise watch.lasting_error
        return watch.seen

    async def refresh(
        self, key: ObjectKey, connection: Connection, address: InstanceAddress, since: datetime, *, urgent: bool
    ) -> JobsSeen:
        """List the jobs of an instance now: a POST is decided on nothing less.

        Parameters
        ----------
        urgent
            Whether a deletion needs it, which goes before all else.

        Raises
        ------
        CloudflareError
            The jobs could not be listed.
        """
        watch = self._follow(key, connection, address, since)
        seen = await watch.refresh(Priority.CANCEL if urgent else Priority.OBSERVE)
        self._polls.add_after(watch, self._timing.interval)
        return seen

    def record(self, connection: Connection, address: InstanceAddress, job: Job) -> None:
        """Note the answer of a write."""
        watch = self._watches.get((connection.caller, address))
        if watch is not None:
            watch.record(job)

    def forget(self, key: ObjectKey) -> None:
        """Stop observing for this sync job."""
        scope = self._followed.pop(key, None)
        if scope is not None:
            watch = self._watches[scope]
            watch.followers.pop(key, None)
            if not watch.followers:
                del self._watches[scope]

    def _follow(self, key: ObjectKey, connection: Connection, address: InstanceAddress, since: datetime) -> "JobsWatch":
        scope = (connection.caller, address)
        if self._followed.get(key) != scope:
            self.forget(key)
            self._followed[key] = scope
        watch = self._watches.get(scope)
        if watch is None:
            watch = self._watches[scope] = JobsWatch(connection, address, self._timing, self._wake, self._clock)
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
    ) -> None:
        self.followers: dict[ObjectKey, datetime] = {}
        self.seen: JobsSeen | None = None
        self._connection = connection
        self._address = address
        self._timing = timing
        self._wake = wake
        self._clock = clock
        self._written: dict[str, tuple[float, Job]] = {}
        self._errors: list[CloudflareError] = []

    @property
    def lasting_error(self) -> CloudflareError | None:
        """The error of the last looks, once it is more than a hiccup: a condition that flips costs two writes."""
        if self._errors and (len(self._errors) >= HICCUPS or isinstance(self._errors[-1], Terminal | NotFound)):
            return self._errors[-1]
        return None

    async def refresh(self, priority: Priority = Priority.OBSERVE) -> JobsSeen:
        """List the jobs now."""
        began = self._clock()
        listing: Listing[Job] = await self._connection.client.list_jobs(
            self._address.namespace,
            self._address.instance_id,
            since=min(self.followers.values(), default=None),
            priority=priority,
        )
        jobs = {job.id: job for job in listing.items}
        for job_id, (written, job) in tuple(self._written.items()):
            if began >= written + self._timing.settle:
                del self._written[job_id]
            elif job_id not in jobs:
                jobs[job_id] = job  # created so lately that the list lags behind
        self._errors.clear()
        self.seen = JobsSeen(tuple(jobs.values()), listing.server_time)
        return self.seen

    def record(self, job: Job) -> None:
        """Note a job that a write answered with."""
        self._written[job.id] = (self._clock(), job)
        if self.seen is not None:
            others = tuple(known for known in self.seen.jobs if known.id != job.id)
            self.seen = JobsSeen((job, *others), self.seen.server_time)

    async def poll(self) -> Again | None:
        """List the jobs once, and wake the followers up when they changed."""
        if not self.followers:
            return None
        before, troubled = self.seen, self.lasting_error is not None
        try:
            seen = await self.refresh()
        except CloudflareError as error:
            logger.warning("The jobs of %s could not be listed: %s", self._address.instance_id, error)
            self._errors = [*self._errors[-HICCUPS:], error]
            self._wake(tuple(self.followers))
            return after_error(error, terminal_retry=self._timing.terminal_retry)
        if troubled or before is None or before.jobs != seen.jobs:
            self._wake(tuple(self.followers))
        return Again(self._timing.interval)


_Scope = tuple[str, InstanceAddress]
"""A caller and an instance."""
