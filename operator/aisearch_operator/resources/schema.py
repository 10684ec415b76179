"""From a pydantic model to a structural schema: the part of JSON schema that the API server takes."""

from collections.abc import Mapping
from typing import Any

from aisearch_operator.resources.base import ResourceModel

__all__ = ["structural_schema"]

Schema = dict[str, Any]

KEYWORDS = (
    "description",
    "type",
    "format",
    "nullable",
    "enum",
    "default",
    "pattern",
    "minLength",
    "maxLength",
    "minimum",
    "maximum",
    "minItems",
    "maxItems",
    "maxProperties",
    "required",
    "properties",
    "additionalProperties",
    "items",
    "x-kubernetes-list-type",
    "x-kubernetes-list-map-keys",
    "x-kubernetes-validations",
)
"""What may stand in a schema, in the order in which it is written."""

RULE_KEYWORDS = ("rule", "message", "fieldPath")
"""The same for a CEL rule."""

DROPPED = frozenset({"title"})
"""What pydantic adds and nobody reads."""


def structural_schema(model: type[ResourceModel]) -> Schema:
    """Make the OpenAPI v3 schema of a CustomResourceDefinition from a custom resource's model.

    ``metadata`` is left out, as the API server knows it better. ``status`` gets the default
    ``{observedGeneration: -1}``, without which kubectl, Helm and Argo CD would take a resource for
    ready before the operator has seen it; defaults inside status are dropped, as status is written
    by a program.

    Raises
    ------
    ValueError
        A field cannot be written in a structural schema, has no description, or is a list whose
        items have defaults (Argo CD would show them as a difference for ever).
    """
    raw = model.model_json_schema(by_alias=True)
    definitions = raw.pop("$defs", {})
    raw["properties"].pop("metadata")
    raw["required"] = ["spec"]
    root = _structural(raw, definitions, model.__name__)
    status = root["properties"]["status"]
    _drop_defaults(status)
    status["default"] = {"observedGeneration": -1}
    root["properties"]["status"] = _in_order(status)
    return root


def _structural(node: Mapping[str, Any], definitions: Mapping[str, Schema], path: str) -> Schema:
    schema = _resolved(node, definitions, path)
    for keyword in DROPPED:
        schema.pop(keyword, None)
    if schema.get("default", "") is None:
        del schema["default"]
    if "const" in schema:
        schema["enum"] = [schema.pop("const")]
    if unknown := schema.keys() - set(KEYWORDS):
        raise ValueError(f"{path}: a structural schema has no {', '.join(sorted(unknown))}")
    if "description" in schema:
        schema["description"] = " ".join(schema["description"].split())
    if "properties" in schema:
        schema["properties"] = {
            name: _described(_structural(child, definitions, f"{path}.{name}"), f"{path}.{name}")
            for name, child in schema["properties"].items()
        }
    if "items" in schema:
        schema["items"] = _structural(schema["items"], definitions, f"{path}[]")
        if _has_default(schema["items"]):
            raise ValueError(f"{path}: an item of a list must not have a default")
    if isinstance(schema.get("additionalProperties"), dict):
        values = _structural(schema["additionalProperties"], definitions, f"{path}{{}}")
        schema["additionalProperties"] = values
    return _in_order(schema)


def _resolved(node: Mapping[str, Any], definitions: Mapping[str, Schema], path: str) -> Schema:
    """Replace references, and the union with null by which pydantic writes that a field is optional."""
    schema = dict(node)
    while "$ref" in schema or "anyOf" in schema:
        if "$ref" in schema:
            target = definitions[schema.pop("$ref").rpartition("/")[2]]
        else:
            options = [option for option in schema.pop("anyOf") if option != {"type": "null"}]
            if len(options) != 1:
                raise ValueError(f"{path}: a structural schema has no union of {len(options)} types")
            target = options[0]
        schema = {**target, **schema}
    return schema


def _described(schema: Schema, path: str) -> Schema:
    if not schema.get("description"):
        raise ValueError(f"{path}: the field has no description: write one below it")
    return schema


def _has_default(schema: Schema) -> bool:
    return "default" in schema or any(_has_default(child) for child in schema.get("properties", {}).values())


def _drop_defaults(schema: Schema) -> None:
    schema.pop("default", None)
    for child in schema.get("properties", {}).values():
        _drop_defaults(child)


def _in_order(schema: Schema) -> Schema:
    ordered = {keyword: schema[keyword] for keyword in KEYWORDS if keyword in schema}
    if rules := ordered.get("x-kubernetes-validations"):
        ordered["x-kubernetes-validations"] = [
            {keyword: rule[keyword] for keyword in RULE_KEYWORDS if keyword in rule} for rule in rules
        ]
    return ordered
