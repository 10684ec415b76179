"""The identifiers of Kubernetes and Cloudflare, with the patterns that the two servers check."""

from typing import Annotated

from pydantic import Field

from aisearch_operator.resources.base import ResourceModel

__all__ = [
    "INSTANCE_ID_LENGTH",
    "INSTANCE_ID_PATTERN",
    "AccountId",
    "InstanceId",
    "Keyword",
    "KubernetesName",
    "LocalReference",
    "SearchNamespace",
]

INSTANCE_ID_PATTERN = "^[a-z0-9_]+(?:-[a-z0-9_]+)*$"
"""Facts 2.1. Stricter than a Kubernetes name: no dot, no double hyphen."""

INSTANCE_ID_LENGTH = 64
"""Facts 1.2: the API's schema says 64, some of its documentation 32; the server has the last word."""

InstanceId = Annotated[str, Field(min_length=1, max_length=INSTANCE_ID_LENGTH, pattern=INSTANCE_ID_PATTERN)]

SearchNamespace = Annotated[str, Field(min_length=1, max_length=28, pattern="^[a-z0-9](?:[a-z0-9-]{0,26}[a-z0-9])?$")]

AccountId = Annotated[str, Field(min_length=32, max_length=32, pattern="^[0-9a-f]{32}$")]

KubernetesName = Annotated[
    str,
    Field(
        min_length=1,
        max_length=253,
        pattern=r"^[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*$",
    ),
]
"""A DNS-1123 subdomain: the name of a Secret or of a custom resource."""

Keyword = Annotated[str, Field(min_length=1, max_length=64, pattern="^[a-z][a-z0-9_-]*$")]
"""A word that Cloudflare gives meaning to. Never an enum: the set grows without a release of the operator."""


class LocalReference(ResourceModel):
    """A reference to an object in the namespace of the resource."""

    name: KubernetesName
    """Name of the object, in the namespace of this resource."""


def name_in(reference: LocalReference | None) -> str | None:
    """Give the name in a reference that may be unset."""
    return reference.name if reference is not None else None
