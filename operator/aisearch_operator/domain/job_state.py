"""What a job of the API is doing, read from its time stamps: it has no status field (facts 3.1, 3.2)."""

import re
from dataclasses import dataclass
from enum import StrEnum

from aisearch_operator.cloudflare.wire import Job

__all__ = ["Attempt", "JobState", "finished", "owner_of", "state_of"]

SUCCESS = frozenset({"", "completed", "success"})
"""An ended job without a reason went well; some sources show these words (facts 3.2)."""

SUPERSEDED = "new_job_has_started"
"""The one end reason that was seen in the wild: somebody fired into a running job (facts 3.3)."""

MAX_DESCRIPTION = 255
"""Characters that the API takes (facts 3.1)."""

MARKER = re.compile(r"\[k8s (?P<uid>[^#\s]+)#\d+\]\s*$")
"""The end of the description of a job that a resource has started."""


class JobState(StrEnum):
    """The state of a job at Cloudflare."""

    PENDING = "Pending"
    RUNNING = "Running"
    SUCCEEDED = "Succeeded"
    SUPERSEDED = "Superseded"
    FAILED = "Failed"


def state_of(job: Job) -> JobState:
    """Derive the state of a job."""
    if job.ended_at is None:
        return JobState.RUNNING if job.started_at else JobState.PENDING
    reason = (job.end_reason or "").strip()
    if reason in SUCCESS:
        return JobState.SUCCEEDED
    return JobState.SUPERSEDED if reason == SUPERSEDED else JobState.FAILED


def finished(job: Job) -> bool:
    """Whether the job has ended, however."""
    return job.ended_at is not None


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt of a sync job resource: what the API must be told of it, and found by."""

    uid: str
    number: int

    @property
    def marker(self) -> str:
        """The text at the end of the job's description that makes it findable.

        Creating a job is not idempotent and has no key (facts 3.3): after a crash, this is the only
        way to know that the job is there already.
        """
        return f"[k8s {self.uid}#{self.number}]"

    def description(self, text: str) -> str:
        """Give the job's whole description: the user's text, cut to fit, and the marker."""
        room = MAX_DESCRIPTION - len(self.marker) - 1
        return f"{text[:room]} {self.marker}".lstrip()

    def owns(self, job: Job) -> bool:
        """Whether the job is this attempt's."""
        return (job.description or "").rstrip().endswith(self.marker)


def owner_of(job: Job) -> str | None:
    """Give the uid of the resource that the job was started for; None when it was nobody's."""
    found = MARKER.search(job.description or "")
    return found["uid"] if found else None
