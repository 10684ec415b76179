"""What the Cloudflare API answers, as tolerant models.

Keys that are not known are ignored, known keys may be null or absent, and nothing is an enumeration:
the API grows without notice (facts 2.2). Only an identity is required, since nothing can be done
without one.
"""

from collections.abc import Mapping
from datetime import datetime
from enum import Enum
from typing import Annotated, Final, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    ModelWrapValidatorHandler,
    model_validator,
)

from aisearch_operator.cloudflare.timestamps import parse_timestamp

__all__ = [
    "MISSING",
    "ApiError",
    "Envelope",
    "Instance",
    "Job",
    "JobLog",
    "Missing",
    "ResultInfo",
    "Stats",
    "TokenVerification",
]


class Missing(Enum):
    """The type of `MISSING`."""

    MISSING = "MISSING"


MISSING: Final = Missing.MISSING
"""A setting that the API did not send at all, other than one that it sent as null."""


def _text(value: object) -> str | None:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    return value if isinstance(value, str) else None


def _flag(value: object) -> bool | None:
    return value if isinstance(value, bool) else None


def _number(value: object) -> int | None:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _object(value: object) -> object:
    return value if isinstance(value, Mapping) else {}


def _path(value: object) -> object:
    steps = value if isinstance(value, list | tuple) else (value,)
    return tuple(step for step in steps if isinstance(step, str | int) and not isinstance(step, bool))


def _objects(value: object) -> object:
    return tuple(item for item in value if isinstance(item, Mapping)) if isinstance(value, list | tuple) else ()


Text = Annotated[str | None, BeforeValidator(_text)]
Flag = Annotated[bool | None, BeforeValidator(_flag)]
Number = Annotated[int | None, BeforeValidator(_number)]
Time = Annotated[datetime | None, BeforeValidator(parse_timestamp)]
Object = Annotated[Mapping[str, JsonValue], BeforeValidator(_object)]


class _Received(BaseModel):
    """Something that the API sent."""

    model_config = ConfigDict(frozen=True, extra="ignore")


class Instance(_Received):
    """An AI Search instance. Its settings are read through `settings` or `setting`."""

    id: str = Field(min_length=1)
    namespace: Text = None
    type: Text = None
    status: Text = None
    enable: Flag = None
    paused: Flag = None
    created_at: Time = None
    modified_at: Time = None
    last_activity: Time = None
    public_endpoint_id: Text = None

    _settings: Mapping[str, JsonValue] = {}

    @model_validator(mode="wrap")
    @classmethod
    def _keep_what_was_received(cls, received: object, handler: ModelWrapValidatorHandler[Self]) -> Self:
        instance = handler(received)
        if isinstance(received, Mapping):
            instance._settings = dict(received)  # noqa: SLF001 a validator is a class method
        return instance

    @property
    def settings(self) -> Mapping[str, JsonValue]:
        """The whole object as it was received."""
        return self._settings

    def setting(self, name: str) -> JsonValue | Literal[Missing.MISSING]:
        """Give one key of the object, or `MISSING`, which is not the same as null."""
        return self._settings.get(name, MISSING)


class Job(_Received):
    """A sync job. It has no status: that is derived from its time stamps (facts 3.2)."""

    id: str = Field(min_length=1)
    source: Text = None
    description: Text = None
    started_at: Time = None
    last_seen_at: Time = None
    ended_at: Time = None
    end_reason: Text = None


class TokenVerification(_Received):
    """What a token's verification says: active, disabled or expired (facts 5.2)."""

    status: Text = None


class JobLog(_Received):
    """One line of a job's log. The meaning of `message_type` is undocumented (facts 3.5)."""

    id: Number = None
    message: Annotated[str, BeforeValidator(lambda value: _text(value) or "")] = ""
    message_type: Number = None
    created_at: Time = None


class Stats(_Received):
    """How far the index of an instance is. `degraded` means that the counts are left out."""

    completed: Number = None
    error: Number = None
    queued: Number = None
    running: Number = None
    skipped: Number = None
    outdated: Number = None
    last_activity: Time = None
    degraded: Flag = None
    file_embed_errors: Object = Field(default_factory=dict)
    index_source_errors: Object = Field(default_factory=dict)
    engine: Object = Field(default_factory=dict)


class ResultInfo(_Received):
    """Where a page stands in its listing."""

    count: Number = None
    page: Number = None
    per_page: Number = None
    total_count: Number = None


class ApiError(_Received):
    """One entry of `errors`. Input validation also names the field, as a path (facts 1.3)."""

    code: Number = None
    message: Annotated[str, BeforeValidator(lambda value: _text(value) or "")] = ""
    path: Annotated[tuple[str | int, ...], BeforeValidator(_path)] = ()


class Envelope(_Received):
    """What is around every answer, good or bad (facts 1.3)."""

    success: bool
    result: JsonValue = None
    result_info: Annotated[
        ResultInfo | None, BeforeValidator(lambda value: value if isinstance(value, Mapping) else None)
    ] = None
    errors: Annotated[tuple[ApiError, ...], BeforeValidator(_objects)] = ()
