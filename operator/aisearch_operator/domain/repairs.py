"""When drift is repaired once more, although somebody undoes it again and again."""

from dataclasses import dataclass

__all__ = ["Repairs"]

AT_ONCE = 3
"""Repairs of the same fields without a pause between them: people do change their minds."""

FIRST_PAUSE = 120.0
"""Seconds; each further pause is twice as long."""

LONGEST_PAUSE = 3600.0

QUIET = 600.0
"""Seconds beyond the pause after which a repair counts as one that lasted."""


@dataclass(frozen=True, slots=True)
class Repairs:
    """The repairs in a row of the same fields of one instance.

    Parameters
    ----------
    paths
        The fields that were set back last.
    at
        When, in seconds of some clock.
    """

    paths: frozenset[str] = frozenset()
    count: int = 0
    at: float = 0.0

    def wait(self, paths: frozenset[str], now: float) -> float:
        """Tell how many seconds to wait before these fields are set back; 0 for not at all."""
        return max(0.0, self.at + self._pause - now) if self._goes_on(paths, now) else 0.0

    def repaired(self, paths: frozenset[str], now: float) -> "Repairs":
        """Count a repair."""
        return Repairs(paths, self.count + 1 if self._goes_on(paths, now) else 1, now)

    @property
    def _pause(self) -> float:
        if self.count < AT_ONCE:
            return 0.0
        return min(LONGEST_PAUSE, FIRST_PAUSE * 2.0 ** min(self.count - AT_ONCE, 10))

    def _goes_on(self, paths: frozenset[str], now: float) -> bool:
        return bool(self.paths & paths) and now < self.at + 2 * self._pause + QUIET
