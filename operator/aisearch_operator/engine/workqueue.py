"""The work queue: each key once, bounded workers, backoff in memory, urgent work first."""

import asyncio
import contextlib
import heapq
import itertools
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Hashable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Generic, TypeVar

from aisearch_operator.engine.backoff import Backoff

__all__ = ["Again", "Load", "WorkQueue"]

logger = logging.getLogger(__name__)

K = TypeVar("K", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Again:
    """What a pass answers when its key should be looked at again.

    Parameters
    ----------
    after
        Seconds until then. None: after the next backoff step, because the pass failed.
    at_least
        Used with ``after=None``: the shortest wait in seconds, for a server that named one.
    """

    after: float | None = None
    at_least: float = 0.0


@dataclass(frozen=True, slots=True)
class Load:
    """What a queue has to do at the moment. Keys that wait for their time do not count.

    Parameters
    ----------
    waiting
        Keys that wait for a free worker.
    longest_wait
        Seconds that the first of them has waited; 0 when none waits.
    running
        Passes under way.
    longest_pass
        Seconds that the longest of them has taken so far; 0 when there is none.
    idle
        Workers that have nothing to do.
    """

    waiting: int
    longest_wait: float
    running: int
    longest_pass: float
    idle: int


@dataclass(slots=True)
class _Entry:
    """What the queue knows of one key."""

    urgent: bool = False  # when it lined up last
    ready: bool = False  # stands in one of the two lines
    running: bool = False
    again: bool = False  # was added while running: one more pass is due
    due: float | None = None  # loop time of a delayed addition
    failures: int = 0
    since: float = 0.0  # loop time from which on it is ready, or running


class WorkQueue(Generic[K]):
    """Runs one coroutine per key, never two at once for the same key.

    Additions of a key that already waits fold into one. An addition during a pass leads to exactly
    one more pass. Urgent keys (deletions, cancellations) are taken before all others, also when they
    come back; one worker is left to the others, so that none of them starves.

    Parameters
    ----------
    process
        One pass over a key. Its answer says when to come back; None says not until added again.
        An exception is a bug: it is logged with its traceback, and the key backs off.
    workers
        How many passes run at the same time. A single one takes urgent keys only, as long as there are any.
    backoff
        The wait after failed passes.
    urgent
        Whether a key is urgent; it is asked when the key lines up, and when it is added again.
    on_retry
        Called when a pass has failed and the key backs off.
    around
        Entered around each pass, for what its log lines are about.
    """

    def __init__(
        self,
        process: Callable[[K], Awaitable[Again | None]],
        *,
        workers: int,
        backoff: Backoff,
        urgent: Callable[[K], bool] = lambda _: False,
        name: str = "work",
        on_retry: Callable[[], None] = lambda: None,
        around: Callable[[K], AbstractContextManager[None]] = lambda _: contextlib.nullcontext(),
    ) -> None:
        self._process = process
        self._backoff = backoff
        self._is_urgent = urgent
        self._workers = workers
        self._most_urgent = max(workers - 1, 1)
        self._running_urgent = 0
        self._name = name
        self._on_retry = on_retry
        self._around = around
        self._entries: dict[K, _Entry] = {}
        self._urgent: deque[K] = deque()
        self._normal: deque[K] = deque()
        self._delayed: list[tuple[float, int, K]] = []
        self._sequence = itertools.count()
        self._wakeup = asyncio.Event()
        self._available = asyncio.Semaphore(0)
        self._tasks: list[asyncio.Task[None]] = []
        self._clock_task: asyncio.Task[None] | None = None
        self._stopping = False

    def __len__(self) -> int:
        """Count the keys that wait or run, delayed ones included."""
        return len(self._entries)

    @property
    def started(self) -> bool:
        """Whether the workers run."""
        return bool(self._tasks)

    def load(self) -> Load:
        """Look at what there is to do."""
        now = asyncio.get_running_loop().time()
        waiting = [now - entry.since for entry in self._entries.values() if entry.ready]
        running = [now - entry.since for entry in self._entries.values() if entry.running]
        return Load(
            waiting=len(waiting),
            longest_wait=max(waiting, default=0.0),
            running=len(running),
            longest_pass=max(running, default=0.0),
            idle=len(self._tasks) - len(running),
        )

    def add(self, key: K) -> None:
        """Have the key looked at as soon as a worker is free. Cancels a delay that it waits for."""
        if self._stopping:
            return
        entry = self._entries.setdefault(key, _Entry())
        entry.due = None
        if entry.running:
            entry.again = True
        elif not entry.ready:
            self._line_up(key, entry)
        elif not entry.urgent and self._is_urgent(key):
            entry.urgent = True
            self._urgent.append(key)
            self._available.release()

    def add_after(self, key: K, delay: float) -> None:
        """Have the key looked at in so many seconds, or earlier if it already waits for less."""
        if self._stopping:
            return
        entry = self._entries.setdefault(key, _Entry())
        if entry.ready or entry.again:
            return
        due = asyncio.get_running_loop().time() + delay
        if entry.due is None or due < entry.due:
            entry.due = due
            heapq.heappush(self._delayed, (due, next(self._sequence), key))
            self._wakeup.set()

    def forget(self, key: K) -> None:
        """Drop the key: it waits for nothing any more. A pass that runs ends as usual."""
        entry = self._entries.get(key)
        if entry is None:
            return
        if entry.running:
            entry.due, entry.again, entry.failures = None, False, 0
        else:
            del self._entries[key]  # what is left of it in a line is skipped when its turn comes

    def start(self) -> None:
        """Start the workers, unless the queue was stopped before."""
        if self._stopping:
            return
        names = [f"{self._name}-worker-{number}" for number in range(self._workers)]
        self._tasks = [asyncio.create_task(self._work(), name=name) for name in names]
        self._clock_task = asyncio.create_task(self._clock(), name=f"{self._name}-clock")

    async def stop(self, *, grace: float) -> bool:
        """Take no further key, and let running passes end.

        Parameters
        ----------
        grace
            Seconds that they have; a pass that still runs then is cancelled.

        Returns
        -------
        bool
            Whether every pass ended by itself.
        """
        self._stopping = True
        if not self._tasks:
            return True
        for _ in self._tasks:
            self._available.release()  # each worker wakes up once more, and sees that it is over
        _, hanging = await asyncio.wait(self._tasks, timeout=grace)
        for task in (*hanging, *filter(None, [self._clock_task])):
            task.cancel()
        await asyncio.gather(*self._tasks, *filter(None, [self._clock_task]), return_exceptions=True)
        self._tasks, self._clock_task = [], None
        return not hanging

    def _line_up(self, key: K, entry: _Entry) -> None:
        entry.ready, entry.since = True, asyncio.get_running_loop().time()
        entry.urgent = self._is_urgent(key)
        (self._urgent if entry.urgent else self._normal).append(key)
        self._available.release()

    def _take(self) -> tuple[K, _Entry] | None:
        urgent_first = self._running_urgent < self._most_urgent
        for line in (self._urgent, self._normal) if urgent_first else (self._normal, self._urgent):
            while line:
                key = line.popleft()
                entry = self._entries.get(key)
                # A key that was forgotten, or moved to the urgent line, leaves a trace behind.
                if entry is not None and entry.ready and not entry.running:
                    entry.ready, entry.running = False, True
                    self._running_urgent += entry.urgent
                    entry.since = asyncio.get_running_loop().time()
                    return key, entry
        return None

    async def _work(self) -> None:
        while True:
            await self._available.acquire()
            if self._stopping:
                return
            taken = self._take()
            if taken is not None:
                await self._run(*taken)

    async def _run(self, key: K, entry: _Entry) -> None:
        with self._around(key):
            try:
                answer = await self._process(key)
            except Exception:
                logger.exception("A pass over %s failed", key)
                answer = Again()
            finally:
                entry.running = False
                self._running_urgent -= entry.urgent
        if answer is not None and answer.after is None:
            entry.failures += 1
            self._on_retry()
        else:
            entry.failures = 0
        if entry.again:
            entry.again = False
            self._line_up(key, entry)
        elif answer is None:
            if entry.due is None:  # else it was added with a delay while it ran
                del self._entries[key]
        elif answer.after is None:
            self.add_after(key, max(answer.at_least, self._backoff.delay(entry.failures)))
        else:
            self.add_after(key, answer.after)

    async def _clock(self) -> None:
        """Move delayed keys into line when their time has come."""
        loop = asyncio.get_running_loop()
        while True:
            while self._delayed and self._delayed[0][0] <= loop.time():
                due, _, key = heapq.heappop(self._delayed)
                entry = self._entries.get(key)
                # An addition in between has cleared or moved the time: this one is stale.
                if entry is not None and entry.due == due:
                    entry.due = None
                    if entry.running:
                        entry.again = True
                    else:
                        self._line_up(key, entry)
            self._wakeup.clear()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout_at(self._delayed[0][0] if self._delayed else None):
                    await self._wakeup.wait()
