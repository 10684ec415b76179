"""Every metric of the operator: its name, its labels with the values they can have, and what it says."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Literal

from aisearch_operator.cloudflare.budget import Priority
from aisearch_operator.cloudflare.errors import Cause
from aisearch_operator.cloudflare.routes import ROUTES
from aisearch_operator.domain.attempts import FAILURES
from aisearch_operator.domain.reasons import Reason
from aisearch_operator.resources.group import INSTANCE_KIND, SYNC_JOB_KIND

__all__ = [
    "DEFINITIONS",
    "OTHER",
    "Definition",
    "Observation",
    "PassOutcome",
    "Queue",
    "RequestOutcome",
    "ResourceState",
    "WriteOutcome",
]

OTHER = "other"
"""Stands for a label value that is none of the documented ones: there are never more series than planned."""


class RequestOutcome(StrEnum):
    """How a request to Cloudflare ended."""

    SUCCESS = "success"
    NOT_FOUND = "not_found"
    REFUSED = "refused"
    RATE_LIMITED = "rate_limited"
    UNAUTHORIZED = "unauthorized"
    SERVER_ERROR = "server_error"
    TIMEOUT = "timeout"
    CONNECTION_ERROR = "connection_error"
    ABANDONED = "abandoned"


class PassOutcome(StrEnum):
    """How a reconcile pass ended."""

    SUCCESS = "success"
    WAITING = "waiting"
    RETRY = "retry"
    STALLED = "stalled"
    BUG = "bug"


class ResourceState(StrEnum):
    """How a resource is, in one word."""

    READY = "ready"
    PROGRESSING = "progressing"
    STALLED = "stalled"
    SUSPENDED = "suspended"
    DELETING = "deleting"


class WriteOutcome(StrEnum):
    """What became of a write to a resource's status."""

    WRITTEN = "written"
    CONFLICT = "conflict"
    FAILED = "failed"


class Queue(StrEnum):
    """The two work queues: reconcile passes, and looks at Cloudflare and at Secrets."""

    RECONCILE = "reconcile"
    POLL = "poll"


class Observation(StrEnum):
    """What is looked at regularly at Cloudflare."""

    INSTANCES = "instances"
    JOBS = "jobs"
    STATISTICS = "statistics"


@dataclass(frozen=True, slots=True)
class Definition:
    """One metric.

    Parameters
    ----------
    name
        With its unit, and ``_total`` for a counter.
    text
        What it says.
    labels
        Each label with the values that it can have; a label without values has one that is fixed.
    buckets
        Upper bounds of a histogram, in its unit.
    """

    name: str
    type: Literal["counter", "gauge", "histogram"]
    text: str
    labels: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    buckets: tuple[float, ...] = ()


def _values(*texts: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(str(text) for several in texts for text in several))


KINDS = (INSTANCE_KIND, SYNC_JOB_KIND)
ROUTE_LABELS = MappingProxyType(
    {"method": _values(route.method for route in ROUTES), "route": _values(route.template for route in ROUTES)}
)

INFO = Definition("aisearch_operator_info", "gauge", "Always 1; the label names the running version.", {"version": ()})
LEADER = Definition("aisearch_leader", "gauge", "1 on the replica that works, 0 on one that stands by.")

REQUESTS = Definition(
    "aisearch_cloudflare_requests_total",
    "counter",
    "Requests sent to Cloudflare. `refused`: Cloudflare did not want it; `abandoned`: the operator stopped meanwhile.",
    {**ROUTE_LABELS, "outcome": _values(RequestOutcome)},
)
REQUEST_DURATION = Definition(
    "aisearch_cloudflare_request_duration_seconds",
    "histogram",
    "Seconds from sending a request to Cloudflare to the end of its answer.",
    ROUTE_LABELS,
    (0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60),
)
BUDGET_LIMIT = Definition(
    "aisearch_cloudflare_budget_limit",
    "gauge",
    "Requests that may go out to Cloudflare at once when none was sent lately: a small part of the operator's share of "
    "Cloudflare's limit. The rest of the share arrives evenly over the window. The smallest of all credentials in use.",
)
BUDGET_LEFT = Definition(
    "aisearch_cloudflare_budget_left",
    "gauge",
    "Requests that may go out to Cloudflare now; negative when others used up the operator's share. The smallest of "
    "all credentials in use.",
)
BUDGET_WAIT = Definition(
    "aisearch_cloudflare_budget_wait_seconds",
    "histogram",
    "Seconds that a request waited for its turn in the budget before it was sent.",
    buckets=(0.01, 0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600),
)
WAITING = Definition(
    "aisearch_cloudflare_waiting",
    "gauge",
    "Requests that wait for their turn in the budget, of all credentials in use, by what they are for.",
    {"priority": tuple(priority.name.lower() for priority in Priority)},
)
BLOCKED = Definition(
    "aisearch_cloudflare_blocked",
    "gauge",
    "Credentials that Cloudflare takes no request from at the moment, after a 429.",
)
CREDENTIALS = Definition(
    "aisearch_cloudflare_credentials",
    "gauge",
    "Credentials in use, by what Cloudflare last said of them. Those that it was not asked about yet are left out.",
    {"state": ("accepted", "rejected")},
)

