"""Event loops whose clock leaps to the next thing that is due: hours pass in milliseconds."""

import asyncio
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, TypeVar

import looptime

__all__ = ["on_a_leaping_clock", "run_on_a_leaping_clock"]

T = TypeVar("T")


def run_on_a_leaping_clock(play: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run something asynchronous on a loop of its own that never really waits; what it leaves running is cancelled.

    Not by `asyncio.run`: it would take the current event loop away from pytest-asyncio, which then never closes it.
    """
    loop = looptime.new_event_loop(noop_cycles=0)  # no turns to wait for input: none comes from outside
    try:
        result: T = loop.run_until_complete(play())
        while left := asyncio.all_tasks(loop):  # more than once: the end of one may begin another
            for task in left:
                task.cancel()
            loop.run_until_complete(asyncio.wait(left))
    finally:
        loop.close()
    return result


def on_a_leaping_clock(test: Callable[[], Coroutine[Any, Any, None]]) -> Callable[[], None]:
    """Run a test so.

    Not by looptime's pytest plugin: fixtures and the end of the test would then see another time than the test.
    """

    @wraps(test)
    def run() -> None:
        run_on_a_leaping_clock(test)

    return run
