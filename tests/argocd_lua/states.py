"""Every state that a resource can be in, brought about on the bench: what the operator's own code writes to status."""

from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType
from typing import Any

from aisearch_operator.engine.store import ObjectKey
from fake_cloudflare import JobPlan
from unit.reconcilers.bench import Bench, ready_instance
from unit.reconcilers.scenes import make_instance

__all__ = ["STATES", "State"]

State = Callable[[Bench], Awaitable[ObjectKey]]

SOURCE: Mapping[str, Any] = {"type": "r2", "source": "docs-bucket"}

ENDLESS = JobPlan(start_delay=1, duration=None)

COOLDOWN = 36.0
"""Seconds of the account's clock: above the operator's pause between two jobs."""

LAG = 600.0
"""Seconds for which items stay queued after the end of a job."""


async def passed(bench: Bench, key: ObjectKey, *, after: float = 0.0, times: int = 1) -> ObjectKey:
    """Let time pass, have the lists read, and make passes."""
    bench.account.advance(after)
    await bench.look_again()
    for _ in range(times):
        await bench.make_pass(key)
    return key


async def applied(bench: Bench, **spec: Any) -> ObjectKey:
    """Apply an instance, and make a pass over it."""
    key = bench.instance(**SOURCE, **spec)
    await bench.make_pass(key)
    return key


async def ready(bench: Bench, **spec: Any) -> ObjectKey:
    """Make an instance that is ready, and whose statistics were read."""
    key = await ready_instance(bench, **SOURCE, **spec)
    await bench.read_statistics()
    await bench.make_pass(key)
    return key


# Instances


async def instance_new(bench: Bench) -> ObjectKey:
    return bench.instance(**SOURCE)


async def instance_edited(bench: Bench) -> ObjectKey:
    await ready(bench)
    return bench.instance(**SOURCE, maxNumResults=20)


async def instance_retrying(bench: Bench) -> ObjectKey:
    bench.account.fail("instances.create", 503, 7017, times=None)
    return await applied(bench)


async def instance_search_namespace_missing(bench: Bench) -> ObjectKey:
    return await applied(bench, searchNamespace="none-such")


async def instance_credentials_missing(bench: Bench) -> ObjectKey:
    bench.kube.secrets.clear()
    return await applied(bench)


async def instance_credentials_rejected(bench: Bench) -> ObjectKey:
    bench.account.revoke()
    return await applied(bench)


async def instance_refused(bench: Bench) -> ObjectKey:
    bench.account.configure(max_chunk_size=1000)
    return await applied(bench, chunkSize=1001)


async def instance_adoption_refused(bench: Bench) -> ObjectKey:
    make_instance(bench, {"id": "docs", "source": "docs-bucket"})
    bench.account.advance(60)  # younger than the resource, it could be of its making
    return await applied(bench)


async def instance_claimed(bench: Bench) -> ObjectKey:
    older = bench.instance("older", instanceId="docs", age=100)
    await bench.make_pass(older)
    return await applied(bench)


async def instance_observed(bench: Bench) -> ObjectKey:
    make_instance(bench, {"id": "docs", "source": "docs-bucket"})
    return await applied(bench, managementPolicy="Observe")


async def instance_nothing_to_observe(bench: Bench) -> ObjectKey:
    return await applied(bench, managementPolicy="Observe")


async def instance_drifted(bench: Bench) -> ObjectKey:
    key = await ready_instance(bench, source="docs-bucket", maxNumResults=20, driftPolicy="Report")
    bench.account.patch_instance("docs", max_num_results=30)
    return await passed(bench, key)


async def instance_source_error(bench: Bench) -> ObjectKey:
    key = await ready(bench)
    bench.account.break_source("docs", "bucket_not_found")
    await bench.read_statistics()
    return await passed(bench, key)


async def instance_built_in(bench: Bench) -> ObjectKey:
    key = bench.instance()
    return await passed(bench, key, times=2)


async def instance_suspended(bench: Bench) -> ObjectKey:
    await ready(bench)
    return await applied(bench, suspend=True)


