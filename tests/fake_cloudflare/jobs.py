"""Sync jobs: life cycle, cooldown, superseding, cancel and logs (facts 3).

Not documented, and chosen here: a job on built-in storage is refused as invalid (400/7001), a job on a paused
instance with 7032 unless the account's options say otherwise; logs are written at the start, at each heartbeat
and at the end, with `message_type` 0.
"""

import math
import uuid
from collections.abc import Sequence
from typing import Literal

from pydantic import JsonValue

from fake_cloudflare.calls import Call, page_of
from fake_cloudflare.clock import timestamp
from fake_cloudflare.envelope import Answer, invalid, refusal
from fake_cloudflare.options import AccountOptions, JobPlan
from fake_cloudflare.pausing import is_paused
from fake_cloudflare.validation import (
    CHANGE_JOB,
    CREATE_JOB,
    ListJobLogs,
    ListJobs,
    NoQuery,
    parse_body,
    parse_query,
)
from fake_cloudflare.world import Instance, Job, World

SUPERSEDED = "new_job_has_started"


def list_jobs(call: Call) -> Answer:
    query = parse_query(ListJobs, call.query)
    world = call.account.jobs_as_read(call.now)
    jobs = world.jobs_of(call.instance_in(world))
    if call.account.options.job_order == "desc":
        jobs = jobs[::-1]
    return page_of(jobs, query.page, query.per_page, lambda job: document(job, call.now, call.account.options))


def create_job(call: Call) -> Answer:
    given = parse_body(CREATE_JOB, {} if call.body is None else call.body)
    description = given.get("description")
    account = call.account
    instance = call.instance_in(account.world)
    if instance.builtin:
        raise invalid("an instance with built-in storage has no sync jobs", "instance")
    if is_paused(instance, call.now, account.options) and not account.options.jobs_while_paused:
        raise refusal(7032)
    if in_cooldown(account.world.jobs_of(instance), call.now, account.options.cooldown):
        raise refusal(7020)
    plan = account.state.next_jobs.pop(0) if account.state.next_jobs else plan_of(account.options)
    job = start(
        account.world,
        instance,
        call.now,
        plan,
        source="user",
        description=None if description is None else str(description),
    )
    return Answer(document(job, call.now, account.options))


def get_job(call: Call) -> Answer:
    parse_query(NoQuery, call.query)
    job = _find(call, call.account.jobs_as_read(call.now))
    return Answer(document(job, call.now, call.account.options))


def change_job(call: Call) -> Answer:
    parse_body(CHANGE_JOB, call.body)
    job = _find(call, call.account.world)
    if job.ended(call.now):
        raise refusal(7046)
    options = call.account.options
    job.end(call.now + options.cancel_delay, options.cancel_end_reason)
    return Answer(document(job, call.now, options))


def list_job_logs(call: Call) -> Answer:
    query = parse_query(ListJobLogs, call.query)
    options = call.account.options
    lines = log_lines(_find(call, call.account.jobs_as_read(call.now)), call.now, options)
    if options.log_order == "desc":
        lines.reverse()
    return page_of(lines, query.page, query.per_page, lambda line: line)


def plan_of(options: AccountOptions) -> JobPlan:
    """Return the course of a job as the account's options have it."""
    return JobPlan(
        start_delay=options.job_start_delay, duration=options.job_duration, end_reason=options.job_end_reason
    )


def start(
    world: World,
    instance: Instance,
    now: float,
    plan: JobPlan,
    *,
    source: Literal["user", "schedule"],
    description: str | None = None,
) -> Job:
    """Add a job. When it starts, every unfinished one ends: their `ended_at` is its `started_at` (3.3)."""
    starts_at = None if plan.start_delay is None else now + plan.start_delay
    ends_at = None if starts_at is None or plan.duration is None else starts_at + plan.duration
    if starts_at is not None:
        for other in world.jobs_of(instance):
            other.end(starts_at, SUPERSEDED)
    job = Job(
        id=str(uuid.uuid4()),
        source=source,
        description=description,
        created_at=now,
        starts_at=starts_at,
        ends_at=ends_at,
        end_reason=plan.end_reason,
    )
    world.add_job(instance, job)
    return job


def in_cooldown(jobs: Sequence[Job], now: float, cooldown: float) -> bool:
    """Return whether a user may not start a job yet: counted from the last request, start and end (3.3)."""
    moments = [job.created_at for job in jobs]
    moments += [job.starts_at for job in jobs if job.starts_at is not None and job.started(now)]
    moments += [job.ends_at for job in jobs if job.ends_at is not None and job.ended(now)]
    return now - max(moments, default=-math.inf) < cooldown


def document(job: Job, now: float, options: AccountOptions) -> JsonValue:
    """Return the job as the API shows it: no status, no counters, times once they have passed (3.1)."""
    zoned = options.timestamp_format == "iso"
    started_at = job.starts_at if job.started(now) else None
    seen_at = last_seen(job, now, options.heartbeat)
    ended_at = job.ends_at if job.ended(now) else None
    return {
        "id": job.id,
        "source": job.source,
        "description": job.description,
        "started_at": None if started_at is None else timestamp(started_at, zoned=options.zoned),
        "last_seen_at": None if seen_at is None else timestamp(seen_at, zoned=zoned),
        "ended_at": None if ended_at is None else timestamp(ended_at, zoned=zoned),
        "end_reason": None if ended_at is None else job.end_reason,
    }


def last_seen(job: Job, now: float, step: float) -> float | None:
    """Return the last heartbeat so far; None before the job has started."""
    if not job.started(now) or job.starts_at is None:
        return None
    until = now if job.ends_at is None else min(now, job.ends_at)
    return job.starts_at + step * ((until - job.starts_at) // step)


def log_lines(job: Job, now: float, options: AccountOptions) -> list[JsonValue]:
    """Return the job's log, oldest line first, in epoch seconds (3.5)."""
    lines: list[tuple[float, str]] = []
    seen_at = last_seen(job, now, options.heartbeat)
    if seen_at is not None and job.starts_at is not None:
        lines.append((job.starts_at, "Sync job started"))
        beats = round((seen_at - job.starts_at) / options.heartbeat)
        lines += [(job.starts_at + options.heartbeat * beat, "Scanning the source") for beat in range(1, beats + 1)]
    if job.ended(now) and job.ends_at is not None:
        lines.append((job.ends_at, "Sync job finished" if job.end_reason is None else f"Ended: {job.end_reason}"))
    return [
        {"id": number, "message": message, "message_type": 0, "created_at": int(moment)}
        for number, (moment, message) in enumerate(lines, start=1)
    ]


def _find(call: Call, world: World) -> Job:
    instance = call.instance_in(world)
    for job in world.jobs_of(instance):
        if job.id == call.params["job"]:
            return job
    raise refusal(7021)
