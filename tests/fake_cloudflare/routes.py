"""The routes of AI Search below /accounts/{account}/ai-search, on both base paths (facts 1.0, 1.1), and IDENTITY.

Cancelling a job does not exist on the account-level path, as in the published clients. Items, tokens,
search and chat are not served and answer 7003.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote

from fake_cloudflare import instances, jobs, namespaces, tokens
from fake_cloudflare.calls import Operation


@dataclass(frozen=True, slots=True)
class Route:
    """A method and path with the name that the journal and faults use."""

    method: str
    pattern: re.Pattern[str]
    name: str
    operation: Operation

    @property
    def writes(self) -> bool:
        return self.method != "GET"


_INSTANCE: tuple[tuple[str, str, str, Operation], ...] = (
    ("GET", "/instances", "instances.list", instances.list_instances),
    ("POST", "/instances", "instances.create", instances.create_instance),
    ("GET", "/instances/{instance}", "instances.get", instances.get_instance),
    ("PUT", "/instances/{instance}", "instances.update", instances.update_instance),
    ("PATCH", "/instances/{instance}", "instances.move", instances.move_instance),
    ("DELETE", "/instances/{instance}", "instances.delete", instances.delete_instance),
    ("GET", "/instances/{instance}/stats", "instances.stats", instances.get_stats),
    ("POST", "/instances/{instance}/purge_cache", "instances.purge_cache", instances.purge_cache),
    ("GET", "/instances/{instance}/jobs", "jobs.list", jobs.list_jobs),
    ("POST", "/instances/{instance}/jobs", "jobs.create", jobs.create_job),
    ("GET", "/instances/{instance}/jobs/{job}", "jobs.get", jobs.get_job),
    ("GET", "/instances/{instance}/jobs/{job}/logs", "jobs.logs", jobs.list_job_logs),
)
_NAMESPACED_ONLY: tuple[tuple[str, str, str, Operation], ...] = (
    ("PATCH", "/instances/{instance}/jobs/{job}", "jobs.cancel", jobs.change_job),
)
_NAMESPACE: tuple[tuple[str, str, str, Operation], ...] = (
    ("GET", "/namespaces", "namespaces.list", namespaces.list_namespaces),
    ("POST", "/namespaces", "namespaces.create", namespaces.create_namespace),
    ("GET", "/namespaces/{namespace}", "namespaces.get", namespaces.get_namespace),
    ("PUT", "/namespaces/{namespace}", "namespaces.update", namespaces.update_namespace),
    ("DELETE", "/namespaces/{namespace}", "namespaces.delete", namespaces.delete_namespace),
)


def _route(prefix: str, row: tuple[str, str, str, Operation]) -> Route:
    method, template, name, operation = row
    pattern = re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", prefix + template)
    return Route(method, re.compile(pattern), name, operation)


ROUTES: tuple[Route, ...] = (
    *(_route("", row) for row in (*_NAMESPACE, *_INSTANCE)),
    *(_route("/namespaces/{namespace}", row) for row in (*_INSTANCE, *_NAMESPACED_ONLY)),
)

IDENTITY: tuple[Route, ...] = (
    Route("GET", re.compile(r"(/accounts/[^/]+|/user)/tokens/verify"), "tokens.verify", tokens.verify_token),
    Route("GET", re.compile(r"/accounts/[^/]+"), "accounts.get", tokens.get_account),
    Route("GET", re.compile(r"/user"), "user.get", tokens.get_user),
)
"""Who calls, and which accounts it sees: below the API's base path, beside AI Search (facts 5.2)."""


def find_route(method: str, raw_path: str) -> tuple[Route, Mapping[str, str]] | None:
    """Return the route of a still quoted path below /ai-search with its parameters, or None."""
    for route in ROUTES:
        if route.method == method and (match := route.pattern.fullmatch(raw_path)):
            return route, {name: unquote(value) for name, value in match.groupdict().items()}
    return None
