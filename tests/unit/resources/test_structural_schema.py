"""The schema of a custom resource: what the API server takes, and what its users need."""

from collections.abc import Iterator
from typing import Annotated, Any, Literal

import pytest
from pydantic import Field

from aisearch_operator.resources.base import ResourceModel, Rule
from aisearch_operator.resources.instance import AISearchInstance
from aisearch_operator.resources.metadata import ObjectMeta
from aisearch_operator.resources.schema import structural_schema
from aisearch_operator.resources.sync_job import AISearchSyncJob

Schema = dict[str, Any]


class Seen(ResourceModel):
    observed_generation: int = -1
    """Seen."""


class Sample(ResourceModel):
    metadata: ObjectMeta
    status: Seen = Seen()
    """Seen."""


def walk(schema: Schema, path: str = "", *, in_list: bool = False) -> Iterator[tuple[str, Schema, bool]]:
    """Every schema with its path, and whether it is inside of a list."""
    yield path, schema, in_list
    for name, child in schema.get("properties", {}).items():
        yield from walk(child, f"{path}.{name}", in_list=in_list)
    if "items" in schema:
        yield from walk(schema["items"], f"{path}[]", in_list=True)


def every_part() -> list[tuple[str, Schema, bool]]:
    return [
        part for model in (AISearchInstance, AISearchSyncJob) for part in walk(structural_schema(model), model.__name__)
    ]


def test_every_field_of_spec_and_status_has_a_description():
    undocumented = [path for path, schema, _ in every_part() if "[]" not in path[-2:] and not schema.get("description")]

    assert not undocumented


def test_no_field_of_the_spec_is_described_in_fewer_than_four_words():
    terse = [
        path
        for path, schema, _ in every_part()
        if ".spec" in path and len(schema.get("description", "").split()) < 4 and not path.endswith("[]")
    ]

    assert not terse


def test_no_item_of_a_list_has_a_default():
    assert not [path for path, schema, in_list in every_part() if in_list and "default" in schema]


def test_every_text_list_and_map_of_the_spec_is_bounded_as_the_cost_of_rules_depends_on_it():
    bounds = {"string": "maxLength", "array": "maxItems"}
    unbounded = [
        path
        for path, schema, _ in every_part()
        if ".spec" in path
        and schema["type"] in bounds
        and bounds[schema["type"]] not in schema
        and "enum" not in schema
    ]

    assert not unbounded


def test_a_new_resource_counts_as_not_seen_and_its_status_has_no_other_default():
    for model in (AISearchInstance, AISearchSyncJob):
        status = structural_schema(model)["properties"]["status"]

        assert status["default"] == {"observedGeneration": -1}
        assert not [path for path, schema, _ in walk(status) if path and "default" in schema]


def test_conditions_are_a_map_by_type_so_that_two_writers_do_not_collide():
    for model in (AISearchInstance, AISearchSyncJob):
        conditions = structural_schema(model)["properties"]["status"]["properties"]["conditions"]

        assert conditions["x-kubernetes-list-type"] == "map"
        assert conditions["x-kubernetes-list-map-keys"] == ["type"]


def test_every_message_of_a_rule_names_a_field_of_the_schema():
    names = {name for _, schema, _ in every_part() for name in schema.get("properties", {})}
    silent = [
        rule["message"]
        for _, schema, _ in every_part()
        for rule in schema.get("x-kubernetes-validations", ())
        if not any(name in rule["message"] for name in names)
    ]

    assert not silent


def test_rules_of_a_base_class_hold_in_the_class_that_extends_it():
    class Base(ResourceModel):
        rules = (Rule("self.size > 0", "size must be above 0", "size"),)
        size: int
        """Size."""

    class Spec(Base):
        rules = (Rule("self.size < 9", "size must be below 9"),)

    class Kind(Sample):
        spec: Spec
        """Spec."""

    assert structural_schema(Kind)["properties"]["spec"]["x-kubernetes-validations"] == [
        {"rule": "self.size > 0", "message": "size must be above 0", "fieldPath": ".size"},
        {"rule": "self.size < 9", "message": "size must be below 9"},
    ]


def test_optional_constant_and_nested_fields_become_what_the_api_server_takes():
    class Part(ResourceModel):
        mode: Literal["only"]
        """Mode."""

    class Spec(ResourceModel):
        part: Part | None = None
        """The part,
        in two lines."""

    class Kind(Sample):
        spec: Spec
        """Spec."""

    assert structural_schema(Kind)["properties"]["spec"]["properties"]["part"] == {
        "description": "The part, in two lines.",
        "type": "object",
        "required": ["mode"],
        "properties": {"mode": {"description": "Mode.", "type": "string", "enum": ["only"]}},
    }


def refused(annotation: Any) -> str:
    """What the generator says of a spec with a field of this type."""

    class Spec(ResourceModel):
        field: annotation
        """Field."""

    class Kind(Sample):
        spec: Spec
        """Spec."""

    with pytest.raises(ValueError, match=r"Kind\.spec\.field") as refusal:
        structural_schema(Kind)
    return str(refusal.value)


def test_a_union_of_two_types_is_refused():
    assert "no union of 2 types" in refused(int | str)


def test_an_exclusive_bound_is_refused():
    assert "exclusiveMinimum" in refused(Annotated[int, Field(gt=0)])


def test_a_default_inside_of_a_list_is_refused():
    class Item(ResourceModel):
        size: int = 3
        """Size."""

    assert "must not have a default" in refused(tuple[Item, ...])


def test_a_field_without_a_description_is_refused():
    class Spec(ResourceModel):
        silent: int

    class Kind(Sample):
        spec: Spec
        """Spec."""

    with pytest.raises(ValueError, match=r"Kind\.spec\.silent: the field has no description"):
        structural_schema(Kind)
