"""The rate limit headers of the Cloudflare API, read leniently (facts 4.2)."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass

from aisearch_operator.cloudflare.timestamps import parse_http_date

__all__ = ["Remaining", "parse_remaining", "parse_retry_after"]

ITEM = re.compile(r'\s*"?(?P<name>[^";,]*)"?\s*(?P<parameters>(?:;[^,]*)?)')


@dataclass(frozen=True, slots=True)
class Remaining:
    """What one policy of the server still allows.

    Parameters
    ----------
    policy
        The name of the policy.
    requests
        How many requests are left.
    reset
        Seconds until the quota is whole again, None when the server does not say.
    quota
        How many requests the policy allows in all, None when the server does not say.
    """

    policy: str
    requests: float
    reset: float | None
    quota: float | None


def parse_remaining(headers: Mapping[str, str]) -> tuple[Remaining, ...]:
    """Read ``Ratelimit: "default";r=50;t=30`` with ``Ratelimit-Policy: "default";q=100;w=60``.

    The two headers are joined by the policy's name. When each has one policy they are joined
    whatever the names: Cloudflare's own example calls them "default" and "burst".
    """
    limits = _items(headers, "ratelimit")
    policies = _items(headers, "ratelimit-policy")
    alone = next(iter(policies.values())) if len(policies) == len(limits) == 1 else {}
    found = []
    for name, values in limits.items():
        policy = policies.get(name, alone)
        if "r" in values:
            reset = values.get("t", policy.get("w"))
            found.append(Remaining(policy=name, requests=values["r"], reset=reset, quota=policy.get("q")))
    return tuple(found)


def parse_retry_after(headers: Mapping[str, str]) -> float | None:
    """Read `Retry-After` as seconds from now, or give None when it is absent or cannot be read.

    A date is compared with the `Date` header of the same answer, so that a clock which is off does no harm.
    """
    value = _header(headers, "retry-after")
    if value is None:
        return None
    if (seconds := _number(value)) is not None:
        return seconds
    until, sent = parse_http_date(value), parse_http_date(_header(headers, "date"))
    if until is None or sent is None:
        return None
    return max(0.0, (until - sent).total_seconds())


def _items(headers: Mapping[str, str], name: str) -> dict[str, dict[str, float]]:
    """Read a list of named items with numeric parameters."""
    items: dict[str, dict[str, float]] = {}
    for part in (_header(headers, name) or "").split(","):
        match = ITEM.fullmatch(part)
        if match is None:
            continue
        pairs = (pair.partition("=") for pair in match["parameters"].split(";"))
        values = {key.strip(): number for key, _, text in pairs if (number := _number(text)) is not None}
        if values:
            items[match["name"].strip()] = values
    return items


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) and number >= 0 else None


def _header(headers: Mapping[str, str], name: str) -> str | None:
    """Look a header up, whatever its case: plain dictionaries are not `httpx.Headers`."""
    return next((value for key, value in headers.items() if key.lower() == name), None)
