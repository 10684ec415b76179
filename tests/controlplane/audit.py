"""Reads the API server's audit log: who wrote what, who read which Secret, and all that service accounts asked for.

The log is written in blocking mode: a line is there before the client has its answer. Somebody else may see what
the client wrote a little earlier.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

WRITING = ["create", "update", "patch", "delete", "deletecollection"]
READING = ["get", "list", "watch"]

CREDENTIAL = "authentication.kubernetes.io/credential-id"

# Requests of every write are logged, but for those of Kubernetes' own controllers, which nobody counts; their bodies
# only where a test looks at them and no Secret can be inside. Of the reads those of what holds other people's data, and
# all of programs that run with a service account.
POLICY = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived", "ResponseStarted"],
    "rules": [
        {"level": "None", "users": ["system:kube-controller-manager"]},
        {
            "level": "Request",
            "verbs": WRITING,
            "resources": [
                {"group": "aisearch.cloudflare.com"},
                {"group": "events.k8s.io", "resources": ["events"]},
                {"group": "", "resources": ["events"]},
            ],
        },
        {"level": "Metadata", "verbs": WRITING},
        {"level": "Metadata", "verbs": READING, "resources": [{"group": "", "resources": ["secrets", "configmaps"]}]},
        {"level": "Metadata", "verbs": READING, "userGroups": ["system:serviceaccounts"]},
        {"level": "None"},
    ],
}


@dataclass(frozen=True)
class AuditedRequest:
    """One request that the API server answered.

    Attributes
    ----------
    time
        When the request came in.
    code
        The HTTP status of the answer: a refused request is listed too.
    body
        What was sent in a write of the operator's own resources or of Events; else ``None``.
    credential
        Which of the user's tokens it came with; empty when it was none of a service account.
    group
        Of the resource; empty for the core API.
    """

    time: datetime
    verb: str
    resource: str
    subresource: str
    namespace: str
    name: str
    user: str
    code: int
    body: Any = None
    credential: str = ""
    group: str = ""


def writes(
    log: Path,
    *,
    namespace: str | None = None,
    user: str | None = None,
    since: datetime | None = None,
    offset: int = 0,
) -> list[AuditedRequest]:
    """Return the answered writes of an audit log, oldest first.

    Parameters
    ----------
    log
        ``ControlPlane.audit_log``.
    namespace, user
        Only those in this namespace, by this user (``system:serviceaccount:<namespace>:<name>``).
    since
        Only those that came in at this time or later; with a time zone.
    offset
        Bytes at the beginning of the log to leave out: its size when those were written that do not count.
    """
    return [each for each in _requests(log, namespace, user, since, offset) if each.verb in WRITING]


def reads(log: Path, *, namespace: str | None = None, user: str | None = None) -> list[AuditedRequest]:
    """Return the answered reads that are logged, oldest first; parameters as of `writes`.

    They are those of Secrets and ConfigMaps by anybody, and of everything by service accounts.
    """
    return [each for each in _requests(log, namespace, user, None) if each.verb in READING]


def end_of(log: Path) -> int:
    """Give the number of bytes of the complete lines: the last one may still be on its way."""
    return log.read_bytes().rfind(b"\n") + 1


def requests(log: Path, *mentioning: str) -> Iterator[AuditedRequest]:
    """Give the answered requests in whose lines one of these texts stands, oldest first."""
    with log.open(encoding="utf-8") as lines:
        for line in lines:
            if any(text in line for text in mentioning) and line.endswith("\n"):
                event = json.loads(line)
                if event["stage"] == "ResponseComplete":
                    yield _parse(event)


def _requests(
    log: Path, namespace: str | None, user: str | None, since: datetime | None, offset: int = 0
) -> Iterator[AuditedRequest]:
    with log.open(encoding="utf-8") as lines:
        lines.seek(offset)
        for line in lines:
            # Most lines are other tests'; a look at the text spares parsing them.
            if any(text is not None and f'"{text}"' not in line for text in (namespace, user)):
                continue
            if not line.endswith("\n"):  # the last one, still on its way
                return
            event = json.loads(line)
            if event["stage"] != "ResponseComplete":
                continue
            request = _parse(event)
            if namespace not in (None, request.namespace) or user not in (None, request.user):
                continue
            if since is None or request.time >= since:
                yield request


def _parse(event: dict[str, Any]) -> AuditedRequest:
    target = event.get("objectRef", {})
    (credential,) = event["user"].get("extra", {}).get(CREDENTIAL, [""])
    return AuditedRequest(
        time=datetime.fromisoformat(event["requestReceivedTimestamp"]),
        verb=event["verb"],
        resource=target.get("resource", ""),
        subresource=target.get("subresource", ""),
        namespace=target.get("namespace", ""),
        name=target.get("name", ""),
        user=event["user"]["username"],
        code=event.get("responseStatus", {}).get("code", 0),
        body=event.get("requestObject"),
        credential=credential,
        group=target.get("apiGroup", ""),
    )
