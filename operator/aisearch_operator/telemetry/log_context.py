"""What a line of the log is about: said once around the work, and added to each line that the work logs."""

import contextlib
import secrets
from collections.abc import Iterator, Mapping
from contextvars import ContextVar
from types import MappingProxyType

__all__ = ["about", "about_now", "new_request_id"]

_NOTHING: Mapping[str, object] = MappingProxyType({})
_about: ContextVar[Mapping[str, object]] = ContextVar("about", default=_NOTHING)


@contextlib.contextmanager
def about(**keys: object) -> Iterator[None]:
    """Add these keys to every line that is logged within, beside those of an outer `about`."""
    token = _about.set({**_about.get(), **keys})
    try:
        yield
    finally:
        _about.reset(token)


def about_now() -> Mapping[str, object]:
    """Give the keys for a line that is logged now."""
    return _about.get()


def new_request_id() -> str:
    """Make up an id that ties the lines of one pass together."""
    return secrets.token_hex(8)
