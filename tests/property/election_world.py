"""A simulated world for electors: machines whose clocks differ and that freeze, and an API server far away.

The electors are the operator's own, driven without an event loop: each runs until it sleeps or calls, and goes on
when the world says so.
"""

import heapq
import itertools
import types
from collections.abc import Callable, Coroutine, Generator
from dataclasses import dataclass, field
from typing import Any, Literal

from aisearch_operator.domain.election import Claim, Lease
from aisearch_operator.kube.calls import Conflict, KubeUnavailable
from aisearch_operator.kube.lease import Elector, LeaseLost, LeaseTiming

__all__ = ["Machine", "Trip", "World"]


@dataclass(frozen=True)
class Trip:
    """What becomes of one call.

    Parameters
    ----------
    out, back
        Seconds that the request takes to the API server, and the answer back.
    lost
        Which of the two never arrives.
    """

    out: float = 0.01
    back: float = 0.01
    lost: Literal["request", "answer"] | None = None


@dataclass(frozen=True)
class Asked:
    """What an elector waits for: a pause, or the answer to a call."""

    seconds: float = 0.0
    call: Callable[[], Lease | None] | None = None


@types.coroutine
def ask(asked: Asked) -> Generator[Asked, Any, Any]:
    return (yield asked)


class Server:
    """The API server's side of the lease."""

    def __init__(self) -> None:
        self.lease: Lease | None = None
        self._versions = itertools.count(1)

    def read(self) -> Lease | None:
        return self.lease

    def create(self, claim: Claim) -> Lease:
        if self.lease is not None:
            raise Conflict("there is one")
        return self._store(claim)

    def write(self, claim: Claim, version: str) -> Lease:
        if self.lease is None or self.lease.version != version:
            raise Conflict("it has changed")
        return self._store(claim)

    def label(self) -> None:
        """Change what is no part of the claim."""
        if self.lease is not None:
            self._store(self.lease.claim)

    def _store(self, claim: Claim) -> Lease:
        self.lease = Lease(claim, str(next(self._versions)))
        return self.lease


@dataclass(eq=False)
class Machine:
    """Where one replica runs, one process after the other.

    Parameters
    ----------
    rate
        Seconds of its clock in a second.
    offset
        What its clock shows at the beginning.
    freezes
        When it runs nothing, from and to: its clock goes on.
    trips
        What becomes of its calls, in turn; afterwards all goes well.
    """

    name: str
    world: "World"
    rate: float = 1.0
    offset: float = 0.0
    freezes: list[tuple[float, float]] = field(default_factory=list)
    trips: list[Trip] = field(default_factory=list)
    elector: Elector | None = None
    acquired: list[float] = field(default_factory=list)
    _life: int = 0
    _running: Coroutine[Asked, Any, None] | None = None

    def clock(self) -> float:
        return self.offset + self.rate * self.world.now

    def start(self) -> None:
        """Start a process, which has an identity of its own, in place of the one that may run."""
        self.kill()
        identity = f"{self.name}_{self._life}"
        self.elector = Elector(self, identity, self.world.timing, clock=self.clock, sleep=self._sleep)
        self._running = self._live(self.elector)
        self._resume(self._life, None)

    def kill(self) -> None:
        """End the process as SIGKILL does."""
        if self._running is not None:
            self._running.close()
        self.elector, self._running = None, None
        self._life += 1

    def stop(self) -> None:
        """Have the process end as SIGTERM does: it gives the lease back."""
        assert self.elector is not None
        self._life += 1  # the renewals are cut off
        self._running = self.elector.release()
        self._resume(self._life, None)

    @property
    def may_act(self) -> bool:
        """Whether the fence would let a request pass now."""
        return self.elector is not None and self.clock() < self.elector.held_until

    async def read(self) -> Lease | None:
        found: Lease | None = await self._call(self.world.server.read)
        return found

    async def create(self, claim: Claim) -> Lease:
        made: Lease = await self._call(lambda: self.world.server.create(claim))
        return made

    async def write(self, claim: Claim, version: str) -> Lease:
        written: Lease = await self._call(lambda: self.world.server.write(claim, version))
        return written

    async def _call(self, call: Callable[[], Lease | None]) -> Any:
        return await ask(Asked(call=call))

    async def _sleep(self, seconds: float) -> None:
        await ask(Asked(seconds=seconds))

    async def _live(self, elector: Elector) -> None:
        await elector.acquire()
        self.acquired.append(self.world.now)
        await elector.keep()

    def _resume(self, life: int, answer: Lease | KubeUnavailable | None) -> None:
        if life != self._life or self._running is None:
            return
        for begin, end in self.freezes:
            if begin <= self.world.now < end:
                self.world.at(end, lambda: self._resume(life, answer))
                return
        try:
            asked = self._running.throw(answer) if isinstance(answer, Exception) else self._running.send(answer)
        except StopIteration:  # it has given the lease back
            self.kill()
            return
        except LeaseLost:
            self.kill()
            if self.world.restarts:
                self.world.after(RESTART, self.start)
            return
        if asked.call is None:
            self.world.after(asked.seconds / self.rate, lambda: self._resume(life, None))
        else:
            self._travel(life, asked.call)

    def _travel(self, life: int, call: Callable[[], Lease | None]) -> None:
        trip = self.trips.pop(0) if self.trips else Trip()
        timeout = self.world.timing.call_timeout / self.rate
        due = self.world.now + timeout
        answered = False

        def arrive() -> None:
            answer: Lease | KubeUnavailable | None
            try:
                answer = call()
            except KubeUnavailable as error:
                answer = error
            if trip.lost is None and self.world.now + trip.back < due:
                self.world.after(trip.back, lambda: back(answer))

        def back(answer: Lease | KubeUnavailable | None) -> None:
            nonlocal answered
            if not answered:
                answered = True
                self._resume(life, answer)

        if trip.lost != "request":
            self.world.after(trip.out, arrive)  # also when the caller has given up by then
        self.world.at(due, lambda: back(KubeUnavailable("no answer")))


RESTART = 1.0
"""Seconds until a process that has ended is started again."""


class World:
    """Time, and what happens in it. After each event no two machines may act."""

    def __init__(self, timing: LeaseTiming) -> None:
        self.timing = timing
        self.server = Server()
        self.now = 0.0
        self.restarts = True
        self.machines: list[Machine] = []
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()

    def machine(self, **properties: Any) -> Machine:
        """Add a machine."""
        made = Machine(f"machine-{len(self.machines)}", self, **properties)
        self.machines.append(made)
        return made

    def at(self, moment: float, event: Callable[[], None]) -> None:
        heapq.heappush(self._events, (moment, next(self._order), event))

    def after(self, seconds: float, event: Callable[[], None]) -> None:
        self.at(self.now + seconds, event)

    def run(self, until: float) -> None:
        """Let things happen, and check after each of them."""
        while self._events and self._events[0][0] <= until:
            self.now, _, event = heapq.heappop(self._events)
            event()
            acting = [machine.name for machine in self.machines if machine.may_act]
            assert len(acting) <= 1, f"at {self.now:.3f} s two may act: {acting}"
        self.now = until
