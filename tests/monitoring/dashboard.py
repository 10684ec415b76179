"""What the Grafana dashboard of the chart shows; `make docs` writes it to the chart."""

import json
from collections.abc import Iterator

from monitoring.expressions import of, quantiles, rate
from monitoring.panels import Json, Panel, Query, Row, dashboard_of

__all__ = ["ROWS", "VARIABLES", "text"]

INSTANCES, SYNC_JOBS = 'kind="AISearchInstance"', 'kind="AISearchSyncJob"'
READY, STALLED = 'state="ready"', 'state="stalled"'

FEW = "6h"
"""Over which quantiles of rare things are taken: jobs, new instances."""


def _stat(title: str, text: str, unit: str, expression: str, *, legend: str = "", **look: object) -> Panel:
    return Panel(title, text, unit, [Query(expression, legend)], kind="stat", width=4, height=4, **look)  # type: ignore[arg-type]


OVERVIEW = Row(
    "Overview",
    [
        _stat(
            "Replicas at work",
            "Replicas that are the leader. With none nothing is reconciled, with two jobs are started twice.",
            "short",
            f"sum({of('aisearch_leader')})",
            steps={0: "red", 1: "green", 2: "red"},
            options={"colorMode": "background"},
        ),
        _stat(
            "Replicas",
            "Replicas that Prometheus reaches, those that stand by included; by version.",
            "short",
            f"count by (version) ({of('aisearch_operator_info')})",
            legend="{{version}}",
            steps={0: "text"},
            options={"textMode": "value_and_name", "colorMode": "none"},
        ),
        _stat(
            "Instances that are ready",
            "Of all AISearchInstances, those that are as their spec says.",
            "percentunit",
            f"sum({of('aisearch_resources', INSTANCES, READY)}) / sum({of('aisearch_resources', INSTANCES)})",
            steps={0: "red", 0.9: "orange", 1: "green"},
        ),
        _stat(
            "Need a person",
            "Resources with the condition Stalled, sync jobs that ended badly included. By reason: below.",
            "short",
            f"sum({of('aisearch_resources', STALLED)})",
            steps={0: "green", 1: "red"},
        ),
        _stat(
            "Request budget left",
            "Of the credentials that have the least left. At 0, requests wait.",
            "percentunit",
            f"min({of('aisearch_cloudflare_budget_left')} / {of('aisearch_cloudflare_budget_limit')})",
            steps={0: "red", 0.05: "orange", 0.25: "green"},
        ),
        _stat(
            "Oldest look at Cloudflare",
            "Time since the last successful look at what has waited for it the longest.",
            "s",
            f"max({of('aisearch_sweep_age_seconds')})",
            steps={0: "green", 300: "orange", 900: "red"},
        ),
        Panel(
            "Instances by state",
            "AISearchInstances. `progressing` is normal after an edit; `stalled` waits for a person.",
            "short",
            [Query(f"sum by (state) ({of('aisearch_resources', INSTANCES)})", "{{state}}")],
            stacked=True,
        ),
        Panel(
            "Sync jobs by state",
            "AISearchSyncJobs. `ready` has succeeded; `stalled` has ended badly, or waits for a person.",
            "short",
            [Query(f"sum by (state) ({of('aisearch_resources', SYNC_JOBS)})", "{{state}}")],
            stacked=True,
        ),
        Panel(
            "Stalled by reason",
            "Why resources need a person. docs/conditions.md says for each reason what to do.",
            "short",
            [Query(f"sum by (kind, reason) ({of('aisearch_resources_stalled')}) > 0", "{{kind}}: {{reason}}")],
            kind="bargauge",
            steps={0: "orange"},
            options={"orientation": "horizontal", "displayMode": "basic", "valueMode": "color"},
        ),
    ],
)

CLOUDFLARE = Row(
    "Cloudflare",
    [
        Panel(
            "Requests by outcome",
            "`refused`: Cloudflare explains what is wrong. Server errors, timeouts, lost connections are tried again.",
            "reqps",
            [Query(rate("aisearch_cloudflare_requests_total", "outcome"), "{{outcome}}")],
            stacked=True,
        ),
        Panel(
            "Requests by route",
            "What the budget is spent on. Lists are looks at what there is; they give way to everything else.",
            "reqps",
            [Query(rate("aisearch_cloudflare_requests_total", "method, route"), "{{method}} {{route}}")],
            stacked=True,
        ),
        Panel(
            "Time to an answer",
            "From sending a request to the end of its answer. Creating an instance takes Cloudflare up to a minute.",
            "s",
            quantiles("aisearch_cloudflare_request_duration_seconds"),
        ),
        Panel(
            "Request budget",
            "Requests that may go out at once, and their limit. Below 0, others have used up the operator's share.",
            "short",
            [
                Query(f"min({of('aisearch_cloudflare_budget_left')})", "left"),
                Query(f"min({of('aisearch_cloudflare_budget_limit')})", "limit"),
            ],
        ),
        Panel(
            "Wait for the budget",
            "How long requests wait for their turn. Cancellations and deletions go first, looks go last.",
            "s",
            quantiles("aisearch_cloudflare_budget_wait_seconds"),
        ),
        Panel(
            "Credentials",
            "Credentials in use by Cloudflare's last word on them, and those that a 429 blocks at the moment.",
            "short",
            [
                Query(f"sum by (state) ({of('aisearch_cloudflare_credentials')})", "{{state}}"),
                Query(f"sum({of('aisearch_cloudflare_blocked')})", "blocked"),
            ],
        ),
    ],
)

