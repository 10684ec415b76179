"""Polling: everything that looks at the world from time to time is an entry of one work queue."""

from collections import defaultdict
from collections.abc import Callable, Collection, MutableMapping
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

from aisearch_operator.cloudflare.errors import Cause, CloudflareError, Retry, Terminal
from aisearch_operator.engine.store import ObjectKey
from aisearch_operator.engine.workqueue import Again, WorkQueue

__all__ = ["PUT_OFF", "PollQueue", "Pollable", "Timing", "Watches", "after_error"]


PUT_OFF = frozenset({Cause.REQUEST_BUDGET_EXHAUSTED, Cause.RATE_LIMITED})
"""A look that has to wait for other requests is late, and no failure."""


class Pollable(Protocol):
    """Something to look at. Its identity is its key in the queue."""

    def __hash__(self) -> int:
        """Give the hash of the identity, as every object does."""
        ...

    async def poll(self) -> Again | None:
        """Look, and say when to look again; None when nobody needs it any more."""
        ...


PollQueue = WorkQueue[Pollable]


@dataclass(frozen=True, slots=True)
class Timing:
    """When to look.

    Parameters
    ----------
    interval
        Seconds between two looks; more when there is much to see, see `pace`.
    settle
        Seconds after a write in which a list is not believed about what was written: reads lag
        behind writes (facts 2.3).
    terminal_retry
        Seconds between two attempts while the API refuses for good.
    """

    interval: float
    settle: float
    terminal_retry: float


class Watch(Protocol):
    """Something that is looked at for as long as resources follow it."""

    @property
    def followers(self) -> MutableMapping[ObjectKey, Any]:
        """Who follows, and what each wants of it."""
        ...

    @property
    def caller(self) -> str:
        """Whose request budget the looks are taken from."""
        ...

    @property
    def looked_at(self) -> float | None:
        """When Cloudflare last answered, by the observer's clock; None while no look is due regularly."""
        ...


S = TypeVar("S")
W = TypeVar("W", bound=Watch)


class Watches(Generic[S, W]):
    """The watches of an observer by what they look at. Each resource follows one at a time."""

    def __init__(self) -> None:
        self._watches: dict[S, W] = {}
        self._of_caller: defaultdict[str, dict[S, W]] = defaultdict(dict)
        self._followed: dict[ObjectKey, S] = {}

    def get(self, scope: S) -> W | None:
        """Give the watch of a scope, if anybody follows it."""
        return self._watches.get(scope)

    def join(self, key: ObjectKey, scope: S, make: Callable[[], W]) -> W:
        """Give the watch that a resource follows from now on; the first to follow makes it."""
        if self._followed.get(key) != scope:
            self.leave(key)
            self._followed[key] = scope
        watch = self._watches.get(scope)
        if watch is None:
            watch = self._watches[scope] = make()
            self._of_caller[watch.caller][scope] = watch
        return watch

    def of(self, caller: str) -> Collection[W]:
        """Give the watches that share a request budget."""
        return self._of_caller.get(caller, {}).values()

    def oldest_look(self, now: float) -> float:
        """Give the age in seconds of the last look of the watch that waits the longest; 0 without watches."""
        looks = (watch.looked_at for watch in self._watches.values())
        return max((now - looked_at for looked_at in looks if looked_at is not None), default=0.0)

    def leave(self, key: ObjectKey) -> None:
        """Let a resource follow nothing; a watch that nobody follows is dropped."""
        scope = self._followed.pop(key, None)
        if scope is None:
            return
        watch = self._watches[scope]
        watch.followers.pop(key, None)
        if not watch.followers:
            del self._watches[scope]
            del self._of_caller[watch.caller][scope]
            if not self._of_caller[watch.caller]:
                del self._of_caller[watch.caller]


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
