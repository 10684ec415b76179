"""The composition root: builds the operator, runs it, shuts it down."""

import asyncio
import gc
import logging
import signal
from functools import partial

import kopf

from aisearch_operator import __version__, gauges
from aisearch_operator.cloudflare.budget import RequestBudget
from aisearch_operator.cloudflare.client import CloudflareClient
from aisearch_operator.cloudflare.credentials import Credentials
from aisearch_operator.cloudflare.exchange import Timeouts
from aisearch_operator.cloudflare.scheduler import requesting
from aisearch_operator.cloudflare.waiting_line import Requester
from aisearch_operator.engine.backoff import Backoff
from aisearch_operator.engine.store import Store
from aisearch_operator.engine.workqueue import Again, WorkQueue
from aisearch_operator.handlers import register, settings_for
from aisearch_operator.kube.api import KubeApi, SelectorRefused
from aisearch_operator.kube.connection import connect
from aisearch_operator.kube.credentials import CredentialSource, OwnCredentials
from aisearch_operator.kube.events import EventRecorder
from aisearch_operator.kube.fence import Fence, unfenced
from aisearch_operator.kube.status_writer import StatusWriter
from aisearch_operator.kube.watch_signs import WatchSigns
from aisearch_operator.leadership import leadership
from aisearch_operator.observation.connections import Connections
from aisearch_operator.observation.instances import InstanceObserver
from aisearch_operator.observation.jobs import JobObserver
from aisearch_operator.observation.polling import Pollable, PollQueue, Timing
from aisearch_operator.observation.statistics import StatisticsObserver
from aisearch_operator.reconcilers.claims import Claims
from aisearch_operator.reconcilers.connection_details import ConnectionDetails
from aisearch_operator.reconcilers.dispatcher import Dispatcher
from aisearch_operator.reconcilers.first_list import FirstList
from aisearch_operator.reconcilers.instance import InstanceReconciler
from aisearch_operator.reconcilers.instance_removal import InstanceRemoval
from aisearch_operator.reconcilers.job_calls import JobCalls
from aisearch_operator.reconcilers.measurements import Measurements
from aisearch_operator.reconcilers.outcome import Reporter, RetryPolicy, utc_now
from aisearch_operator.reconcilers.roll_call import INTERVAL, RollCall
from aisearch_operator.reconcilers.sync_job import SyncJobReconciler
from aisearch_operator.reconcilers.sync_job_attempt import SyncJobSteps
from aisearch_operator.reconcilers.sync_job_expiry import JobExpiry
from aisearch_operator.reconcilers.sync_job_index import IndexWait
from aisearch_operator.reconcilers.sync_job_removal import JobRemoval
from aisearch_operator.reconcilers.target import TargetFinder
from aisearch_operator.resources.group import INSTANCE_KIND, SYNC_JOB_KIND
from aisearch_operator.settings import Settings
from aisearch_operator.telemetry.definitions import QUEUE_RETRIES, Queue
from aisearch_operator.telemetry.health import Health, Role
from aisearch_operator.telemetry.http_server import serve
from aisearch_operator.telemetry.metrics import Metrics
from aisearch_operator.telemetry.requests import count_request

__all__ = ["Operator", "run"]

logger = logging.getLogger(__name__)

POLLERS = 4
"""Looks at Cloudflare at the same time. They share one request budget, so more would only wait."""


