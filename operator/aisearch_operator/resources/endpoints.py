"""``status.endpoints``: where an instance is searched, for those who have a token and for everybody."""

from typing import Annotated

from pydantic import Field

from aisearch_operator.resources.base import ResourceModel, excerpt

__all__ = ["ApiEndpoints", "InstanceEndpoints", "PublicEndpoint"]

Url = Annotated[str, excerpt(1024), Field(max_length=1024)]


class ApiEndpoints(ResourceModel):
    """The URLs of the Cloudflare API."""

    search: Url
    """URL for search requests (POST)."""

    chat_completions: Url
    """URL for chat completions in the form of OpenAI's API (POST)."""


class PublicEndpoint(ResourceModel):
    """One host of the public endpoint, with the routes that are open there."""

    host: Annotated[str, Field(min_length=1, max_length=253)]
    """Host name: one of publicEndpointParams.customDomains, or the default host below
    search.ai.cloudflare.com."""

    search: Url | None = None
    """URL for search requests. Not set when the route is closed."""

    chat_completions: Url | None = None
    """URL for chat completions. Not set when the route is closed."""

    mcp: Url | None = None
    """URL for clients of the Model Context Protocol. Not set when the route is closed."""


class InstanceEndpoints(ResourceModel):
    """Where the instance is searched."""

    api: ApiEndpoints
    """For programs with an API token that has the permission Account > AI Search: Run."""

    public: (
        Annotated[
            tuple[PublicEndpoint, ...],
            Field(
                max_length=101,
                json_schema_extra={"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["host"]},
            ),
        ]
        | None
    ) = None
    """For everybody, without a token: the hosts of the public endpoint, custom domains first. Not set
    unless the public endpoint is enabled."""