QUEUE = Row(
    "Queue and passes",
    [
        Panel(
            "Work",
            "Keys that wait for a free worker, and passes that run. A queue that stays long lacks workers or budget.",
            "short",
            [
                Query(f"sum by (queue) ({of('aisearch_queue_depth')})", "{{queue}}: waiting"),
                Query(f"sum by (queue) ({of('aisearch_queue_running')})", "{{queue}}: running"),
            ],
        ),
        Panel(
            "Longest wait for a worker",
            "Of the key that waits the longest. It is near 0 unless all workers are busy.",
            "s",
            [Query(f"max by (queue) ({of('aisearch_queue_oldest_seconds')})", "{{queue}}")],
        ),
        Panel(
            "Retries",
            "Passes that failed and are made again after a backoff.",
            "cps",
            [Query(rate("aisearch_queue_retries_total", "queue"), "{{queue}}")],
        ),
        Panel(
            "Passes by outcome",
            "`waiting` and `retry` come again by themselves; `stalled` needs a person; `bug` is the operator's own.",
            "cps",
            [Query(rate("aisearch_reconcile_total", "outcome"), "{{outcome}}")],
            stacked=True,
        ),
        Panel(
            "Duration of a pass",
            "With the answers of Cloudflare in it.",
            "s",
            quantiles("aisearch_reconcile_duration_seconds", by="kind", legend="{{kind}}"),
        ),
        Panel(
            "Status writes",
            "At rest there are none. A conflict is normal and is tried again with what the other has written.",
            "wps",
            [Query(rate("aisearch_status_writes_total", "outcome"), "{{outcome}}")],
            stacked=True,
        ),
    ],
)

JOBS = Row(
    "Sync jobs",
    [
        Panel(
            "Ended by outcome, each hour",
            "Jobs at Cloudflare: each attempt of an AISearchSyncJob counts.",
            "short",
            [Query(f"sum by (outcome) (increase({of('aisearch_sync_jobs_finished_total')}[1h]))", "{{outcome}}")],
            stacked=True,
        ),
        Panel(
            "Duration",
            f"How long jobs ran at Cloudflare, of those that ended in the last {FEW}.",
            "s",
            quantiles("aisearch_sync_job_duration_seconds", window=FEW),
        ),
        Panel(
            "Oldest running job",
            "A job that runs for more than 6 hours is likely to be ended by Cloudflare's next scheduled one.",
            "s",
            [Query(f"max({of('aisearch_sync_job_running_seconds')})", "oldest")],
            steps={0: "green", 21600: "red"},
        ),
    ],
)

DRIFT = Row(
    "Drift, and how fresh the picture is",
    [
        Panel(
            "Drift, each hour",
            "Changes at Cloudflare that were found, and those that were set back. What keeps coming is a fight.",
            "short",
            [
                Query(f"sum(increase({of('aisearch_drift_found_total')}[1h]))", "found"),
                Query(f"sum(increase({of('aisearch_drift_repaired_total')}[1h]))", "repaired"),
            ],
        ),
        Panel(
            "Time to ready",
            f"From the creation of an AISearchInstance to its first Ready, of those in the last {FEW}.",
            "s",
            quantiles("aisearch_instance_ready_seconds", window=FEW),
        ),
        Panel(
            "Oldest look at Cloudflare",
            "Time since the last successful look, of what has waited for it the longest; 0 when nothing is watched.",
            "s",
            [Query(f"max by (observation) ({of('aisearch_sweep_age_seconds')})", "{{observation}}")],
        ),
    ],
)

PROCESS = Row(
    "Process",
    [
        Panel(
            "Leader",
            "1 for the replica that works. A change of hands shows as one line that falls and another that rises.",
            "short",
            [Query(f"max by (pod) ({of('aisearch_leader')})", "{{pod}}")],
            width=6,
        ),
        Panel(
            "Silence of the watch",
            "Time since the API server's last sign of life. It gives one a minute, also when nothing happens.",
            "s",
            [Query(f"max by (kind) ({of('aisearch_watch_silence_seconds')})", "{{kind}}")],
            width=6,
        ),
        Panel(
            "Processor",
            "Cores in use, by replica.",
            "short",
            [Query(rate("process_cpu_seconds_total", "pod"), "{{pod}}")],
            width=6,
        ),
        Panel(
            "Memory",
            "Resident memory by replica. It grows with the number of resources, and then stays.",
            "bytes",
            [Query(f"max by (pod) ({of('process_resident_memory_bytes')})", "{{pod}}")],
            width=6,
        ),
    ],
)

ROWS = (OVERVIEW, CLOUDFLARE, QUEUE, JOBS, DRIFT, PROCESS)


def _variables() -> Iterator[Json]:
    yield {"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus", "refresh": 1}
    for name, label, query in (
        ("namespace", "Namespace", "label_values(aisearch_operator_info, namespace)"),
        ("job", "Job", 'label_values(aisearch_operator_info{namespace=~"$namespace"}, job)'),
    ):
        yield {
            "name": name,
            "label": label,
            "type": "query",
            "datasource": {"type": "prometheus", "uid": "${datasource}"},
            "query": {"query": query, "refId": name},
            "refresh": 2,
            "sort": 1,
            "multi": True,
            "includeAll": True,
            "allValue": ".*",
            "current": {"text": ["All"], "value": ["$__all"]},
        }


VARIABLES = tuple(_variables())


def text() -> str:
    """Give the file."""
    dashboard = dashboard_of(
        ROWS,
        uid="aisearch-operator",
        title="AI Search operator",
        text="Kubernetes operator for Cloudflare AI Search: resources, requests to Cloudflare, work, sync jobs, drift.",
        variables=VARIABLES,
    )
    return json.dumps(dashboard, indent=2) + "\n"
