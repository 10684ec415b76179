"""``spec.publicEndpointParams``: the endpoint that answers without a Cloudflare API token."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from aisearch_operator.resources.base import CLEARABLE, ResourceModel, Rule

__all__ = ["EndpointSwitch", "McpEndpoint", "PublicEndpointParams", "RateLimit"]

Hosts = Annotated[tuple[Annotated[str, Field(min_length=1, max_length=253)], ...], Field(max_length=100)]
"""The number is ours: Cloudflare documents none."""


class EndpointSwitch(ResourceModel):
    """One route of the public endpoint."""

    disabled: bool | None = None
    """Whether this route is closed. Unset means false: it is open while the public endpoint is enabled."""


class McpEndpoint(EndpointSwitch):
    """The route for the Model Context Protocol."""

    description: Annotated[str, Field(max_length=1024)] | None = None
    """What MCP clients are told that the tool does. Unset means "Finds exactly what you're looking for"."""


class RateLimit(ResourceModel):
    """How many requests the public endpoint answers."""

    period_ms: Annotated[int, Field(ge=60_000, le=3_600_000)] | None = None
    """Length of the period in milliseconds: 60000 (one minute) to 3600000 (one hour)."""

    requests: Annotated[int, Field(ge=1)] | None = None
    """How many requests are answered in a period: at least 1."""

    technique: Literal["fixed", "sliding"] | None = None
    """Whether periods follow one another (`fixed`) or the last period always counts (`sliding`)."""


class PublicEndpointParams(ResourceModel):
    """The public endpoint of an instance."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            "!has(self.defaultDomainEnabled) || self.defaultDomainEnabled"
            " || (has(self.customDomains) && dyn(self.customDomains) != null && size(self.customDomains) > 0)",
            "defaultDomainEnabled false needs at least one entry in customDomains: otherwise no host is left",
            "defaultDomainEnabled",
        ),
    )

    enabled: bool | None = None
    """Whether the endpoint exists: anybody on the internet can then search this instance. Unset means
    false."""

    authorized_hosts: Hosts | None = None
    """Hosts whose web pages may call the endpoint from a browser."""

    custom_domains: Annotated[Hosts | None, CLEARABLE] = None
    """Host names of your zones that lead to the endpoint beside its default host. Unset leaves the
    domains as they are; null or an empty list removes all."""

    default_domain_enabled: bool | None = None
    """Whether the endpoint answers at its host below search.ai.cloudflare.com. false needs a custom
    domain. Unset means true."""

    search_endpoint: EndpointSwitch | None = None
    """The route for search requests."""

    chat_completions_endpoint: EndpointSwitch | None = None
    """The route for chat completions: each request costs the use of a model."""

    mcp: McpEndpoint | None = None
    """The route for the Model Context Protocol, by which AI agents search."""

    rate_limit: RateLimit | None = None
    """How many requests the endpoint answers before it refuses with status 429."""
