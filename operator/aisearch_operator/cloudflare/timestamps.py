"""The one parser of Cloudflare's time stamps: every format becomes an aware UTC datetime."""

import math
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

__all__ = ["parse_http_date", "parse_timestamp"]

LARGEST_SECONDS = 1e11
"""Epoch seconds reach this in the year 5138; a larger number counts milliseconds or less."""


def parse_timestamp(value: object) -> datetime | None:
    """Read a time of the API, or give None when it cannot be read.

    The API sends RFC 3339, the same with a blank for the T and without a zone ("2026-07-16 19:35:43",
    facts 2.2), and epoch numbers in job logs (facts 3.5). A time without a zone is UTC.
    """
    if isinstance(value, datetime):
        return _utc(value)
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return _from_epoch(value)
    if isinstance(value, str):
        try:
            return _utc(datetime.fromisoformat(value.strip()))
        except (ValueError, OverflowError):
            return None
    return None


def parse_http_date(value: str | None) -> datetime | None:
    """Read the HTTP date of a header such as `Date`, or give None when it cannot be read."""
    if not value:
        return None
    try:
        return _utc(parsedate_to_datetime(value))
    except (ValueError, OverflowError):
        return None


def _utc(time: datetime) -> datetime:
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)


def _from_epoch(number: float) -> datetime | None:
    try:
        seconds = float(number)
        while math.isfinite(seconds) and abs(seconds) >= LARGEST_SECONDS:
            seconds /= 1000
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None
