"""The sync job protocol against a model of the API: one POST for each attempt, whoever interferes."""

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, multiple, precondition, rule

from aisearch_operator.cloudflare.wire import Job
from aisearch_operator.domain.job_state import Attempt, finished
from aisearch_operator.domain.sync_job import (
    Cancel,
    Finish,
    LookUp,
    Release,
    Request,
    Start,
    Track,
    next_step,
    removal_step,
)

REFUSED = timedelta(seconds=30)
"""How long the API refuses a job after another (facts 3.3)."""

COOLDOWN = timedelta(seconds=35)
SUPERSEDED = "new_job_has_started"
EPOCH = datetime(2026, 11, 23, tzinfo=UTC)


class Api:
    """The jobs of one instance, as facts 3 describes them; the newest is first in the list."""

    def __init__(self) -> None:
        self.now = EPOCH
        self.jobs: dict[str, Job] = {}
        self.requested = EPOCH - timedelta(days=1)

    def listed(self) -> tuple[Job, ...]:
        return tuple(reversed(self.jobs.values()))

    @property
    def unfinished(self) -> list[Job]:
        return [job for job in self.jobs.values() if not finished(job)]

    @property
    def in_cooldown(self) -> bool:
        moments = [self.requested, *(at for job in self.jobs.values() for at in (job.started_at, job.ended_at) if at)]
        return self.now - max(moments) < REFUSED

    def post(self, description: str, *, source: str = "user") -> Job:
        for job in self.unfinished:
            self.end(job.id, SUPERSEDED)
        job = Job(id=f"job-{len(self.jobs)}", source=source, description=description)
        self.jobs[job.id], self.requested = job, self.now
        return job

    def start(self, job_id: str) -> None:
        self._change(job_id, started_at=self.now)

    def end(self, job_id: str, reason: str | None) -> None:
        self._change(job_id, ended_at=self.now, end_reason=reason)

    def _change(self, job_id: str, **changes: object) -> None:
        self.jobs[job_id] = self.jobs[job_id].model_copy(update=changes)


@dataclass(eq=False)
class Resource:
    """A sync job resource: its spec, its status, and what the operator did for it."""

    number: int
    job_id: str | None = None
    cancel: bool = False
    deleted: bool = False
    gone: bool = False
    over: bool = False
    posts: list[str] = field(default_factory=list)

    @property
    def attempt(self) -> Attempt:
        return Attempt(f"uid-{self.number}", 1)


class Protocol(RuleBasedStateMachine):
    """The operator's passes in any order, with crashes, a foreign hand at Cloudflare, edits and deletions."""

    resources = Bundle("resources")

    def __init__(self) -> None:
        super().__init__()
        self.api = Api()
        self.all: list[Resource] = []

    @rule(target=resources)
    def apply(self) -> Resource:
        self.all.append(Resource(len(self.all)))
        return self.all[-1]

    @rule(resource=resources)
    def ask_for_its_cancellation(self, resource: Resource) -> None:
        resource.cancel = True

    @rule(target=resources, resource=consumes(resources))
    def delete(self, resource: Resource) -> object:
        resource.deleted = True
        return resource if not resource.gone else multiple()

    @rule(resource=resources, crashes=st.booleans())
    def make_a_pass(self, resource: Resource, crashes: bool) -> None:
        before = replace(resource)
        self._pass(resource)
        if crashes:  # after the requests, before the status
            resource.job_id, resource.over, resource.gone = before.job_id, before.over, before.gone

    @rule(resource=resources)
    def lose_the_status(self, resource: Resource) -> None:
        if not resource.over:
            resource.job_id = None

    @rule(seconds=st.sampled_from([1, 10, 29, 31, 36]))
    def let_time_pass(self, seconds: int) -> None:
        self.api.now += timedelta(seconds=seconds)

    @precondition(lambda self: self.api.unfinished)
    @rule(ends=st.booleans(), reason=st.sampled_from([None, "completed", "bucket_not_found"]))
    def the_job_goes_on(self, ends: bool, reason: str | None) -> None:
        job = self.api.unfinished[0]
        if ends and job.started_at:
            self.api.end(job.id, reason)
        elif not job.started_at:
            self.api.start(job.id)

    @rule()
    def the_schedule_starts_a_job(self) -> None:
        self.api.post("", source="schedule")

    @invariant()
    def no_attempt_is_posted_twice(self) -> None:
        assert all(len(resource.posts) <= 1 for resource in self.all)

    @invariant()
    def what_is_gone_runs_no_more(self) -> None:
        gone = [resource.attempt for resource in self.all if resource.gone]
        assert not [job for job in self.api.unfinished for attempt in gone if attempt.owns(job)]

    def teardown(self) -> None:
        """From any state on, everything ends by itself: each resource is over or gone, and ran if it was to run."""
        for _ in range(40 * (len(self.all) + 1)):
            for resource in self.all:
                self._pass(resource)
            for job in self.api.unfinished:
                if job.started_at:
                    self.api.end(job.id, None)
                else:
                    self.api.start(job.id)
            self.api.now += timedelta(seconds=5)
        for resource in self.all:
            assert resource.gone if resource.deleted else resource.over
            assert resource.posts or resource.cancel or resource.deleted
        self.no_attempt_is_posted_twice()

    def _pass(self, resource: Resource) -> None:
        if resource.gone or (resource.over and not resource.deleted):
            return
        ahead = sum(1 for other in self.all[: resource.number] if not other.over and not other.deleted)
        request = Request(resource.attempt, resource.job_id, cancel=resource.cancel, ahead=ahead)
        if resource.deleted:
            self._remove(resource, request)
            return
        step = next_step(request, self.api.listed(), self.api.now, COOLDOWN)
        if isinstance(step, LookUp):
            job = self.api.jobs[step.job_id]
            step = Finish(job) if finished(job) else Track(job)
        match step:
            case Start():
                self._post(resource)
            case Track(job):
                resource.job_id = job.id
            case Cancel(job):
                resource.job_id = job.id
                self.api.end(job.id, "cancelled")
            case Finish(ended):
                resource.job_id, resource.over = ended.id if ended else None, True

    def _post(self, resource: Resource) -> None:
        assert not self.api.unfinished, "a POST would end another job"
        assert not self.api.in_cooldown, "a POST would be refused"
        waiting = [older for older in self.all[: resource.number] if not older.posts and not older.over]
        assert all(older.deleted for older in waiting), "an older one waits longer"
        job = self.api.post(resource.attempt.description("nightly"))
        resource.posts.append(job.id)
        resource.job_id = job.id

    def _remove(self, resource: Resource, request: Request) -> None:
        step = removal_step(request, self.api.listed())
        if isinstance(step, LookUp):
            job = self.api.jobs[step.job_id]
            step = Release() if finished(job) else Cancel(job)
        if isinstance(step, Cancel):
            self.api.end(step.job.id, "cancelled")
        else:
            resource.gone = True


TestProtocol = Protocol.TestCase
TestProtocol.settings = settings(max_examples=200, stateful_step_count=40, deadline=None)
