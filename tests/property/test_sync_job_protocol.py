"""The sync job protocol against a model of the API: one job for each attempt, whoever interferes."""

from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from aisearch_operator.cloudflare.wire import Job
from aisearch_operator.domain.attempts import run_id_of, wants_new_run
from aisearch_operator.domain.job_state import finished, owner_of
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
from unit.builders import metadata

REFUSED = timedelta(seconds=30)
"""How long the API refuses a job after another (facts 3.3)."""

COOLDOWN = timedelta(seconds=35)
SETTLE = timedelta(seconds=15)
"""After this, the operator relies on the lists; the model's lag by less."""

SUPERSEDED = "new_job_has_started"
EPOCH = datetime(2026, 11, 23, tzinfo=UTC)

Fault = Literal["none", "before", "after"]
"""What becomes of a request that is to change something: carried out and answered, lost, or its answer lost."""

Fate = Literal["written", "not written", "killed"]
"""What becomes of the status of a pass."""

faults: st.SearchStrategy[Fault] = st.sampled_from(["none", "none", "none", "before", "after"])
fates: st.SearchStrategy[Fate] = st.sampled_from(["written", "written", "written", "not written", "killed"])


class Unanswered(Exception):
    """Nobody knows what became of the request."""


class Refused(Exception):
    """The API takes no job now."""


class Api:
    """The jobs of one instance, as facts 3 describes them; the newest is first in the list."""

    def __init__(self) -> None:
        self.now = EPOCH
        self.lag = timedelta()
        self.jobs: dict[str, Job] = {}
        self._requested: dict[str, datetime] = {}
        self._visible: dict[str, datetime] = {}

    def listed(self) -> list[Job]:
        return [job for job in reversed(self.jobs.values()) if self._visible[job.id] <= self.now]

    @property
    def unfinished(self) -> list[Job]:
        return [job for job in self.jobs.values() if not finished(job)]

    @property
    def in_cooldown(self) -> bool:
        moments = [at for job in self.jobs.values() for at in (job.started_at, job.ended_at) if at]
        return any(self.now - at < REFUSED for at in (*moments, *self._requested.values()))

    def post(self, description: str, *, source: str = "user", hidden: bool = True) -> Job:
        if self.in_cooldown and source == "user":
            raise Refused
        for job in self.unfinished:
            self.end(job.id, SUPERSEDED)
        job = Job(id=f"job-{len(self._requested)}", source=source, description=description)
        self.jobs[job.id], self._requested[job.id] = job, self.now
        self._visible[job.id] = self.now + (self.lag if hidden else timedelta())
        return job

    def start(self, job_id: str) -> None:
        self._change(job_id, started_at=self.now)

    def end(self, job_id: str, reason: str | None) -> None:
        self._change(job_id, ended_at=self.now, end_reason=reason)

    def _change(self, job_id: str, **changes: object) -> None:
        self.jobs[job_id] = self.jobs[job_id].model_copy(update=changes)


class Operator:
    """What one process remembers, as `JobCalls` and the job observer do."""

    def __init__(self, now: datetime, inherited: set[str]) -> None:
        self.began = now
        self.inherited = inherited
        self.unheard: dict[str, datetime] = {}
        self.answered: set[str] = set()

    def may_show_up(self, now: datetime, *uids: str) -> bool:
        unheard = any(now < self.unheard.get(uid, now) for uid in uids)
        return unheard or (now < self.began + SETTLE and not self.inherited.isdisjoint(uids))


SPECS = st.sampled_from(
    [
        {"backoffLimit": 3},
        {"backoffLimit": 3, "concurrencyPolicy": "Replace"},
        {"backoffLimit": 1, "runId": "a"},
        {"concurrencyPolicy": "Replace"},
        {"backoffLimit": 3, "activeDeadlineSeconds": 60},
    ]
)

EDITS = st.sampled_from(
    [
        {"concurrencyPolicy": "Replace"},
        {"concurrencyPolicy": "Wait"},
        {"backoffLimit": 0},
        {"backoffLimit": 5},
        {"activeDeadlineSeconds": 20},
    ]
)

ANYBODY = st.integers(0, 2)
"""One of the resources; where there are fewer, some have more numbers."""

SECONDS = st.sampled_from([1, 10, 29, 31, 36, 120, 700])
ENDS = st.sampled_from([None, None, "", "bucket_not_found", "bucket_not_found", "cancelled"])
"""The end reason of a job that runs; None lets it run on."""

Work = list[tuple[int, Fault, Fate]]
WORK: st.SearchStrategy[Work] = st.lists(st.tuples(ANYBODY, faults, fates), min_size=2, max_size=8)
"""Passes: over whom, and what becomes of their requests and their status."""


