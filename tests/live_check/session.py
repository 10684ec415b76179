"""One run of the live check: its names, its requests, and what it has seen so far."""

import math
import re
import secrets
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import TypeVar

from aisearch_operator.cloudflare import Cause, Instance, Job, JobAlreadyEnded, Retry, SearchNamespace, Stats, Wait
from live_check.api import Answered, Api
from live_check.errors import NotAskedError, StepError
from live_check.target import Target

T = TypeVar("T")

INTERVAL = 5.0
"""Seconds between two looks, as seldom as the operator looks at a running job."""

SETTLING = 120.0
"""Seconds until something must have shown up that the API was told."""

LONGEST_COOLDOWN = 300.0
"""Seconds. 30 are documented; the product's first documentation said 5 minutes (facts 3.3)."""


@dataclass(frozen=True)
class Names:
    """The ids of what one run creates. All begin with the prefix and a number of the run."""

    prefix: str
    run: str

    @classmethod
    def fresh(cls, prefix: str) -> "Names":
        """Make names that no other run has."""
        return cls(prefix, secrets.token_hex(3))

    @property
    def built_in(self) -> str:
        return self._of("files")

    @property
    def sourced(self) -> str:
        return self._of("source")

    @property
    def broken(self) -> str:
        return self._of("broken")

    @property
    def missing_bucket(self) -> str:
        """A bucket that does not exist."""
        return self._of("no-such-bucket")

    @property
    def long(self) -> str:
        """One character more than the shorter of the two documented limits, 32."""
        return self._of("long").ljust(33, "x")

    @property
    def all(self) -> tuple[str, ...]:
        """Every instance that the run may create."""
        return (self.built_in, self.sourced, self.broken, self.long)

    def _of(self, role: str) -> str:
        return f"{self.prefix}-{self.run}-{role}"


def is_leftover(instance: Instance, prefix: str) -> bool:
    """Tell whether an instance was made by a run of this prefix: nothing else may ever be deleted."""
    pattern = rf"{re.escape(prefix)}-[0-9a-f]{{6}}-(files|source|broken|longx*)"
    return re.fullmatch(pattern, instance.id) is not None


@dataclass(frozen=True)
class Attempt:
    """One POST of a sync job: when it came, and whether it was accepted.

    Parameters
    ----------
    after_start, after_end
        Seconds since the last job of the instance started and ended, by the API's clock; infinite when none did.
    refused
        Whether the answer was `sync_in_cooldown`.
    retry_after
        The header of the answer.
    cancelled
        Whether the last job had been cancelled.
    """

    after_start: float
    after_end: float
    refused: bool
    retry_after: str | None
    cancelled: bool


