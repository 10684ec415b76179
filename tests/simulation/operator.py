"""A simulated operator process: the real client, scheduler, queues and observers around a reconciler of a few lines."""

import asyncio
from collections.abc import Iterable
from functools import partial

from aisearch_operator.cloudflare import CloudflareClient, Credentials, RequestBudget
from aisearch_operator.cloudflare.errors import CloudflareError, Retry
from aisearch_operator.cloudflare.scheduler import requesting
from aisearch_operator.cloudflare.waiting_line import Requester
from aisearch_operator.engine.backoff import Backoff
from aisearch_operator.engine.store import ObjectKey
from aisearch_operator.engine.workqueue import Again, WorkQueue
from aisearch_operator.observation.address import Connection, InstanceAddress
from aisearch_operator.observation.instances import InstanceObserver
from aisearch_operator.observation.polling import Pollable, PollQueue, Timing
from aisearch_operator.observation.statistics import StatisticsObserver
from aisearch_operator.resources.group import INSTANCE_KIND
from simulation.account import LIMIT, WINDOW, SimulatedAccount

__all__ = ["SimulatedOperator"]

BASE_URL = "https://api.example/client/v4"


class SimulatedOperator:
    """One process that serves instances of one account, with its part of the account's budget.

    Attributes
    ----------
    done
        When each resource was as its user wants it, by the loop's clock.
    """

    def __init__(self, account: SimulatedAccount, *, share: float = 0.6) -> None:
        loop = asyncio.get_running_loop()
        self._client = CloudflareClient(
            Credentials("acc0", api_token="simulated"),
            base_url=BASE_URL,
            budget=RequestBudget(limit=LIMIT, window=WINDOW, share=share, clock=loop.time),
            transport=account,
        )
        self._connection = Connection(self._client, "caller", "acc0", "")
        self._queue: WorkQueue[ObjectKey] = WorkQueue(self._process, workers=16, backoff=Backoff())
        self._polls: PollQueue = WorkQueue(self._poll, workers=4, backoff=Backoff(), name="poll")
        self._instances = InstanceObserver(self._polls, _timing(60), wake=self._wake, clock=loop.time)
        self._statistics = StatisticsObserver(self._polls, _timing(60), wake=self._wake, clock=loop.time)
        self._wanted: dict[ObjectKey, bool] = {}
        self._clock = loop.time
        self.done: dict[str, float] = {}

    def start(self) -> None:
        """Start the workers."""
        self._queue.start()
        self._polls.start()

    async def stop(self) -> None:
        """End everything."""
        await self._queue.stop(grace=0)
        await self._polls.stop(grace=0)
        await self._client.aclose()

    def want(self, name: str, *, exists: bool = True, namespace: str = "team") -> None:
        """Have a resource created, or deleted."""
        key = ObjectKey(INSTANCE_KIND, namespace, name, name)
        self.done.pop(name, None)
        self._wanted[key] = exists
        self._queue.add(key, urgent=not exists)

    async def _poll(self, watch: Pollable) -> Again | None:
        with requesting(Requester(watch, tenant="", recall=partial(self._polls.add, watch))):
            return await watch.poll()

    async def _process(self, key: ObjectKey) -> Again | None:
        with requesting(Requester(key, tenant=key.namespace, recall=partial(self._queue.add, key))):
            try:
                await self._reconcile(key)
            except CloudflareError as error:
                return Again(at_least=error.after or 0.0) if isinstance(error, Retry) else Again(60)
        self.done.setdefault(key.name, self._clock())
        return None

    async def _reconcile(self, key: ObjectKey) -> None:
        address = InstanceAddress("acc0", "default", key.name)
        seen = await self._instances.look(key, self._connection, address)
        if self._wanted[key]:
            if seen is None:
                made = await self._client.create_instance(address.namespace, {"id": key.name})
                self._instances.record(self._connection, address, made)
            self._statistics.latest(key, self._connection, address)
        else:
            if seen is not None:
                await self._client.delete_instance(address.namespace, key.name)
                self._instances.record(self._connection, address, None)
            self._instances.forget(key)
            self._statistics.forget(key)

    def _wake(self, keys: Iterable[ObjectKey]) -> None:
        for key in keys:
            self._queue.add(key)


def _timing(interval: float) -> Timing:
    return Timing(interval=interval, settle=15, terminal_retry=60)