QUEUE_DEPTH = Definition(
    "aisearch_queue_depth", "gauge", "Keys that wait for a free worker.", {"queue": _values(Queue)}
)
QUEUE_OLDEST = Definition(
    "aisearch_queue_oldest_seconds",
    "gauge",
    "Seconds that the longest waiting key waits for a free worker; 0 when none waits.",
    {"queue": _values(Queue)},
)
QUEUE_RUNNING = Definition("aisearch_queue_running", "gauge", "Passes that run now.", {"queue": _values(Queue)})
QUEUE_RETRIES = Definition(
    "aisearch_queue_retries_total",
    "counter",
    "Passes that failed and are made again after a backoff.",
    {"queue": _values(Queue)},
)

PASSES = Definition(
    "aisearch_reconcile_total",
    "counter",
    "Reconcile passes. `waiting`: something else must happen first; `retry`: it failed and is tried again; `stalled`: "
    "a person must act; `bug`: an error of the operator itself, with a traceback in its log.",
    {"kind": KINDS, "outcome": _values(PassOutcome)},
)
PASS_DURATION = Definition(
    "aisearch_reconcile_duration_seconds",
    "histogram",
    "Seconds that a reconcile pass took, the answers of Cloudflare included.",
    {"kind": KINDS},
    (0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120),
)
RESOURCES = Definition(
    "aisearch_resources",
    "gauge",
    "Resources by state. A sync job that succeeded is `ready`, one that failed is `stalled`.",
    {"kind": KINDS, "state": _values(ResourceState)},
)
STALLED = Definition(
    "aisearch_resources_stalled",
    "gauge",
    "Resources for which a person must act, by the reason of their condition Stalled.",
    {"kind": KINDS, "reason": _values(Reason, Cause, [OTHER])},
)
STATUS_WRITES = Definition(
    "aisearch_status_writes_total",
    "counter",
    "Writes to the status of resources. `conflict`: somebody else had changed the resource; it is read and written "
    "again.",
    {"kind": KINDS, "outcome": _values(WriteOutcome)},
)

JOBS_FINISHED = Definition(
    "aisearch_sync_jobs_finished_total",
    "counter",
    "Jobs of AISearchSyncJobs that ended at Cloudflare: each attempt counts.",
    {
        "outcome": _values(
            [Reason.SUCCEEDED], sorted(FAILURES), [Reason.CANCELLED, Reason.SUSPENDED, Reason.DEADLINE_EXCEEDED]
        )
    },
)
JOB_DURATION = Definition(
    "aisearch_sync_job_duration_seconds",
    "histogram",
    "Seconds that a job of an AISearchSyncJob ran at Cloudflare, however it ended.",
    buckets=(10, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 14400, 43200),
)
JOB_RUNNING = Definition(
    "aisearch_sync_job_running_seconds",
    "gauge",
    "Seconds since the start, at Cloudflare, of the oldest job of an AISearchSyncJob that runs now; 0 when none runs.",
)
INSTANCE_READY = Definition(
    "aisearch_instance_ready_seconds",
    "histogram",
    "Seconds from the creation of an AISearchInstance to the first time that it is ready, where no restart of the "
    "operator came in between.",
    buckets=(1, 2.5, 5, 10, 20, 30, 60, 120, 300, 600, 1800, 3600),
)
DRIFT_FOUND = Definition(
    "aisearch_drift_found_total",
    "counter",
    "Times that an instance was found to differ from its spec because of a change at Cloudflare.",
)
DRIFT_REPAIRED = Definition(
    "aisearch_drift_repaired_total", "counter", "Times that such a change was set back to what the spec says."
)

SWEEP_AGE = Definition(
    "aisearch_sweep_age_seconds",
    "gauge",
    "Seconds since the last successful look at Cloudflare, of all that are due regularly the one that is longest ago; "
    "0 when nothing is watched.",
    {"observation": _values(Observation)},
)
WATCH_SILENCE = Definition(
    "aisearch_watch_silence_seconds",
    "gauge",
    "Seconds since the API server's last sign of life in the watch of a kind. It gives one in every "
    "`AISEARCH_WATCH_TIMEOUT`, also when nothing happens.",
    {"kind": KINDS},
)

DEFINITIONS = (
    INFO,
    LEADER,
    REQUESTS,
    REQUEST_DURATION,
    BUDGET_LIMIT,
    BUDGET_LEFT,
    BUDGET_WAIT,
    BLOCKED,
    CREDENTIALS,
    QUEUE_DEPTH,
    QUEUE_OLDEST,
    QUEUE_RUNNING,
    QUEUE_RETRIES,
    PASSES,
    PASS_DURATION,
    RESOURCES,
    STALLED,
    STATUS_WRITES,
    JOBS_FINISHED,
    JOB_DURATION,
    JOB_RUNNING,
    INSTANCE_READY,
    DRIFT_FOUND,
    DRIFT_REPAIRED,
    SWEEP_AGE,
    WATCH_SILENCE,
)
