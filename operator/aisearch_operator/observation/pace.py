"""How often to look at Cloudflare: as often as wished, and for much that is to be seen as often as the budget bears."""

__all__ = ["JOBS", "STATISTICS", "SWEEPS", "SWEEPS_AFTER_CHANGES", "UNREST", "interval", "rotation_interval"]

SWEEPS = 0.15
"""The part of the request budget that the lists of instances take at most, while all is quiet.

5,000 instances in one search namespace are 50 pages: at Cloudflare's limit and our 60 % of it, a list in 150 s."""

SWEEPS_AFTER_CHANGES = 0.4
"""The same for `UNREST` seconds after a write or a difference: then more is about to happen."""

UNREST = 300.0
"""Seconds for which a search namespace counts as restless after a change."""

JOBS = 0.3
"""The part of the budget that the lists of jobs take at most: of 100 instances with active jobs, each in 150 s."""

STATISTICS = 0.1
"""The part of the budget that statistics take at most: it is the interval's lower bound."""

ROTATION = 3600.0
"""Seconds in which every instance's statistics are read once, if `STATISTICS` allows."""


def interval(wished: float, *, requests: int, rate: float, part: float) -> float:
    """Give the seconds between two rounds.

    Parameters
    ----------
    wished
        Seconds, when there is little to see.
    requests
        What one round over everything of the kind costs one caller.
    rate
        Requests per second that the caller's budget allows.
    part
        The part of them that may be spent on it.
    """
    return max(wished, requests / (rate * part))


def rotation_interval(wished: float, *, instances: int, rate: float) -> float:
    """Give the seconds between two statistics requests of an account: the more instances, the shorter."""
    return min(wished, max(ROTATION / max(instances, 1), 1 / (rate * STATISTICS)))
