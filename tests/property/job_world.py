"""A world for sync jobs, in which users, Cloudflare and the operator make moves that can be replayed."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from aisearch_operator.domain.attempts import wants_new_run
from aisearch_operator.domain.sync_job_status import is_terminal
from aisearch_operator.engine.store import Known, ObjectKey, Store
from aisearch_operator.resources.group import SYNC_JOB_KIND
from aisearch_operator.resources.sync_job import AISearchSyncJob
from property.job_api import EPOCH, Api
from property.job_operator import Fate, Fault, Operator
from property.job_rules import Rules
from unit.builders import metadata, next_version

__all__ = ["Move", "Setup", "World"]


@dataclass(frozen=True)
class Setup:
    """How Cloudflare is in a world; see `Api`."""

    lag: int
    cancel_word: str
    cancels_at_once: bool


@dataclass(frozen=True)
class Move:
    """The name of one of the methods of `World`, and what it is called with."""

    what: str
    given: tuple[Any, ...] = ()

    def __str__(self) -> str:
        return f"{self.what}({', '.join(map(repr, self.given))})"


class World:
    """The sync jobs of one instance, the instance at Cloudflare, and the operator between them.

    The resources live in the operator's own store, as the API server would show them. They have numbers, in the
    order of their creation. A move that makes no sense at the time, say for a resource that is gone, does nothing.
    """

    def __init__(self, setup: Setup) -> None:
        self.api = Api(lag=setup.lag, cancel_word=setup.cancel_word, cancels_at_once=setup.cancels_at_once)
        self._store = Store()
        self._rules = Rules(self.api, self._store)
        self._operator = Operator(self.api, self._store, self._rules)
        self._keys: list[ObjectKey] = []
        self._skew = timedelta()

    @property
    def size(self) -> int:
        """Tell how many resources there have been."""
        return len(self._keys)

    def make(self, move: Move) -> None:
        """Make a move, and judge what came of it."""
        getattr(self, move.what)(*move.given)
        self._rules.at_any_time()

    def create(self, spec: dict[str, Any]) -> None:
        created = EPOCH + timedelta(seconds=self.size)
        body = {
            "metadata": metadata(f"job-{self.size}", created=created),
            "spec": {"instanceRef": {"name": "docs"}, **spec},
            "status": {"observedGeneration": -1},
        }
        self._keys.append(self._store.put(SYNC_JOB_KIND, body).key)

    def edit(self, number: int, changes: dict[str, Any]) -> None:
        self._with(number, lambda known: self._edit(known, changes))

    def toggle_suspend(self, number: int) -> None:
        self._with(number, lambda known: self._edit(known, {"suspend": not known.body["spec"].get("suspend", False)}))

    def run_again(self, number: int) -> None:
        self._with(number, lambda known: self._edit(known, _again(known)))

    def cancel(self, number: int) -> None:
        def cancel(known: Known) -> None:
            self._rules.cancelled_by_user(known.key.uid)
            self._edit(known, {"cancel": True})

        self._with(number, cancel)

    def delete(self, number: int) -> None:
        def delete(known: Known) -> None:
            about = {**known.body["metadata"], "deletionTimestamp": "2026-11-24T00:00:00Z"}
            self._store.put(SYNC_JOB_KIND, next_version(known.body, metadata=about))

        self._with(number, delete)

    def reconcile(self, number: int, fault: Fault = "answered", fate: Fate = "written") -> None:
        """Let the operator pass over a resource; see `Fault` and `Fate` for what may go wrong."""
        self._operator.pass_over(self._keys[number], fault, fate, self.api.now + self._skew)
        if fate == "killed":
            self._operator = self._operator.after_a_crash()

    def our_clock_jumps(self, hours: int) -> None:
        self._skew = timedelta(hours=hours)

    def time_passes(self, seconds: int) -> None:
        self.api.advance(seconds)

    def pending_jobs_start(self) -> None:
        self.api.start_pending()

    def running_jobs_end(self, reason: str | None) -> None:
        self.api.end_running(reason)

    def somebody_cancels_at_cloudflare(self) -> None:
        for job in self.api.end_running("cancelled"):
            self._rules.cancelled_at_cloudflare(job)

    def the_schedule_starts_a_job(self) -> None:
        self.api.schedule()

    def cloudflare_forgets_a_job(self) -> None:
        self.api.forget_one()

    def some_passes_go_well(self) -> None:
        """See that what is to be stopped is, without any help."""
        for number in 3 * (*range(self.size),):
            self.reconcile(number)
            self.api.advance(6)
        self._rules.after_a_while()

    def let_all_end(self) -> None:
        """See that everything ends by itself from now on: each resource that is not suspended is over or gone."""
        self.some_passes_go_well()
        for number in range(self.size):
            self.edit(number, {"suspend": False})
        for _ in range(60 * (len(self._store) + 1)):
            for number in range(self.size):
                self.reconcile(number)
            self._rules.at_any_time()
            left = [AISearchSyncJob.model_validate(known.body) for known in self._store.all(SYNC_JOB_KIND)]
            if all(_settled(each) for each in left):
                return
            self.api.end_running(None)
            self.api.start_pending()
            self.api.advance(36)
        raise AssertionError(f"this does not end: {[(each.metadata.name, each.status.phase) for each in left]}")

    def _with(self, number: int, change: Callable[[Known], None]) -> None:
        if known := self._store.get(self._keys[number]):
            change(known)

    def _edit(self, known: Known, changes: dict[str, Any]) -> None:
        body = known.body
        spec = {**body["spec"], **changes}
        if spec != body["spec"]:
            about = {**body["metadata"], "generation": known.generation + 1}
            self._store.put(SYNC_JOB_KIND, next_version(body, metadata=about, spec=spec))


def _again(known: Known) -> dict[str, Any]:
    return {"cancel": False, "suspend": False, "runId": f"run-{known.generation}"}


def _settled(resource: AISearchSyncJob) -> bool:
    status = resource.status
    over = is_terminal(status) and (status.attempts is not None or status.phase == "Cancelled")
    return over and resource.metadata.deletion_timestamp is None and not wants_new_run(resource)
