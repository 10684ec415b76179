"""The bodies of requests for an instance: what a POST and what a PUT carries of the settings."""

from collections.abc import Iterable, Mapping

from pydantic import JsonValue, ValidationError

from aisearch_operator.domain.difference import FREE_MAPS
from aisearch_operator.resources.instance_settings import InstanceSettings

__all__ = ["put_bodies", "without_nulls", "writable"]


Body = dict[str, JsonValue]


def put_bodies(
    desired: Mapping[str, JsonValue], observed: Mapping[str, JsonValue], fields: Iterable[str]
) -> tuple[Body, Body]:
    """Send only the fields that differ, nested objects whole: whether they merge is not documented (facts 2.3).

    Returns
    -------
    tuple
        The body of the PUT, and that of a second one: Cloudflare wants the metadata of Search for Agents and changes
        of the public endpoint in separate requests (facts 2.1). It is empty when one is enough.
    """
    body = {field: _overlay(desired[field], _object(field, observed.get(field))) for field in sorted(fields)}
    metadata = body.get("metadata")
    if "public_endpoint_params" not in body or not isinstance(metadata, dict) or not metadata.get("search_for_agents"):
        return body, {}
    del body["metadata"]
    return body, {"metadata": metadata}


def without_nulls(settings: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
    """Leave out what is to be cleared: in a new instance nothing is set."""
    return {
        field: without_nulls(value) if isinstance(value, dict) else value
        for field, value in settings.items()
        if value is not None
    }


def writable(field: str, observed: JsonValue) -> JsonValue:
    """Keep of an observed value what a PUT may carry: no unknown keys, no nulls; None when there is nothing.

    A value that this version cannot read comes back as it is.
    """
    try:
        known = InstanceSettings.model_validate({field: observed})
    except ValidationError:
        return observed
    return known.model_dump(mode="json", exclude_unset=True, exclude_none=True).get(field)


def _object(field: str, observed: JsonValue) -> JsonValue:
    """Give an observed object as a PUT may carry it.

    Of one that holds values unknown to this version nothing is sent: better none than a wrong one.
    """
    known = writable(field, observed) if isinstance(observed, dict) else None
    return None if known is observed else known


def _overlay(desired: JsonValue, observed: JsonValue) -> JsonValue:
    if not isinstance(desired, dict) or not isinstance(observed, dict):
        return desired
    return {
        **observed,
        **{
            name: value if name in FREE_MAPS else _overlay(value, observed.get(name)) for name, value in desired.items()
        },
    }
