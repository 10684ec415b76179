"""The operations of the Cloudflare AI Search API that the operator needs, one method each.

Nothing is tried again here: whoever calls knows what a repetition would do. Every failure is a
`CloudflareError`.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import TypeVar

import httpx
from pydantic import JsonValue

from aisearch_operator.cloudflare.budget import Priority, RequestBudget
from aisearch_operator.cloudflare.credentials import Credentials
from aisearch_operator.cloudflare.diagnosis import DiagnosingExchange
from aisearch_operator.cloudflare.errors import Terminal
from aisearch_operator.cloudflare.exchange import Exchange, Timeouts
from aisearch_operator.cloudflare.instance_sweep import InstanceSweep
from aisearch_operator.cloudflare.listing import Listing, SearchNamespace, page_of
from aisearch_operator.cloudflare.paging import (
    LARGEST_LOG_PAGE,
    Page,
    chronological,
    is_newest_first,
    last_lines,
    next_job_page,
)
from aisearch_operator.cloudflare.records import RequestRecord, Standing
from aisearch_operator.cloudflare.routes import (
    CANCEL_JOB,
    CREATE_INSTANCE,
    CREATE_JOB,
    DELETE_INSTANCE,
    GET_INSTANCE,
    GET_JOB,
    INSTANCE_STATS,
    JOB_LOGS,
    LIST_JOBS,
    MOVE_INSTANCE,
    UPDATE_INSTANCE,
)
from aisearch_operator.cloudflare.wire import Instance, Job, JobLog, ResultInfo, Stats

__all__ = ["CloudflareClient"]

T = TypeVar("T")

JOBS_PER_PAGE = 50
"""The most that the API gives (facts 1.1)."""

ALREADY_THERE = 7067
"""namespace_same_name: the instance is already in the search namespace that it is to move to (facts 4.3)."""


class CloudflareClient:
    """The AI Search API for one credential. Close it with `aclose`.

    Parameters
    ----------
    credentials
        Who calls.
    base_url
        Where the API is, for example ``https://api.cloudflare.com/client/v4``.
    budget
        The caller's request budget: one for all clients with the same `Credentials.fingerprint`.
    timeout
        How long a request may take.
    transport
        Instead of the network, in tests.
    user_agent
        How the operator introduces itself.
    on_request
        Called after each request, for metrics, also when the budget put it off. It must not raise.
    fence
        Called just before each request leaves. When it raises, or does not return, the request does not leave.

    Raises
    ------
    ValueError
        The base URL is not an absolute http(s) URL.
    """

    def __init__(
        self,
        credentials: Credentials,
        *,
        base_url: str,
        budget: RequestBudget,
        timeout: Timeouts | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        user_agent: str = "aisearch-operator",
        on_request: Callable[[RequestRecord], None] | None = None,
        fence: Callable[[], None] | None = None,
    ) -> None:
        exchange = Exchange(
            credentials,
            base_url=base_url,
            budget=budget,
            timeouts=timeout or Timeouts(),
            transport=transport,
            user_agent=user_agent,
            on_request=on_request,
            fence=fence,
        )
        self._exchange = DiagnosingExchange(exchange, credentials)

    @property
    def standing(self) -> Standing:
        """How the caller stands with the API."""
        return self._exchange.standing

    @property
    def rate(self) -> float:
        """Requests per second that the budget allows in the long run."""
        return self._exchange.rate

    @property
    def idle_for(self) -> float:
        """Seconds since the last request was sent."""
        return self._exchange.idle_for

    async def aclose(self) -> None:
        """Close the connections."""
        await self._exchange.aclose()

    def sweep_instances(self, ns: SearchNamespace, keep: Callable[[Instance], T]) -> InstanceSweep[T]:
        """Begin a look at all instances of a search namespace that can be interrupted; see `InstanceSweep`."""
        return InstanceSweep(self._exchange, ns, keep)

    async def list_instances(self, ns: SearchNamespace) -> Listing[Instance]:
        """List all instances of a search namespace, oldest first; see `InstanceSweep`."""
        return await self.sweep_instances(ns, lambda instance: instance).read()

    async def get_instance(
        self, ns: SearchNamespace, instance_id: str, *, priority: Priority | None = None
    ) -> Instance:
        """Read one instance. Some of its settings are never in here (facts 2.4)."""
        answer = await self._exchange.call(GET_INSTANCE, _instance(ns, instance_id), priority=priority)
        return answer.result(Instance)

    async def create_instance(self, ns: SearchNamespace, body: Mapping[str, JsonValue]) -> Instance:
        """Create an instance. Not idempotent: `AlreadyExists` when the id is taken."""
        answer = await self._exchange.call(CREATE_INSTANCE, _namespace(ns), body=body)
        return answer.result(Instance)

    async def update_instance(self, ns: SearchNamespace, instance_id: str, body: Mapping[str, JsonValue]) -> Instance:
        """Change the given fields. Nested objects must be whole (facts 2.3)."""
        answer = await self._exchange.call(UPDATE_INSTANCE, _instance(ns, instance_id), body=body)
        return answer.result(Instance)

    async def move_instance(self, ns: SearchNamespace, instance_id: str, new_namespace: str) -> None:
        """Move an instance to another search namespace; fine when it is there already."""
        try:
            await self._exchange.call(MOVE_INSTANCE, _instance(ns, instance_id), body={"new_namespace": new_namespace})
        except Terminal as error:
            if error.code != ALREADY_THERE:
                raise

    async def delete_instance(self, ns: SearchNamespace, instance_id: str) -> None:
        """Delete an instance with its index and the files in its built-in storage."""
        await self._exchange.call(DELETE_INSTANCE, _instance(ns, instance_id))

    async def instance_stats(self, ns: SearchNamespace, instance_id: str, *, priority: Priority | None = None) -> Stats:
        """Read how far the index of an instance is."""
        answer = await self._exchange.call(INSTANCE_STATS, _instance(ns, instance_id), priority=priority)
        return answer.result(Stats)

    async def list_jobs(
        self,
        ns: SearchNamespace,
        instance_id: str,
        *,
        since: datetime | None = None,
        priority: Priority | None = None,
    ) -> Listing[Job]:
        """List the sync jobs of an instance, in the order of the API.

        Parameters
        ----------
        since
            All jobs that started after this, or have not started, are in the listing, and as few others
            as can be told. None reads all pages, of which an old instance has many.
        """
        read: dict[int, Page[Job]] = {}
        server_time: datetime | None = None
        number: int | None = 1
        while number is not None:
            answer = await self._exchange.call(
                LIST_JOBS,
                _instance(ns, instance_id),
                query={"page": number, "per_page": JOBS_PER_PAGE},
                priority=priority,
            )
            server_time = server_time or answer.server_time
            read[number] = page_of(answer, Job, JOBS_PER_PAGE)
            number = next_job_page(read, since)
        return Listing(items=_in_order(read), server_time=server_time or answer.server_time)

    async def get_job(
        self, ns: SearchNamespace, instance_id: str, job_id: str, *, priority: Priority | None = None
    ) -> Job:
        """Read one sync job."""
        answer = await self._exchange.call(GET_JOB, _job(ns, instance_id, job_id), priority=priority)
        return answer.result(Job)

    async def create_job(self, ns: SearchNamespace, instance_id: str, description: str) -> Job:
        """Start a sync job. Not idempotent, and it ends the running one: list the jobs before (facts 3.3)."""
        answer = await self._exchange.call(CREATE_JOB, _instance(ns, instance_id), body={"description": description})
        return answer.result(Job)

    async def cancel_job(self, ns: SearchNamespace, instance_id: str, job_id: str) -> Job:
        """Ask for the end of a sync job. It may still run in the answer (facts 3.4)."""
        answer = await self._exchange.call(CANCEL_JOB, _job(ns, instance_id, job_id), body={"action": "cancel"})
        return answer.result(Job)

    async def job_logs(self, ns: SearchNamespace, instance_id: str, job_id: str, *, tail: int) -> tuple[JobLog, ...]:
        """Read the last `tail` lines of a job's log, oldest first, in at most two requests.

        The order of the API is undocumented (facts 3.5). A log that does not fit one page of 500 lines is
        read at its end too, unless the first page shows the newest lines. Beyond a `tail` of 250 there may
        be fewer lines than asked.
        """
        tail = min(tail, LARGEST_LOG_PAGE)
        if tail <= 0:
            return ()
        lines, total = await self._read_logs(ns, instance_id, job_id, page=1, size=LARGEST_LOG_PAGE)
        if total > len(lines) and not is_newest_first(lines):
            page, size = last_lines(total, tail)
            more, _ = await self._read_logs(ns, instance_id, job_id, page=page, size=size)
            # With a gap between the two, what is before it does not belong to the tail.
            lines = lines + more if (page - 1) * size <= len(lines) else more
        return chronological(lines)[-tail:]

    async def _read_logs(
        self, ns: SearchNamespace, instance_id: str, job_id: str, *, page: int, size: int
    ) -> tuple[tuple[JobLog, ...], int]:
        answer = await self._exchange.call(
            JOB_LOGS, _job(ns, instance_id, job_id), query={"page": page, "per_page": size}
        )
        lines = answer.results(JobLog)
        info = answer.envelope.result_info or ResultInfo()
        return lines, info.total_count or len(lines)


def _namespace(ns: SearchNamespace) -> dict[str, str]:
    return {"account": ns.account_id, "namespace": ns.name}


def _instance(ns: SearchNamespace, instance_id: str) -> dict[str, str]:
    return {**_namespace(ns), "instance": instance_id}


def _job(ns: SearchNamespace, instance_id: str, job_id: str) -> dict[str, str]:
    return {**_instance(ns, instance_id), "job": job_id}


def _in_order(read: Mapping[int, Page[Job]]) -> tuple[Job, ...]:
    """Join pages; a job that moved to the next page meanwhile is in here once, as it was seen last."""
    return tuple({job.id: job for number in sorted(read) for job in read[number].items}.values())
