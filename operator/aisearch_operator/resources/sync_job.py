"""AISearchSyncJob: a run of a sync between an instance and its data source."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field

from aisearch_operator.resources.base import ResourceModel, Rule, Timestamp, excerpt, immutable
from aisearch_operator.resources.conditions import Conditions
from aisearch_operator.resources.group import REQUEST_LENGTH
from aisearch_operator.resources.instance import InstanceStats
from aisearch_operator.resources.metadata import ObjectMeta
from aisearch_operator.resources.names import AccountId, InstanceId, LocalReference, SearchNamespace

__all__ = [
    "MAX_ATTEMPT_HISTORY",
    "AISearchSyncJob",
    "AISearchSyncJobSpec",
    "AISearchSyncJobStatus",
    "AttemptRecord",
    "InstanceTarget",
    "LogLine",
    "StopReason",
]

ANOTHER_JOB = "apply another AISearchSyncJob"

MAX_ATTEMPT_HISTORY = 10
"""Attempts that ``status.attemptHistory`` remembers."""

StopReason = Literal["Cancelled", "Suspended", "DeadlineExceeded"]
"""Why the operator itself ends a job."""

NEW_RUN = "has(self.runId) && (!has(oldSelf.runId) || self.runId != oldSelf.runId)"


class InstanceTarget(ResourceModel):
    """An instance that no AISearchInstance manages."""

    id: InstanceId
    """Id of the instance at Cloudflare."""

    search_namespace: SearchNamespace = "default"
    """AI Search namespace that the instance is in. It has nothing to do with the namespace of this
    resource."""

    account_id: AccountId | None = None
    """Id of the Cloudflare account: 32 hexadecimal digits. Unset means the account that the credentials
    name."""

    credentials_ref: LocalReference | None = None
    """Secret with the credentials for Cloudflare: the keys apiToken, or email and apiKey, and accountId.
    Unset means the Secret `aisearch-credentials` in this namespace, else the operator's own
    credentials."""


class AISearchSyncJobSpec(ResourceModel):
    """Which instance is synced, and what becomes of the job."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            "has(self.instanceRef) != has(self.instance)",
            "give exactly one of instanceRef (an AISearchInstance in this namespace) "
            "and instance (one that no resource manages)",
        ),
        immutable("instanceRef", ANOTHER_JOB),
        immutable("instance", ANOTHER_JOB),
        immutable("description", ANOTHER_JOB),
        Rule(
            f"self.cancel || !oldSelf.cancel || ({NEW_RUN})",
            f"cancel can be taken back only together with a new runId; or {ANOTHER_JOB}",
            "cancel",
        ),
    )

    instance_ref: LocalReference | None = None
    """The AISearchInstance, in the namespace of this resource, that is synced; the job waits until it is
    ready. Either this or instance. Cannot be changed, added or removed."""

    instance: InstanceTarget | None = None
    """The instance that is synced, when no AISearchInstance manages it. Either this or instanceRef.
    Cannot be changed, added or removed."""

    description: Annotated[str, Field(max_length=180)] | None = None
    """What Cloudflare shows beside the job: at most 180 characters. The operator adds a marker, by which
    it finds the job again. Cannot be changed, added or removed."""

    cancel: bool = False
    """Whether the job is stopped, or not started at all, while this resource stays. What was indexed
    stays indexed. Can be taken back only together with a new runId."""

    suspend: bool = False
    """Whether the run pauses. A job that waits is not started; a job that runs is cancelled, which does not
    count as a failed attempt. Set back to false, the run goes on with a new attempt, and
    activeDeadlineSeconds counts anew."""

    backoff_limit: Annotated[int, Field(ge=0, le=1000)] = 0
    """How many times a failed job is tried again, with a pause that doubles from 10 seconds (but at least
    Cloudflare's own pause between two jobs) to 6 minutes. Superseded by another job, or lost at
    Cloudflare, counts as failed; cancelled is never tried again."""

    active_deadline_seconds: Annotated[int, Field(ge=1, le=31_536_000)] | None = None
    """Seconds that a run may take from the start of its first attempt, with all attempts and the pauses
    between them; waiting before the first does not count. Then the job is cancelled and the run has
    failed. Unset means for ever."""

    concurrency_policy: Literal["Wait", "Replace"] = "Wait"
    """What happens while another job of the instance runs. `Wait` waits for its end. `Replace` waits only
    for Cloudflare's pause between two jobs: its start ends the other one, unless that belongs to a younger
    AISearchSyncJob."""

    completion_policy: Literal["JobEnded", "Indexed"] = "JobEnded"
    """When a run is complete. `JobEnded`: as soon as its job has ended well, which means that the source was
    scanned. `Indexed`: when also nothing is queued or running in the index any more; items that could not
    be indexed are counted in status.stats."""

    run_id: Annotated[str, Field(min_length=1, max_length=64)] | None = None
    """Any text; a changed value runs a finished job again, once, and status.runId confirms it. A change
    during a run is acted on after that. Removing it does nothing."""

    ttl_seconds_after_finished: Annotated[int, Field(ge=0, le=31_536_000)] | None = None
    """Seconds after the end of the run, however it ended, until the operator deletes this resource; 0 means
    at once. Unset means never, and so does any value while Argo CD or Flux manages this resource: they
    would make it, and so run it, again."""

    deletion_policy: Literal["Cancel", "Orphan"] = "Cancel"
    """What happens to a running job when this resource is deleted. `Cancel` stops it and waits for its
    end; `Orphan` lets it run on."""


