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

    They do so when they have their connection, since a new one takes any time; and again before headers and body are
    handed to it: aiohttp sends a body in a later turn of the event loop, and a process can be stopped in between.
    """

    async def passing(*_: Any) -> None:
        fence()

    trace = aiohttp.TraceConfig()
    trace.on_connection_create_end.append(passing)
    trace.on_connection_reuseconn.append(passing)
    trace.on_request_headers_sent.append(passing)
    trace.on_request_chunk_sent.append(passing)  # both are called before anything is sent, whatever their names say
    return trace
