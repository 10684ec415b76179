"""How many requests one caller may send to the Cloudflare API, and which of them go first."""

import time
from bisect import bisect_left
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import IntEnum
from types import MappingProxyType

from aisearch_operator.cloudflare.others import Others
from aisearch_operator.cloudflare.ratelimit import Remaining, parse_remaining, parse_retry_after

__all__ = ["SMALLEST_SHARE", "Priority", "RequestBudget"]


class Priority(IntEnum):
    """What a request is for. The smaller number goes first."""

    CANCEL = 0
    """Cancelling jobs and deleting: somebody waits for a finalizer."""
    CREATE = 1
    UPDATE = 2
    OBSERVE = 3
    STATISTICS = 4


BURST = 0.06
"""The part of our share that may go out at once. The rest arrives evenly over the window.

What is saved up for a burst is lost to a caller that always has something to send: with 6 %, it is served at 94 % of
the share at least."""

SMALLEST_BURST = 12.0
"""Requests that may go out at once under a small share, up to a quarter of it: the reserves need room in there."""

RESERVE: Mapping[Priority, float] = MappingProxyType(
    {
        Priority.CANCEL: 0.0,
        Priority.CREATE: 0.35,
        Priority.UPDATE: 0.4,
        Priority.OBSERVE: 0.5,
        Priority.STATISTICS: 0.6,
    }
)
"""The part of the burst that a request of each priority must leave to the more urgent ones.

To delete an instance takes three requests: the smallest burst holds that many for it, whatever else waits."""

PATIENCE = 60.0
"""Seconds after which a priority that asks and gets nothing is starving, under a large share.

It need not leave a reserve any more, and the others leave it one request."""

GUARANTEED = 0.01
"""The part of a small share that a starving priority gets: it is patient for longer then, up to a window.

Four operators that share an account would spend 6 % of it on lists and statistics otherwise, while they create."""

MARGIN = 0.1
"""The part of the server's quota that is left to others at least, however much of theirs they have used up already."""

LONGEST_BLOCK = 3600.0
"""Seconds. A `Retry-After` beyond this is taken for a mistake; the documented block lasts 300 (facts 4.2)."""

ROUNDING = 0.001
"""Seconds on top of each wait: one that ends a rounding error too early would be for nothing."""

SMALLEST_SHARE = 20.0
"""Requests per window. With less, the reserves would leave the lowest priority no room."""


@dataclass(frozen=True, slots=True)
class _Grant:
    """What the server still allows us, until it counts anew.

    `size` is what it allows us when nobody has used anything.
    """

    requests: float
    size: float
    ends: float


