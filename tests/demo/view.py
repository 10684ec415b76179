"""What there is to see at a moment: a row for each resource, and the writes that Cloudflare got since the last look."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from aisearch_operator.resources.group import INSTANCE_KIND, INSTANCE_SHORT_NAME, SYNC_JOB_KIND, SYNC_JOB_SHORT_NAME
from demo.errors import DemoError
from fake_cloudflare import FakeAccount, JournalEntry
from harness.kube import Kube, conditions

KINDS = {INSTANCE_KIND: INSTANCE_SHORT_NAME, SYNC_JOB_KIND: SYNC_JOB_SHORT_NAME}
GONE = "gone"


@dataclass(frozen=True)
class Row:
    """One resource in a few words.

    Attributes
    ----------
    resource
        As kubectl takes it, for example ``aisj/docs``.
    state
        An instance's readiness or a job's phase; `GONE` when it does not exist any more.
    """

    resource: str
    state: str
    reason: str
    job: str
    started: datetime | None
    ended: datetime | None
    message: str

    def duration(self, now: datetime) -> str:
        """Say how long the job has run, in seconds."""
        if self.started is None:
            return ""
        return f"{max(0.0, ((self.ended or now) - self.started).total_seconds()):.0f} s"


@dataclass(frozen=True)
class View:
    """All rows, those of resources that are gone too, and the new writes."""

    rows: tuple[Row, ...]
    writes: tuple[JournalEntry, ...]


class Watcher:
    """Looks at the resources of one Kubernetes namespace and at the requests of one account."""

    def __init__(self, kube: Kube, account: FakeAccount) -> None:
        self._kube = kube
        self._account = account
        self._bodies: dict[str, dict[str, Any]] = {}
        self._rows: dict[str, Row] = {}
        self._seen = 0

    def look(self) -> View:
        """Read both sides once."""
        present: dict[str, Row] = {}
        for kind in KINDS:
            for body in sorted(self._kube.list_all(kind), key=lambda body: str(body["metadata"]["creationTimestamp"])):
                row = row_of(kind, body)
                present[row.resource] = row
                self._bodies[row.resource] = body
        gone = {name: gone_row(row) for name, row in self._rows.items() if name not in present}
        self._rows = self._rows | present | gone
        requests = self._account.journal(since=self._seen)
        self._seen += len(requests)
        return View(tuple(self._rows.values()), tuple(entry for entry in requests if entry.method != "GET"))

    def exists(self, kind: str, name: str) -> bool:
        """Whether a resource is there now."""
        return self._kube.get(kind, name) is not None

    def last_seen(self, resource: str) -> dict[str, Any]:
        """Return a resource as it was at the last look at which it existed.

        Raises
        ------
        DemoError
            It never did.
        """
        try:
            return self._bodies[resource]
        except KeyError:
            msg = f"{resource} was never seen in Kubernetes"
            raise DemoError(msg) from None


def row_of(kind: str, body: Mapping[str, Any]) -> Row:
    """Sum a resource up."""
    status, ready = body["status"], conditions(body).get("Ready", {})
    return Row(
        resource=f"{KINDS[kind]}/{body['metadata']['name']}",
        state=_state(kind, body, ready),
        reason=ready.get("reason", ""),
        job=status.get("jobId", ""),
        started=moment(status.get("startTime")),
        ended=moment(status.get("completionTime")),
        message=ready.get("message", ""),
    )


def gone_row(row: Row) -> Row:
    """Keep the row of a resource that does not exist any more."""
    return Row(row.resource, GONE, "", row.job, None, None, "")


def moment(text: str | None) -> datetime | None:
    """Read a time of a status."""
    return None if text is None else datetime.fromisoformat(text).astimezone(UTC)


def _state(kind: str, body: Mapping[str, Any], ready: Mapping[str, str]) -> str:
    if "deletionTimestamp" in body["metadata"]:
        return "Deleting"
    if kind == SYNC_JOB_KIND:
        return str(body["status"].get("phase", "New"))
    return {"True": "Ready", "False": "Not ready"}.get(ready.get("status", ""), "New")
