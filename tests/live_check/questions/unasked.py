"""Questions that no run of some minutes can ask; they stand in the table, so that nobody takes them for answered."""

from collections.abc import Awaitable, Callable

from live_check.errors import NotAskedError
from live_check.outcome import Finding, Probe
from live_check.session import Session


def because(reason: str) -> Callable[[Session], Awaitable[Finding]]:
    """Make a probe that says why it does not ask."""

    async def ask(session: Session) -> Finding:
        raise NotAskedError(reason)

    return ask


PROBES = (
    Probe(
        "schedule-supersedes",
        "Does a scheduled job end a running job of a user?",
        "3.3",
        "likely",
        "yes: Superseded is a failure that backoffLimit retries",
        because("schedules begin at 15 minutes"),
    ),
    Probe(
        "retention",
        "How long are jobs and logs kept?",
        "3.6",
        "not known",
        "no: a finished sync job does not need its job any more",
        because("would take days"),
    ),
    Probe(
        "idle-pause",
        "Does the pause after 31 days without a search show as paused?",
        "2.5",
        "yes, as paused: true",
        "yes: the condition Paused",
        because("would take 31 days"),
    ),
    Probe(
        "blocked-status",
        "Which status has an instance whose site forbids indexing?",
        "2.2",
        "not known",
        "yes: the text is shown as it is",
        because("needs a site that forbids it"),
    ),
    Probe(
        "metadata-reindex",
        "Does a change of custom_metadata index everything again?",
        "2.1",
        "by the next sync",
        "no",
        because("would index the source again"),
    ),
    Probe(
        "legacy-token",
        "Can service tokens without `legacy: false` be read and deleted?",
        "5.3",
        "sources disagree",
        "no: the operator manages no service tokens",
        because("would create a token"),
    ),
    Probe(
        "limits",
        "What are the limits since general availability?",
        "4.1",
        "100 or 5,000 instances",
        "no: QuotaReached says what the API said",
        because("would fill the account"),
    ),
)
