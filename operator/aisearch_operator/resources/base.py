"""What every part of a custom resource has in common: naming, tolerance, rules, time stamps."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, ClassVar

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    JsonValue,
    PlainSerializer,
)
from pydantic.alias_generators import to_camel
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

__all__ = ["CLEARABLE", "ResourceModel", "Rule", "Timestamp", "excerpt", "immutable"]

CLEARABLE = Field(json_schema_extra={"nullable": True})
"""Marks a field whose null is a wish, to have the value cleared, and not the same as no field at all.

The API server keeps the null of such a field, and takes it out of every other.
"""


@dataclass(frozen=True, slots=True)
class Rule:
    """A CEL rule that the API server checks on an object of the schema.

    Parameters
    ----------
    expression
        The rule; ``self`` is the object, ``oldSelf`` the stored one.
    message
        What a person reads when it is broken: the field, and the way out.
    field
        The property of the object that the refusal is attributed to.
    """

    expression: str
    message: str
    field: str | None = None

    def to_schema(self) -> dict[str, JsonValue]:
        """Give the entry of ``x-kubernetes-validations``."""
        schema: dict[str, JsonValue] = {"rule": self.expression, "message": self.message}
        if self.field is not None:
            schema["fieldPath"] = f".{self.field}"
        return schema


def immutable(field: str, why: str) -> Rule:
    """Make the rule of a property that can be neither changed, added nor removed.

    A rule on the property itself would not run when it is added or removed: it stands on the parent.
    (``self.?x == oldSelf.?x`` says the same, but the API server cannot estimate its cost.)
    """
    return Rule(
        f"has(self.{field}) == has(oldSelf.{field}) && (!has(self.{field}) || self.{field} == oldSelf.{field})",
        f"{field} cannot be changed, added or removed: {why}",
        field,
    )


class ResourceModel(BaseModel):
    """A part of a custom resource.

    Reads camelCase, as Kubernetes has it, and snake_case, as the Cloudflare API has it. Unknown keys
    are ignored: refusing them is the API server's work, and a resource that a newer version wrote
    must still be readable. A description of a field is the text below it.
    """

    model_config = ConfigDict(
        alias_generator=to_camel,
        populate_by_name=True,
        extra="ignore",
        frozen=True,
        use_attribute_docstrings=True,
        hide_input_in_errors=True,  # a rejected value may be a header or a prompt
    )

    rules: ClassVar[tuple[Rule, ...]] = ()
    """CEL rules of this class; those of its bases hold too."""

    def to_kubernetes(self) -> dict[str, Any]:
        """Give the JSON of the resource, in camelCase, without what is not set."""
        return self.model_dump(mode="json", by_alias=True, exclude_none=True)

    def to_api(self) -> dict[str, JsonValue]:
        """Give exactly what was set, in the API's names: nulls only where they clear something."""
        return {
            name: _in_api_names(value)
            for name, field in type(self).model_fields.items()
            if name in self.model_fields_set
            and ((value := getattr(self, name)) is not None or field.json_schema_extra == CLEARABLE.json_schema_extra)
        }

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler, /) -> JsonSchemaValue:
        schema = handler(core_schema)
        if rules := [rule.to_schema() for rule in cls._all_rules()]:
            handler.resolve_ref_schema(schema)["x-kubernetes-validations"] = rules
        return schema

    @classmethod
    def _all_rules(cls) -> Iterator[Rule]:
        for base in reversed(cls.__mro__):
            yield from vars(base).get("rules", ())


def _in_api_names(value: Any) -> JsonValue:
    if isinstance(value, ResourceModel):
        return value.to_api()
    return [_in_api_names(item) for item in value] if isinstance(value, tuple) else value


def _whole_seconds(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(microsecond=0)


Timestamp = Annotated[
    AwareDatetime,
    AfterValidator(_whole_seconds),
    PlainSerializer(lambda moment: _whole_seconds(moment).strftime("%Y-%m-%dT%H:%M:%SZ"), return_type=str),
]
"""A moment as ``metav1.Time`` has it: UTC, whole seconds."""


def excerpt(length: int) -> BeforeValidator:
    """Cut a text to at most ``length`` characters.

    For status: a write must not be refused because Cloudflare was verbose.
    """

    def cut(text: object) -> object:
        return f"{text[: length - 1]}…" if isinstance(text, str) and len(text) > length else text

    return BeforeValidator(cut)
