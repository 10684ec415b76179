"""The conformance table: complete, and at one with the schema of the resource and with that of the API."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from pydantic.alias_generators import to_camel

import reference_docs
from aisearch_operator.domain.instance_plan import NEVER_UPDATED
from aisearch_operator.domain.instance_status import MAX_DRIFT
from aisearch_operator.resources.instance import AISearchInstance
from aisearch_operator.resources.instance_settings import InstanceSettings
from aisearch_operator.resources.schema import structural_schema
from cluster.writable_fields import AFTER_CREATION, BASES, FIELDS, FIXED, ONE_VALUE, Cell, Clearing, get, settings
from fake_cloudflare.validation import CREATE_INSTANCE, UPDATE_INSTANCE, parse_body

SPEC = structural_schema(AISearchInstance)["properties"]["spec"]
OURS = {name for name in SPEC["properties"] if name not in {to_camel(field) for field in InstanceSettings.model_fields}}
API = {"create": CREATE_INSTANCE.json_schema(), "update": UPDATE_INSTANCE.json_schema()}
FIXED_NULLS = {"source", "embeddingModel"}
"""The API takes their null; fixed at creation, they have nothing to clear."""


def leaves(schema: Mapping[str, Any], root: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, bool]]:
    """Give the path of each leaf and nullable object below a schema, with whether it takes a null; lists are leaves."""
    options = [schema]
    while any("$ref" in option or "anyOf" in option for option in options):
        options = [inner for option in options for inner in resolved(option, root)]
    nullable = any(option.get("type") == "null" or option.get("nullable") for option in options)
    members = {name: member for option in options for name, member in option.get("properties", {}).items()}
    if path and (nullable or not members):
        yield path, nullable
    for name, member in members.items():
        yield from leaves(member, root, f"{path}.{name}".removeprefix("."))


def resolved(schema: Mapping[str, Any], root: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    if "$ref" in schema:
        return [root["$defs"][schema["$ref"].rpartition("/")[2]]]
    options: list[Mapping[str, Any]] = schema.get("anyOf", [schema])
    return options


def camel(path: str) -> str:
    return ".".join(map(to_camel, path.split(".")))


IN_SPEC = {path: nullable for path, nullable in leaves(SPEC, SPEC) if path.partition(".")[0] not in OURS}
IN_API = {
    call: {camel(path): nullable for path, nullable in leaves(schema, schema) if path != "id"}
    for call, schema in API.items()
}
OBJECTS = {path for path in IN_SPEC if any(other.startswith(f"{path}.") for other in IN_SPEC)}


def test_every_leaf_of_the_resource_is_in_the_table_and_nothing_else():
    assert sorted(each.spec_path for each in FIELDS) == sorted(IN_SPEC.keys() - OBJECTS)


def test_the_resource_has_every_field_that_the_api_takes():
    assert IN_API["create"].keys() | IN_API["update"].keys() == IN_SPEC.keys()


def test_a_null_is_kept_exactly_where_a_put_takes_it():
    taken = {path for path, nullable in IN_API["update"].items() if nullable}

    assert {path for path, nullable in IN_SPEC.items() if nullable} == taken - FIXED_NULLS


@pytest.mark.parametrize("each", FIELDS, ids=lambda each: each.path)
def test_a_cell_says_what_the_api_can(each):
    assert each.can(Cell.CREATE)
    assert (each.spec_path not in IN_API["create"]) == (each.top in AFTER_CREATION)
    changeable = each.spec_path in IN_API["update"] and each.top not in NEVER_UPDATED
    assert each.can(Cell.UPDATE) == (changeable and each.cannot.get(Cell.UPDATE) != ONE_VALUE)
    assert each.can(Cell.CLEAR) == (each.clears is not None)
    if each.clears and each.clears.value is None:
        assert IN_SPEC[camel(each.clears.path)], "takes no null"


@pytest.mark.parametrize("each", FIELDS, ids=lambda each: each.path)
def test_the_values_of_a_field_differ(each):
    if each.can(Cell.UPDATE):
        assert each.updated != each.created
    if each.can(Cell.REPORTED):
        assert each.drifted != each.created


@pytest.mark.parametrize("on", BASES)
def test_the_instances_are_valid_and_their_drift_fits_into_status(on):
    given = settings(on, lambda each: each.created)

    posted = {field: value for field, value in given.items() if field not in AFTER_CREATION}
    assert parse_body(CREATE_INSTANCE, {"id": "docs", **posted}) == {"id": "docs", **posted}
    assert 0 < len([each for each in FIELDS if each.on == on and each.can(Cell.REPORTED)]) <= MAX_DRIFT
    assert all(get(given, each.path) == each.created for each in FIELDS if each.on == on)


def test_the_documentation_has_a_line_for_every_field_and_a_text_in_every_cell():
    lines = reference_docs.conformance().splitlines()[2:]

    assert [line.split("|")[1].strip() for line in lines] == [f"`{each.spec_path}`" for each in FIELDS]
    assert all(cell.strip() for line in lines for cell in line.split("|")[2:-1])
    (source,) = (line for line in lines if "| `source` |" in line)
    assert FIXED in source


def test_a_clearing_reads_as_the_spec_says_it():
    assert str(Clearing("public_endpoint_params.custom_domains")) == "`publicEndpointParams.customDomains: null`"
    assert str(Clearing("custom_metadata", [])) == "`customMetadata: []`"
