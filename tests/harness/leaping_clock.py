"""Event loops whose clock leaps to the next thing that is due: hours pass in milliseconds."""

import asyncio
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any

import looptime

__all__ = ["on_a_leaping_clock"]


def on_a_leaping_clock(test: Callable[[], Coroutine[Any, Any, None]]) -> Callable[[], None]:
    """Run an async test on a loop of its own that never really waits; what it leaves running is cancelled.

    Not by looptime's pytest plugin: fixtures and the end of the test would then see another time than the test.
    Not by `asyncio.run`: it would take the current event loop away from pytest-asyncio, which then never closes it.
    """

    @wraps(test)
    def run() -> None:
        loop = looptime.new_event_loop(noop_cycles=0)  # no turns to wait for input: none comes from outside
        try:
            loop.run_until_complete(test())
            for task in (left := asyncio.all_tasks(loop)):
                task.cancel()
            if left:
                loop.run_until_complete(asyncio.wait(left))
        finally:
            loop.close()

    return run