class Session:
    """The state of a run. What steps have seen is None, or empty, until they have seen it."""

    def __init__(self, target: Target, api: Api, names: Names) -> None:
        self.target = target
        self.api = api
        self.names = names
        self.sourced_in: SearchNamespace = target.home
        """Where the instance with a source is: a move changes it."""
        self.created_built_in: Answered | None = None
        self.created_sourced: Answered | None = None
        self.attempts: list[Attempt] = []
        self.first_jobs: tuple[Job, ...] = ()
        self.created_job: Answered | None = None
        self.completed: Job | None = None
        self.stats_at_end: Stats | None = None
        self.cancel_answer: Answered | None = None
        self.cancelled: Job | None = None
        self.moved = False

    @property
    def source(self) -> str:
        """The source of the second instance.

        Raises
        ------
        NotAskedError
            None was given.
        """
        if self.target.source is None:
            raise NotAskedError("needs --source")
        return self.target.source

    @property
    def built_in_path(self) -> str:
        """The instance with built-in storage, below the account."""
        return f"/ai-search/namespaces/{self.target.home.name}/instances/{self.names.built_in}"

    @property
    def sourced_path(self) -> str:
        """The instance with a source, below the account."""
        return f"/ai-search/namespaces/{self.sourced_in.name}/instances/{self.names.sourced}"

    @property
    def second(self) -> SearchNamespace:
        """Where the second instance is moved to.

        Raises
        ------
        NotAskedError
            Nowhere.
        """
        if self.target.second is None:
            raise NotAskedError("needs --second-search-namespace")
        return self.target.second

    @cached_property
    def settings(self) -> dict[str, object]:
        """Give what the API filled in when the built-in instance was created with nothing but an id."""
        return dict(seen(self.created_built_in).result)

    async def pause(self, seconds: float = INTERVAL) -> None:
        """Let time pass for the API."""
        await self.target.pause(seconds)

    async def wait_for(
        self,
        look: Callable[[], Awaitable[T | None]],
        what: str,
        patience: float = SETTLING,
        interval: float = INTERVAL,
    ) -> T:
        """Look until there is something to see, also past errors that pass by themselves.

        Raises
        ------
        StepError
            Nothing was seen for ``patience`` seconds.
        CloudflareError
            Any other error, and one that leaves it open whether a write was carried out.
        """
        error: Retry | None = None
        for looks in range(math.ceil(patience / interval) + 1):
            if looks:
                await self.pause(interval)
            try:
                if (found := await look()) is not None:
                    return found
            except Retry as passing:
                if passing.effect_unknown:
                    raise
                error = passing
        raise StepError(f"{what}: not seen for {patience:.0f} s{f' ({error})' if error else ''}")

    async def jobs(self) -> tuple[Job, ...]:
        """List the jobs of the instance with a source."""
        return (await self.api.client.list_jobs(self.sourced_in, self.names.sourced)).items

    async def job(self, job_id: str) -> Job:
        """Read one of its jobs."""
        return await self.api.client.get_job(self.sourced_in, self.names.sourced, job_id)

    async def ended(self, job_id: str, patience: float) -> Job:
        """Wait for the end of a job, and give it."""

        async def look() -> Job | None:
            job = await self.job(job_id)
            return job if job.ended_at is not None else None

        return await self.wait_for(look, f"the end of job {job_id}", patience)

    async def started(self, job_id: str) -> Job:
        """Wait until a job has started, and give it; it may have ended, too."""

        async def look() -> Job | None:
            job = await self.job(job_id)
            return job if job.started_at is not None or job.ended_at is not None else None

        return await self.wait_for(look, f"the start of job {job_id}", interval=1.0)

    async def try_job(self, description: str) -> Job | None:
        """Send one POST for a job, note how it went, and give the job; None in the cooldown."""
        last = max(await self.jobs(), key=_moment, default=None)
        try:
            job = await self.api.client.create_job(self.sourced_in, self.names.sourced, description)
        except Wait as error:
            if error.cause is not Cause.SYNC_COOLDOWN:
                raise
            job = None
        self.attempts.append(_attempt(last, self.api.last, refused=job is None, cancelled=self.cancelled))
        return job

    async def cancel(self, job: Job) -> Job:
        """Cancel a job of the instance with a source if it has not ended, and give it when it has."""
        with suppress(JobAlreadyEnded):
            await self.api.client.cancel_job(self.sourced_in, self.names.sourced, job.id)
        return await self.ended(job.id, SETTLING)

    async def start_job(self, description: str) -> Job:
        """Send POSTs until one is accepted."""
        return await self.wait_for(lambda: self.try_job(description), "the end of the cooldown", LONGEST_COOLDOWN)


def seen(evidence: T | None) -> T:
    """Give what a step has seen.

    Raises
    ------
    NotAskedError
        It has seen nothing, because it or one before it failed.
    """
    if evidence is None:
        raise NotAskedError("an earlier step failed")
    return evidence


def _moment(job: Job) -> float:
    last = job.ended_at or job.started_at
    return math.inf if last is None else last.timestamp()


def _attempt(last: Job | None, answer: Answered, *, refused: bool, cancelled: Job | None) -> Attempt:
    now = answer.moment or math.nan
    started = last.started_at if last is not None else None
    ended = last.ended_at if last is not None else None
    return Attempt(
        after_start=math.inf if started is None else now - started.timestamp(),
        after_end=math.inf if ended is None else now - ended.timestamp(),
        refused=refused,
        retry_after=answer.headers.get("retry-after"),
        cancelled=cancelled is not None and last is not None and last.id == cancelled.id,
    )
