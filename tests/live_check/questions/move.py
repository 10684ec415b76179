"""Questions about a move to another search namespace, and about what listings show then."""

from live_check.errors import NotAskedError
from live_check.outcome import Finding, Probe
from live_check.session import Session, seen


async def jobs_after_move(session: Session) -> Finding:
    """Compare the jobs before and after the move."""
    _require_move(session)
    ids = {job.id for job in await session.jobs()}
    kept = seen(session.completed).id in ids
    unfinished = sum(job.ended_at is None for job in await session.jobs())
    return Finding(f"{'kept' if kept else 'gone'}, {unfinished} running", kept)


async def listing_scope(session: Session) -> Finding:
    """List one search namespace while the run has an instance in another."""
    _require_move(session)
    path = f"/ai-search/namespaces/{session.target.home.name}/instances"
    answer = await session.api.ask("GET", path, search=session.names.prefix, per_page=100)
    shown = any(item.get("id") == session.names.sourced for item in answer.result)
    return Finding("it spans others" if shown else "only the one of the path", expected=not shown)


async def account_listing(session: Session) -> Finding:
    """List the account on the deprecated path while the run has an instance in each search namespace."""
    _require_move(session)
    answer = await session.api.ask("GET", "/ai-search/instances", search=session.names.prefix, per_page=100)
    if answer.status != 200:
        return Finding(str(answer))
    shown = {item.get("id") for item in answer.result}
    both = {session.names.built_in, session.names.sourced} <= shown
    return Finding("it spans all search namespaces" if both else "it shows only one of the two")


PROBES = (
    Probe(
        "jobs-after-move",
        "Does an instance keep its jobs when it moves?",
        "2.6",
        "yes",
        "yes: a running job is followed to the new search namespace",
        jobs_after_move,
    ),
    Probe(
        "listing-scope",
        "Does a namespaced listing show other search namespaces?",
        "1.0",
        "maybe",
        "no: others are left out",
        listing_scope,
    ),
    Probe(
        "account-listing",
        "Does the account-level listing span all search namespaces?",
        "1.0",
        "maybe",
        "no: it uses the namespaced listing only",
        account_listing,
    ),
)


def _require_move(session: Session) -> None:
    if not session.moved:
        raise NotAskedError("needs --second-search-namespace")
