"""When a request may go out: the budget says how many, the waiting line says whose turn it is.

A request that must wait long is not sent. Its requester keeps its place in the line, does something else, and is
recalled when its turn is near: whoever waits occupies no worker.
"""

from asyncio import TimerHandle, get_running_loop, sleep
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime, timedelta
from itertools import islice

from aisearch_operator.cloudflare.budget import ROUNDING, Priority, RequestBudget
from aisearch_operator.cloudflare.errors import Cause, Retry
from aisearch_operator.cloudflare.waiting_line import Requester, Ticket, WaitingLine

__all__ = ["RequestScheduler", "requesting"]

LONGEST_PAUSE = 0.5
"""Seconds that a request waits for its turn here. Beyond that the requester has better things to do.

All accounts share the workers: with 20 of them, a pause of 2 s occupied them all, and half of the budget was unused."""

URGENT_PAUSE = 2.0
"""The same for cancelling and deleting: they are few, and a pass that is broken off asks for everything anew."""

LONGEST_QUEUE = 10.0
"""Seconds that a request waits here in all, when more urgent ones come again and again."""

LONGEST_AWAY = 300.0
"""Seconds after which a requester asks again even if it is not recalled: a forecast may be wrong."""

FRONT = 6
"""Tickets whose requesters are recalled: a pass begins anew before it asks again, and some ask for nothing any more."""

RECALL_PATIENCE = 30.0
"""Seconds after which a ticket is dropped whose requester did not come when it was recalled: it wants nothing any more.

Nobody waits for it in between, whoever is there goes first."""

_requester: ContextVar[Requester | None] = ContextVar("requester", default=None)


@contextmanager
def requesting(requester: Requester) -> Iterator[None]:
    """Tell on whose behalf the requests in here are made.

    Without it, a request that must wait long loses its place.
    """
    token = _requester.set(requester)
    try:
        yield
    finally:
        _requester.reset(token)


class RequestScheduler:
    """Lets the requests of one caller out: see `RequestBudget` for how many, `WaitingLine` for the order."""

    def __init__(self, budget: RequestBudget) -> None:
        self._budget = budget
        self._line = WaitingLine()
        self._alarm: TimerHandle | None = None

    @property
    def waiting(self) -> Mapping[Priority, int]:
        """How many requests wait, those included whose requesters went away."""
        return self._line.waiting

    async def turn(self, priority: Priority) -> float:
        """Wait for the turn of one request, and count it.

        Returns
        -------
        float
            Seconds since it was first asked for.

        Raises
        ------
        Retry
            The turn is far; `after` says how far, at most `LONGEST_AWAY` seconds.
        Exception
            That of the requester's `check`.
        """
        asking = known = _requester.get()
        if known is not None and self._line.is_present(known.key):
            known = None  # it asks for several at the same time, and has one place
        ticket = self._line.join(
            known or Requester(key=object(), tenant="", recall=_stay_away), priority, now=self._budget.now
        )
        try:
            wait = await self._wait_here(ticket)
            if not wait and asking is not None:
                asking.check()
        except BaseException:  # whoever asked was cancelled, or does not want it any more
            self._drop(ticket)
            raise
        if wait:
            ticket.present = False
            refusal = self._refusal(ticket, wait)
            if known is None:
                self._drop(ticket)
            self._recall()
            raise refusal
        self._budget.take(priority)
        self._line.serve(ticket)
        self._recall()
        return self._budget.now - ticket.since

    async def _wait_here(self, ticket: Ticket) -> float:
        """Wait while the turn is near, and give the seconds that are left: 0.0 when it has come."""
        waited = 0.0
        longest = URGENT_PAUSE if ticket.priority is Priority.CANCEL else LONGEST_PAUSE
        while (wait := self._wait(ticket)) and wait <= longest and waited <= LONGEST_QUEUE:
            await sleep(wait)
            waited += wait
        return wait

    def _wait(self, ticket: Ticket) -> float:
        """Give the seconds until the turn of a ticket as far as can be seen, 0.0 for now."""
        front = list(islice(self._in_order(), FRONT))
        if ticket in front:
            return self._wait_behind(ticket, sum(other.present for other in front[: front.index(ticket)]))
        return self._wait_behind(ticket, self._line.ahead_of(ticket))

    def _wait_behind(self, ticket: Ticket, ahead: int) -> float:
        own = self._budget.delay(ticket.priority)
        return max(own, ahead / self._budget.rate + self._budget.blocked_for if ahead else 0.0)

    def _in_order(self) -> Iterator[Ticket]:
        """Give the tickets in the order of service: first one of each priority that starves."""
        starving = [
            ticket
            for priority in Priority
            if self._budget.starves(priority) and (ticket := self._line.first(priority)) is not None
        ]
        yield from starving
        yield from (ticket for ticket in self._line.in_order() if ticket not in starving)

    def _refusal(self, ticket: Ticket, wait: float) -> Retry:
        cause = Cause.RATE_LIMITED if self._budget.blocked_for else Cause.REQUEST_BUDGET_EXHAUSTED
        message = f"The request was not sent: {cause.advice}. Its turn is expected by {_due(ticket, wait):%H:%M} UTC"
        return Retry(cause, message, after=min(wait, LONGEST_AWAY))

    def _recall(self) -> None:
        """Have those come whose turn is near, and drop those that do not.

        Whoever is called too early is refused once more, and its queue takes that for one more failure.
        """
        for priority in Priority:
            if self._line.waiting[priority]:
                self._budget.delay(priority)  # it counts how long a priority waits from when it was asked
        now, ahead, looks = self._budget.now, 0, list[float]()
        for ticket in list(islice(self._in_order(), FRONT)):
            if ticket.present:
                ahead += 1
                continue
            away = None if ticket.recalled_at is None else now - ticket.recalled_at
            if away is None and (wait := self._wait_behind(ticket, ahead)) > LONGEST_PAUSE:
                looks.append(wait - LONGEST_PAUSE)
            elif away is None or away < LONGEST_PAUSE:
                ahead += 1  # it is on its way
                looks.append(LONGEST_PAUSE - (away or 0.0))
                if away is None:
                    ticket.recalled_at = now
                    ticket.requester.recall()
            else:
                if away > RECALL_PATIENCE:
                    self._drop(ticket)
                looks.append(max(RECALL_PATIENCE - away, 0.0))
        self._recall_in(min(looks, default=None))

    def _recall_in(self, seconds: float | None) -> None:
        """See to it that those who are away are recalled even if nobody takes a turn before."""
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm = None if seconds is None else get_running_loop().call_later(seconds + ROUNDING, self._recall)

    def _drop(self, ticket: Ticket) -> None:
        self._line.leave(ticket.requester.key)
        if not self._line.waiting[ticket.priority]:
            self._budget.withdraw(ticket.priority)


def _due(ticket: Ticket, wait: float) -> datetime:
    """Give the time of the turn in whole minutes. It is told anew only when it has passed: telling is a write."""
    now = datetime.now(UTC)
    if ticket.promised is None or ticket.promised < now:
        ticket.promised = (now + timedelta(seconds=wait + 59)).replace(second=0, microsecond=0)
    return ticket.promised


def _stay_away() -> None:
    """Recall nobody."""
