"""Which page of a listing to read next: pure decisions, so that no request is one too many."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, auto
from itertools import pairwise
from typing import Generic, TypeVar

from aisearch_operator.cloudflare.wire import Job, JobLog

__all__ = [
    "LARGEST_LOG_PAGE",
    "Order",
    "Page",
    "Step",
    "chronological",
    "is_newest_first",
    "last_lines",
    "next_job_page",
    "order_of",
    "step_after",
]

T = TypeVar("T")

LARGEST_LOG_PAGE = 500
"""Log lines per page that the API gives at most (facts 1.1)."""


@dataclass(frozen=True, slots=True)
class Page(Generic[T]):
    """One page as it was received.

    Parameters
    ----------
    items
        What it holds.
    size
        How many items a full page holds.
    total
        How many items the listing has, None when the answer does not say.
    """

    items: Sequence[T]
    size: int
    total: int | None


class Step(Enum):
    """What to do after a page of a listing that is read from the beginning to the end."""

    DONE = auto()
    MORE = auto()
    AGAIN = auto()
    """Something left the listing meanwhile; what followed it moved up, maybe onto a page already read."""


def step_after(pages: Sequence[Page[T]]) -> Step:
    """Decide how to go on after the pages 1 to n of a listing, oldest first."""
    totals = [page.total for page in pages if page.total is not None]
    if any(later < earlier for earlier, later in pairwise(totals)):
        return Step.AGAIN
    last = pages[-1]
    if not last.items:
        return Step.DONE
    if last.total is None:
        return Step.MORE if len(last.items) >= last.size else Step.DONE
    return Step.MORE if sum(len(page.items) for page in pages) < last.total else Step.DONE


class Order(Enum):
    """How a listing of jobs is sorted, judged by what was read of it."""

    NEWEST_FIRST = auto()
    OLDEST_FIRST = auto()
    UNKNOWN = auto()


def order_of(jobs: Iterable[Job]) -> Order:
    """Judge the order by the starts; a job that has not started counts as the newest of all.

    Fewer than two different starts prove nothing.
    """
    starts = [(job.started_at is None, job.started_at.timestamp() if job.started_at else 0.0) for job in jobs]
    if len({start for start in starts if not start[0]}) < 2:
        return Order.UNKNOWN
    pairs = list(pairwise(starts))
    if all(first >= second for first, second in pairs):
        return Order.NEWEST_FIRST
    if all(first <= second for first, second in pairs):
        return Order.OLDEST_FIRST
    return Order.UNKNOWN


def next_job_page(read: Mapping[int, Page[Job]], since: datetime | None) -> int | None:
    """Give the number of the page to read next, or None when every job since then was seen.

    The order of a job listing is undocumented (facts 1.1). Newest first, the pages are read from the
    front until one reaches back beyond `since`; oldest first, from the back. In any other order all
    pages are read.

    Parameters
    ----------
    read
        The pages read so far by number, in the order of reading; page 1 is always the first.
    since
        Jobs that started before are of no interest; None for all jobs.
    """
    last = _last_page(read)
    unread = [number for number in range(1, last + 1) if number not in read]
    if not unread or since is None:
        return unread[0] if unread else None
    order = order_of(job for number in sorted(read) for job in read[number].items)
    if order is Order.NEWEST_FIRST:
        return None if _reaches_beyond(read[unread[0] - 1], since) else unread[0]
    if order is Order.OLDEST_FIRST:
        return None if unread[-1] < last and _reaches_beyond(read[unread[-1] + 1], since) else unread[-1]
    return unread[0]


def last_lines(total: int, tail: int) -> tuple[int, int]:
    """Choose the page and the page size whose one request gives the last `tail` of `total` lines.

    The last page of a listing may be nearly empty, so the size is chosen such that it is not. Up to 250
    lines there is such a size; beyond, the page may hold fewer than asked.
    """
    size = max(range(1, LARGEST_LOG_PAGE + 1), key=lambda size: min((total - 1) % size + 1, tail))
    return math.ceil(total / size), size


def chronological(lines: Iterable[JobLog]) -> tuple[JobLog, ...]:
    """Sort log lines, oldest first, each once; as they came when they carry no time."""
    distinct = tuple(dict.fromkeys(lines))
    if any(line.created_at is None for line in distinct):
        return distinct
    return tuple(sorted(distinct, key=_log_position))


def is_newest_first(lines: Sequence[JobLog]) -> bool:
    """Tell whether a page of a log begins with its newest line, as far as the times can tell."""
    if len(lines) < 2 or any(line.created_at is None for line in lines):
        return False
    return _log_position(lines[0]) > _log_position(lines[-1])


def _log_position(line: JobLog) -> tuple[float, int]:
    return line.created_at.timestamp() if line.created_at else 0.0, line.id or 0


def _last_page(read: Mapping[int, Page[Job]]) -> int:
    latest = read[next(reversed(list(read)))]
    if latest.total is not None:
        return max(math.ceil(latest.total / latest.size), 1)
    highest = max(read)
    return highest + 1 if len(read[highest].items) >= read[highest].size else highest


def _reaches_beyond(page: Page[Job], since: datetime) -> bool:
    return any(job.started_at is not None and job.started_at < since for job in page.items)
