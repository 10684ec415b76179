"""Passes for a work queue, which do what a test says."""

import asyncio
from collections.abc import AsyncIterator, Callable, Container
from contextlib import asynccontextmanager

from aisearch_operator.engine.backoff import Backoff
from aisearch_operator.engine.workqueue import Again, WorkQueue

AT_ONCE = Backoff(base=0.0, cap=0.0)
NEVER = Backoff(base=3600.0, cap=3600.0)
PATIENCE = 60.0


class Passes:
    """Stands for the reconcilers: each pass begins, waits for the test, and answers what the test says."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.ended: list[str] = []
        self.answers: dict[str, list[Again | Exception | None]] = {}
        self._gates: dict[str, asyncio.Event] = {}
        self._moved = asyncio.Condition()

    async def __call__(self, key: str) -> Again | None:
        async with self._moved:
            self.begun.append(key)
            self._moved.notify_all()
        if key in self._gates:
            await self._gates[key].wait()
        async with self._moved:
            self.ended.append(key)
            self._moved.notify_all()
        answer = self.answers[key].pop(0) if self.answers.get(key) else None
        if isinstance(answer, Exception):
            raise answer
        return answer

    def hold(self, key: str) -> None:
        self._gates[key] = asyncio.Event()

    def let_go(self, key: str) -> None:
        self._gates.pop(key).set()

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE), self._moved:
            await self._moved.wait_for(condition)

    async def until_begun(self, *keys: str) -> None:
        await self.until(lambda: self.begun == list(keys))

    async def until_ended(self, *keys: str) -> None:
        await self.until(lambda: self.ended == list(keys))


@asynccontextmanager
async def running(
    passes: Passes, *, workers: int = 1, backoff: Backoff = NEVER, urgent: Container[str] = ()
) -> AsyncIterator[WorkQueue[str]]:
    queue = WorkQueue(passes, workers=workers, backoff=backoff, urgent=lambda key: key in urgent)
    queue.start()
    try:
        yield queue
    finally:
        await queue.stop(grace=0)


async def until(holds: Callable[[], bool]) -> None:
    """Wait for what a queue has no event for: its length, and how many keys wait in it."""
    async with asyncio.timeout(PATIENCE):
        while not holds():  # noqa: ASYNC110 - see above
            await asyncio.sleep(0)


async def idle(queue: WorkQueue[str]) -> None:
    await until(lambda: not len(queue))
