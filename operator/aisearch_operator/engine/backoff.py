"""How long to wait before the next attempt: exponential, with jitter, bounded."""

import random
from collections.abc import Callable
from dataclasses import dataclass

__all__ = ["Backoff"]


@dataclass(frozen=True, slots=True)
class Backoff:
    """Exponential backoff.

    Parameters
    ----------
    base
        Seconds before the first retry.
    cap
        The longest wait in seconds.
    jitter
        The share of the wait that is random: 0.2 gives 80 to 100 % of it. Without it, a thousand
        resources that fail together would come back together.
    """

    base: float = 1.0
    cap: float = 300.0
    jitter: float = 0.2

    def delay(self, failures: int, random_unit: Callable[[], float] = random.random) -> float:
        """Give the seconds to wait after this many failures in a row (1 or more)."""
        # The exponent is bounded as well: 2.0**1024 overflows.
        wait = min(self.cap, self.base * 2.0 ** min(failures - 1, 64))
        return wait * (1.0 - self.jitter * random_unit())
