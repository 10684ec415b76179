"""What Prometheus and the probes read from the parts when they ask: nothing here is kept up to date."""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import partial
from typing import Any

from aisearch_operator import __version__
from aisearch_operator.cloudflare.budget import Priority
from aisearch_operator.engine.store import Store
from aisearch_operator.engine.workqueue import Load, WorkQueue
from aisearch_operator.kube.watch_signs import WatchSigns
from aisearch_operator.observation.connections import Connections
from aisearch_operator.observation.instances import InstanceObserver
from aisearch_operator.observation.jobs import JobObserver
from aisearch_operator.observation.statistics import StatisticsObserver
from aisearch_operator.resources.group import SYNC_JOB_KIND
from aisearch_operator.telemetry import definitions as metric
from aisearch_operator.telemetry.definitions import Observation, Queue
from aisearch_operator.telemetry.health import Health, Role, Stuck
from aisearch_operator.telemetry.metrics import Metrics, Sample

__all__ = [
    "queue_stuck",
    "show_cloudflare",
    "show_observations",
    "show_process",
    "show_queues",
    "show_resources",
    "show_watches",
]

LONGEST_PASS = 900.0
"""Seconds. The longest honest pass waits for a list of 10,000 instances: 100 requests, a minute at the pace of the
budget. A single request that gets no answer ends after 65 s (`Timeouts`)."""

LONGEST_IDLE_WAIT = 60.0
"""Seconds that a key may wait while workers have nothing to do. They take it at once, or they are broken."""


def show_process(metrics: Metrics, health: Health) -> None:
    """Show what runs here, and whether it is the one that works."""
    metrics.read(metric.INFO, lambda: [((__version__,), 1)])
    metrics.read(metric.LEADER, lambda: [((), health.role is Role.LEADER)])


def show_watches(metrics: Metrics, health: Health, signs: WatchSigns) -> None:
    """Show how the watches are, and have the probes notice when they are dead."""
    metrics.read(metric.WATCH_SILENCE, lambda: [((kind,), silence) for kind, silence in signs.silences()])
    health.need("a sign of life in the watch", signs.all_live)
    health.check("watch", signs.stuck)


def show_resources(metrics: Metrics, store: Store) -> None:
    """Show how many resources there are, in which state."""
    metrics.read(metric.RESOURCES, lambda: _states(store))
    metrics.read(metric.STALLED, lambda: _reasons(store))
    metrics.read(metric.JOB_RUNNING, lambda: [((), _longest_run(store, datetime.now(UTC)))])


def show_queues(metrics: Metrics, health: Health, queues: Mapping[Queue, WorkQueue[Any]]) -> None:
    """Show what there is to do, and have the probes notice when it is not done."""
    metrics.read(metric.QUEUE_DEPTH, lambda: [((name,), queue.load().waiting) for name, queue in queues.items()])
    metrics.read(metric.QUEUE_OLDEST, lambda: [((name,), queue.load().longest_wait) for name, queue in queues.items()])
    metrics.read(metric.QUEUE_RUNNING, lambda: [((name,), queue.load().running) for name, queue in queues.items()])
    for name, queue in queues.items():
        health.check(f"queue {name}", partial(_look_at, queue))


def _look_at(queue: WorkQueue[Any]) -> Stuck | None:
    return queue_stuck(queue.load()) if queue.started else None


def queue_stuck(load: Load) -> Stuck | None:
    """Tell whether a queue that works gets on no more."""
    if load.longest_pass > LONGEST_PASS:
        return Stuck("a pass does not end", load.longest_pass)
    if load.idle > 0 and load.longest_wait > LONGEST_IDLE_WAIT:
        return Stuck("a key waits although workers are idle", load.longest_wait)
    return None


def show_cloudflare(metrics: Metrics, connections: Connections) -> None:
    """Show how the callers in use stand with Cloudflare."""
    standings = connections.standings
    metrics.read(metric.BUDGET_LIMIT, lambda: _smallest(standing.budget_size for standing in standings()))
    metrics.read(metric.BUDGET_LEFT, lambda: _smallest(standing.budget_left for standing in standings()))
    metrics.read(
        metric.WAITING,
        lambda: [
            ((priority.name.lower(),), sum(standing.waiting.get(priority, 0) for standing in standings()))
            for priority in Priority
        ],
    )
    metrics.read(metric.BLOCKED, lambda: [((), sum(standing.blocked for standing in standings()))])
    metrics.read(
        metric.CREDENTIALS,
        lambda: [
            ((state,), sum(standing.accepted is accepted for standing in standings()))
            for state, accepted in (("accepted", True), ("rejected", False))
        ],
    )


def show_observations(
    metrics: Metrics, instances: InstanceObserver, jobs: JobObserver, statistics: StatisticsObserver
) -> None:
    """Show how old the picture of Cloudflare is."""
    ages = {
        Observation.INSTANCES: instances.oldest_look,
        Observation.JOBS: jobs.oldest_look,
        Observation.STATISTICS: statistics.oldest_look,
    }
    metrics.read(metric.SWEEP_AGE, lambda: [((name,), age()) for name, age in ages.items()])


def _states(store: Store) -> Iterator[Sample]:
    for kind in metric.KINDS:
        found = Counter(known.summary.state for known in store.all(kind))
        yield from (((kind, state), found[state]) for state in metric.ResourceState)


def _reasons(store: Store) -> Iterator[Sample]:
    for kind in metric.KINDS:
        found = Counter(filter(None, (known.summary.stalled for known in store.all(kind))))
        yield from (((kind, reason), count) for reason, count in found.items())


def _longest_run(store: Store, now: datetime) -> float:
    starts = (known.summary.running_since for known in store.all(SYNC_JOB_KIND))
    # Another machine's clock has set these times.
    return max((max(0.0, (now - start).total_seconds()) for start in starts if start is not None), default=0.0)


def _smallest(numbers: Iterator[float]) -> list[Sample]:
    """Give the smallest as a sample; none without numbers."""
    return [((), number) for number in [min(numbers, default=None)] if number is not None]
