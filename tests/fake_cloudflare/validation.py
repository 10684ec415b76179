"""Parsing of bodies and queries, with the API's validation error for what does not fit (facts 1.3, 4.4)."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, JsonValue, TypeAdapter, ValidationError

from fake_cloudflare.envelope import VALIDATION_ERROR, ApiError, Problem
from fake_cloudflare.schema import (
    ChangeJob,
    CreateInstance,
    CreateJob,
    CreateNamespace,
    MoveInstance,
    UpdateInstance,
    UpdateNamespace,
)

CREATE_INSTANCE = TypeAdapter(CreateInstance)
UPDATE_INSTANCE = TypeAdapter(UpdateInstance)
MOVE_INSTANCE = TypeAdapter(MoveInstance)
CREATE_NAMESPACE = TypeAdapter(CreateNamespace)
UPDATE_NAMESPACE = TypeAdapter(UpdateNamespace)
CREATE_JOB = TypeAdapter(CreateJob)
CHANGE_JOB = TypeAdapter(ChangeJob)


class _Query(BaseModel):
    """A query; unlike the bodies its values are text, so numbers are converted."""

    model_config = ConfigDict(extra="forbid")

    page: Annotated[int, Field(ge=1)] = 1


class ListNamespaces(_Query):
    """Query of GET namespaces."""

    per_page: Annotated[int, Field(ge=1, le=100)] = 20
    search: Annotated[str, Field(max_length=256)] = ""


class ListInstances(_Query):
    """Query of GET instances."""

    per_page: Annotated[int, Field(ge=1, le=100)] = 20
    search: Annotated[str, Field(max_length=64)] = ""
    order_by: Literal["created_at"] = "created_at"
    order_by_direction: Literal["asc", "desc"] = "desc"
    namespace: str | None = None
    hostname: str | None = None


class ListJobs(_Query):
    """Query of GET jobs."""

    per_page: Annotated[int, Field(ge=0, le=50)] = 20


class ListJobLogs(_Query):
    """Query of GET job logs."""

    per_page: Annotated[int, Field(ge=0, le=500)] = 20


class NoQuery(BaseModel):
    """Query of the routes that take none."""

    model_config = ConfigDict(extra="forbid")


Query = TypeVar("Query", bound=BaseModel)


def parse_query(model: type[Query], query: Mapping[str, str]) -> Query:
    """Validate a query; an unknown parameter is an error, too, which the real API may well ignore.

    Raises
    ------
    ApiError
        As for `parse_body`.
    """
    try:
        return model.model_validate(query)
    except ValidationError as error:
        raise _refusal(error) from None


def parse_body(schema: TypeAdapter[Any], body: JsonValue) -> dict[str, JsonValue]:
    """Validate a body, and return exactly what the caller wrote.

    Raises
    ------
    ApiError
        400 with one entry of code 7001 for each field at fault, with its ``path``.
    """
    try:
        given: dict[str, JsonValue] = schema.validate_python(body)
    except ValidationError as error:
        raise _refusal(error) from None
    return given


def _refusal(error: ValidationError) -> ApiError:
    problems = [Problem(VALIDATION_ERROR, item["msg"], tuple(item["loc"])) for item in error.errors()]
    return ApiError(400, problems)
