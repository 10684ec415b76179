"""Questions about sync jobs where none can run: a paused instance, built-in storage, a source that is not there."""

from aisearch_operator.cloudflare import Job
from live_check.api import Answered
from live_check.errors import NotAskedError, StepError
from live_check.outcome import Finding, Probe
from live_check.session import LONGEST_COOLDOWN, SETTLING, Session, seen


async def paused_instance(session: Session) -> Finding:
    """Pause the instance, send a POST, and resume it."""
    seen(session.completed)
    paused = await session.api.ask("PUT", session.sourced_path, {"paused": True})
    if paused.status != 200:
        raise StepError(f"the PUT of paused was answered {paused}")
    try:
        answer = await _post_out_of_cooldown(session, f"{session.sourced_path}/jobs")
    finally:
        await session.api.ask("PUT", session.sourced_path, {"paused": False})
    return Finding(str(answer), (answer.status, answer.code) == (400, 7032))


async def built_in_storage(session: Session) -> Finding:
    """Send a POST for an instance without a source."""
    seen(session.created_built_in)
    answer = await session.api.ask("POST", f"{session.built_in_path}/jobs", {"description": "live check"})
    return Finding(str(answer), expected=answer.status == 400)


async def account_level_cancel(session: Session) -> Finding:
    """Cancel an ended job on the deprecated path: 7046 means that the route exists there, too."""
    path = f"/ai-search/instances/{session.names.sourced}/jobs/{seen(session.cancelled).id}"
    answer = await session.api.ask("PATCH", path, {"action": "cancel"})
    return Finding(f"{answer}: {'there is a route' if answer.code == 7046 else 'there is none'}")


async def broken_source(session: Session) -> Finding:
    """Create an instance over a bucket that does not exist, and see how that shows."""
    if session.source.startswith(("http://", "https://")):
        raise NotAskedError("needs an R2 bucket as --source")
    where = session.target.home.name
    body = {"id": session.names.broken, "type": "r2", "source": session.names.missing_bucket}
    if session.target.token_id is not None:
        body["token_id"] = session.target.token_id
    answer = await session.api.ask("POST", f"/ai-search/namespaces/{where}/instances", body)
    if answer.status != 201:
        return Finding(f"refused at creation: {answer}")
    await session.pause(SETTLING)
    instance = await session.api.client.get_instance(session.target.home, session.names.broken)
    jobs = await session.api.client.list_jobs(session.target.home, session.names.broken)
    stats = await session.api.client.instance_stats(session.target.home, session.names.broken)
    reasons = ", ".join(repr(job.end_reason) for job in jobs.items) or "no job"
    errors = ", ".join(map(str, stats.index_source_errors)) or "none"
    text = f"status {instance.status}, paused {instance.paused}, end reasons {reasons}, index_source_errors {errors}"
    return Finding(text, instance.paused is True and "bucket_not_found" in stats.index_source_errors)


BUILT_IN = (
    Probe(
        "job-on-built-in",
        "What answers the POST of a job for built-in storage?",
        "3.3",
        "a refusal with 400",
        "no: the operator sends none",
        built_in_storage,
    ),
)
SOURCED = (
    Probe(
        "job-when-paused",
        "Does a paused instance take a job?",
        "3.3",
        "refused, 400/7032",
        "no: either answer is dealt with",
        paused_instance,
    ),
    Probe(
        "account-level-cancel",
        "Can a job be cancelled on the account-level path?",
        "1.2",
        "sources disagree",
        "no: it uses the namespaced path only",
        account_level_cancel,
    ),
    Probe(
        "broken-source",
        "How does a bucket show that does not exist?",
        "2.5, 3.2",
        "paused, bucket_not_found in index_source_errors",
        "yes: the condition Paused names the error",
        broken_source,
    ),
)


async def _post_out_of_cooldown(session: Session, path: str) -> Answered:
    """Send a POST for a job until the answer is not the cooldown; a job that starts is cancelled."""

    async def look() -> Answered | None:
        answer = await session.api.ask("POST", path, {"description": "live check"})
        return None if answer.code == 7020 else answer

    answer = await session.wait_for(look, "the end of the cooldown", LONGEST_COOLDOWN)
    if answer.status == 200:
        await session.cancel(Job.model_validate(answer.result))
    return answer
