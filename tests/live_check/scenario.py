"""What the operator relies on, step by step: each is one promise of the API, and fails the check when broken."""

from aisearch_operator.cloudflare import (
    AlreadyExists,
    Instance,
    Job,
    JobAlreadyEnded,
    NotFound,
    SearchNamespace,
)
from aisearch_operator.domain.job_state import JobState, state_of
from live_check.api import Answered
from live_check.errors import StepError
from live_check.outcome import Step
from live_check.session import SETTLING, Session, seen

MARKER = "live check"
RESULTS = 7
"""A value of max_num_results that is no default."""


async def list_namespaces(session: Session) -> str:
    """Read every search namespace that the run will use."""
    counts = []
    for where in session.target.namespaces:
        listing = await session.api.client.list_instances(where)
        counts.append(f"{len(listing.items)} instances in {where.name}")
    return ", ".join(counts)


async def create_built_in(session: Session) -> str:
    """Create an instance with nothing but an id."""
    await session.api.client.create_instance(session.target.home, {"id": session.names.built_in})
    session.created_built_in = session.api.last
    return _expect(session.api.last, 201)


async def refuse_duplicate(session: Session) -> str:
    """Create it again, as after a crash."""
    try:
        await session.api.client.create_instance(session.target.home, {"id": session.names.built_in})
    except AlreadyExists:
        return str(session.api.last)
    raise StepError(f"a second instance of the same id was accepted: {session.api.last}")


async def update_built_in(session: Session) -> str:
    """Change one field, and wait until it is read."""
    name, home = session.names.built_in, session.target.home
    await session.api.client.update_instance(home, name, {"max_num_results": RESULTS})

    async def look() -> Instance | None:
        found = await session.api.client.get_instance(home, name)
        return found if found.setting("max_num_results") == RESULTS else None

    await session.wait_for(look, f"max_num_results: {RESULTS} in GET")
    return _expect(session.api.last, 200)


async def read_statistics(session: Session) -> str:
    """Read the statistics of an empty instance."""
    stats = await session.api.client.instance_stats(session.target.home, session.names.built_in)
    return f"completed {stats.completed}, queued {stats.queued}, running {stats.running}"


async def create_sourced(session: Session) -> str:
    """Create an instance with a source."""
    body = {"id": session.names.sourced, "source": session.source}
    if session.target.token_id is not None:
        body["token_id"] = session.target.token_id
    await session.api.client.create_instance(session.target.home, body)
    session.created_sourced = session.api.last
    return _expect(session.api.last, 201)


async def await_first_job(session: Session) -> str:
    """Wait until the job is over that the API may have started by itself."""
    seen(session.created_sourced)

    async def appeared() -> tuple[Job, ...] | None:
        return await session.jobs() or None

    async def over() -> tuple[Job, ...] | None:
        jobs = await session.jobs()
        return jobs if all(job.ended_at is not None for job in jobs) else None

    try:
        await session.wait_for(appeared, "a first index job")
    except StepError:
        return f"none appeared in {SETTLING:.0f} s"
    session.first_jobs = await session.wait_for(over, "the end of the first index job", session.target.patience)
    return f"{len(session.first_jobs)} before ours, the last {_seconds(session.first_jobs[0])}"


async def run_job(session: Session) -> str:
    """Start a job as soon as the API takes one, try another at once, and wait for its end."""
    seen(session.created_sourced)
    job = await session.start_job(MARKER)
    session.created_job = session.api.last
    if (await session.started(job.id)).ended_at is None:
        await session.api.client.get_instance(session.sourced_in, session.names.sourced)  # its status meanwhile
        job = await session.try_job(MARKER + ", too early") or job
    session.completed = await session.ended(job.id, session.target.patience)
    session.stats_at_end = await session.api.client.instance_stats(session.sourced_in, session.names.sourced)
    if state_of(session.completed) is not JobState.SUCCEEDED:
        raise StepError(f"job {job.id} ended with the reason {session.completed.end_reason!r}")
    return f"it ran {_seconds(session.completed)}"


async def cancel_job(session: Session) -> str:
    """Start another job, and cancel it while it runs."""
    seen(session.created_sourced)
    job = await session.start_job(MARKER + ", cancelled")
    if (await session.started(job.id)).ended_at is not None:
        # So quick that it cannot be caught running: the next one is cancelled at once.
        job = await session.start_job(MARKER + ", cancelled")
    try:
        await session.api.client.cancel_job(session.sourced_in, session.names.sourced, job.id)
    except JobAlreadyEnded:
        raise StepError(f"job {job.id} ended before it could be cancelled: take a source with more files") from None
    session.cancel_answer = session.api.last
    session.cancelled = await session.ended(job.id, SETTLING)
    return _expect(session.cancel_answer, 200)


async def refuse_second_cancel(session: Session) -> str:
    """Cancel it again, as after a crash."""
    try:
        await session.api.client.cancel_job(session.sourced_in, session.names.sourced, seen(session.cancelled).id)
    except JobAlreadyEnded:
        return str(session.api.last)
    raise StepError(f"cancelling a job that has ended was accepted: {session.api.last}")


async def move(session: Session) -> str:
    """Move the instance with a source to the other search namespace."""
    second = session.second
    seen(session.created_sourced)
    await session.api.client.move_instance(session.target.home, session.names.sourced, second.name)
    answer = session.api.last
    session.sourced_in, session.moved = second, True
    await session.wait_for(lambda: _found(session, second), f"the instance in {second.name}")
    return _expect(answer, 200)


async def delete_built_in(session: Session) -> str:
    """Delete the instance with built-in storage."""
    seen(session.created_built_in)
    return await _delete(session, session.target.home, session.names.built_in)


async def delete_sourced(session: Session) -> str:
    """Delete the instance with a source."""
    seen(session.created_sourced)
    return await _delete(session, session.sourced_in, session.names.sourced)


CREDENTIALS = (Step("The token may list instances", list_namespaces),)
BUILT_IN = (
    Step("An instance with built-in storage is created", create_built_in),
    Step("A second one of the same id is refused", refuse_duplicate),
    Step("One field is updated", update_built_in),
    Step("Its statistics can be read", read_statistics),
)
SOURCED = (
    Step("An instance with a source is created", create_sourced),
    Step("Its first index job is over", await_first_job),
    Step("A sync job is started and ends well", run_job),
    Step("Another one is started and cancelled", cancel_job),
    Step("Cancelling it again is refused", refuse_second_cancel),
)
MOVED = (Step("The instance moves to the other search namespace", move),)
DELETED = (
    Step("The instance with built-in storage is deleted", delete_built_in),
    Step("The instance with a source is deleted", delete_sourced),
)


async def _found(session: Session, where: SearchNamespace) -> Instance | None:
    try:
        return await session.api.client.get_instance(where, session.names.sourced)
    except NotFound:
        return None


async def _delete(session: Session, where: SearchNamespace, name: str) -> str:
    await session.api.client.delete_instance(where, name)
    answer = session.api.last

    async def look() -> bool | None:
        try:
            await session.api.client.get_instance(where, name)
        except NotFound:
            return True
        return None

    await session.wait_for(look, f"{name} gone")
    return f"{_expect(answer, 200)}, then {session.api.last}"


def _expect(answer: Answered, status: int) -> str:
    if answer.status != status:
        raise StepError(f"the answer was {answer}, not {status}")
    return str(answer)


def _seconds(job: Job) -> str:
    if job.started_at is None or job.ended_at is None:
        return "for an unknown time"
    return f"for {(job.ended_at - job.started_at).total_seconds():.0f} s"
