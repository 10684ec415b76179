"""Reads the API server's audit log: who wrote what, so that a test can count writes exactly.

The log is written in blocking mode: a line is there before the client has its answer.
"""

import json
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

# Requests of every write are logged; their bodies only where a test looks at them and no Secret can be inside.
POLICY = {
    "apiVersion": "audit.k8s.io/v1",
    "kind": "Policy",
    "omitStages": ["RequestReceived", "ResponseStarted"],
    "rules": [
        {
            "level": "Request",
            "verbs": ["create", "update", "patch", "delete", "deletecollection"],
            "resources": [
                {"group": "aisearch.cloudflare.com"},
                {"group": "events.k8s.io", "resources": ["events"]},
                {"group": "", "resources": ["events"]},
            ],
        },
        {"level": "Metadata", "verbs": ["create", "update", "patch", "delete", "deletecollection"]},
        {"level": "None"},
    ],
}


@dataclass(frozen=True)
class AuditedWrite:
    """One write that the API server answered.

    Attributes
    ----------
    time
        When the request came in.
    code
        The HTTP status of the answer: a refused write is listed too.
    body
        What was sent, for the operator's own resources and Events; else ``None``.
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


def writes(
    log: Path,
    *,
    namespace: str | None = None,
    user: str | None = None,
    since: datetime | None = None,
) -> list[AuditedWrite]:
    """Return the answered writes of an audit log, oldest first.

    Parameters
    ----------
    log
        ``ControlPlane.audit_log``.
    namespace, user
        Only those in this namespace, by this user (``system:serviceaccount:<namespace>:<name>``).
    since
        Only those that came in at this time or later; with a time zone.
    """
    found = []
    with log.open(encoding="utf-8") as lines:
        for line in lines:
            # Most lines are other tests'; a look at the text spares parsing them.
            if any(text is not None and f'"{text}"' not in line for text in (namespace, user)):
                continue
            event = json.loads(line)
            if event["stage"] != "ResponseComplete":
                continue
            write = _parse(event)
            if namespace not in (None, write.namespace) or user not in (None, write.user):
                continue
            if since is None or write.time >= since:
                found.append(write)
    return found


def _parse(event: dict[str, Any]) -> AuditedWrite:
    target = event.get("objectRef", {})
    return AuditedWrite(
        time=datetime.fromisoformat(event["requestReceivedTimestamp"]),
        verb=event["verb"],
        resource=target.get("resource", ""),
        subresource=target.get("subresource", ""),
        namespace=target.get("namespace", ""),
        name=target.get("name", ""),
        user=event["user"]["username"],
        code=event.get("responseStatus", {}).get("code", 0),
        body=event.get("requestObject"),
    )
