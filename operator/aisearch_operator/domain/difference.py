"""What differs between the settings that a spec asks for and the instance that Cloudflare shows.

Only what the user set takes part: Cloudflare fills in the rest, and changes it at will (facts 2.4).
"""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from pydantic import JsonValue
from pydantic.alias_generators import to_camel

__all__ = ["FREE_MAPS", "HIDDEN", "WRITE_ONLY", "Difference", "DriftEntry", "differences", "is_empty"]

WRITE_ONLY = frozenset(
    {
        "token_id",
        "chunk",
        "summarization",
        "summarization_model",
        "system_prompt_ai_search",
        "system_prompt_index_summarization",
        "system_prompt_rewrite_query",
    }
)
"""Absent from GET, or null there (facts 2.1 and 2.4). LIST shows some of them."""

FREE_MAPS = frozenset({"include_headers"})
"""Objects whose keys are the user's: they count as a whole. Their values may be secrets."""

SHOWN_LENGTH = 256
"""Characters of a value that status.drift shows."""

HIDDEN = "(hidden)"
"""What status.drift shows instead of a value that nobody may see."""

DriftEntry = tuple[str, str, str]
"""Path, desired and observed value, as status.drift shows them."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One value that is not as the spec wants it.

    Parameters
    ----------
    field
        The API's name of the top-level field: a PUT sends it whole.
    path
        Where it is in the spec, for example ``sourceParams.prefix``.
    """

    field: str
    path: str
    desired: JsonValue
    observed: JsonValue
    secret: bool = False

    @property
    def hidden(self) -> bool:
        """Whether its values must not be shown."""
        return self.secret or self.field in WRITE_ONLY

    @property
    def entry(self) -> DriftEntry:
        """Give what status.drift says of it."""
        if self.hidden:
            return self.path, HIDDEN, HIDDEN
        return self.path, _shown(self.desired), _shown(self.observed)


def differences(desired: Mapping[str, JsonValue], observed: Mapping[str, JsonValue]) -> tuple[Difference, ...]:
    """Compare settings with an instance, both in the API's names.

    Objects are compared as subsets, maps of the user's own keys as a whole, lists by position and
    length; null, "" and absent are one. A null wants nothing there: no list, no object either.
    """
    return tuple(
        found
        for field, value in desired.items()
        for found in _compare(field, to_camel(field), value, observed.get(field))
    )


def _compare(field: str, path: str, desired: JsonValue, observed: JsonValue) -> Iterator[Difference]:
    if isinstance(desired, dict):
        inside = observed if isinstance(observed, dict) else {}
        for name, value in desired.items():
            at, found = f"{path}.{to_camel(name)}", inside.get(name)
            if name not in FREE_MAPS:
                yield from _compare(field, at, value, found)
            elif value != (found or {}):
                yield Difference(field, at, value, found, secret=True)
    elif not _same(desired, observed):
        yield Difference(field, path, desired, observed)


def _same(desired: JsonValue, observed: JsonValue) -> bool:
    if isinstance(desired, dict):
        inside = observed if isinstance(observed, dict) else {}
        return all(_same(value, inside.get(name)) for name, value in desired.items())
    if isinstance(desired, list):
        # An absent list is an empty one; a list of objects may carry values that the server filled in.
        elements = observed if isinstance(observed, list) else []
        return len(desired) == len(elements) and all(map(_same, desired, elements))
    if desired is None:
        return is_empty(observed)
    if desired == "":
        return observed is None or observed == ""
    # True == 1 in Python, and not in JSON.
    return isinstance(desired, bool) == isinstance(observed, bool) and desired == observed


def is_empty(value: JsonValue) -> bool:
    """Whether a value says nothing: null, no text, no element, an object of such members only."""
    if isinstance(value, dict):
        return all(map(is_empty, value.values()))
    return value is None or value in ("", [])


def _redacted(value: JsonValue) -> JsonValue:
    """Hide the values of the user's own keys in an object that is shown whole."""
    if isinstance(value, dict):
        return {name: HIDDEN if name in FREE_MAPS else _redacted(member) for name, member in value.items()}
    return value


def _shown(value: JsonValue) -> str:
    """Write a value as compact JSON, cut to `SHOWN_LENGTH`, with a digest of the whole then."""
    text = json.dumps(_redacted(value), sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    if len(text) <= SHOWN_LENGTH:
        return text
    # What was reported is recognised by its text: two long values must not look the same.
    mark = f"… ({hashlib.sha256(text.encode()).hexdigest()[:8]})"
    return text[: SHOWN_LENGTH - len(mark)] + mark
