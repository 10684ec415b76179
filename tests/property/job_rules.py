"""What must hold for sync jobs at all times, judged from what happens and not by the operator's own functions."""

from datetime import datetime, timedelta

from aisearch_operator.cloudflare.wire import Job
from aisearch_operator.domain.job_state import owner_of
from aisearch_operator.domain.sync_job_steps import Request
from aisearch_operator.engine.store import Known, Store
from aisearch_operator.resources.group import SYNC_JOB_KIND
from aisearch_operator.resources.sync_job import AISearchSyncJob, AISearchSyncJobStatus, AttemptRecord
from property.job_api import Api

__all__ = ["OVER", "Rules"]

OVER = frozenset({"Succeeded", "Failed", "Cancelled"})
"""The phases that nothing but a new ``spec.runId`` ends."""

FAILURES = frozenset({"Failed", "Superseded", "Lost"})


class Rules:
    """The rules, and what must be remembered to judge by them; a broken one is an AssertionError."""

    def __init__(self, api: Api, store: Store) -> None:
        self._api = api
        self._store = store
        self._posted: set[str] = set()
        self._over: dict[str, str | None] = {}
        self._gone: set[str] = set()
        self._cancelled: set[str] = set()
        self._stopped: set[str] = set()
        self._ended_by_hand: set[str] = set()
        self._unwanted: set[str] = set()

    def cancelled_by_user(self, uid: str) -> None:
        """Note that ``spec.cancel`` was set once."""
        self._unwanted.add(uid)

    def cancelled_at_cloudflare(self, job: Job) -> None:
        """Note that somebody cancelled a job past the operator."""
        if uid := owner_of(job):
            self._unwanted.add(uid)
            status = next(known.body["status"] for known in self._store.all(SYNC_JOB_KIND) if known.key.uid == uid)
            if status.get("stopping") is None:  # else it was about to end anyway
                self._ended_by_hand.add(job.id)

    def posting(self, known: Known, resource: AISearchSyncJob, request: Request) -> None:
        """Judge a request for a new job before it is sent."""
        spec, status, uid, now = resource.spec, resource.status, known.key.uid, self._api.now
        unwanted = spec.suspend or spec.cancel or known.deleting
        assert not unwanted, "a POST that nobody wants"
        assert uid not in self._over, "a POST for what is over"
        assert request.attempt.marker not in self._posted, "a second POST for one attempt"
        owners = {owner_of(job) for job in self._api.unfinished}
        assert uid not in owners, "a POST for what runs already"
        if spec.concurrency_policy == "Wait":
            assert not self._api.unfinished, "a POST would end another job"
            assert not self._api.in_cooldown, "a POST would be refused"
        # They are named in the order of their creation.
        younger = {each.key.uid for each in self._store.all(SYNC_JOB_KIND) if each.key.name > known.key.name}
        assert not younger & owners, "a POST would end the job of a younger resource"
        attempts = [record for record in status.attempt_history if record.run_id == status.run_id]
        assert sum(record.outcome in FAILURES for record in attempts) <= spec.backoff_limit, "one attempt too many"
        if attempts:
            assert attempts[-1].outcome in FAILURES | {"Suspended"}, "a new attempt of what needs none"
            assert attempts[-1].job_id not in self._ended_by_hand, "a new attempt of what somebody cancelled"
        began = _began(attempts)
        if began is not None and spec.active_deadline_seconds is not None:
            assert now < began + timedelta(seconds=spec.active_deadline_seconds), "a POST after the deadline"

    def posted(self, request: Request) -> None:
        """Note a request for a new job that was not refused."""
        self._posted.add(request.attempt.marker)

    def cancelling(self, known: Known, resource: AISearchSyncJob, job: Job) -> None:
        """Judge a request for the end of a job before it is sent."""
        assert owner_of(job) == known.key.uid, "it cancels a job of others"
        if known.deleting or resource.spec.cancel:
            self._cancelled.add(job.id)
            return
        assert resource.status.stopping is not None, "it cancels what status does not tell of"
        self._stopped.add(job.id)

    def writing(self, known: Known, resource: AISearchSyncJob, after: AISearchSyncJobStatus) -> None:
        """Judge a new status before it is written."""
        uid, before = known.key.uid, resource.status
        if uid in self._over:
            wanted = resource.spec.run_id
            assert self._over.pop(uid) != wanted == after.run_id, "what is over began anew by itself"
        if after.phase in OVER:
            self._over[uid] = after.run_id
        assert after.phase != "Cancelled" or uid in self._unwanted, "what nobody cancelled is Cancelled"
        last = before.attempt_history[-1].attempt if before.attempt_history else 0
        stopped = self._stopped | (self._cancelled if resource.spec.cancel else set())
        for record in after.attempt_history:
            ours = record.attempt > last and record.job_id in stopped
            assert not ours or record.outcome not in FAILURES, "what the operator has stopped counts as failed"
        if any(each.type == "Failed" and each.reason == "BackoffLimitExceeded" for each in after.conditions):
            failed = [
                each for each in after.attempt_history if each.run_id == after.run_id and each.outcome in FAILURES
            ]
            assert len(failed) > resource.spec.backoff_limit, "a run has failed before its time"

    def gone(self, known: Known) -> None:
        """Note that a resource is let go."""
        self._gone.add(known.key.uid)

    def at_any_time(self) -> None:
        """Judge what runs at Cloudflare now."""
        owners = [owner for job in self._api.unfinished if (owner := owner_of(job))]
        assert len(owners) == len(set(owners)), "a resource has two live jobs"
        assert not self._gone.intersection(owners), "a deleted resource has a live job"
        assert not self._over.keys() & set(owners), "a resource that is over has a live job"

    def after_a_while(self) -> None:
        """Judge what runs at Cloudflare after some passes without any trouble."""
        live = set(map(owner_of, self._api.unfinished))
        for known in self._store.all(SYNC_JOB_KIND):
            wanted = not (known.deleting or known.body["spec"].get("cancel") or known.body["spec"].get("suspend"))
            assert wanted or known.key.uid not in live, "a job that nobody wants any more runs on"


def _began(attempts: list[AttemptRecord]) -> datetime | None:
    """Tell when a run's first attempt started since it was last suspended."""
    starts: list[datetime | None] = []
    for record in attempts:
        starts = [] if record.outcome == "Suspended" else [*starts, record.start_time]
    return next((start for start in starts if start is not None), None)
