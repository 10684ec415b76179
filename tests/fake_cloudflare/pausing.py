"""When an instance is paused although nobody paused it: idleness, and errors of its source (facts 2.5).

Not documented, and chosen here: both show as `paused: true`; a source that is still broken pauses a resumed
instance again, `source_check_delay` later; what an idle instance has to do with its statistics: nothing.
"""

from fake_cloudflare.options import AccountOptions
from fake_cloudflare.world import Instance

PAUSING_ERRORS = frozenset(
    {
        "r2_not_enabled",
        "bucket_not_found",
        "bucket_unauthorized",
        "external_source_missing_api_token",
        "bucket_name_invalid",
        "invalid_custom_header",
        "ai_gateway_not_configured",
        "hybrid_search_is_full",
    }
)
"""Errors that pause the whole instance until they are corrected and it is resumed; any other is only counted."""


def is_paused(instance: Instance, now: float, options: AccountOptions) -> bool:
    """Return what the API shows as `paused`."""
    return bool(instance.settings["paused"]) or is_stopped(instance, now, options) or _is_idle(instance, now, options)


def is_stopped(instance: Instance, now: float, options: AccountOptions) -> bool:
    """Return whether an error of the source keeps the instance paused."""
    if instance.source_error not in PAUSING_ERRORS:
        return False
    return instance.resumed_at is None or now >= instance.resumed_at + options.source_check_delay


def _is_idle(instance: Instance, now: float, options: AccountOptions) -> bool:
    """Return whether nobody has searched for so long that scheduled syncs stop; built-in storage has none."""
    if instance.builtin or options.idle_pause is None:
        return False
    moments = (instance.created_at, instance.searched_at, instance.resumed_at)
    return now - max(moment for moment in moments if moment is not None) >= options.idle_pause
