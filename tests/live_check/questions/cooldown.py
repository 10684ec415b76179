"""Questions about when a sync job may start: from what the cooldown counts, and what a POST does to a running job."""

import math
from collections.abc import Sequence

from live_check.errors import NotAskedError
from live_check.outcome import Finding, Probe
from live_check.session import Attempt, Session, seen

COOLDOWN = 30.0
"""Seconds, as documented (facts 3.3)."""


async def cooldown_from_start(session: Session) -> Finding:
    """Look at the POST that came right after a job had started."""
    running = [attempt for attempt in _attempts(session) if attempt.after_end == math.inf]
    return _told(running, "start", [attempt.after_start for attempt in running])


async def cooldown_from_end(session: Session) -> Finding:
    """Look at the POSTs that came after a job's end, but too late for its start to count."""
    late = [each for each in _attempts(session) if each.after_end < math.inf and each.after_start > COOLDOWN]
    return _told(late, "end", [attempt.after_end for attempt in late])


async def cooldown_after_cancel(session: Session) -> Finding:
    """Send a POST after the cancellation, until one is accepted; that job is cancelled, too."""
    seen(session.cancelled)
    job = await session.start_job("live check, after a cancellation")
    await session.cancel(job)
    after = [attempt for attempt in session.attempts if attempt.cancelled]
    return _told(after, "cancellation", [attempt.after_end for attempt in after])


async def retry_after(session: Session) -> Finding:
    """Look for a Retry-After in the refusals of the cooldown."""
    headers = {attempt.retry_after for attempt in _attempts(session) if attempt.refused}
    if not headers:
        raise NotAskedError("no POST met the cooldown")
    return Finding(
        ", ".join(f"Retry-After: {value}" if value else "none" for value in sorted(headers, key=str)), headers == {None}
    )


async def superseded(session: Session) -> Finding:
    """Tell what a POST right after a start did to the running job."""
    running = [attempt for attempt in _attempts(session) if attempt.after_end == math.inf]
    if not running:
        raise NotAskedError("no POST came while a job ran")
    if all(attempt.refused for attempt in running):
        raise NotAskedError("the cooldown protected the running job")
    reasons = {job.end_reason for job in await session.jobs()}
    return Finding(f"accepted; end reasons since: {', '.join(map(repr, reasons))}", "new_job_has_started" in reasons)


PROBES = (
    Probe(
        "cooldown-start",
        "Does the cooldown count from a job's start?",
        "3.3",
        "yes",
        "no: the operator waits after both",
        cooldown_from_start,
    ),
    Probe(
        "cooldown-end",
        "Does the cooldown count from a job's end?",
        "3.3",
        "yes",
        "no: the operator waits after both",
        cooldown_from_end,
    ),
    Probe(
        "cooldown-cancel",
        "Does a cancellation start the cooldown?",
        "3.4",
        "yes, as any end",
        "no: the operator waits after any end",
        cooldown_after_cancel,
    ),
    Probe(
        "retry-after",
        "Does a refusal in the cooldown carry Retry-After?",
        "3.3",
        "no",
        "no: it is honoured where it comes",
        retry_after,
    ),
    Probe(
        "superseded",
        "Does a new job end the running one?",
        "3.3",
        "yes: new_job_has_started",
        "yes: no POST while another job runs",
        superseded,
    ),
)


def _attempts(session: Session) -> Sequence[Attempt]:
    return seen([attempt for attempt in session.attempts if not attempt.cancelled] or None)


def _told(attempts: Sequence[Attempt], event: str, seconds: Sequence[float]) -> Finding:
    """Say which POSTs were refused and accepted how long after an event."""
    refused = [moment for attempt, moment in zip(attempts, seconds, strict=True) if attempt.refused]
    accepted = [moment for attempt, moment in zip(attempts, seconds, strict=True) if not attempt.refused]
    if not refused and min(accepted, default=math.inf) > COOLDOWN:
        raise NotAskedError(f"no POST came within {COOLDOWN:.0f} s of a {event}")
    parts = []
    if refused:
        parts.append(f"refused up to {max(refused):.0f} s after the {event}")
    if accepted:
        parts.append(f"accepted {min(accepted):.0f} s after it")
    return Finding(", ".join(parts), bool(refused) and all(moment < COOLDOWN + 5 for moment in refused))
