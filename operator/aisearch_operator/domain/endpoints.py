"""The URLs of an instance, from its address and from what Cloudflare shows of its public endpoint."""

from collections.abc import Iterator, Mapping
from urllib.parse import quote

from pydantic import JsonValue

from aisearch_operator.cloudflare.wire import Instance
from aisearch_operator.resources.endpoints import ApiEndpoints, InstanceEndpoints, PublicEndpoint

__all__ = ["endpoints_of"]

PUBLIC_DOMAIN = "search.ai.cloudflare.com"
"""The default host of a public endpoint is its id below this (Cloudflare's documentation of custom domains)."""

HOST_LENGTH = 253
"""Characters of a host name, as Cloudflare's documentation of custom domains and DNS have it."""

MAX_DOMAINS = 100
"""Custom domains that are shown; Cloudflare's documentation of August 2026 allows one."""


def endpoints_of(base_url: str, account_id: str, search_namespace: str, instance: Instance) -> InstanceEndpoints:
    """Give the URLs of an instance.

    Parameters
    ----------
    base_url
        Where the API is, for example ``https://api.cloudflare.com/client/v4``.
    instance
        As Cloudflare shows it, custom domains included: the answer to an update leaves them out.
    """
    segments = ("accounts", account_id, "ai-search", "namespaces", search_namespace, "instances", instance.id)
    path = "/".join(quote(segment, safe="") for segment in segments)
    root = f"{base_url.rstrip('/')}/{path}"
    return InstanceEndpoints(
        api=ApiEndpoints(search=f"{root}/search", chat_completions=f"{root}/chat/completions"),
        public=_public(instance),
    )


def _public(instance: Instance) -> tuple[PublicEndpoint, ...] | None:
    params = _object(instance.settings.get("public_endpoint_params"))
    if params.get("enabled") is not True:
        return None
    hosts = dict.fromkeys(host for host in _hosts(instance, params) if 0 < len(host) <= HOST_LENGTH)
    public = tuple(
        PublicEndpoint(
            host=host,
            search=_route(host, "search", params.get("search_endpoint")),
            chat_completions=_route(host, "chat/completions", params.get("chat_completions_endpoint")),
            mcp=_route(host, "mcp", params.get("mcp")),
        )
        for host in hosts  # each once: the list in status is a map by host
    )
    return public or None


def _hosts(instance: Instance, params: Mapping[str, JsonValue]) -> Iterator[str]:
    domains = params.get("custom_domains")
    if isinstance(domains, list):
        yield from (domain for domain in domains[:MAX_DOMAINS] if isinstance(domain, str))
    if instance.public_endpoint_id and params.get("default_domain_enabled") is not False:
        yield f"{instance.public_endpoint_id}.{PUBLIC_DOMAIN}"


def _route(host: str, path: str, switch: JsonValue | None) -> str | None:
    return None if _object(switch).get("disabled") is True else f"https://{host}/{path}"


def _object(value: JsonValue | None) -> Mapping[str, JsonValue]:
    return value if isinstance(value, dict) else {}
