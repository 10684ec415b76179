"""A simulated operator process: real clients, schedulers, queues and observers around reconcilers of a few lines."""

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from functools import partial

from aisearch_operator.app import POLLERS
from aisearch_operator.cloudflare import CloudflareClient, Credentials, RequestBudget
from aisearch_operator.cloudflare.budget import Priority
from aisearch_operator.cloudflare.errors import CloudflareError, Retry
from aisearch_operator.cloudflare.scheduler import requesting
from aisearch_operator.cloudflare.waiting_line import Requester
from aisearch_operator.cloudflare.wire import Job
from aisearch_operator.domain.sync_job_status import MAX_LOGS
from aisearch_operator.engine.backoff import Backoff
from aisearch_operator.engine.store import ObjectKey
from aisearch_operator.engine.workqueue import Again, WorkQueue
from aisearch_operator.observation.address import Connection, InstanceAddress
from aisearch_operator.observation.instances import InstanceObserver
from aisearch_operator.observation.jobs import JobObserver
from aisearch_operator.observation.polling import Pollable, PollQueue, Timing
from aisearch_operator.observation.statistics import StatisticsObserver
from aisearch_operator.reconcilers.sync_job_removal import CONFIRM_INTERVAL
from aisearch_operator.resources.group import INSTANCE_KIND, SYNC_JOB_KIND
from aisearch_operator.settings import Settings
from simulation.account import EPOCH, SEARCH_NAMESPACE, SimulatedAccount
from simulation.limit import LIMIT, WINDOW

__all__ = ["SETTINGS", "SimulatedOperator"]

BASE_URL = "https://api.example/client/v4"

SETTINGS = Settings.model_construct()
"""The defaults, whatever the environment says."""


@dataclass
class _Resource:
    """What the user wants, and what was asked of Cloudflare for it."""

    account: str
    instance: str
    deleted: bool = False
    cancelled: bool = False
    asked: bool = False


