"""The fence: what each request to Kubernetes passes just before it leaves."""

from collections.abc import Callable
from typing import Any

import aiohttp

__all__ = ["Fence", "fenced", "unfenced"]

Fence = Callable[[], None]
"""Returns while this process may act. When it may not any more, it does not return, or raises."""


def unfenced() -> None:
    """Let every request pass: nobody else acts."""


def fenced(fence: Fence) -> aiohttp.TraceConfig:
    """Give what makes the requests of an aiohttp session pass the fence.

    They do so when they have their connection: nothing but the sending comes after that, while a new connection
    takes any time.
    """

    async def passing(*_: Any) -> None:
        fence()

    trace = aiohttp.TraceConfig()
    trace.on_connection_create_end.append(passing)
    trace.on_connection_reuseconn.append(passing)
    return trace
