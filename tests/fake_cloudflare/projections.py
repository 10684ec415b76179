"""What the API shows of an instance: LIST, GET, status and stats (facts 2)."""

from pydantic import JsonValue

from fake_cloudflare.clock import timestamp
from fake_cloudflare.options import AccountOptions
from fake_cloudflare.pausing import is_paused
from fake_cloudflare.world import Instance, Job, Settings, World

WRITE_ONLY_ON_GET = frozenset(
    {
        "chunk",
        "summarization",
        "summarization_model",
        "system_prompt_ai_search",
        "system_prompt_index_summarization",
        "system_prompt_rewrite_query",
    }
)
"""Fields that LIST has and GET has not (facts 2.1)."""

_DIMENSIONS = 1024
_CHUNKS_PER_FILE = 4
_BYTES_PER_FILE = 2048
_FILES_AT_ONCE = 4


def as_listed(instance: Instance, world: World, now: float, options: AccountOptions) -> dict[str, JsonValue]:
    """Return an item of LIST. `token_id` is null here, too (facts 2.4)."""
    active_at = _last_activity(world.jobs_of(instance), now)
    answer: Settings = {
        "id": instance.id,
        "namespace": instance.namespace,
        "status": status_of(instance, world, now, options),
        "created_at": timestamp(instance.created_at, zoned=options.zoned),
        "modified_at": timestamp(instance.modified_at, zoned=options.zoned),
        "created_by": instance.created_by,
        "modified_by": instance.modified_by,
        "enable": True,
        "engine_version": 3,
        "last_activity": None if active_at is None else timestamp(active_at, zoned=options.zoned),
        "public_endpoint_id": instance.public_endpoint_id,
        "paused": is_paused(instance, now, options),
    }
    return instance.settings | {"token_id": None} | answer


def as_read(instance: Instance, world: World, now: float, options: AccountOptions) -> dict[str, JsonValue]:
    """Return the answer of GET."""
    listed = as_listed(instance, world, now, options)
    return {name: value for name, value in listed.items() if name not in WRITE_ONLY_ON_GET}


def status_of(instance: Instance, world: World, now: float, options: AccountOptions) -> str:
    """Return `waiting`, `indexing` or `active` (facts 2.2), or what a test has set."""
    jobs = world.jobs_of(instance)
    if instance.status is not None:
        return instance.status
    if any(job.running(now) for job in jobs):
        return "indexing"
    settled = instance.builtin and now >= instance.created_at + options.settle_delay
    return "active" if settled or any(job.ended(now) for job in jobs) else "waiting"


def stats_document(instance: Instance, world: World, now: float, options: AccountOptions) -> dict[str, JsonValue]:
    """Return the counts of items, which lag behind the jobs by `indexing_lag` (facts 2.2, 3.2)."""
    jobs = world.jobs_of(instance)
    failed = [job for job in jobs if job.ended(now) and job.end_reason not in {None, options.cancel_end_reason}]
    errors: dict[str, JsonValue] = {job.end_reason: 1 for job in failed[-1:] if job.end_reason and job is jobs[-1]}
    active_at = _last_activity(jobs, now)
    document: dict[str, JsonValue] = {
        "last_activity": None if active_at is None else timestamp(active_at, zoned=options.zoned),
        "file_embed_errors": dict(instance.file_errors),
        "index_source_errors": errors if instance.source_error is None else errors | {instance.source_error: 1},
    }
    if options.stats_degraded:
        return document | {"degraded": True}
    return document | _counts(instance, jobs, now, options, failed_jobs=len(errors))


def _counts(
    instance: Instance, jobs: list[Job], now: float, options: AccountOptions, *, failed_jobs: int
) -> dict[str, JsonValue]:
    done, total = _progress(instance, jobs, now, options)
    failed = min(done, sum(instance.file_errors.values()))
    completed = done - failed
    running = min(_FILES_AT_ONCE, total - done)
    return {
        "completed": completed,
        "running": running,
        "queued": total - done - running,
        "error": failed + failed_jobs,
        "skipped": 0,
        "outdated": 0,
        "engine": {
            "vectorize": {"dimensions": _DIMENSIONS, "vectorsCount": completed * _CHUNKS_PER_FILE},
            "r2": {
                "payloadSizeBytes": completed * _BYTES_PER_FILE,
                "metadataSizeBytes": completed * _BYTES_PER_FILE // 16,
                "objectCount": completed,
            },
        },
    }


def _progress(instance: Instance, jobs: list[Job], now: float, options: AccountOptions) -> tuple[int, int]:
    """Return how many items are done, and of how many, over the whole history of jobs."""
    if instance.builtin:
        return instance.files or 0, instance.files or 0
    files = options.files if instance.files is None else instance.files
    completed = total = 0
    for job in jobs:
        if not job.started(now) or job.starts_at is None:
            continue
        total = files
        if job.ends_at is None:
            continue
        done_at = job.ends_at + options.indexing_lag
        share = 1.0 if now >= done_at else (now - job.starts_at) / (done_at - job.starts_at)
        if job.ended(now) and job.end_reason is not None:
            share = 0.0
            total = completed
        completed = max(completed, int(total * share))
    return completed, total


def _last_activity(jobs: list[Job], now: float) -> float | None:
    return max((job.ends_at for job in jobs if job.ends_at is not None and job.ended(now)), default=None)