class SimulatedOperator:
    """One process: one work queue and one poll queue for all accounts, a client and a budget for each.

    Parameters
    ----------
    share
        The part of each account's limit that this process may use.

    Attributes
    ----------
    done
        When each resource was first as its user wants it, by the loop's clock.
    """

    def __init__(self, *accounts: SimulatedAccount, share: float = SETTINGS.budget_share) -> None:
        clock = self._clock = asyncio.get_running_loop().time
        self._connections = {account.name: _connection(account, share) for account in accounts}
        backoff = Backoff(SETTINGS.backoff_base, SETTINGS.backoff_cap)
        self.queue: WorkQueue[ObjectKey] = WorkQueue(
            self._process, workers=SETTINGS.workers, backoff=backoff, urgent=self._is_urgent
        )
        self._polls: PollQueue = WorkQueue(self._poll, workers=POLLERS, backoff=backoff, name="poll")
        self._instances = InstanceObserver(self._polls, _timing(SETTINGS.poll_interval), wake=self._wake, clock=clock)
        self._jobs = JobObserver(self._polls, _timing(SETTINGS.job_poll_interval), wake=self._wake, clock=clock)
        self._statistics = StatisticsObserver(
            self._polls, _timing(SETTINGS.stats_interval), wake=self._wake, clock=clock
        )
        self._resources: dict[ObjectKey, _Resource] = {}
        self.done: dict[ObjectKey, float] = {}

    def start(self) -> None:
        """Start the workers."""
        self.queue.start()
        self._polls.start()

    async def stop(self) -> None:
        """End everything."""
        await self.queue.stop(grace=0)
        await self._polls.stop(grace=0)
        for connection in self._connections.values():
            await connection.client.aclose()

    def create(self, account: str, instance: str, *, namespace: str = "team") -> ObjectKey:
        """Have an instance."""
        return self._want(_instance_key(namespace, account, instance), _Resource(account, instance))

    def sync(self, account: str, instance: str, *, namespace: str = "team") -> ObjectKey:
        """Have a sync job of an instance, which runs until somebody ends it."""
        name = f"sync-{instance}"
        key = ObjectKey(SYNC_JOB_KIND, namespace, name, f"{account}/{name}")
        return self._want(key, _Resource(account, instance))

    def cancel(self, key: ObjectKey) -> None:
        """Set a sync job's ``spec.cancel``."""
        self._resources[key].cancelled = True
        self._wake([key])

    def delete(self, key: ObjectKey) -> None:
        """Delete a resource."""
        self._resources[key].deleted = True
        self._wake([key])

    def _want(self, key: ObjectKey, resource: _Resource) -> ObjectKey:
        self._resources[key] = resource
        self.queue.add(key)
        return key

    def _wake(self, keys: Iterable[ObjectKey]) -> None:
        for key in keys:
            if key in self._resources:
                self.queue.add(key)

    def _is_urgent(self, key: ObjectKey) -> bool:
        resource = self._resources.get(key)
        return resource is not None and (resource.deleted or resource.cancelled)

    async def _poll(self, watch: Pollable) -> Again | None:
        with requesting(Requester(watch, tenant="", recall=partial(self._polls.add, watch))):
            return await watch.poll()

    async def _process(self, key: ObjectKey) -> Again | None:
        resource = self._resources.get(key)
        if resource is None:
            return None
        reconcile = self._instance if key.kind == INSTANCE_KIND else self._sync_job
        address = InstanceAddress(resource.account, SEARCH_NAMESPACE, resource.instance)
        with requesting(Requester(key, tenant=key.namespace, recall=partial(self._wake, [key]))):
            try:
                return await reconcile(key, resource, self._connections[resource.account], address)
            except CloudflareError as error:
                return Again(at_least=error.after or 0.0) if isinstance(error, Retry) else Again(SETTINGS.wait_retry)

    async def _instance(
        self, key: ObjectKey, resource: _Resource, connection: Connection, address: InstanceAddress
    ) -> Again | None:
        client, namespace = connection.client, address.namespace
        if resource.deleted:
            # What it costs when the policy is not Delete: whoever holds files of its own stays.
            await client.get_instance(namespace, resource.instance, priority=Priority.CANCEL)
            await client.instance_stats(namespace, resource.instance, priority=Priority.CANCEL)
            await client.delete_instance(namespace, resource.instance)
            self._instances.record(connection, address, None)
            self._instances.forget(key)
            self._statistics.forget(key)
            del self._resources[key]
            return None
        if await self._instances.look(key, connection, address) is None:
            made = await client.create_instance(namespace, {"id": resource.instance})
            self._instances.record(connection, address, made)
        self._statistics.latest(key, connection, address)
        self.done.setdefault(key, self._clock())
        return None

    async def _sync_job(
        self, key: ObjectKey, resource: _Resource, connection: Connection, address: InstanceAddress
    ) -> Again | None:
        job = await self._job_of(key, resource, connection, address)
        if job is None and resource.deleted:
            self._let_go(key)
            return None
        if job is None:
            job = await connection.client.create_job(address.namespace, resource.instance, key.name)
            self._jobs.record(key, connection, address, job)
        self.done.setdefault(key, self._clock())
        if (resource.cancelled or resource.deleted) and not resource.asked:
            job = await connection.client.cancel_job(address.namespace, resource.instance, job.id)
            self._jobs.record(key, connection, address, job)
            resource.asked = True
        if job.ended_at is None:
            return Again(CONFIRM_INTERVAL) if resource.asked else None
        if not resource.deleted:
            with suppress(CloudflareError):
                await connection.client.job_logs(address.namespace, resource.instance, job.id, tail=MAX_LOGS)
        self._statistics.hurry(_instance_key(key.namespace, resource.account, resource.instance))
        self._let_go(key)
        return None

    def _let_go(self, key: ObjectKey) -> None:
        self._jobs.forget(key)
        del self._resources[key]

    async def _job_of(
        self, key: ObjectKey, resource: _Resource, connection: Connection, address: InstanceAddress
    ) -> Job | None:
        """Find the job as the reconciler does: in a list of now for a deletion and a start, else as it was seen."""
        seen = None if resource.deleted else self._jobs.known(key, connection, address, EPOCH)
        job = _named(key.name, seen.jobs if seen is not None else ())
        if job is None:
            urgent = resource.deleted or resource.cancelled
            seen = await self._jobs.refresh(key, connection, address, EPOCH, urgent=urgent)
            return _named(key.name, seen.jobs)
        if resource.asked:
            return await connection.client.get_job(address.namespace, resource.instance, job.id)
        return job


def _connection(account: SimulatedAccount, share: float) -> Connection:
    client = CloudflareClient(
        Credentials(account.name, api_token="simulated"),
        base_url=BASE_URL,
        budget=RequestBudget(limit=LIMIT, window=WINDOW, share=share, clock=account.limit.clock),
        transport=account,
    )
    return Connection(client, f"caller of {account.name}", account.name, "")


def _instance_key(namespace: str, account: str, instance: str) -> ObjectKey:
    return ObjectKey(INSTANCE_KIND, namespace, instance, f"{account}/{instance}")


def _named(description: str, jobs: Iterable[Job]) -> Job | None:
    return next((job for job in jobs if job.description == description), None)


def _timing(interval: float) -> Timing:
    return Timing(interval=interval, settle=SETTINGS.settle_time, terminal_retry=SETTINGS.poll_interval)
