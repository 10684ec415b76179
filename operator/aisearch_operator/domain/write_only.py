"""Fields that the API does not show again: remembered as keyed hashes in status."""

import hashlib
import hmac
import json
from collections.abc import Mapping

from pydantic import JsonValue

from aisearch_operator.domain.difference import WRITE_ONLY

__all__ = ["changed_fields", "decode", "encode"]

DIGEST_LENGTH = 16
"""Hexadecimal digits: 64 bits. It detects a change; it guards nothing that the spec does not show anyway."""


def encode(settings: Mapping[str, JsonValue], uid: str) -> str:
    """Hash every write-only field of the settings, for status.writeOnlyHash.

    The hash is keyed by the resource's uid, so that equal values in two resources cannot be told
    from their status.

    Returns
    -------
    str
        ``field:digest`` pairs, sorted, separated by commas; empty when there are none.
    """
    return ",".join(f"{field}:{_digest(uid, field, settings[field])}" for field in sorted(WRITE_ONLY & settings.keys()))


def decode(text: str | None) -> Mapping[str, str]:
    """Read what `encode` wrote: the digest of each field."""
    pairs = (pair.partition(":") for pair in (text or "").split(",") if pair)
    return {field: digest for field, _, digest in pairs}


def changed_fields(settings: Mapping[str, JsonValue], uid: str, remembered: str | None) -> frozenset[str]:
    """Name the write-only fields whose value is not the one that was sent last."""
    before = decode(remembered)
    return frozenset(field for field, digest in decode(encode(settings, uid)).items() if before.get(field) != digest)


def _digest(uid: str, field: str, value: JsonValue) -> str:
    message = json.dumps([field, value], sort_keys=True).encode()
    return hmac.new(uid.encode(), message, hashlib.sha256).hexdigest()[:DIGEST_LENGTH]
