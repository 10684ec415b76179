"""What is listed where: search namespaces, and everything that a listing holds."""

from dataclasses import dataclass
from datetime import datetime
from typing import Generic, TypeVar

from pydantic import BaseModel

from aisearch_operator.cloudflare.answer import Answer
from aisearch_operator.cloudflare.paging import Page
from aisearch_operator.cloudflare.wire import ResultInfo

__all__ = ["Listing", "SearchNamespace", "page_of"]

T = TypeVar("T")
M = TypeVar("M", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class SearchNamespace:
    """Where instances live: their ids are unique in here (facts 1.0)."""

    account_id: str
    name: str = "default"


@dataclass(frozen=True, slots=True)
class Listing(Generic[T]):
    """Everything that a listing holds.

    Parameters
    ----------
    items
        The objects, each once.
    server_time
        When the first page was answered, by Cloudflare's clock: what is older than this is in here.
    """

    items: tuple[T, ...]
    server_time: datetime


def page_of(answer: Answer, model: type[M], asked: int) -> Page[M]:
    """Read one page; ``asked`` is the size that was asked for, in case the answer does not say."""
    info = answer.envelope.result_info or ResultInfo()
    return Page(items=answer.results(model), size=info.per_page or asked, total=info.total_count)
