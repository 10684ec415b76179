"""What others use of the limit that they share with us, as the server's counts tell. Pure: no clock."""

from dataclasses import dataclass

__all__ = ["Others"]

FIRST_LOOK = 0.1
"""The part of a window that must have passed before its count is taken for a rate."""

SAME = 5.0
"""Seconds by which the beginning of one and the same window may seem to move: the server rounds."""


@dataclass(slots=True)
class Others:
    """The requests of others under one policy of the server.

    Cloudflare's headers count from the beginning of a window, where nobody has used anything yet. So the window before
    counts too, with the part of it that the last `window` seconds still cover.

    Parameters
    ----------
    window
        Seconds.
    lately
        The part of the quota that they used in the last window, as far as can be told.
    """

    window: float
    lately: float = 0.0
    _began: float | None = None
    _earlier: float | None = None
    _rate: float = 0.0

    def note(self, used: float, *, quota: float, began: float, now: float) -> None:
        """Take in how many requests others have used since the window began."""
        if self._began is not None and began > self._began + SAME:
            self._earlier = self._rate
        if self._began is None or began > self._began + SAME:
            self._began = began
        passed = min(max(now - began, 0.0), self.window)
        self._rate = used / quota / max(passed, FIRST_LOOK * self.window)
        earlier = self._rate if self._earlier is None else self._earlier
        self.lately = used / quota + earlier * (self.window - passed)
