"""What a client tells about itself: each request, and how its caller stands with the API."""

from collections.abc import Mapping
from dataclasses import dataclass

from aisearch_operator.cloudflare.budget import Priority
from aisearch_operator.cloudflare.errors import Cause
from aisearch_operator.cloudflare.routes import Route

__all__ = ["RequestRecord", "Standing"]


@dataclass(frozen=True, slots=True)
class RequestRecord:
    """What is known of a request that was sent, for metrics. It names no object and holds no text.

    Parameters
    ----------
    route
        What was asked.
    waited
        Seconds that it waited for its turn in the budget, those in which its requester was away included.
    status
        The HTTP status, None without an answer.
    seconds
        How long it took from then on.
    cause
        What went wrong, None when nothing did.
    timed_out
        Whether there was no answer because it took too long.
    ray_id
        The request's id at Cloudflare.
    """

    route: Route
    waited: float
    status: int | None = None
    seconds: float = 0.0
    cause: Cause | None = None
    timed_out: bool = False
    ray_id: str | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """How a caller stands with the API at the moment.

    Parameters
    ----------
    accepted
        Whether AI Search took the credentials the last time; None before the first time.
    blocked
        Whether the API takes no request at all, after a 429.
    budget_left
        Requests that may go out now.
    budget_size
        Requests that may go out at once when none was sent lately.
    waiting
        Requests that wait for their turn, by what they are for.
    """

    accepted: bool | None
    blocked: bool
    budget_left: float
    budget_size: float
    waiting: Mapping[Priority, int]
