"""Deletions that kopf waits for: it removes the finalizer when the outside world is clean."""

import asyncio

from aisearch_operator.engine.store import Departed, ObjectKey

__all__ = ["Removals", "Stopping"]


class Stopping(Exception):
    """The operator stops; the deletion goes on with the next one."""


class Removals:
    """The deletions under way."""

    def __init__(self) -> None:
        self._waiting: dict[ObjectKey, asyncio.Future[None]] = {}
        self._released: set[ObjectKey] = set()
        self._stopping = False

    async def wait(self, key: ObjectKey) -> None:
        """Wait until the resource may go.

        Raises
        ------
        Stopping
            The operator stops first.
        Departed
            The resource was forgotten: whoever has it now lets it go.
        """
        if key in self._released:
            return  # kopf asks again when its patch of the finalizer met a newer version
        if self._stopping:
            raise Stopping
        future = self._waiting.get(key)
        if future is None:
            future = self._waiting[key] = asyncio.get_running_loop().create_future()
        await asyncio.shield(future)

    def release(self, key: ObjectKey) -> None:
        """Let the resource go."""
        self._released.add(key)
        future = self._waiting.pop(key, None)
        if future is not None and not future.done():
            future.set_result(None)

    def released(self, key: ObjectKey) -> bool:
        """Whether the resource may go."""
        return key in self._released

    def forget(self, key: ObjectKey) -> None:
        """Drop a resource that is gone, or another operator's: nobody here may take its finalizer off."""
        self._released.discard(key)
        future = self._waiting.pop(key, None)
        if future is not None:
            _fail(future, Departed(key))

    def stop(self) -> None:
        """End all waiting."""
        self._stopping = True
        for future in self._waiting.values():
            _fail(future, Stopping())
        self._waiting.clear()


def _fail(future: asyncio.Future[None], error: Exception) -> None:
    if not future.done():
        future.set_exception(error)
        future.exception()  # nobody may be waiting: that is no error