class Operator:
    """All parts of the operator, connected.

    Parameters
    ----------
    health
        Where the parts report how they are.
    metrics
        Where they count what they do.
    fence
        What every request passes, to Kubernetes and to Cloudflare.
    """

    def __init__(
        self, settings: Settings, kube: KubeApi, health: Health, metrics: Metrics, fence: Fence = unfenced
    ) -> None:
        self._settings = settings
        self._kube = kube
        self._fence = fence
        self._health = health
        self._metrics = metrics
        backoff = Backoff(settings.backoff_base, settings.backoff_cap)
        self._store = store = Store()
        writer = StatusWriter(kube, store, metrics)
        self.dispatcher = Dispatcher(store, writer, metrics, workers=settings.workers, backoff=backoff)
        health.need("the first list of the resources", self.dispatcher.began.is_set)
        wake = self.dispatcher.wake
        self._polls: PollQueue = WorkQueue(
            self._poll,
            workers=POLLERS,
            backoff=backoff,
            name=Queue.POLL,
            on_retry=lambda: metrics.count(QUEUE_RETRIES, Queue.POLL),
        )
        self._connections = Connections(
            CredentialSource(kube, _own_credentials(settings), max_age=settings.secret_interval),
            self._client,
            self._polls,
            interval=settings.secret_interval,
            linger=settings.budget_window,
            wake=wake,
        )
        instances = InstanceObserver(self._polls, self._timing(settings.poll_interval), wake=wake)
        jobs = JobObserver(self._polls, self._timing(settings.job_poll_interval), wake=wake)
        statistics = StatisticsObserver(self._polls, self._timing(settings.stats_interval), wake=wake)
        self._signs = WatchSigns(settings.namespaces, timeout=settings.watch_timeout)
        gauges.show_watches(metrics, health, self._signs)
        gauges.show_resources(metrics, store)
        gauges.show_queues(metrics, health, {Queue.RECONCILE: self.dispatcher.queue, Queue.POLL: self._polls})
        gauges.show_cloudflare(metrics, self._connections)
        gauges.show_observations(metrics, instances, jobs, statistics)
        reporter = Reporter(
            writer, EventRecorder(kube, per_minute=settings.events_per_minute), Measurements(metrics, utc_now)
        )
        claims = Claims(store, self._connections, wake=wake)
        targets = TargetFinder(store, self._connections, instances, label_selector=settings.label_selector)
        self.job_calls = JobCalls(jobs, store, settle=settings.settle_time)
        retry = RetryPolicy(terminal=settings.terminal_retry, wait=settings.wait_retry)
        self.dispatcher.serve(
            {
                INSTANCE_KIND: InstanceReconciler(
                    self._connections,
                    instances,
                    statistics,
                    claims,
                    InstanceRemoval(
                        kube,
                        self._connections,
                        instances,
                        claims,
                        retry,
                        default_policy=settings.deletion_policy,
                        release_timeout=settings.release_timeout,
                    ),
                    ConnectionDetails(
                        kube,
                        api_url=str(settings.api_url),
                        interval=settings.config_map_interval,
                        retry=settings.wait_retry,
                    ),
                    reporter,
                    retry,
                ),
                SYNC_JOB_KIND: SyncJobReconciler(
                    store,
                    targets,
                    self.job_calls,
                    SyncJobSteps(
                        self.job_calls, cooldown=settings.job_cooldown, poll_interval=settings.job_poll_interval
                    ),
                    IndexWait(targets, statistics),
                    JobRemoval(
                        targets,
                        self.job_calls,
                        retry,
                        cancel_timeout=settings.cancel_timeout,
                        release_timeout=settings.release_timeout,
                    ),
                    JobExpiry(kube, store),
                    statistics,
                    reporter,
                    retry,
                    wake=wake,
                ),
            },
            inherit=self.job_calls.inherit,
        )

    async def run(self, asked_to_stop: asyncio.Event) -> None:
        """Work until asked to stop, or until SIGTERM or SIGINT.

        Passes that the grace does not suffice for are cut off. That is no failure: the next operator
        finds out what became of them.

        Raises
        ------
        SelectorRefused
            The API server does not understand the label selector.
        """
        try:
            await self._kube.check_selector(next(iter(self._settings.namespaces), None))
        except SelectorRefused:
            await self._kube.close()
            raise
        self._health.role = Role.LEADER
        registry = kopf.OperatorRegistry()
        register(registry, self.dispatcher, self._fence, self._signs)
        ready, stop = asyncio.Event(), asyncio.Event()
        self._polls.start()
        self._polls.add(
            FirstList(self._kube, self.dispatcher, self._settings.namespaces, inherit=self.job_calls.inherit)
        )
        if self._settings.label_selector:
            roll_call = RollCall(self._kube, self._store, self.dispatcher, self._settings.namespaces)
            self._polls.add_after(roll_call, INTERVAL)
        self._signs.begin()
        ending = asyncio.create_task(self._end_when_asked(asked_to_stop, ready, stop), name="end-when-asked")
        try:
            await kopf.operator(
                registry=registry,
                settings=settings_for(
                    self._settings.shutdown_grace, self._settings.watch_timeout, self._settings.label_selector
                ),
                clusterwide=not self._settings.namespaces,
                namespaces=self._settings.namespaces,
                standalone=True,
                # Nobody asks a standalone operator for it; kopf would look up the name of a user that a
                # container's need not have.
                identity="aisearch-operator",  # type: ignore[arg-type]
                ready_flag=ready,
                stop_flag=stop,
            )
        finally:
            if not ending.done():  # an error, or a signal before ours were set
                ending.cancel()
                await self._stop()
            await self._connections.close()
            await self._kube.close()

    async def _end_when_asked(self, asked: asyncio.Event, ready: asyncio.Event, stop: asyncio.Event) -> None:
        """Stop the work before kopf: its deletion handlers wait for ours."""
        await _wait_for_any(ready, asked)
        _set_by_signals(asked)  # in place of kopf's handlers, which are set by now
        await _wait_for_any(self.dispatcher.began, asked)
        if not asked.is_set():
            logger.info("The operator is ready")
        await asked.wait()
        logger.info("The operator stops")
        await self._stop()
        stop.set()

    async def _stop(self) -> None:
        grace = self._settings.shutdown_grace
        if not await self.dispatcher.stop(grace=grace):
            logger.warning("Passes were cut off that did not end in %s s; the next operator goes on with them", grace)
        await self._polls.stop(grace=0.0)

    async def _poll(self, watch: Pollable) -> Again | None:
        with requesting(Requester(watch, tenant="", recall=partial(self._polls.add, watch))):
            return await watch.poll()

    def _client(self, credentials: Credentials) -> CloudflareClient:
        settings = self._settings
        return CloudflareClient(
            credentials,
            base_url=str(settings.api_url),
            budget=RequestBudget(
                limit=settings.budget_limit, window=settings.budget_window, share=settings.own_budget_share
            ),
            timeout=Timeouts(read=settings.answer_timeout, create=settings.create_timeout),
            user_agent=f"aisearch-operator/{__version__}",
            on_request=partial(count_request, self._metrics),
            fence=self._fence,
        )

    def _timing(self, interval: float) -> Timing:
        # A list that is refused stands for many resources: one request tells when all of them can go on.
        return Timing(interval=interval, settle=self._settings.settle_time, terminal_retry=self._settings.poll_interval)