async def instance_deleting(bench: Bench) -> ObjectKey:
    key = await ready(bench)
    bench.mark_deleted(key)
    return key


# Sync jobs


async def requested(bench: Bench, **spec: Any) -> ObjectKey:
    """Apply a sync job for an instance that is ready, and make a pass over it."""
    await ready(bench)
    key = bench.job("docs-sync", **spec)
    await bench.make_pass(key)
    return key


async def running(bench: Bench, **spec: Any) -> ObjectKey:
    """Make a sync job that Cloudflare runs."""
    key = await requested(bench, **spec)
    return await passed(bench, key, after=2)


async def ended(bench: Bench, end_reason: str | None = None, **spec: Any) -> ObjectKey:
    """Make a sync job whose job has ended."""
    bench.account.configure(job_end_reason=end_reason)
    key = await running(bench, **spec)
    return await passed(bench, key, after=60)


async def job_new(bench: Bench) -> ObjectKey:
    return bench.job("docs-sync")


async def job_without_instance(bench: Bench) -> ObjectKey:
    key = bench.job("docs-sync")
    await bench.make_pass(key)
    return key


async def job_instance_not_ready(bench: Bench) -> ObjectKey:
    await instance_retrying(bench)
    return await job_without_instance(bench)


async def job_instance_suspended(bench: Bench) -> ObjectKey:
    await instance_suspended(bench)
    return await job_without_instance(bench)


async def job_instance_stalled(bench: Bench) -> ObjectKey:
    await instance_refused(bench)
    return await job_without_instance(bench)


async def job_instance_has_no_source(bench: Bench) -> ObjectKey:
    await instance_built_in(bench)
    return await job_without_instance(bench)


async def job_another_running(bench: Bench) -> ObjectKey:
    await ready(bench)
    bench.account.start_job("docs", plan=JobPlan(start_delay=0, duration=None))
    return await job_without_instance(bench)


async def job_cooling_down(bench: Bench) -> ObjectKey:
    await ready(bench)
    bench.account.start_job("docs", plan=JobPlan(start_delay=0, duration=1))
    bench.account.advance(2)
    return await job_without_instance(bench)


async def job_in_line(bench: Bench) -> ObjectKey:
    await ready(bench)
    older = bench.job("older", age=100)
    await bench.make_pass(older)
    return await job_without_instance(bench)


async def job_accepted(bench: Bench) -> ObjectKey:
    return await requested(bench)


async def job_out_of_sight(bench: Bench) -> ObjectKey:
    key = await running(bench)
    bench.account.fail("jobs.list", 503, 7017, times=None)
    for _ in range(3):
        await passed(bench, key)
    return key


async def job_cancelling(bench: Bench) -> ObjectKey:
    bench.account.configure(cancel_delay=20)
    await running(bench)
    key = bench.job("docs-sync", cancel=True)
    return await passed(bench, key, times=2)


async def job_cancelled(bench: Bench) -> ObjectKey:
    await running(bench)
    key = bench.job("docs-sync", cancel=True)
    return await passed(bench, key, times=3)


async def job_cancelled_before_start(bench: Bench) -> ObjectKey:
    return await requested(bench, cancel=True)


async def job_suspending(bench: Bench) -> ObjectKey:
    bench.account.configure(cancel_delay=20)
    await running(bench)
    key = bench.job("docs-sync", suspend=True)
    return await passed(bench, key, times=2)


async def job_suspended(bench: Bench) -> ObjectKey:
    await running(bench)
    key = bench.job("docs-sync", suspend=True)
    return await passed(bench, key, times=3)


async def job_resumed(bench: Bench) -> ObjectKey:
    await job_suspended(bench)
    key = bench.job("docs-sync", suspend=False)
    return await passed(bench, key)


async def job_indexing(bench: Bench) -> ObjectKey:
    bench.account.configure(indexing_lag=LAG)
    key = await ended(bench, completionPolicy="Indexed")
    await bench.make_pass(key)  # from now on it awaits statistics
    await bench.read_statistics()
    await bench.make_pass(key)
    return key


