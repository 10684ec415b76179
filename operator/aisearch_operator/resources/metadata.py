"""The metadata of a custom resource, as far as the operator reads it."""

from pydantic import Field, JsonValue

from aisearch_operator.resources.base import ResourceModel, Timestamp

__all__ = ["ObjectMeta"]


class ObjectMeta(ResourceModel):
    """``metadata`` of an object that the API server has stored."""

    name: str
    namespace: str
    uid: str
    resource_version: str = ""
    generation: int = 0
    creation_timestamp: Timestamp
    deletion_timestamp: Timestamp | None = None
    finalizers: tuple[str, ...] = ()
    labels: dict[str, str] = Field(default_factory=dict)
    annotations: dict[str, str] = Field(default_factory=dict)
    owner_references: tuple[dict[str, JsonValue], ...] = ()
