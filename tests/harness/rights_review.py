"""A look back at the whole test run: the operator needed each of its rights, and no other.

The operators of a run have the rights that the chart gives them. Each right was made use of, so that the run fails
without it; and no request was refused, so that no other is needed. In namespaced mode nobody asked for anything
outside of the watched namespace. The audit log knows all of this.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from controlplane.audit import AuditedRequest
from harness.chart import RELEASE

__all__ = ["LINES", "OPERATOR", "Right", "RightsReview", "granted", "review_rights"]

OPERATOR = f":{RELEASE}"
"""How the name of the operator's service account ends."""

LINES = (f'{OPERATOR}"', '"resource":"namespaces"', '"resource":"roles"', '"resource":"rolebindings"')
"""What stands in the lines of the audit log that the review needs to see."""

MADE, FORBIDDEN = 201, 403


@dataclass(frozen=True, order=True)
class Right:
    """What one line of a role allows: a verb, on a resource or subresource."""

    group: str
    resource: str
    verb: str

    def __str__(self) -> str:
        return f"{self.verb} {'.'.join(filter(None, [self.resource, self.group]))}"


@dataclass
class RightsReview:
    """What operators asked the API server for.

    Attributes
    ----------
    used
        Rights that were needed and there.
    refused
        Requests that were refused, although nobody had taken rights away.
    outside
        Requests for something outside of the operator's own namespace.
    """

    used: set[Right] = field(default_factory=set)
    refused: list[str] = field(default_factory=list)
    outside: list[str] = field(default_factory=list)

    def unused(self, access: Iterable[Mapping[str, Any]]) -> list[Right]:
        """Name the rights in roles that nobody needed."""
        return sorted(granted(access) - self.used)


def granted(access: Iterable[Mapping[str, Any]]) -> set[Right]:
    """Name the rights in roles."""
    return {
        Right(group, resource, verb)
        for body in access
        for rule in body.get("rules", ())
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


def review_rights(audited: Iterable[AuditedRequest]) -> RightsReview:
    """Look at all that operators asked for."""
    found = RightsReview()
    tampered: dict[str, datetime] = {}
    refused: list[tuple[str, datetime, str]] = []
    for request in audited:
        for namespace in _tampered_with(request):
            tampered[namespace] = min(request.time, tampered.get(namespace, request.time))
        if not request.user.endswith(OPERATOR) or not request.resource:
            continue
        home = request.user.split(":")[2]
        resource = "/".join(filter(None, [request.resource, request.subresource]))
        right = Right(request.group, resource, request.verb)
        told = f"{right} in {request.namespace or 'the whole cluster'}, asked by {request.user}"
        if request.code == FORBIDDEN:
            refused.append((home, request.time, told))
        elif request.code < 300:
            found.used.add(right)
        if request.namespace != home:
            found.outside.append(told)
    # By the time at which they came in: what a change of roles led to may be in the log before that change.
    found.refused += [told for home, time, told in refused if home not in tampered or time < tampered[home]]
    return found


def _tampered_with(request: AuditedRequest) -> Iterator[str]:
    """Name the namespace whose roles go, or are not any more what the chart makes, for the purpose of a test."""
    if request.verb == "delete" and request.resource == "namespaces":
        yield request.name
    if request.resource in {"roles", "rolebindings"} and request.name.startswith(RELEASE) and request.code != MADE:
        yield request.namespace
