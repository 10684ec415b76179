"""What several tests begin with: a job that runs, somebody's work in the dashboard, the times that are leapt over."""

from typing import Any

import httpx

from aisearch_operator.engine.store import ObjectKey
from unit.reconcilers.bench import Bench, ready_instance

COOLDOWN = 36.0
"""Seconds of the account's clock: above the operator's pause between two jobs."""

LONG_AGO = 601.0
"""Seconds: above the time that a deletion waits for a person."""


async def started_job(bench: Bench, name: str = "nightly", **spec: Any) -> ObjectKey:
    """Make an instance and a sync job that Cloudflare runs."""
    await ready_instance(bench)
    key = bench.job(name, **spec)
    await bench.make_pass(key)
    bench.account.advance(2)
    await bench.look_again()
    await bench.make_pass(key)
    assert bench.status_of(key)["phase"] == "Running"
    bench.requests()
    bench.drain_patches()
    bench.drain_events()
    bench.drain_woken()
    return key


async def start_unheard(bench: Bench) -> ObjectKey:
    """Make a sync job whose job starts although nobody hears of it, and which lists show 10 s late."""
    bench.account.configure(job_read_lag=10, job_duration=None)
    key = bench.job()
    bench.account.drop("jobs.create", stage="after")
    await bench.make_pass(key)
    return key


def state(bench: Bench, key: ObjectKey) -> tuple[str, str]:
    return bench.status_of(key)["phase"], bench.condition(key, "Ready").reason


def make_instance(bench: Bench, body: dict[str, object]) -> None:
    """Make an instance, as somebody in the dashboard does."""
    url = f"{bench.api_url}/accounts/{bench.account.id}/ai-search/namespaces/default/instances"
    headers = {"Authorization": f"Bearer {bench.account.token}"}
    httpx.post(url, json=body, headers=headers, trust_env=False).raise_for_status()
    bench.requests()


def make_namespace(bench: Bench, name: str, *, delete: bool = False) -> None:
    """Make or delete a search namespace, as somebody in the dashboard does."""
    url = f"{bench.api_url}/accounts/{bench.account.id}/ai-search/namespaces"
    headers = {"Authorization": f"Bearer {bench.account.token}"}
    if delete:
        httpx.delete(f"{url}/{name}", headers=headers, trust_env=False).raise_for_status()
    else:
        httpx.post(url, json={"name": name}, headers=headers, trust_env=False).raise_for_status()
    bench.requests()
