"""Turns a bad answer of the Cloudflare API into the error that says what to do about it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from types import MappingProxyType

from aisearch_operator.cloudflare.errors import (
    AlreadyExists,
    Cause,
    CloudflareError,
    JobAlreadyEnded,
    NotFound,
    Retry,
    Terminal,
    Unauthorized,
    Wait,
)
from aisearch_operator.cloudflare.wire import ApiError

__all__ = ["bounded", "classify", "is_product_limit"]

MESSAGE_LENGTH = 300
"""Characters of the API's message that an error keeps."""

SHOWN_FRAGMENT = 12
"""Characters of a secret that in a row may not be shown, also when the API echoes only a part."""

SHORTEST_SECRET = 4
"""Characters. To take out every "no" because a prompt says it would leave nothing to read."""

REDACTED = "[redacted]"

GATEWAY_RATE_LIMITED = 2003
"""A 429 of the AI Gateway, other than the API's own."""


@dataclass(frozen=True, slots=True)
class _Meaning:
    kind: type[CloudflareError]
    cause: Cause


def _table(*rows: tuple[type[CloudflareError], Cause, Iterable[int]]) -> Mapping[int, _Meaning]:
    return MappingProxyType({code: _Meaning(kind, cause) for kind, cause, codes in rows for code in codes})


CREDENTIALS = frozenset({1000, 6003, 6103, 6111, 9103, 9106, 9107, 9109, 10000, 10001})
"""The general codes of the v4 API for a missing, malformed or unknown token or key."""

BY_CODE: Mapping[int, Mapping[int, _Meaning]] = MappingProxyType(
    {
        400: _table(
            (Unauthorized, Cause.CREDENTIALS_REJECTED, CREDENTIALS),
            (Terminal, Cause.ROUTE_NOT_FOUND, [7000, 7003]),
            (Wait, Cause.SERVICE_TOKEN_INVALID, [7012]),
            (Wait, Cause.DEPENDENCY_MISSING, [7018]),
            (AlreadyExists, Cause.INSTANCE_EXISTS, [7022]),
            (Wait, Cause.SITE_UNREACHABLE, [7028, 7029, 7034, 7035]),
            (Wait, Cause.INSTANCE_PAUSED, [7032]),
            (JobAlreadyEnded, Cause.JOB_ALREADY_ENDED, [7046]),
            (Wait, Cause.CONFLICT, [7066]),
            (Terminal, Cause.CUSTOM_DOMAIN_FAILED, [7090, 7091, 7093, 7096]),
        ),
        403: _table(
            (Wait, Cause.QUOTA_REACHED, [7013, 7062]),
            (Unauthorized, Cause.CREDENTIALS_REJECTED, CREDENTIALS),
        ),
        404: _table(
            (NotFound, Cause.INSTANCE_NOT_FOUND, [7002]),
            (NotFound, Cause.JOB_NOT_FOUND, [7021]),
            (NotFound, Cause.SEARCH_NAMESPACE_NOT_FOUND, [7063]),
            (Terminal, Cause.ROUTE_NOT_FOUND, [7000, 7003]),
            (Wait, Cause.SERVICE_TOKEN_INVALID, [7075]),
        ),
        409: _table(
            (AlreadyExists, Cause.INSTANCE_EXISTS, [7022]),
            (Terminal, Cause.CUSTOM_DOMAIN_FAILED, [7090, 7091, 7093, 7096]),
        ),
        429: _table(
            (Wait, Cause.SYNC_COOLDOWN, [7020]),
            (Wait, Cause.QUOTA_REACHED, [7069]),
        ),
        502: _table((Retry, Cause.CUSTOM_DOMAIN_FAILED, [7092])),
    }
)
"""Facts 4.3. The HTTP status comes first: 7001 is a server error at 500, a bad value at 400 (facts 4.4)."""

BY_STATUS: Mapping[int, _Meaning] = MappingProxyType(
    {
        401: _Meaning(Unauthorized, Cause.CREDENTIALS_REJECTED),
        403: _Meaning(Unauthorized, Cause.PERMISSION_DENIED),
        404: _Meaning(NotFound, Cause.RESOURCE_NOT_FOUND),
        405: _Meaning(Terminal, Cause.ROUTE_NOT_FOUND),
        408: _Meaning(Retry, Cause.API_UNAVAILABLE),
        409: _Meaning(Retry, Cause.CONFLICT),
        425: _Meaning(Retry, Cause.API_UNAVAILABLE),
        429: _Meaning(Retry, Cause.RATE_LIMITED),
    }
)

WITHOUT_ENVELOPE = frozenset({401, 403, 408, 425, 429})
"""Client errors that mean the same when they come from Cloudflare's edge, which does not speak JSON.

Any other, above all a 404, must come from the API itself: a proxy's "not found" does not mean that an
instance is gone.
"""


