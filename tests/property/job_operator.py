"""One operator process in the model: its passes over sync jobs, made of the pure functions of the protocol.

It does what `SyncJobReconciler`, `SyncJobSteps`, `JobRemoval` and `JobCalls` do, with a lost answer or a crash
wherever the model wants one.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Literal

from aisearch_operator.cloudflare.wire import Job
from aisearch_operator.domain.attempts import closed_attempts, run_id_of, wants_new_run
from aisearch_operator.domain.job_state import finished
from aisearch_operator.domain.reasons import Reason
from aisearch_operator.domain.sync_job import (
    ended_step,
    known_step,
    next_step,
    removal_step,
    request_of,
    step_after_closing,
)
from aisearch_operator.domain.sync_job_status import (
    JobFinding,
    is_suspended,
    is_terminal,
    reopen,
    summarize_job,
    with_closing,
    with_step,
)
from aisearch_operator.domain.sync_job_steps import Cancel, Close, Finish, LookUp, Request, StandBy, Start, Step
from aisearch_operator.domain.verdict import Verdict
from aisearch_operator.engine.store import Known, ObjectKey, Store
from aisearch_operator.reconcilers.turns import Turns
from aisearch_operator.resources.group import SYNC_JOB_KIND
from aisearch_operator.resources.sync_job import AISearchSyncJob, AISearchSyncJobStatus
from property.job_api import COOLDOWN, Api, Refused
from property.job_rules import Rules
from unit.builders import next_version

__all__ = ["Fate", "Fault", "Operator"]

SETTLE = timedelta(seconds=15)
"""After this, the operator relies on the lists; the model's lag by less."""

Fault = Literal["answered", "lost", "answer lost"]
"""What becomes of a request that is to change something: carried out and answered, or not even that."""

Fate = Literal["written", "not written", "killed"]
"""What becomes of the status of a pass."""


class Unanswered(Exception):
    """Nobody knows what became of the request."""


class Operator:
    """What one process remembers, and how it goes over the resources.

    Parameters
    ----------
    inherited
        The resources, by their uid, that a process before this one knew.
    """

    def __init__(self, api: Api, store: Store, rules: Rules, inherited: Iterable[str] = ()) -> None:
        self._api = api
        self._store = store
        self._rules = rules
        self._turns = Turns(store)
        self._began = api.now
        self._inherited = set(inherited)
        self._unheard: dict[str, datetime] = {}
        self._answered: set[str] = set()
        self._fault: Fault = "answered"

    def after_a_crash(self) -> "Operator":
        """Give the process that follows this one."""
        uids = (known.key.uid for known in self._store.all(SYNC_JOB_KIND))
        return Operator(self._api, self._store, self._rules, uids)

    def pass_over(self, key: ObjectKey, fault: Fault, fate: Fate, our_time: datetime) -> None:
        """Make one pass; a killed one comes as far as its last request."""
        known = self._store.get(key)
        if known is None:
            return
        self._fault = fault
        resource = AISearchSyncJob.model_validate(known.body)
        if known.deleting:
            if self._remove(known, resource) and fate != "killed":
                self._rules.gone(known)
                self._store.drop(key)
            return
        after = self._status(known, resource, our_time)
        if after is None or fate != "written":
            return
        self._rules.writing(known, resource, after)
        self._store.put(SYNC_JOB_KIND, next_version(known.body, status=after.to_kubernetes()))
        if closed_attempts(after) > closed_attempts(resource.status) or is_terminal(after):
            self._unheard.pop(key.uid, None)
            self._inherited.discard(key.uid)

    def _status(self, known: Known, resource: AISearchSyncJob, our_time: datetime) -> AISearchSyncJobStatus | None:
        before, spec, generation = resource.status, resource.spec, known.generation
        if is_terminal(before):
            if not wants_new_run(resource):
                return None
            return reopen(before, spec.run_id or "", generation=generation, now=our_time)
        if is_suspended(before, generation) and spec.suspend and not spec.cancel:
            return None
        return summarize_job(before, self._advance(known, resource), generation=generation, now=our_time)

    def _advance(self, known: Known, resource: AISearchSyncJob) -> JobFinding:
        request, now, seen = self._request(known, resource), self._api.now, self._seen()
        run_id = run_id_of(resource, adopts=False)
        finding = JobFinding(Verdict.working(Reason.WORKING, ""), server_time=now, run_id=run_id)
        step: Step = next_step(request, seen, now, COOLDOWN)
        if isinstance(step, LookUp):
            found = next((job for job in seen if job.id == step.job_id), None)
            if found is None and self._late(known.key):
                return finding
            step = ended_step(request, None, now) if found is None else known_step(request, found, now)
        try:
            if isinstance(step, Start):
                if self._late(known.key, *self._turns.others(known.key)):
                    return finding
                step = self._start(known, resource, request)
            elif isinstance(step, Cancel):
                finding = with_step(finding, step)
                step = known_step(request, self._cancel(known, resource, step.job), now)
        except (Unanswered, Refused):
            return finding
        if isinstance(step, StandBy) or (isinstance(step, Finish) and step.job is None and step.outcome is None):
            return finding if self._late(known.key) else with_step(finding, step)
        if isinstance(step, Close):
            then = step_after_closing(request, step, self._seen(), now, COOLDOWN)
            return with_closing(finding, step, then)
        return with_step(finding, step)

    def _remove(self, known: Known, resource: AISearchSyncJob) -> bool:
        """Bring a deletion one step further, and tell whether the resource may go."""
        if is_terminal(resource.status):
            return True
        request = self._request(known, resource)
        step = removal_step(request, self._seen())
        if isinstance(step, LookUp):
            return not self._late(known.key)  # what no list shows is not to be found by its id either
        if isinstance(step, Cancel):
            try:
                return finished(self._cancel(known, resource, step.job))
            except Unanswered:
                return False
        return request.job_id is not None or not self._late(known.key)

    def _start(self, known: Known, resource: AISearchSyncJob, request: Request) -> Step:
        uid, now = known.key.uid, self._api.now
        if self._fault == "lost":
            self._unheard[uid] = now + SETTLE
            raise Unanswered
        self._rules.posting(known, resource, request)
        job = self._api.post(request.attempt.description("nightly"))
        self._rules.posted(request)
        if self._fault == "answer lost":
            self._unheard[uid] = now + SETTLE
            raise Unanswered
        self._answered.add(job.id)
        return known_step(request, job, now)

    def _cancel(self, known: Known, resource: AISearchSyncJob, job: Job) -> Job:
        if self._fault == "lost":
            raise Unanswered
        self._rules.cancelling(known, resource, job)
        answer = self._api.cancel(job.id)
        if self._fault == "answer lost":
            raise Unanswered
        return answer

    def _request(self, known: Known, resource: AISearchSyncJob) -> Request:
        ahead, spared = self._turns.ahead_of(resource), self._turns.spared_by(resource)
        return request_of(resource, known.key.uid, ahead=ahead, spared=spared)

    def _seen(self) -> list[Job]:
        """Give the list, and the jobs that POSTs were answered with."""
        listed = self._api.listed()
        answered = [job for job in self._api.jobs.values() if job.id in self._answered and job not in listed]
        return [*answered, *listed]

    def _late(self, *keys: ObjectKey) -> bool:
        """Whether a job of these that nobody sees may still show up."""
        now, uids = self._api.now, {key.uid for key in keys}
        unheard = any(now < self._unheard[uid] for uid in uids & self._unheard.keys())
        return unheard or (now < self._began + SETTLE and not self._inherited.isdisjoint(uids))
