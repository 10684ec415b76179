"""Packs what is kept of thousands of objects, most of which nobody looks at until they change.

A resource of 2 KB as JSON takes 10 KB as dictionaries and 0.7 KB packed, at 0.1 ms of the processor.
"""

import zlib
from typing import Any

from pydantic_core import from_json, to_json

__all__ = ["pack", "unpack"]

FASTEST = 1
"""zlib's level. The best one packs a tenth smaller, and takes twice as long."""


def pack(value: Any, last: bytes | None = None) -> bytes:
    """Pack what can be told in JSON. Equal values, their keys in the same order, are equal when packed.

    Parameters
    ----------
    last
        What is probably the same, packed. If it is, it is the answer: to unpack and compare takes a fifth of the time.
    """
    plain = to_json(value)
    if last is not None and zlib.decompress(last) == plain:
        return last
    return zlib.compress(plain, FASTEST)


def unpack(packed: bytes) -> Any:
    """Give what was packed, as a copy of its own."""
    return from_json(zlib.decompress(packed))
