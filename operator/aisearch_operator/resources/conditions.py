"""Conditions: what a resource says of itself, in the form that kubectl, Helm and Argo CD read."""

from typing import Annotated, Literal

from pydantic import Field

from aisearch_operator.resources.base import ResourceModel, Timestamp, excerpt

__all__ = ["Condition", "Conditions"]

MESSAGE_LENGTH = 32768
"""Characters of a message, as in ``metav1.Condition``."""


class Condition(ResourceModel):
    """One aspect of the state of a resource."""

    type: Annotated[str, Field(min_length=1, max_length=316)]
    """What the condition is about, in CamelCase: Ready, Reconciling, Stalled and so on."""

    status: Literal["True", "False", "Unknown"]
    """Whether the condition holds: True, False or Unknown."""

    observed_generation: int | None = None
    """The generation of the spec (metadata.generation) that the condition is about."""

    last_transition_time: Timestamp
    """When status last flipped. A new reason or message alone does not move it."""

    reason: Annotated[str, Field(min_length=1, max_length=1024, pattern="^[A-Za-z](?:[A-Za-z0-9_,:]*[A-Za-z0-9_])?$")]
    """Why, as one CamelCase word for programs."""

    message: Annotated[str, excerpt(MESSAGE_LENGTH), Field(max_length=MESSAGE_LENGTH)]
    """Why, as a sentence for a person; may be empty."""


Conditions = Annotated[
    tuple[Condition, ...],
    Field(
        max_length=16,
        json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["type"]},
    ),
]
"""A list with one condition of each type."""
