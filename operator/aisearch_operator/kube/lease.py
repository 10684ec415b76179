"""The elector: takes the lease when nobody holds it, renews it in time, and gives it back."""

import asyncio
import logging
import math
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from aisearch_operator.domain.election import Claim, Lease, Lost, Sighting, Wait, Write, next_step, released, see
from aisearch_operator.kube.calls import Conflict, KubeUnavailable

__all__ = ["Elector", "LeaseLost", "LeaseTiming", "Leases", "elapsed"]

logger = logging.getLogger(__name__)

NEVER = -math.inf

RELEASE_ATTEMPTS = 2
"""A renewal that was cut off may have changed the lease under the first, or the API server may be slow for a moment.

A second try costs less than the rest of the duration, for which nobody would lead.
"""


class LeaseLost(Exception):
    """The replica does not lead any more."""


@dataclass(frozen=True, slots=True)
class LeaseTiming:
    """How long things last, in seconds.

    Parameters
    ----------
    duration
        For which the others wait after the holder's last renewal.
    renew_deadline
        After which the holder gives up that could not renew. The rest of the duration is for its last requests
        to arrive, and for clocks that run at different speeds.
    retry_period
        Between two renewals, and between two looks of a candidate.
    """

    duration: int
    renew_deadline: float
    retry_period: float

    @property
    def call_timeout(self) -> float:
        """The longest that a call may last: a second one must fit in when a connection is dead."""
        return self.renew_deadline / 2


class Leases(Protocol):
    """The calls that an elector needs; see `LeaseCalls`."""

    async def read(self) -> Lease | None:
        """Read the lease; None when there is none."""
        ...

    async def create(self, claim: Claim) -> Lease:
        """Make the lease."""
        ...

    async def write(self, claim: Claim, version: str) -> Lease:
        """Write this version of the lease; `Conflict` when there is another by now, or none."""
        ...


def elapsed() -> float:
    """Give the seconds of a clock that goes on while the process is stopped, and while the machine sleeps."""
    return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


class Elector:
    """One replica's part in the election. No error of the API server ends it; only time does.

    Parameters
    ----------
    identity
        No other process ever has the same.
    clock
        Seconds that go on whatever happens to the process.
    """

    def __init__(
        self,
        leases: Leases,
        identity: str,
        timing: LeaseTiming,
        *,
        clock: Callable[[], float] = elapsed,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.identity = identity
        self._leases = leases
        self._timing = timing
        self._clock = clock
        self._sleep = sleep
        self._seen: Sighting | None = None
        self._current = False  # whether `_seen` is what the last call has shown
        self._wrote = False  # whether the lease may carry this identity
        self._holding = False
        self._held_until = NEVER
        self._told = ""

    @property
    def held_until(self) -> float:
        """The moment of the clock from which on this replica may not act any more; any thread may ask."""
        return self._held_until

    async def acquire(self) -> None:
        """Return when this replica leads."""
        while True:
            pause = await self._attempt()
            if self._holding:
                return
            await self._sleep(pause)

    async def keep(self) -> None:
        """Renew the lease for as long as it can be kept.

        Raises
        ------
        LeaseLost
            Another replica leads, or this one renewed too late.
        """
        pause = self._timing.retry_period
        while True:
            await self._sleep(pause)
            pause = await self._attempt()

    async def release(self) -> None:
        """Give the lease back, if it may be this replica's, so that another need not wait until it expires."""
        self._holding, self._held_until = False, NEVER
        if not self._wrote:
            return
        trouble: KubeUnavailable | None = None
        for _ in range(RELEASE_ATTEMPTS):
            try:
                lease = await self._leases.read()
                if lease is not None and lease.claim.holder == self.identity:
                    await self._leases.write(released(lease.claim), lease.version)
                    logger.info("The lease is given back")
            except KubeUnavailable as error:
                trouble = error
            else:
                return
        logger.warning("The lease could not be given back, and will expire: %s", trouble)

    async def _attempt(self) -> float:
        """Look unless the lease is known, do what is to be done, and give the seconds until the next time."""
        retry = self._timing.retry_period
        if self._holding and self._clock() >= self._held_until:
            raise LeaseLost("it could not be renewed in time")
        try:
            if self._seen is None or not self._current:
                self._seen = see(self._seen, await self._leases.read(), self._clock())
            self._current = False
            step = next_step(
                self._seen,
                identity=self.identity,
                duration=self._timing.duration,
                holding=self._holding,
                now=self._clock(),
                wall=datetime.now(UTC),
            )
            match step:
                case Lost(holder):
                    raise LeaseLost(f"{holder} has taken it")
                case Wait(holder, seconds):
                    self._tell(f"{holder or 'Another replica, perhaps,'} leads; this replica stands by")
                    return min(seconds, retry)
                case Write():
                    await self._write(step)
                    return retry
        except Conflict:
            return 0.0  # somebody was faster: look again, now
        except KubeUnavailable as error:
            self._tell(f"The lease cannot be had: {error}", logging.WARNING)
            return retry

    async def _write(self, step: Write) -> None:
        # From before the request: the API server may have carried it out at any time since.
        sent, self._wrote = self._clock(), True
        if step.version is None:
            lease = await self._leases.create(step.claim)
        else:
            lease = await self._leases.write(step.claim, step.version)
        now = self._clock()
        self._seen, self._current = see(self._seen, lease, now), True
        until = sent + self._timing.renew_deadline
        if now < until:
            self._holding, self._held_until = True, until
            self._told = ""

    def _tell(self, text: str, level: int = logging.INFO) -> None:
        """Log what is new; the same again is not."""
        if text != self._told:
            logger.log(level, text)
            self._told = text