async def job_suspended_while_indexing(bench: Bench) -> ObjectKey:
    await job_indexing(bench)
    key = bench.job("docs-sync", completionPolicy="Indexed", suspend=True)
    return await passed(bench, key)


async def job_backing_off(bench: Bench) -> ObjectKey:
    return await ended(bench, "bucket_not_found", backoffLimit=2)


async def job_succeeded(bench: Bench) -> ObjectKey:
    return await ended(bench)


async def job_failed(bench: Bench) -> ObjectKey:
    return await ended(bench, "bucket_not_found")


async def job_superseded(bench: Bench) -> ObjectKey:
    return await ended(bench, "new_job_has_started")


async def job_failed_and_suspended(bench: Bench) -> ObjectKey:
    await job_failed(bench)
    key = bench.job("docs-sync", suspend=True)
    return await passed(bench, key)


async def job_backoff_limit_exceeded(bench: Bench) -> ObjectKey:
    key = await ended(bench, "bucket_not_found", backoffLimit=1)
    for _ in range(4):
        await passed(bench, key, after=COOLDOWN)
    return key


async def job_deadline_exceeded(bench: Bench) -> ObjectKey:
    bench.account.plan_next_job(ENDLESS)
    key = await running(bench, activeDeadlineSeconds=60)
    return await passed(bench, key, after=70, times=3)


async def job_told_to_run_again(bench: Bench) -> ObjectKey:
    await job_failed(bench)
    return bench.job("docs-sync", runId="2026-11-24")


async def job_running_again(bench: Bench) -> ObjectKey:
    key = await job_told_to_run_again(bench)
    await passed(bench, key, times=2)
    await passed(bench, key, after=COOLDOWN)
    return await passed(bench, key, after=2)


async def job_deleting(bench: Bench) -> ObjectKey:
    key = await running(bench)
    bench.mark_deleted(key)
    return key


STATES: Mapping[str, Mapping[str, State]] = MappingProxyType(
    {
        "AISearchInstance": {
            "new": instance_new,
            "ready": ready,
            "edited": instance_edited,
            "retrying": instance_retrying,
            "search-namespace-missing": instance_search_namespace_missing,
            "credentials-missing": instance_credentials_missing,
            "credentials-rejected": instance_credentials_rejected,
            "refused": instance_refused,
            "adoption-refused": instance_adoption_refused,
            "claimed": instance_claimed,
            "observed": instance_observed,
            "nothing-to-observe": instance_nothing_to_observe,
            "drifted": instance_drifted,
            "source-error": instance_source_error,
            "built-in-storage": instance_built_in,
            "suspended": instance_suspended,
            "deleting": instance_deleting,
        },
        "AISearchSyncJob": {
            "new": job_new,
            "without-instance": job_without_instance,
            "instance-not-ready": job_instance_not_ready,
            "instance-suspended": job_instance_suspended,
            "instance-stalled": job_instance_stalled,
            "instance-has-no-source": job_instance_has_no_source,
            "another-running": job_another_running,
            "cooling-down": job_cooling_down,
            "in-line": job_in_line,
            "accepted": job_accepted,
            "running": running,
            "out-of-sight": job_out_of_sight,
            "cancelling": job_cancelling,
            "cancelled": job_cancelled,
            "cancelled-before-start": job_cancelled_before_start,
            "suspending": job_suspending,
            "suspended": job_suspended,
            "resumed": job_resumed,
            "indexing": job_indexing,
            "suspended-while-indexing": job_suspended_while_indexing,
            "backing-off": job_backing_off,
            "succeeded": job_succeeded,
            "failed": job_failed,
            "failed-and-suspended": job_failed_and_suspended,
            "superseded": job_superseded,
            "backoff-limit-exceeded": job_backoff_limit_exceeded,
            "deadline-exceeded": job_deadline_exceeded,
            "told-to-run-again": job_told_to_run_again,
            "running-again": job_running_again,
            "deleting": job_deleting,
        },
    }
)
"""By kind and by name of the file that the state is kept in."""