def _own_credentials(settings: Settings) -> OwnCredentials | None:
    token, key = settings.api_token.get_secret_value(), settings.api_key.get_secret_value()
    if token:
        credentials = Credentials(settings.account_id, api_token=token)
    elif key:
        credentials = Credentials(settings.account_id, email=settings.email, api_key=key)
    else:
        return None
    return OwnCredentials(credentials, settings.credentials_namespaces)


def _set_by_signals(event: asyncio.Event) -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, event.set)


async def _wait_for_any(*events: asyncio.Event) -> None:
    waiting = [asyncio.create_task(event.wait()) for event in events]
    await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    for task in waiting:
        task.cancel()


async def run(settings: Settings) -> None:
    """Build and run the operator while this replica leads; see `Operator.run`.

    Raises
    ------
    KubeUnavailable
        There is no access to Kubernetes.
    CannotListen
        The port for probes and metrics cannot be had.
    SelectorRefused
        The API server does not understand the label selector.
    """
    # What was imported stays, half a million objects: the garbage collector need not go through them again and again.
    gc.collect()
    gc.freeze()
    health, metrics = Health(), Metrics()
    gauges.show_process(metrics, health)
    stop = asyncio.Event()
    _set_by_signals(stop)
    async with (
        serve(health, metrics, host=settings.http_host, port=settings.http_port),
        leadership(settings, health, stop) as fence,
    ):
        if fence is not None:
            kube = KubeApi(await connect(fence), settings.label_selector)
            await Operator(settings, kube, health, metrics, fence).run(stop)
