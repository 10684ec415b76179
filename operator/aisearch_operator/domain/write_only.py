"""What Cloudflare does not show as it was sent: remembered as keyed hashes in status.

A write-only field is not shown at all: the hash of its value tells whether the spec has another one by now.
A field that null has cleared is shown with whatever Cloudflare puts in its place (facts 2.4): the hash of that
tells whether somebody has changed it since.
"""

import hashlib
import hmac
import json
from collections.abc import Mapping

from pydantic import JsonValue

from aisearch_operator.domain.difference import WRITE_ONLY, is_empty

__all__ = ["changed_fields", "cleared_digest", "decode", "encode"]

DIGEST_LENGTH = 16
"""Hexadecimal digits: 64 bits. It detects a change; it guards nothing that the spec does not show anyway."""


def encode(settings: Mapping[str, JsonValue], uid: str, cleared: Mapping[str, str] | None = None) -> str:
    """Hash every write-only field of the settings, for status.writeOnlyHash.

    The hash is keyed by the resource's uid, so that equal values in two resources cannot be told
    from their status.

    Parameters
    ----------
    cleared
        Digests of the fields that were cleared, see `cleared_digest`.

    Returns
    -------
    str
        ``field:digest`` pairs, sorted, separated by commas; empty when there are none.
    """
    sent = {field: _digest(uid, field, settings[field]) for field in WRITE_ONLY & settings.keys()}
    digests = {**sent, **(cleared or {})}
    return ",".join(f"{field}:{digest}" for field, digest in sorted(digests.items()))


def decode(text: str | None) -> Mapping[str, str]:
    """Read what `encode` wrote: the digest of each field."""
    pairs = (pair.partition(":") for pair in (text or "").split(",") if pair)
    return {field: digest for field, _, digest in pairs}


def changed_fields(settings: Mapping[str, JsonValue], uid: str, remembered: str | None) -> frozenset[str]:
    """Name the write-only fields whose value is not the one that was sent last."""
    before = decode(remembered)
    return frozenset(field for field, digest in decode(encode(settings, uid)).items() if before.get(field) != digest)


def cleared_digest(uid: str, field: str, shown: JsonValue) -> str:
    """Hash what Cloudflare shows of a field that was cleared; null, "" and absent are one."""
    return _digest(uid, field, ["cleared", None if is_empty(shown) else shown])


def _digest(uid: str, field: str, value: JsonValue) -> str:
    message = json.dumps([field, value], sort_keys=True).encode()
    return hmac.new(uid.encode(), message, hashlib.sha256).hexdigest()[:DIGEST_LENGTH]
