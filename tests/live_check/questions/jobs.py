"""Questions about a sync job's course: what its document, its log and the statistics say of it."""

from aisearch_operator.cloudflare.paging import order_of
from aisearch_operator.cloudflare.timestamps import parse_timestamp
from live_check.outcome import Finding, Probe
from live_check.session import Session, seen

EPOCH_SECONDS = range(1_000_000_000, 10_000_000_000)


async def first_job(session: Session) -> Finding:
    """Look at the jobs that were there before the first POST."""
    seen(session.created_sourced)
    sources = ", ".join(str(job.source) for job in session.first_jobs)
    return Finding(f"source {sources}" if sources else "no job", bool(session.first_jobs))


async def created_body(session: Session) -> Finding:
    """Look at the answer to the POST of a job."""
    answer = seen(session.created_job)
    return Finding(f"{answer.status}; {_shown(answer.result)}", answer.status == 200)


async def success_reason(session: Session) -> Finding:
    """Look at the end_reason of the job that ran to its end."""
    reason = seen(session.completed).end_reason
    return Finding(repr(reason), reason in {None, ""})


async def cancel_reason(session: Session) -> Finding:
    """Look at the end_reason of the job that was cancelled."""
    reason = seen(session.cancelled).end_reason
    return Finding(repr(reason), bool(reason))


async def cancel_body(session: Session) -> Finding:
    """Look at the answer to the cancellation."""
    return Finding(_shown(seen(session.cancel_answer).result))


async def log_lines(session: Session) -> Finding:
    """Read the log of the job that ran to its end."""
    job = seen(session.completed)
    await session.api.client.job_logs(session.sourced_in, session.names.sourced, job.id, tail=20)
    lines = session.api.last.result
    if not lines:
        return Finding("no lines")
    types = sorted({str(line.get("message_type")) for line in lines})
    times = [line.get("created_at") for line in lines]
    order = "oldest first" if times == sorted(times) else "newest first"
    unit = "epoch seconds" if all(time in EPOCH_SECONDS for time in times) else f"like {times[0]!r}"
    return Finding(
        f"{len(lines)} lines, {order}, message_type {'/'.join(types)}, created_at {unit}",
        (types, unit) == (["0"], "epoch seconds"),
    )


async def job_order(session: Session) -> Finding:
    """Look at the order of the list of jobs."""
    seen(session.completed)
    jobs = await session.jobs()
    order = order_of(jobs).name.lower().replace("_", " ")
    return Finding(f"{len(jobs)} jobs, {order}")


async def job_times(session: Session) -> Finding:
    """See how the times of jobs are written."""
    job = await session.api.ask("GET", f"{session.sourced_path}/jobs/{seen(session.completed).id}")
    written = job.result.get("started_at")
    return Finding(f"started_at {written!r}", parse_timestamp(written) is not None)


async def durations(session: Session) -> Finding:
    """Tell how long jobs ran, and whether the heartbeat moved."""
    job = seen(session.completed)
    if job.started_at is None or job.ended_at is None:
        return Finding("times are missing", expected=False)
    seconds = (job.ended_at - job.started_at).total_seconds()
    beat = (
        "no last_seen_at"
        if job.last_seen_at is None
        else (f"last_seen_at {(job.ended_at - job.last_seen_at).total_seconds():.0f} s before the end")
    )
    return Finding(f"{seconds:.0f} s, {beat}")


async def indexed_after_end(session: Session) -> Finding:
    """Look at the statistics that were read when the job had just ended."""
    stats = seen(session.stats_at_end)
    return Finding(f"queued {stats.queued}, running {stats.running}, completed {stats.completed}, error {stats.error}")


PROBES = (
    Probe(
        "first-job",
        "Does a new instance start a job by itself?",
        "3.3",
        "yes, source `schedule`",
        "yes: a job waits until another has ended",
        first_job,
    ),
    Probe(
        "created-body",
        "What does the POST of a job answer: is started_at set?",
        "3.3",
        "200, maybe not started",
        "no: the state follows from the times, whenever they come",
        created_body,
    ),
    Probe(
        "success-reason",
        "What is the end_reason of a job that went well?",
        "3.2",
        "null",
        "yes: null, '', completed and success are success, anything else is failure",
        success_reason,
    ),
    Probe(
        "cancel-reason",
        "What is the end_reason of a cancelled job?",
        "3.2, 3.4",
        "some text, maybe `cancelled`",
        "only where somebody else cancels: with null that would look like success",
        cancel_reason,
    ),
    Probe(
        "cancel-body",
        "Has the job ended in the answer to its cancellation?",
        "3.4",
        "not known",
        "no: the end is confirmed by reading",
        cancel_body,
    ),
    Probe(
        "log",
        "What do lines of a log hold: message_type, order, unit of created_at?",
        "3.5",
        "0, not known, epoch seconds",
        "no: any order and unit is read, message_type is not",
        log_lines,
    ),
    Probe(
        "job-order",
        "How is the list of jobs sorted?",
        "1.1",
        "newest first",
        "no: any order is read, with more requests",
        job_order,
    ),
    Probe(
        "job-times",
        "How are the times of jobs written?",
        "2.2",
        "without T and zone, UTC",
        "no: both are read",
        job_times,
    ),
    Probe(
        "durations",
        "How long does a job run, and does last_seen_at move?",
        "3.6",
        "seconds to minutes, a heartbeat",
        "no: a warning at most",
        durations,
    ),
    Probe(
        "statistics-after-end",
        "Are items still queued when a job has ended?",
        "3.2",
        "maybe",
        "yes: completionPolicy Indexed waits for both",
        indexed_after_end,
    ),
)


def _shown(job: object) -> str:
    """Give what a job's document says of its course."""
    if not isinstance(job, dict):
        return repr(job)
    return ", ".join(f"{name} {job[name]!r}" for name in ("started_at", "ended_at", "end_reason") if name in job)
