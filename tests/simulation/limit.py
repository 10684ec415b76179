"""Cloudflare's limit on everything that one user sends, with somebody else at the same limit."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

__all__ = ["LIMIT", "WINDOW", "UserLimit"]

LIMIT = 1200
"""Requests per window that Cloudflare allows a user (facts 4.2)."""

WINDOW = 300.0
"""Seconds of the window, and of the block for whoever exceeds the limit (facts 4.2)."""


@dataclass
class UserLimit:
    """Counts the requests of one user.

    Which kind of window Cloudflare uses is not documented. This one counts in windows that follow one another, as the
    headers suggest, and refuses what exceeds the limit in any other window as well.

    Attributes
    ----------
    clock
        Seconds.
    others
        Requests per second of somebody else with the same user: the dashboard, Terraform.
    refused
        When a request was answered with 429.
    most
        The most requests of the user in any window, wherever it begins.
    most_ours
        The same without those of somebody else.
    """

    clock: Callable[[], float]
    others: float = 0.0
    refused: list[float] = field(default_factory=list)
    most: int = 0
    most_ours: int = 0
    _recent: deque[float] = field(default_factory=deque)
    _began: float = 0.0
    _counted: int = 0
    _blocked_until: float = 0.0

    def allows(self) -> bool:
        """Count a request that arrives now, and tell whether it is served."""
        now = self.clock()
        if now >= self._began + WINDOW:
            self._began, self._counted = now - now % WINDOW, 0
        self._counted += 1
        lately = self._lately(now)
        if now < self._blocked_until or max(self._used(now), lately) > LIMIT:
            self.refused.append(now)
            self._blocked_until = max(self._blocked_until, now + WINDOW)
            return False
        return True

    def block(self) -> None:
        """Exceed the limit by somebody else's hand: everything is refused for one window."""
        self._blocked_until = self.clock() + WINDOW

    def headers(self) -> dict[str, str]:
        """Say what is left."""
        now = self.clock()
        left = max(0, LIMIT - self._used(now))
        return {
            "Ratelimit": f'"default";r={left};t={max(0.0, self._began + WINDOW - now):.0f}',
            "Ratelimit-Policy": f'"default";q={LIMIT};w={WINDOW:.0f}',
        }

    def _used(self, now: float) -> int:
        return self._counted + round(self.others * (now - self._began))

    def _lately(self, now: float) -> int:
        self._recent.append(now)
        while self._recent[0] <= now - WINDOW:
            self._recent.popleft()
        lately = len(self._recent) + round(self.others * min(now, WINDOW))
        self.most, self.most_ours = max(self.most, lately), max(self.most_ours, len(self._recent))
        return lately
