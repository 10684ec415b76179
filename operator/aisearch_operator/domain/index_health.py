"""What state and statistics say of an index and of its pause, as text that a person can act on."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from pydantic import JsonValue

from aisearch_operator.cloudflare.wire import Instance, Stats
from aisearch_operator.domain.conditions import ConditionUpdate
from aisearch_operator.domain.reasons import Reason
from aisearch_operator.resources.conditions import Condition
from aisearch_operator.resources.instance import InstanceStats

__all__ = ["REMEDIES", "at_work", "counts", "indexed", "paused"]

REMEDIES: Mapping[str, str] = MappingProxyType(
    {
        "r2_not_enabled": "enable R2 for the account",
        "bucket_not_found": "create the bucket that spec.source names, in the account of the instance",
        "bucket_unauthorized": "let the service API token (spec.tokenId) read the bucket, or set another one",
        "external_source_missing_api_token": "create a service API token for AI Search and set spec.tokenId to its id",
        "bucket_name_invalid": "apply another resource with a bucket of a valid name: spec.source cannot be changed",
        "invalid_custom_header": "correct spec.sourceParams.webCrawler.parseOptions.includeHeaders",
        "ai_gateway_not_configured": "create the AI Gateway, or set spec.aiGatewayId to one that exists",
        "hybrid_search_is_full": "ask Cloudflare for a higher limit, or index a part of the content elsewhere",
        "blocked_by_robots_txt": "let the site's robots.txt admit the AI Search crawler",
        "blocked_by_robots_txt_path": "let the site's robots.txt admit the path, or exclude it in spec.sourceParams",
        "blocked_by_content_signal": "let the Content Signals in the site's robots.txt admit AI Search",
    }
)
"""What to do about errors that stop a whole instance, by code (facts 2.5), and about a site that says no."""

BY_THE_SITE = frozenset({"blocked_by_robots_txt", "blocked_by_robots_txt_path", "blocked_by_content_signal"})

SIGNS_OF_THE_SITE = ("robots", "content_signal", "content-signal", "content signal", "blocked")
"""Parts of a state that tell of a site that keeps the crawler out. Its exact words are not documented (facts 2.2)."""

RESUME = "then set spec.paused: false, or resume it in the dashboard"
BY_SOMEBODY = (
    "Paused by a person, or by Cloudflare because nobody has searched for 31 days; searches are answered all the same, "
    "and one resumes an idle instance. To resume it at once, set spec.paused: false, or use the dashboard"
)
SHOWN_CODES = 5
CODE_LENGTH = 64


def counts(stats: Stats) -> InstanceStats:
    """Give the statistics as a status shows them."""
    return InstanceStats(
        completed=stats.completed,
        error=stats.error,
        queued=stats.queued,
        running=stats.running,
        skipped=stats.skipped,
        outdated=stats.outdated,
        degraded=stats.degraded,
    )


def at_work(stats: Stats) -> bool:
    """Whether items wait to be indexed, or are being indexed."""
    return (stats.queued or 0) + (stats.running or 0) > 0


def indexed(observed: Instance | None, stats: Stats) -> ConditionUpdate:
    """Judge the index: errors that stop all of it come first, then work that is under way, then single items."""
    if stopped := _stopped(observed, stats):
        return ("Indexed", "False", *stopped)
    if stats.degraded:
        return ("Indexed", "Unknown", Reason.INDEX_UNKNOWN, "Cloudflare cannot count the items at the moment")
    if at_work(stats):
        return ("Indexed", "False", Reason.INDEXING, "Items are queued or running")
    if stats.error:
        codes = _advice(_codes(stats.file_embed_errors))
        message = f"Some items could not be indexed (how many: status.stats.error){': ' if codes else ''}{codes}"
        return ("Indexed", "False", Reason.INDEX_ERRORS, message)
    return ("Indexed", "True", Reason.INDEX_COMPLETE, "")


def paused(
    observed: Instance, stats: Stats | None, *, wanted: bool | None, before: Condition | None
) -> ConditionUpdate:
    """Tell whether scheduled syncs are paused, by whom as far as that shows, and how they are resumed.

    Parameters
    ----------
    stats
        None before they were read.
    wanted
        ``spec.paused``.
    before
        What the condition said so far: without statistics the cause of a pause is not known anew.
    """
    if not observed.paused:
        return ("Paused", "False", Reason.NOT_PAUSED, "")
    if wanted:
        return (
            "Paused",
            "True",
            Reason.PAUSED_BY_SPEC,
            "spec.paused is true: set it to false to resume",
        )
    if stopped := _stopped(observed, stats or Stats()):
        reason, message = stopped
        return ("Paused", "True", reason, f"{message}; {RESUME}")
    if stats is None and before is not None and before.reason in {Reason.SOURCE_ERROR, Reason.BLOCKED_BY_SITE}:
        return ("Paused", before.status, before.reason, before.message)
    return ("Paused", "True", Reason.PAUSED_AT_CLOUDFLARE, BY_SOMEBODY)


def _stopped(observed: Instance | None, stats: Stats) -> tuple[Reason, str] | None:
    """Give reason and message of what keeps the whole instance from being indexed."""
    codes = _codes(stats.index_source_errors)
    state = (observed.status or "") if observed else ""
    if codes and not set(codes) <= BY_THE_SITE:
        return Reason.SOURCE_ERROR, f"Cloudflare cannot index the source: {_advice(codes)}"
    if codes:
        return Reason.BLOCKED_BY_SITE, f"The site keeps the crawler out: {_advice(codes)}"
    if any(sign in state.lower() for sign in SIGNS_OF_THE_SITE):
        advice = "let its robots.txt and its Content Signals admit the AI Search crawler"
        return Reason.BLOCKED_BY_SITE, f"The site keeps the crawler out (state {state[:CODE_LENGTH]}): {advice}"
    return None


def _codes(errors: Mapping[str, JsonValue]) -> list[str]:
    """Name the errors of a map whose values are not documented; one that is empty or zero is none (facts 2.2)."""
    return sorted(code for code, value in errors.items() if value)


def _advice(codes: Iterable[str]) -> str:
    known = [(code[:CODE_LENGTH], REMEDIES.get(code)) for code in codes]
    shown = [f"{code} ({remedy})" if remedy else code for code, remedy in known[:SHOWN_CODES]]
    if len(known) > SHOWN_CODES:
        shown.append(f"and {len(known) - SHOWN_CODES} more kinds")
    unknown = any(remedy is None for _, remedy in known)
    return ", ".join(shown) + ("; Cloudflare's page 'Indexing error codes' says what to do" if unknown else "")