class RequestBudget:
    """The request budget of one caller; see `Credentials.fingerprint`.

    Cloudflare allows 1,200 requests in 5 minutes per user, whatever the user does, and blocks *every*
    call for the next 5 minutes after that (facts 4.2). So the operator takes a share and leaves the
    rest to people and other programs.

    The share is a token bucket. It holds a small part of the share and refills with the rest per
    window: no window, wherever it begins, sees more than the share. A log of the last window would
    promise the same, but lets the whole share go at once and then stands still for 5 minutes.

    What the server reports in `Ratelimit` corrects the bucket downward. What others have not used of
    the part that is not ours stays untouched, and a margin in any case. When others use more than
    their part, the bucket fills as slowly as they leave room for: whoever goes on at full speed stands
    still at the end of each window, cancellations too. A global 429 stops everything,
    and the bucket is empty afterwards: whatever piled up meanwhile must not cause the next block.

    The more urgent goes first, but nothing starves: see `RequestBudget.patience`.

    This class does no waiting and knows no event loop. It is not thread-safe.

    Parameters
    ----------
    limit
        Requests that the server allows the user per window.
    window
        Seconds. Also how long the server blocks whoever exceeds the limit.
    share
        The operator's part of the limit, above 0 and up to 1.
    clock
        Monotonic seconds.

    Attributes
    ----------
    patience
        Seconds after which a priority that asks and gets nothing is starving.

    Raises
    ------
    ValueError
        A number is out of range, or the share comes to fewer than 20 requests per window.
    """

    def __init__(
        self,
        *,
        limit: int = 1200,
        window: float = 300.0,
        share: float = 0.6,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        if not 0 < share <= 1:
            raise ValueError(f"share must be above 0 and at most 1, not {share}")
        if window <= 0:
            raise ValueError(f"window must be above 0 seconds, not {window}")
        if limit * share < SMALLEST_SHARE:
            raise ValueError(f"limit x share must be at least {SMALLEST_SHARE:.0f}, not {limit * share:.1f}")
        self._share = share
        self._window = window
        self._clock = clock
        self._capacity = min(max(limit * share * BURST, SMALLEST_BURST), limit * share / 4)
        self._rate = self._full_rate = (limit * share - self._capacity) / window
        self.patience = max(PATIENCE, min(1 / (GUARANTEED * self._full_rate), window))
        self._slowest_rate = min(self._full_rate, SMALLEST_SHARE / window)
        self._tokens = self._capacity
        now = clock()
        self._counted_at = now
        self._blocked_until = now
        self._waiting_since: dict[Priority, float] = {}
        self._grants: tuple[_Grant, ...] = ()
        self._largest_seen: dict[str, float] = {}
        self._others: dict[str, Others] = {}
        self._taken: list[float] = []

    @property
    def now(self) -> float:
        """Monotonic seconds, as the budget counts."""
        return self._clock()

    @property
    def rate(self) -> float:
        """Requests per second that go out when there is always one waiting, beside what others send now."""
        return self._rate

    @property
    def blocked_for(self) -> float:
        """Seconds for which the server takes no request at all, 0.0 when it does."""
        return max(0.0, self._blocked_until - self._clock())

    @property
    def size(self) -> float:
        """Requests that may go out at once when none was sent lately."""
        return self._capacity

    @property
    def left(self) -> float:
        """Requests that may go out now; negative when others used up what was ours."""
        now = self._clock()
        granted = (grant.requests for grant in self._grants if now < grant.ends)
        return min(self._tokens_at(now), *granted, self._capacity)

    def delay(self, priority: Priority) -> float:
        """Give the seconds until a request of this priority may go out, 0.0 for now.

        It is a promise only as long as nobody else takes: ask again after the wait. The budget remembers
        that this priority waits, until it takes.
        """
        now = self._clock()
        start = max(now, self._blocked_until)
        wait = max(start - now + self._bucket_delay(priority, start), self._grant_delay(priority, now))
        if wait:
            self._waiting_since.setdefault(priority, start)
            wait += ROUNDING
        return wait

    def starves(self, priority: Priority) -> bool:
        """Whether a priority has waited for longer than its patience."""
        since = self._waiting_since.get(priority)
        return since is not None and self._clock() - since >= self.patience

    def withdraw(self, priority: Priority) -> None:
        """Note that nobody of this priority waits any more."""
        self._waiting_since.pop(priority, None)

    def take(self, priority: Priority) -> None:
        """Count a request that goes out now."""
        now = self._clock()
        self._tokens = self._tokens_at(now) - 1
        self._counted_at = max(now, self._counted_at)
        self._waiting_since.pop(priority, None)
        del self._taken[: bisect_left(self._taken, now - self._window)]
        self._taken.append(now)
        self._grants = tuple(replace(grant, requests=grant.requests - 1) for grant in self._grants if now < grant.ends)

    def observe(self, status: int, headers: Mapping[str, str], *, product_limit: bool = False) -> None:
        """Learn from an answer.

        Parameters
        ----------
        status, headers
            The answer's.
        product_limit
            A 429 that is not about the user's request rate: sync cooldown, monthly quota. It does not block.
        """
        now = self._clock()
        if status == 429 and not product_limit:
            self._block(now, parse_retry_after(headers))
        if remaining := parse_remaining(headers):
            self._grants = tuple(self._grant(item, now) for item in remaining)
            self._make_room(now)

    def _block(self, now: float, retry_after: float | None) -> None:
        seconds = self._window if retry_after is None else min(retry_after, LONGEST_BLOCK)
        until = max(self._blocked_until, now + seconds)
        self._blocked_until = until
        self._tokens = 0.0
        self._counted_at = until
        self._waiting_since = dict.fromkeys(self._waiting_since, until)

    def _grant(self, remaining: Remaining, now: float) -> _Grant:
        # Without a policy header, the most that was ever left stands for the quota.
        largest = max(remaining.requests, self._largest_seen.get(remaining.policy, 0.0))
        self._largest_seen[remaining.policy] = largest
        quota = largest if remaining.quota is None else remaining.quota
        reset = self._window if remaining.reset is None else min(remaining.reset, LONGEST_BLOCK)
        ours = self._share * quota
        began = now - max(0.0, self._window - reset)
        used_by_others = max(0.0, quota - remaining.requests - (len(self._taken) - bisect_left(self._taken, began)))
        others = self._others.setdefault(remaining.policy, Others(self._window))
        others.note(used_by_others, quota=quota, began=began, now=now)
        theirs = max(quota - ours - used_by_others, min(MARGIN, 1 - self._share) * quota)
        return _Grant(requests=remaining.requests - theirs, size=ours, ends=now + reset)

    def _make_room(self, now: float) -> None:
        """Fill the bucket no faster than others leave room for."""
        self._tokens, self._counted_at = self._tokens_at(now), max(now, self._counted_at)
        margin = min(MARGIN, 1 - self._share)
        room = min((1 - margin - others.lately for others in self._others.values()), default=1.0)
        self._rate = min(self._full_rate, max(self._full_rate * room / self._share, self._slowest_rate))

    def _tokens_at(self, now: float) -> float:
        return min(self._capacity, self._tokens + self._rate * max(0.0, now - self._counted_at))

    def _reserve(self, priority: Priority, now: float) -> float:
        """Give the part that must be left to the more urgent. It melts away while the priority waits."""
        waited = max(0.0, now - self._waiting_since.get(priority, now))
        return RESERVE[priority] * max(0.0, 1 - waited / self.patience)

    def _starving(self, priority: Priority, now: float) -> int:
        """Count the other priorities that starve."""
        return sum(
            other is not priority and now - since >= self.patience for other, since in self._waiting_since.items()
        )

    def _bucket_delay(self, priority: Priority, now: float) -> float:
        """Give the seconds until the bucket, filling, meets the reserve, melting."""
        tokens = self._tokens_at(now)
        least = 1 + self._starving(priority, now)
        reserve = self._capacity * self._reserve(priority, now)
        if tokens >= least + reserve:
            return 0.0
        melting = self._capacity * RESERVE[priority] / self.patience
        return max((least + reserve - tokens) / (self._rate + melting), (least - tokens) / self._rate)

    def _grant_delay(self, priority: Priority, now: float) -> float:
        """Give the seconds until the server counts anew, where too little is left."""
        reserve = self._reserve(priority, now)
        return max(
            (
                grant.ends - now
                for grant in self._grants
                if now < grant.ends and grant.requests < 1 + reserve * min(grant.size, self._capacity)
            ),
            default=0.0,
        )
