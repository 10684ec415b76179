"""Who waits for a request of one caller's budget, and in which order they are served. Pure: no clock, no event loop."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import count

from aisearch_operator.cloudflare.budget import Priority

__all__ = ["Requester", "Ticket", "WaitingLine"]


@dataclass(frozen=True, slots=True)
class Requester:
    """On whose behalf a request is made.

    Parameters
    ----------
    key
        What asks: it has one place in the line, however often it asks.
    tenant
        Who shares fairly with others of the same priority: the Kubernetes namespace. Empty for what serves everybody.
    recall
        Called when the turn of somebody who went away in the meantime is near.
    check
        Called right before each request goes out; raises when it is not wanted any more.
    """

    key: Hashable
    tenant: str
    recall: Callable[[], None]
    check: Callable[[], None] = lambda: None


@dataclass(eq=False, slots=True)
class Ticket:
    """A place in the line.

    Parameters
    ----------
    number
        Rises with each ticket.
    since
        Monotonic seconds of when it was drawn.
    present
        Whether the requester waits here, and need not be recalled.
    recalled_at
        When it was recalled, None when it was not.
    promised
        The time of its turn as its requester was told, None when it was not.
    """

    requester: Requester
    priority: Priority
    number: int
    since: float
    present: bool = True
    recalled_at: float | None = None
    promised: datetime | None = None


class WaitingLine:
    """The tickets of one caller: more urgent ones first, tenants in turn, within a tenant as they came.

    Attributes
    ----------
    waiting
        How many tickets there are of each priority.
    """

    def __init__(self) -> None:
        self._tickets: dict[Hashable, Ticket] = {}
        # Per priority, the tenants in the order of their next turn, each with its tickets by number.
        self._tenants: dict[Priority, dict[str, list[Ticket]]] = {priority: {} for priority in Priority}
        self.waiting: Counter[Priority] = Counter()
        self._numbers = count()

    def __len__(self) -> int:
        """Count the tickets."""
        return len(self._tickets)

    def join(self, requester: Requester, priority: Priority, *, now: float) -> Ticket:
        """Give the requester's ticket; a new one when it had none, or one for something else."""
        ticket = self._tickets.get(requester.key)
        if ticket is not None and ticket.priority is priority and ticket.requester.tenant == requester.tenant:
            ticket.requester, ticket.present, ticket.recalled_at = requester, True, None
            return ticket
        self.leave(requester.key)
        ticket = Ticket(requester, priority, next(self._numbers), since=now)
        self._tickets[requester.key] = ticket
        self.waiting[priority] += 1
        self._tenants[priority].setdefault(requester.tenant, []).append(ticket)
        return ticket

    def is_present(self, key: Hashable) -> bool:
        """Whether somebody waits in line at this moment, and did not go away."""
        ticket = self._tickets.get(key)
        return ticket is not None and ticket.present

    def leave(self, key: Hashable) -> None:
        """Take a ticket back that is not wanted any more."""
        ticket = self._tickets.pop(key, None)
        if ticket is not None:
            self._remove(ticket)

    def serve(self, ticket: Ticket) -> None:
        """Let a ticket out; its tenant's next turn comes after those of the others."""
        del self._tickets[ticket.requester.key]
        tenants = self._tenants[ticket.priority]
        self._remove(ticket)
        if (rest := tenants.pop(ticket.requester.tenant, None)) is not None:
            tenants[ticket.requester.tenant] = rest

    def first(self, priority: Priority) -> Ticket | None:
        """Give the ticket of a priority that is served next, None when nobody waits."""
        return next((line[0] for line in self._tenants[priority].values()), None)

    def in_order(self) -> Iterator[Ticket]:
        """Give the tickets as they would be served, the next one first."""
        for tenants in self._tenants.values():
            turn = 0
            lines = list(tenants.values())
            while lines:
                yield from (line[turn] for line in lines)
                turn += 1
                lines = [line for line in lines if len(line) > turn]

    def ahead_of(self, ticket: Ticket) -> int:
        """Count the tickets that are served before this one, as things are."""
        urgent = sum(number for priority, number in self.waiting.items() if priority < ticket.priority)
        tenants = self._tenants[ticket.priority]
        own = bisect_left(tenants[ticket.requester.tenant], ticket.number, key=lambda other: other.number)
        ahead, before = urgent + own, 1
        for tenant, line in tenants.items():
            if tenant == ticket.requester.tenant:
                before = 0  # who has its turn later in a round is one ticket behind
            else:
                ahead += min(len(line), own + before)
        return ahead

    def _remove(self, ticket: Ticket) -> None:
        self.waiting[ticket.priority] -= 1
        tenants = self._tenants[ticket.priority]
        line = tenants[ticket.requester.tenant]
        del line[bisect_left(line, ticket.number, key=lambda other: other.number)]
        if not line:
            del tenants[ticket.requester.tenant]
