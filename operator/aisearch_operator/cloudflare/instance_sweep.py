"""One look at all instances of a search namespace, page by page; what was interrupted goes on where it stopped."""

import asyncio
from collections.abc import Callable
from datetime import datetime
from math import ceil
from typing import Generic, TypeVar

from aisearch_operator.cloudflare.answer import Answer, invalid_answer
from aisearch_operator.cloudflare.diagnosis import DiagnosingExchange
from aisearch_operator.cloudflare.errors import Cause, CloudflareError, Retry
from aisearch_operator.cloudflare.listing import Listing, SearchNamespace, page_of
from aisearch_operator.cloudflare.paging import Page, Step, step_after
from aisearch_operator.cloudflare.routes import LIST_INSTANCES
from aisearch_operator.cloudflare.wire import Instance

__all__ = ["InstanceSweep"]

T = TypeVar("T")

INSTANCES_PER_PAGE = 100
"""The most that the API gives (facts 1.1)."""

READINGS = 3
"""How often a listing is read anew that shrinks under the reader's hands."""

PAGES_AT_ONCE = 4
"""Pages that are read at the same time, as long as the budget is ample."""

AMPLE = 0.5
"""The part of the budget's burst that must be there after the next pages: sweeps shall not make anybody wait."""


class InstanceSweep(Generic[T]):
    """All instances of a search namespace, oldest first.

    A listing of several pages is no snapshot: when one instance goes and another comes between two
    requests, a third can be missing. Confirm with `get_instance` before acting on an absence.

    Parameters
    ----------
    keep
        Gives what is kept of an instance: there are thousands, and a page of them is thrown away before the next.

    Attributes
    ----------
    pages
        How many pages were read so far.
    """

    def __init__(self, exchange: DiagnosingExchange, ns: SearchNamespace, keep: Callable[[Instance], T]) -> None:
        self._exchange = exchange
        self._ns = ns
        self._keep = keep
        self._pages: list[Page[_Identity]] = []
        self._found: dict[_Identity, T] = {}
        self._server_time: datetime | None = None
        self._shrunk = 0
        self._one_by_one = False

    @property
    def pages(self) -> int:
        """How many pages were read so far."""
        return len(self._pages)

    async def read(self) -> Listing[T]:
        """Read what is left. After an error, the next call goes on with the page that failed.

        Raises
        ------
        CloudflareError
            A page could not be read.
        """
        step = step_after(self._pages) if self._pages else Step.MORE
        while step is not Step.DONE:
            if step is Step.AGAIN:
                self._begin_anew()
            await self._read_some()
            step = step_after(self._pages)
        # Whether the listing keeps to its namespace is not documented (facts 1.0).
        items = tuple(kept for (namespace, _), kept in self._found.items() if namespace in {None, self._ns.name})
        assert self._server_time is not None  # noqa: S101 - a page was read
        return Listing(items=items, server_time=self._server_time)

    def _begin_anew(self) -> None:
        self._shrunk += 1
        self._pages, self._found, self._server_time = [], {}, None
        if self._shrunk >= READINGS:
            self._shrunk = 0
            raise Retry(Cause.CONFLICT, f"The instances changed while they were listed; {Cause.CONFLICT.advice}")

    async def _read_some(self) -> None:
        """Read the next page, or the next few; those before the first failure are kept.

        Pages that are read together may be answered in any order: a total that is smaller than that of the page before
        may be older. Read by itself, the page shows whether something has left the listing.
        """
        first = len(self._pages) + 1
        answers = await asyncio.gather(
            *(self._ask(number) for number in range(first, first + self._count())), return_exceptions=True
        )
        for answer in answers:
            if isinstance(answer, BaseException):
                raise answer.with_traceback(None) if isinstance(answer, CloudflareError) else answer
            page = page_of(answer, Instance, INSTANCES_PER_PAGE)
            if len(answers) > 1 and self._pages and _smaller(page.total, self._pages[-1].total):
                self._one_by_one = True
                return
            self._take(page, answer)
            if step_after(self._pages) is not Step.MORE:
                return

    def _count(self) -> int:
        """Give the number of pages to read at the same time."""
        total = self._pages[-1].total if self._pages else None
        if total is None or self._one_by_one:
            return 1
        left = ceil(total / self._pages[-1].size) - len(self._pages)
        standing = self._exchange.standing
        ample = standing.budget_left - PAGES_AT_ONCE >= AMPLE * standing.budget_size
        return max(1, min(left, PAGES_AT_ONCE)) if ample else 1

    async def _ask(self, number: int) -> Answer:
        return await self._exchange.call(
            LIST_INSTANCES,
            {"account": self._ns.account_id, "namespace": self._ns.name},
            query={
                "page": number,
                "per_page": INSTANCES_PER_PAGE,
                "order_by": "created_at",
                "order_by_direction": "asc",
            },
        )

    def _take(self, page: Page[Instance], answer: Answer) -> None:
        found = {(instance.namespace, instance.id): self._keep(instance) for instance in page.items}
        if found and found.keys() <= self._found.keys():
            problem = f"page {len(self._pages) + 1} of the instances repeats an earlier one"
            raise invalid_answer(LIST_INSTANCES, answer.status, problem, answer.ray_id)
        self._pages.append(Page([(instance.namespace, instance.id) for instance in page.items], page.size, page.total))
        self._found |= found
        self._server_time = self._server_time or answer.server_time


def _smaller(total: int | None, than: int | None) -> bool:
    return total is not None and than is not None and total < than


_Identity = tuple[str | None, str]
"""Search namespace and id."""