class Protocol(RuleBasedStateMachine):
    """The operator's passes in any order, with crashes, faults, a foreign hand at Cloudflare, edits and deletions.

    The resources live in the operator's own store, as the API server would show them.
    """

    def __init__(self) -> None:
        super().__init__()
        self.api = Api()
        self.store = Store()
        self.turns = Turns(self.store)
        self.operator = Operator(self.api.now, set())
        self.keys: list[ObjectKey] = []
        self.gone: set[str] = set()
        self.posted: list[str] = []
        self.skew = timedelta()
        self.cancelled_by_hand: set[str] = set()
        self.parsed: dict[ObjectKey, tuple[Known, AISearchSyncJob]] = {}

    @initialize(lag=st.sampled_from([0, 10]), specs=st.lists(SPECS, min_size=1, max_size=3))
    def begin(self, lag: int, specs: list[dict[str, Any]]) -> None:
        self.api.lag = timedelta(seconds=lag)
        for number, spec in enumerate(specs):
            body = {
                "metadata": metadata(f"job-{number}", created=EPOCH + timedelta(seconds=number)),
                "spec": {"instanceRef": {"name": "docs"}, **spec},
                "status": {"observedGeneration": -1},
            }
            self.keys.append(self.store.put(SYNC_JOB_KIND, body).key)

    @rule(number=ANYBODY, edit=EDITS, work=WORK)
    def edit(self, number: int, edit: dict[str, Any], work: Work) -> None:
        self._edit(self._key(number), edit)
        self._do(work)

    @rule(number=ANYBODY, seconds=SECONDS, work=WORK)
    def run_again(self, number: int, seconds: int, work: Work) -> None:
        if known := self.store.get(self._key(number)):
            self._edit(known.key, {"runId": f"run-{known.generation}", "suspend": False})
        self._let_jobs_run(seconds, None)
        self._do(work)

    @rule(number=ANYBODY, work=WORK)
    def suspend_or_resume(self, number: int, work: Work) -> None:
        if known := self.store.get(self._key(number)):
            self._edit(known.key, {"suspend": not known.body["spec"].get("suspend", False)})
        self._do(work)

    @precondition(lambda self: self.api.now.minute % 3 == 2)  # more seldom than the rest: much ends with it
    @rule(number=ANYBODY, back=st.booleans(), work=WORK)
    def cancel_or_take_it_back(self, number: int, back: bool, work: Work) -> None:
        if known := self.store.get(self._key(number)):
            edit = {"cancel": False, "runId": f"again-{known.generation}"} if back else {"cancel": True}
            self._edit(known.key, edit)
            self.cancelled_by_hand.add(known.key.uid)
        self._do(work)

    @precondition(lambda self: self.api.now.minute % 3 == 2)  # more seldom than the rest: much ends with it
    @rule(number=ANYBODY, work=WORK)
    def delete(self, number: int, work: Work) -> None:
        if known := self.store.get(self._key(number)):
            about = {**known.body["metadata"], "deletionTimestamp": "2026-11-24T00:00:00Z"}
            self.store.put(SYNC_JOB_KIND, {**known.body, "metadata": about})
        self._do(work)

    @rule(seconds=SECONDS, ends=ENDS, work=WORK)
    def time_passes(self, seconds: int, ends: str | None, work: Work) -> None:
        self._let_jobs_run(seconds, ends)
        self._do(work)

    @rule(ends=ENDS, work=WORK)
    def the_cooldown_passes(self, ends: str | None, work: Work) -> None:
        self._let_jobs_run(36, ends)
        self._do(work)

    @rule(hours=st.sampled_from([0, -5, 5]), work=WORK)
    def our_clock_jumps(self, hours: int, work: Work) -> None:
        self.skew = timedelta(hours=hours)
        self._do(work)

    @rule(ends=ENDS, work=WORK)
    def the_schedule_starts_a_job(self, ends: str | None, work: Work) -> None:
        self.api.post("", source="schedule", hidden=False)
        self._do(work)
        self._let_jobs_run(36, ends)
        self._let_jobs_run(36, ends)
        self._do(work)

    @precondition(lambda self: any(finished(job) for job in self.api.jobs.values()))
    @rule()
    def cloudflare_forgets_an_ended_job(self) -> None:
        # Not one of the last seconds: nothing says that this ends the cooldown.
        old = [j for j in self.api.jobs.values() if j.ended_at and self.api.now - j.ended_at > COOLDOWN]
        if old:
            del self.api.jobs[old[0].id]

    @invariant()
    def no_resource_has_two_live_jobs(self) -> None:
        owners = [owner for job in self.api.unfinished if (owner := owner_of(job))]
        assert len(owners) == len(set(owners))

    @invariant()
    def no_attempt_is_posted_twice(self) -> None:
        assert len(self.posted) == len(set(self.posted))

    @invariant()
    def what_is_gone_runs_no_more(self) -> None:
        assert not self.gone.intersection(map(owner_of, self.api.unfinished))

    @invariant()
    def what_is_over_or_suspended_runs_no_more(self) -> None:
        live = set(map(owner_of, self.api.unfinished))
        for known in self.store.all(SYNC_JOB_KIND):
            resource = self._parse(known)
            over = is_terminal(resource.status) or is_suspended(resource.status, known.generation)
            assert not over or known.key.uid not in live

    def teardown(self) -> None:
        """From any state on, everything ends by itself: each resource that is not suspended is over or gone."""
        for known in tuple(self.store.all(SYNC_JOB_KIND)):
            self._edit(known.key, {"suspend": False})
        for _ in range(60 * (len(self.store) + 1)):
            for known in tuple(self.store.all(SYNC_JOB_KIND)):
                self._pass(known.key)
            if self._settled():
                break
            for job in self.api.unfinished:
                if job.started_at:
                    self.api.end(job.id, None)
                else:
                    self.api.start(job.id)
            self.api.now += timedelta(seconds=36)
        for known in self.store.all(SYNC_JOB_KIND):
            assert not known.deleting, "a deletion hangs"
            resource = self._parse(known)
            assert is_terminal(resource.status), resource.status
            assert not wants_new_run(resource)
            assert resource.status.attempts or resource.spec.cancel
        self.no_attempt_is_posted_twice()

    def _settled(self) -> bool:
        resources = [self._parse(known) for known in self.store.all(SYNC_JOB_KIND)]
        return all(
            is_terminal(each.status) and not each.metadata.deletion_timestamp and not wants_new_run(each)
            for each in resources
        )

    def _key(self, number: int) -> ObjectKey:
        return self.keys[number % len(self.keys)]

    def _let_jobs_run(self, seconds: int, ends: str | None) -> None:
        """Let the clock of the API run: what has run for a while ends as it is to end, what waits starts."""
        self.api.now += timedelta(seconds=seconds)
        for job in self.api.unfinished:
            if not job.started_at:
                self.api.start(job.id)
            elif ends is not None:
                self.api.end(job.id, ends or None)
                if ends == "cancelled" and (owner := owner_of(job)):
                    self.cancelled_by_hand.add(owner)

    def _do(self, work: Work) -> None:
        for number, fault, fate in work:
            self._pass(self._key(number), fault, fate)

    def _known(self, key: ObjectKey) -> Known:
        known = self.store.get(key)
        assert known is not None
        return known

    def _parse(self, known: Known) -> AISearchSyncJob:
        cached = self.parsed.get(known.key)
        if cached is None or cached[0] is not known:
            cached = self.parsed[known.key] = known, AISearchSyncJob.model_validate(known.body)
        return cached[1]

    def _edit(self, key: ObjectKey, edit: dict[str, Any]) -> None:
        known = self.store.get(key)
        if known is None or {**known.body["spec"], **edit} == known.body["spec"]:
            return
        body = known.body
        about = {**body["metadata"], "generation": body["metadata"]["generation"] + 1}
        self.store.put(SYNC_JOB_KIND, {**body, "metadata": about, "spec": {**body["spec"], **edit}})

    def _write(self, key: ObjectKey, before: AISearchSyncJobStatus, after: AISearchSyncJobStatus) -> None:
        body, resource = self._known(key).body, self._parse(self._known(key))
        if is_terminal(before) and not is_terminal(after):
            assert before.run_id != after.run_id == resource.spec.run_id, "what is over began anew by itself"
        if after.phase == "Cancelled":
            assert key.uid in self.cancelled_by_hand, "what was only suspended has failed"
        self.store.put(SYNC_JOB_KIND, {**body, "status": after.to_kubernetes()})

    def _pass(self, key: ObjectKey, fault: Fault = "none", fate: Fate = "written") -> None:
        known = self.store.get(key)
        if known is None:
            return
        resource = self._parse(known)
        before, after, gone = resource.status, None, False
        if known.deleting:
            gone = self._remove(known, resource, fault)
        elif not is_terminal(before):
            if not (is_suspended(before, known.generation) and resource.spec.suspend and not resource.spec.cancel):
                after = summarize_job(
                    before,
                    self._advance(known, resource, fault),
                    generation=known.generation,
                    now=self.api.now + self.skew,
                )
        elif wants_new_run(resource):
            after = reopen(before, resource.spec.run_id or "", generation=known.generation, now=self.api.now)
        if fate == "killed":
            self.operator = Operator(self.api.now, {known.key.uid for known in self.store.all(SYNC_JOB_KIND)})
        elif gone:
            self.gone.add(key.uid)
            self.store.drop(key)
        elif fate == "written" and after is not None:
            self._write(key, before, after)
            if len(after.attempt_history) > len(before.attempt_history) or is_terminal(after):
                self.operator.unheard.pop(key.uid, None)
                self.operator.inherited.discard(key.uid)

    def _request(self, known: Known, resource: AISearchSyncJob) -> Request:
        ahead, spared = self.turns.ahead_of(resource), self.turns.spared_by(resource)
        return request_of(resource, known.key.uid, ahead=ahead, spared=spared)

    def _seen(self) -> list[Job]:
        listed = self.api.listed()
        return [
            *listed,
            *(
                self.api.jobs[name]
                for name in self.operator.answered & self.api.jobs.keys()
                if self.api.jobs[name] not in listed
            ),
        ]

    def _late(self, *keys: ObjectKey) -> bool:
        return self.operator.may_show_up(self.api.now, *(key.uid for key in keys))

    def _advance(self, known: Known, resource: AISearchSyncJob, fault: Fault) -> JobFinding:
        request, key, now = self._request(known, resource), known.key, self.api.now
        run_id = run_id_of(resource, adopts=False)
        finding = JobFinding(Verdict.working(Reason.WORKING, ""), server_time=now, run_id=run_id)
        step: Step = next_step(request, self._seen(), now, COOLDOWN)
        if isinstance(step, LookUp):
            found = next((job for job in self._seen() if job.id == step.job_id), None)
            if found is None and self._late(key):
                return finding
            step = ended_step(request, None, now) if found is None else known_step(request, found, now)
        try:
            if isinstance(step, Start):
                return self._start(known, resource, request, finding, fault)
            if isinstance(step, Cancel):
                finding = with_step(finding, step)
                step = self._cancelled(request, step, fault)
        except (Unanswered, Refused):
            return finding
        if isinstance(step, StandBy | Finish) and request.job_id is None and getattr(step, "job", None) is None:
            return finding if self._late(key) else with_step(finding, step)
        if isinstance(step, Close):
            then = step_after_closing(request, step, self._seen(), now, COOLDOWN)
            return with_closing(finding, step, then)
        return with_step(finding, step)

    def _start(
        self, known: Known, resource: AISearchSyncJob, request: Request, finding: JobFinding, fault: Fault
    ) -> JobFinding:
        api, uid = self.api, known.key.uid
        if self._late(known.key, *self.turns.others(known.key)):
            return finding
        if fault == "before":
            self.operator.unheard[uid] = api.now + SETTLE
            raise Unanswered
        self._check_start(resource, request)
        job = api.post(request.attempt.description("nightly"))
        self.posted.append(request.attempt.marker)
        if fault == "after":
            self.operator.unheard[uid] = api.now + SETTLE
            raise Unanswered
        self.operator.answered.add(job.id)
        return with_step(finding, known_step(request, job, api.now))

    def _check_start(self, resource: AISearchSyncJob, request: Request) -> None:
        assert not resource.spec.suspend
        assert not resource.spec.cancel
        assert not is_terminal(resource.status)
        if resource.spec.concurrency_policy == "Wait":
            assert not self.api.unfinished, "a POST would end another job"
            assert not self.api.in_cooldown, "a POST would be refused"
        younger = {
            known.key.uid
            for known in self.store.all(SYNC_JOB_KIND)
            if known.key.name > resource.metadata.name  # named in the order of their creation
        }
        assert not younger.intersection(map(owner_of, self.api.unfinished)), "a younger one would be ended"
        assert (resource.status.failed or 0) <= resource.spec.backoff_limit

    def _cancelled(self, request: Request, step: Cancel, fault: Fault) -> Step:
        if fault == "before":
            raise Unanswered
        self.api.end(step.job.id, "cancelled")
        if fault == "after":
            raise Unanswered
        return known_step(request, self.api.jobs[step.job.id], self.api.now)

    def _remove(self, known: Known, resource: AISearchSyncJob, fault: Fault) -> bool:
        if is_terminal(resource.status):
            return True
        request = self._request(known, resource)
        step = removal_step(request, self._seen())
        if isinstance(step, LookUp):
            return not self._late(known.key)  # what no list shows is not to be found by its id either
        if isinstance(step, Cancel):
            if fault != "before":
                self.api.end(step.job.id, "cancelled")
            return fault == "none"
        return request.job_id is not None or not self._late(known.key)


TestProtocol = Protocol.TestCase
TestProtocol.settings = settings(stateful_step_count=25, max_examples=160)