def classify(
    status: int,
    errors: Sequence[ApiError] | None,
    *,
    write: bool,
    retry_after: float | None = None,
    ray_id: str | None = None,
    secrets: Iterable[str] = (),
) -> CloudflareError:
    """Give the error for an answer that is no success, by HTTP status, then code, then message.

    Parameters
    ----------
    status
        The HTTP status.
    errors
        The entries of the envelope; None when the body is not an envelope of the API.
    write
        Whether the request changes something, so that its effect can be in doubt.
    retry_after
        Seconds that the server asks to wait.
    ray_id
        The request's id at Cloudflare.
    secrets
        Texts that must not be shown when the API echoes them.
    """
    first = _decisive(status, errors or ())
    meaning = _meaning(status, first, enveloped=errors is not None)
    secrets = tuple(secrets)
    api_message = "; ".join(dict.fromkeys(text for error in errors or () if (text := _describe(error)))) or None
    if api_message is not None:
        api_message = bounded(api_message, secrets)
    fields = tuple(bounded(path, secrets) for error in errors or () if (path := _field(error)))
    code = first.code if first is not None else None
    detail = ", ".join(part for part in (f"code {code}" if code is not None else "", api_message or "") if part)
    return meaning.kind(
        meaning.cause,
        f"Cloudflare answered {status}{f' ({detail})' if detail else ''}; {meaning.cause.advice}",
        status=status,
        code=code,
        api_message=api_message,
        fields=fields,
        ray_id=ray_id,
        after=retry_after,
        effect_unknown=write and meaning.kind is Retry and (status < 400 or status == 408 or status >= 500),
    )


def is_product_limit(status: int, errors: Sequence[ApiError] | None) -> bool:
    """Tell whether a 429 is about one instance or feature, rather than about the user's request rate."""
    codes = {error.code for error in errors or () if error.code is not None}
    return status == 429 and any(code == GATEWAY_RATE_LIMITED or 7000 <= code < 8000 for code in codes)


def bounded(text: str, secrets: Iterable[str]) -> str:
    """Make a foreign text fit to show: one line, no secret nor a part of one, 300 characters at most."""
    text = text[: 4 * MESSAGE_LENGTH]
    for secret in secrets:
        text = _redact(text, secret)
    text = " ".join(text.split())
    return text if len(text) <= MESSAGE_LENGTH else text[: MESSAGE_LENGTH - 1] + "…"


def _meaning(status: int, error: ApiError | None, *, enveloped: bool) -> _Meaning:
    if error is not None and error.code is not None and (known := BY_CODE.get(status, {}).get(error.code)):
        return known
    if status >= 500:
        return _Meaning(Retry, Cause.API_UNAVAILABLE)
    if status < 400 or (not enveloped and status not in WITHOUT_ENVELOPE):
        return _Meaning(Retry, Cause.INVALID_RESPONSE)
    if status == 403 and error is not None and _speaks_of_a_quota(error.message):
        return _Meaning(Wait, Cause.QUOTA_REACHED)
    return BY_STATUS.get(status, _Meaning(Terminal, Cause.INVALID_REQUEST))


def _decisive(status: int, errors: Sequence[ApiError]) -> ApiError | None:
    known = BY_CODE.get(status, {})
    return next((error for error in errors if error.code in known), errors[0] if errors else None)


def _speaks_of_a_quota(message: str) -> bool:
    words = message.lower()
    return "quota" in words or (words.startswith("max_") and words.endswith("_reached"))


def _field(error: ApiError) -> str:
    steps = error.path[1:] if error.path[:1] == ("body",) else error.path
    return ".".join(str(step) for step in steps)


def _describe(error: ApiError) -> str:
    field = _field(error)
    return f"{field}: {error.message}" if field else error.message


def _redact(text: str, secret: str) -> str:
    """Take a secret out of a text, and every longer part of it."""
    if len(secret) < SHORTEST_SECRET:
        return text
    if len(secret) <= SHOWN_FRAGMENT:
        return text.replace(secret, REDACTED)
    fragments = {secret[at : at + SHOWN_FRAGMENT] for at in range(len(secret) - SHOWN_FRAGMENT + 1)}
    hidden = [False] * len(text)
    for at in range(len(text) - SHOWN_FRAGMENT + 1):
        if text[at : at + SHOWN_FRAGMENT] in fragments:
            hidden[at : at + SHOWN_FRAGMENT] = [True] * SHOWN_FRAGMENT
    runs = groupby(zip(text, hidden, strict=True), key=itemgetter(1))
    return "".join(REDACTED if secret_run else "".join(char for char, _ in run) for secret_run, run in runs)
