"""How a pass ends: what it answers to the queue, and how its outcome reaches status and Events."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Generic, Protocol, TypeVar

from pydantic import ValidationError

from aisearch_operator.cloudflare.errors import Cause, CloudflareError, Retry, Terminal
from aisearch_operator.domain.conditions import condition
from aisearch_operator.domain.instance_status import Finding
from aisearch_operator.domain.reasons import Reason
from aisearch_operator.domain.sync_job_status import JobFinding
from aisearch_operator.domain.verdict import Verdict
from aisearch_operator.engine.store import Known, ObjectKey
from aisearch_operator.engine.workqueue import Again
from aisearch_operator.kube.credentials import CredentialError
from aisearch_operator.kube.events import Event, EventRecorder
from aisearch_operator.kube.status_writer import StatusWriter
from aisearch_operator.reconcilers.measurements import Measurements
from aisearch_operator.resources.instance import AISearchInstanceStatus
from aisearch_operator.resources.sync_job import AISearchSyncJobStatus

__all__ = [
    "Leave",
    "Pass",
    "Reconciler",
    "Released",
    "Reporter",
    "RetryPolicy",
    "Stay",
    "Trouble",
    "invalid_fields",
    "utc_now",
]

Status = AISearchInstanceStatus | AISearchSyncJobStatus


@dataclass(frozen=True, slots=True)
class Released:
    """The outside world is clean: the resource may go."""


R = TypeVar("R")
F = TypeVar("F", Finding, JobFinding)


@dataclass(slots=True)
class Pass(Generic[R, F]):
    """What a pass has found out and done so far; an error in its middle loses nothing of it.

    Parameters
    ----------
    known
        The resource as it was at the beginning, and ``resource`` the same, parsed.
    finding
        What becomes of the status.
    events
        What is told in the end.
    ray_id
        The id at Cloudflare of the request that the pass failed with.
    """

    known: Known
    resource: R
    finding: F
    events: list[Event] = field(default_factory=list)
    ray_id: str | None = None

    @property
    def key(self) -> ObjectKey:
        """The key of the resource."""
        return self.known.key

    def note(self, **changes: object) -> None:
        """Change fields of the finding."""
        self.finding = replace(self.finding, **changes)  # type: ignore[arg-type]  # checked by the dataclass

    def tell(self, reason: Reason, message: str) -> None:
        """Have an Event recorded."""
        self.events.append(Event("Normal", reason, message))


class Reconciler(Protocol):
    """One kind of resource."""

    async def reconcile(self, known: Known) -> Again | None:
        """Make one pass; say when to come back without being woken up."""
        ...

    async def remove(self, known: Known) -> Again | Released:
        """Make one pass over a resource that is being deleted."""
        ...

    def forget(self, known: Known) -> None:
        """Drop all that was kept for a resource that is gone."""
        ...


@dataclass(frozen=True, slots=True)
class Trouble:
    """What an error means for a resource.

    Parameters
    ----------
    bounded
        Whether a deletion may give up on it after a time: what only a person can put right must
        not keep a namespace from going.
    ray_id
        The id at Cloudflare of the request that failed.
    """

    verdict: Verdict
    again: Again
    bounded: bool
    ray_id: str | None = None

    def overdue(self, deleted: datetime | None, patience: timedelta) -> bool:
        """Whether a deletion that meets this trouble has waited long enough."""
        return self.bounded and deleted is not None and utc_now() - deleted >= patience


@dataclass(frozen=True, slots=True)
class Stay:
    """A deleted resource must stay for now; ``trouble`` says what keeps it, when that is more than time."""

    again: Again
    trouble: Trouble | None = None
    events: Sequence[Event] = ()


@dataclass(frozen=True, slots=True)
class Leave:
    """A deleted resource may go."""

    events: Sequence[Event] = ()


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """What errors mean, and when a failed pass is made again.

    Parameters
    ----------
    terminal
        Seconds before an error that a person must correct is tried again.
    wait
        Seconds before something outside of the operator is looked at again.
    """

    terminal: float
    wait: float

    def trouble(self, error: CredentialError | CloudflareError) -> Trouble:
        """Judge an error."""
        if isinstance(error, CredentialError):
            # Secrets are often made by another controller a moment later: a missing one is waited for.
            missing = error.reason in {Reason.CREDENTIALS_MISSING, Reason.CREDENTIALS_NOT_SHARED}
            verdict = (Verdict.working if missing else Verdict.stalled)(error.reason, str(error))
            return Trouble(verdict, Again(self.wait), bounded=True)
        return replace(self._trouble_at_cloudflare(error), ray_id=error.ray_id)

    def _trouble_at_cloudflare(self, error: CloudflareError) -> Trouble:
        verdict = Verdict.of_error(error)
        if isinstance(error, Terminal):
            return Trouble(verdict, Again(self.terminal), bounded=error.cause is not Cause.CUSTOM_DOMAIN_FAILED)
        if isinstance(error, Retry):
            return Trouble(verdict, Again(at_least=error.after or 0.0), bounded=False)
        if error.cause is Cause.INSTANCE_PAUSED:
            # It may last for weeks, and its end shows in the list of instances, which wakes up who waits for it.
            return Trouble(verdict, Again(self.terminal), bounded=False)
        return Trouble(verdict, Again(error.after or self.wait), bounded=False)


class Reporter:
    """Writes the outcome of a pass: first the status, then the Events that tell of it."""

    def __init__(self, writer: StatusWriter, recorder: EventRecorder, measurements: Measurements) -> None:
        self._writer = writer
        self._recorder = recorder
        self._measurements = measurements

    async def report(
        self, known: Known, before: Status, after: Status, events: Sequence[Event], *, ray_id: str | None = None
    ) -> None:
        """Write a status, then record the Events of the pass and of what became of the resource.

        Parameters
        ----------
        ray_id
            The id at Cloudflare of the request that the pass failed with. An Event shows it; a condition must not,
            since it would change at every attempt.

        Raises
        ------
        KubeUnavailable
            The status could not be written; the pass must be made again.
        """
        await self._recorder.record(known.key, *events)  # what was done was done, written or not
        # The raw status counts, not the parsed one: what it holds in another form is put right.
        await self._writer.write(known, after.to_kubernetes())
        await self._recorder.record(known.key, *_transitions(before, after, ray_id))
        if isinstance(before, AISearchInstanceStatus) and isinstance(after, AISearchInstanceStatus):
            self._measurements.instance(known, before, after, events)
        elif isinstance(before, AISearchSyncJobStatus) and isinstance(after, AISearchSyncJobStatus):
            self._measurements.sync_job(before, after)

    def forget(self, key: ObjectKey) -> None:
        """Drop what is kept for a resource that is gone."""
        self._measurements.forget(key)

    async def announce(self, known: Known, after: Status) -> None:
        """Write a status in the middle of a pass; what it means for the resource is told at the end of it.

        Raises
        ------
        KubeUnavailable
            The status could not be written.
        """
        await self._writer.write(known, after.to_kubernetes())

    async def record(self, known: Known, events: Sequence[Event]) -> None:
        """Record Events about a resource whose status stays."""
        await self._recorder.record(known.key, *events)


def _transitions(before: Status, after: Status, ray_id: str | None) -> Sequence[Event]:
    """Tell of a standstill and of differences that stay: when they begin, and when they are over.

    What is repaired at once is told by its repair.
    """
    ready = condition(after.conditions, "Ready")
    recovered = Event("Normal", Reason.RECOVERED, ready.message if ready else "")
    no_drift = Event("Normal", Reason.NO_DRIFT, "Nothing at Cloudflare differs from the spec any more")
    stalled = (_with_ray(event, ray_id) for event in _turn("Stalled", before, after, recovered))
    return (*stalled, *_turn("Drifted", before, after, no_drift))


def _with_ray(event: Event, ray_id: str | None) -> Event:
    if ray_id is None or event.type == "Normal":
        return event
    return replace(event, message=f"{event.message} (cf-ray {ray_id})")


def _turn(condition_type: str, before: Status, after: Status, over: Event) -> Sequence[Event]:
    was, now = condition(before.conditions, condition_type), condition(after.conditions, condition_type)
    stood = was is not None and was.status == "True"
    if now is not None and now.status == "True" and (was is None or not stood or was.reason != now.reason):
        return (Event("Warning", now.reason, now.message),)
    return (over,) if now is not None and now.status == "False" and stood else ()


def invalid_fields(error: ValidationError) -> str:
    """Name what the operator cannot read in a spec, without the values."""
    problems = error.errors(include_input=False)
    return "; ".join(f"{'.'.join(map(str, problem['loc']))}: {problem['msg']}" for problem in problems)


def utc_now() -> datetime:
    """Give the time for conditions and Events."""
    return datetime.now(UTC)
