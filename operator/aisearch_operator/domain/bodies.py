"""The bodies of requests for an instance: what a POST and what a PUT carries of the settings."""

from collections.abc import Iterable, Mapping
from typing import Any, get_args

from pydantic import JsonValue

from aisearch_operator.domain.difference import FREE_MAPS
from aisearch_operator.resources.base import ResourceModel
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
    body = {field: _overlay(desired[field], writable(field, observed.get(field))) for field in sorted(fields)}
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
    """Keep of an observed value what a PUT may carry: no keys that are not known, no nulls.

    The values stay as they are, also those that this version does not know: to leave one out of an object
    that is replaced whole (facts 2.3) is to reset it.
    """
    return _known(_model_in(InstanceSettings.model_fields[field].annotation), observed)


def _known(model: type[ResourceModel] | None, observed: JsonValue) -> JsonValue:
    if model is None:
        return observed
    if isinstance(observed, list):
        return [_known(model, item) for item in observed]
    if not isinstance(observed, dict):
        return observed
    return {
        name: _known(_model_in(field.annotation), observed[name])
        for name, field in model.model_fields.items()
        if observed.get(name) is not None
    }


def _model_in(annotation: Any) -> type[ResourceModel] | None:
    """Find the model that an annotation such as ``tuple[BoostBy, ...] | None`` is about."""
    if isinstance(annotation, type) and issubclass(annotation, ResourceModel):
        return annotation
    return next((model for inner in get_args(annotation) if (model := _model_in(inner))), None)


def _overlay(desired: JsonValue, observed: JsonValue) -> JsonValue:
    if not isinstance(desired, dict) or not isinstance(observed, dict):
        return desired
    return {
        **observed,
        **{
            name: value if name in FREE_MAPS else _overlay(value, observed.get(name)) for name, value in desired.items()
        },
    }