class LogLine(ResourceModel):
    """A line of a job's log."""

    time: Timestamp | None = None
    """When Cloudflare wrote the line; not set if it does not say."""

    message: Annotated[str, excerpt(1024), Field(max_length=1024)]
    """What Cloudflare wrote; long lines are cut."""


class AttemptRecord(ResourceModel):
    """An attempt that is over."""

    attempt: int
    """Its number; numbers go on over all runs of this resource."""

    run_id: str | None = None
    """The spec.runId that it belonged to."""

    job_id: str | None = None
    """Id of its job at Cloudflare."""

    start_time: Timestamp | None = None
    """When the job started at Cloudflare."""

    completion_time: Timestamp | None = None
    """When the job ended at Cloudflare, or was missed there."""

    end_reason: Annotated[str, excerpt(1024), Field(max_length=1024)] | None = None
    """Why the job ended, in Cloudflare's words; not set when it ended well."""

    outcome: str
    """How it ended: Succeeded, Failed, Superseded, Lost, Cancelled, Suspended or DeadlineExceeded."""


class AISearchSyncJobStatus(ResourceModel):
    """What the operator found and did."""

    observed_generation: int = -1
    """The generation of the spec (metadata.generation) that this status is about; -1 means that the
    operator has not seen this resource yet."""

    conditions: Conditions = ()
    """What is to be said of the run. Complete: it ended well. Failed: it ended otherwise. Suspended:
    spec.suspend is true, and nothing runs. Ready: as Complete. Reconciling: it waits or runs. Stalled: it
    ended otherwise, or a person must act."""

    phase: str | None = None
    """The conditions in one word: Pending, Running, Cancelling, Indexing, Suspended, Succeeded, Cancelled
    or Failed."""

    run_id: str | None = None
    """The spec.runId that the present run, or the last one, was made for."""

    run_start_time: Timestamp | None = None
    """When the first attempt of the run started, since it was resumed last; spec.activeDeadlineSeconds
    counts from here."""

    job_id: str | None = None
    """Id of the job at Cloudflare, as soon as it is known: that of the present attempt, or of the last
    one."""

    account_id: str | None = None
    """Id of the Cloudflare account that the job runs in; deletion uses it."""

    search_namespace: str | None = None
    """AI Search namespace that the job runs in; deletion uses it."""

    instance_id: str | None = None
    """Id of the instance that the job syncs; deletion uses it."""

    credentials_secret: str | None = None
    """Name of the Secret whose credentials started the job; deletion uses it. Empty means the operator's
    own credentials."""

    attempts: int | None = None
    """How many jobs were started for this resource, in all its runs: the number of the last attempt."""

    failed: int | None = None
    """How many attempts of the run have failed; spec.backoffLimit bounds it."""

    attempt_history: Annotated[tuple[AttemptRecord, ...], Field(max_length=MAX_ATTEMPT_HISTORY)] = ()
    """The attempts that are over, the newest last: at most 10."""

    stopping: StopReason | None = None
    """Why the operator is ending the present job; set before it asks Cloudflare to."""

    start_time: Timestamp | None = None
    """When the job started at Cloudflare."""

    completion_time: Timestamp | None = None
    """When the job ended at Cloudflare, however."""

    indexing_since: Timestamp | None = None
    """When the job ended well, while the run waits for the index; see spec.completionPolicy."""

    stats: InstanceStats | None = None
    """How many items of the instance were in which state when the run last looked; set where
    spec.completionPolicy is Indexed."""

    last_seen_time: Timestamp | None = None
    """The running job's last sign of life at Cloudflare, brought up to date about once a minute."""

    duration: str | None = None
    """How long the job ran, for example 2m5s; set when it has ended."""

    end_reason: Annotated[str, excerpt(1024), Field(max_length=1024)] | None = None
    """Why the job ended, in Cloudflare's words; not set when it ended well."""

    last_handled_reconcile_at: Annotated[str, Field(max_length=REQUEST_LENGTH)] | None = None
    """The value of the annotation aisearch.cloudflare.com/reconcile-requested-at that the operator has
    answered last: it has read credentials and jobs afresh."""

    logs: Annotated[tuple[LogLine, ...], Field(max_length=20)] = ()
    """The last lines of the job's log: at most 20."""


class AISearchSyncJob(ResourceModel):
    """A run of a sync: Cloudflare scans the data source of an instance and indexes what is new."""

    metadata: ObjectMeta

    spec: AISearchSyncJobSpec
    """Which instance is synced, and what becomes of the job."""

    status: AISearchSyncJobStatus = AISearchSyncJobStatus()
    """What the operator found and did. Only the operator writes it."""
