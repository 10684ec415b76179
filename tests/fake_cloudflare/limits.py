"""The request limit of a user: 1,200 in 5 minutes; beyond it 5 minutes without any answer (facts 4.2)."""

import math
from dataclasses import dataclass, field

from fake_cloudflare.envelope import ApiError, refusal


@dataclass(slots=True)
class RequestLimit:
    """A fixed window that opens with the first request, as the header's "resets in t seconds" implies.

    Requests that arrive during a block are refused and not counted.
    """

    _opened: float = -math.inf
    _spent: int = 0
    _blocked_until: float = -math.inf
    headers: dict[str, str] = field(default_factory=dict)

    def spend(self, now: float, quota: int | None, window: float, block: float) -> None:
        """Count one request and set `headers`, which every answer carries.

        Parameters
        ----------
        now
            Time of the user's account, epoch seconds.
        quota
            Requests in one window; None lifts the limit.
        window
            Length of a window in seconds.
        block
            Seconds without any answer once the quota is exceeded.

        Raises
        ------
        ApiError
            429 with ``Retry-After``, when the quota is exceeded or was less than ``block`` seconds ago.
        """
        if quota is None:
            self.headers = {}
            return
        if now < self._blocked_until:
            self._refuse(now, quota, window)
        if now >= self._opened + window:
            self._opened, self._spent = now, 0
        self._spent += 1
        if self._spent > quota:
            self._blocked_until = now + block
            self._opened = -math.inf
            self._refuse(now, quota, window)
        self._announce(quota, window, remaining=quota - self._spent, reset=self._opened + window - now)

    def _refuse(self, now: float, quota: int, window: float) -> None:
        wait = self._blocked_until - now
        self._announce(quota, window, remaining=0, reset=wait)
        error = refusal(971)
        raise ApiError(error.status, error.problems, {"Retry-After": str(math.ceil(wait))})

    def _announce(self, quota: int, window: float, *, remaining: int, reset: float) -> None:
        self.headers = {
            "Ratelimit": f'"default";r={remaining};t={math.ceil(reset)}',
            "Ratelimit-Policy": f'"default";q={quota};w={math.ceil(window)}',
        }
