"""Polling: everything that looks at the world from time to time is an entry of one work queue."""

from typing import Protocol

from aisearch_operator.cloudflare.errors import CloudflareError, Retry, Terminal
from aisearch_operator.engine.workqueue import Again, WorkQueue

__all__ = ["PollQueue", "Pollable", "after_error"]


class Pollable(Protocol):
    """Something to look at. Its identity is its key in the queue."""

    def __hash__(self) -> int:
        """Give the hash of the identity, as every object does."""
        ...

    async def poll(self) -> Again | None:
        """Look, and say when to look again; None when nobody needs it any more."""
        ...


PollQueue = WorkQueue[Pollable]


def after_error(error: CloudflareError, *, terminal_retry: float) -> Again:
    """Tell when to look again after an error: backoff, but not before the server wants it.

    Parameters
    ----------
    terminal_retry
        Seconds before an error that a person must correct is tried again.
    """
    if isinstance(error, Terminal):
        return Again(terminal_retry)
    return Again(at_least=error.after or 0.0) if isinstance(error, Retry) else Again()
