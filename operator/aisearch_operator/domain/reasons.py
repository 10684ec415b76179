"""Every reason that a condition or an Event can carry, with the sentence that explains it.

A reason tells what to do, so there are few. Those that come from an answer of Cloudflare are the
members of `aisearch_operator.cloudflare.errors.Cause`, documented there.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

__all__ = ["DOCUMENTATION", "Reason"]


class Reason(StrEnum):
    """Why a condition has the status that it has. The values are part of the API."""

    # Instances
    SYNCED = "Synced"
    OBSERVED = "Observed"
    NOTHING_TO_OBSERVE = "NothingToObserve"
    SUSPENDED = "Suspended"
    CREATING = "Creating"
    CREATED = "Created"
    UPDATED = "Updated"
    DRIFT_REPAIRED = "DriftRepaired"
    DRIFT_FOUND = "DriftFound"
    NO_DRIFT = "NoDrift"
    NOT_ACCEPTED = "ValueNotAccepted"
    REPAIR_UNDONE = "RepairUndone"
    MOVED = "Moved"
    ADOPTED = "Adopted"
    ADOPTION_REFUSED = "AdoptionRefused"
    CLAIMED_BY_ANOTHER = "ClaimedByAnotherResource"
    DELETED = "Deleted"
    RETAINED = "Retained"
    FILES_KEPT = "FilesKept"
    ALREADY_GONE = "AlreadyGone"
    RELEASED_UNCONFIRMED = "ReleasedUnconfirmed"
    INDEX_COMPLETE = "IndexComplete"
    INDEXING = "Indexing"
    INDEX_ERRORS = "IndexErrors"
    INDEX_UNKNOWN = "StatisticsPending"
    PUBLISHED = "Published"
    NOT_REQUESTED = "NotRequested"
    CONFIG_MAP_NOT_OURS = "ConfigMapNotOurs"
    CONFIG_MAP_NOT_WRITTEN = "ConfigMapNotWritten"
    SOURCE_ERROR = "SourceError"
    BLOCKED_BY_SITE = "BlockedBySite"
    NOT_PAUSED = "NotPaused"
    PAUSED_BY_SPEC = "PausedBySpec"
    PAUSED_AT_CLOUDFLARE = "PausedAtCloudflare"

    # Sync jobs
    INSTANCE_MISSING = "InstanceResourceMissing"
    INSTANCE_NOT_READY = "InstanceNotReady"
    INSTANCE_STALLED = "InstanceStalled"
    INSTANCE_DELETING = "InstanceDeleting"
    INSTANCE_SUSPENDED = "InstanceSuspended"
    INSTANCE_HAS_NO_SOURCE = "InstanceHasNoSource"
    WAITING_FOR_TURN = "WaitingForTurn"
    ANOTHER_JOB_RUNNING = "AnotherJobRunning"
    COOLDOWN = "Cooldown"
    BACK_OFF = "BackOff"
    LOOKING_AROUND = "LookingForEarlierJob"
    ACCEPTED = "Accepted"
    RUNNING = "Running"
    STARTED = "Started"
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    SUPERSEDED = "Superseded"
    CANCELLING = "Cancelling"
    CANCELLED = "Cancelled"
    LOST = "Lost"
    KEPT_AS_IN_GIT = "KeptAsInGit"
    BACKOFF_LIMIT_EXCEEDED = "BackoffLimitExceeded"
    DEADLINE_EXCEEDED = "DeadlineExceeded"

    # Both
    CREDENTIALS_MISSING = "CredentialsMissing"
    CREDENTIALS_NOT_SHARED = "CredentialsNotShared"
    CREDENTIALS_INCOMPLETE = "CredentialsIncomplete"
    CREDENTIALS_INVALID = "CredentialsInvalid"
    INVALID_SPEC = "InvalidSpec"
    WORKING = "Working"
    RECOVERED = "Recovered"


DOCUMENTATION: Mapping[Reason, str] = MappingProxyType(
    {
        Reason.SYNCED: "The instance at Cloudflare is as the spec wants it.",
        Reason.OBSERVED: "The instance exists; spec.managementPolicy is Observe, so the operator only looks at it.",
        Reason.NOTHING_TO_OBSERVE: (
            "The instance that this resource observes does not exist; the operator sees it when it does. Create it, "
            "or set spec.managementPolicy to Manage to have it created."
        ),
        Reason.SUSPENDED: (
            "spec.suspend is true: the operator leaves the instance alone, or has nothing of the sync job run. "
            "Set it to false to go on."
        ),
        Reason.CREATING: "The operator is about to create the instance.",
        Reason.CREATED: "The operator created the instance.",
        Reason.UPDATED: "The operator sent changed fields of the spec to Cloudflare.",
        Reason.DRIFT_REPAIRED: "Somebody changed fields at Cloudflare; the operator set them back.",
        Reason.DRIFT_FOUND: "Fields at Cloudflare differ from the spec; status.drift lists them.",
        Reason.NO_DRIFT: "No field at Cloudflare differs from the spec.",
        Reason.NOT_ACCEPTED: (
            "Cloudflare accepted the update but keeps another value. Set the spec to the value that "
            "status.drift shows, or remove the field."
        ),
        Reason.REPAIR_UNDONE: (
            "Fields were set back several times, and each time somebody, or Cloudflare itself, undid it. The operator "
            "tries again in growing intervals, at most an hour. Find out who it is; or change the spec; or set "
            "spec.driftPolicy to Report."
        ),
        Reason.MOVED: "The operator moved the instance to another search namespace.",
        Reason.ADOPTED: "The instance existed; spec.adoptionPolicy allowed the operator to take it over.",
        Reason.ADOPTION_REFUSED: (
            "An instance of this id exists and is not this resource's. Set spec.adoptionPolicy to "
            "IfExists to take it over, or choose another spec.instanceId."
        ),
        Reason.CLAIMED_BY_ANOTHER: (
            "An older resource manages the same instance. Delete one of the two, or choose another spec.instanceId."
        ),
        Reason.DELETED: "The operator deleted the instance at Cloudflare.",
        Reason.RETAINED: "The resource is gone; the instance stays at Cloudflare, as its policies say.",
        Reason.ALREADY_GONE: (
            "The resource is gone, and its instance was not where the operator knew it. Either somebody deleted it, or "
            "moved it to another search namespace: there it still is, and is deleted in the dashboard."
        ),
        Reason.FILES_KEPT: (
            "The resource is gone; the instance stays, because files were uploaded to it that may exist nowhere else. "
            "Delete it in the dashboard; or apply the resource again with spec.adoptionPolicy IfExists and "
            "spec.deletionPolicy Delete, and delete that."
        ),
        Reason.RELEASED_UNCONFIRMED: (
            "The resource is gone although the operator could not finish at Cloudflare in the time that it has. "
            "The message names what may be left there: look in the dashboard."
        ),
        Reason.INDEX_COMPLETE: "Nothing is queued or running in the index.",
        Reason.INDEXING: (
            "Items are queued or running in the index. A sync job whose completionPolicy is Indexed waits for them."
        ),
        Reason.INDEX_ERRORS: "Some items could not be indexed. The instance's logs in the dashboard tell which.",
        Reason.INDEX_UNKNOWN: "The statistics were not read yet, or Cloudflare cannot count at the moment.",
        Reason.SOURCE_ERROR: (
            "Cloudflare cannot index the data source at all; the message names the error and what to do about it."
        ),
        Reason.BLOCKED_BY_SITE: "The site's robots.txt or its Content Signals keep the AI Search crawler out.",
        Reason.NOT_PAUSED: "Scheduled syncs take place.",
        Reason.PAUSED_BY_SPEC: "spec.paused is true: no scheduled sync takes place.",
        Reason.PAUSED_AT_CLOUDFLARE: (
            "Scheduled syncs are paused by a person, or because nobody has searched for 31 days. The operator leaves "
            "it at that unless spec.paused is false."
        ),
        Reason.PUBLISHED: "The ConfigMap that spec.writeConnectionConfigMapToRef names holds the connection details.",
        Reason.NOT_REQUESTED: "spec.writeConnectionConfigMapToRef is not set any more; the ConfigMap is deleted.",
        Reason.CONFIG_MAP_NOT_OURS: (
            "A ConfigMap of the name in spec.writeConnectionConfigMapToRef exists and is not of this resource: it is "
            "left alone. Choose another name, or delete it; the instance itself is managed all the same."
        ),
        Reason.CONFIG_MAP_NOT_WRITTEN: (
            "The API server did not take the ConfigMap with the connection details; the message says why. It is tried "
            "again; the instance itself is managed all the same."
        ),
        Reason.INSTANCE_MISSING: "This namespace has no AISearchInstance of the name in spec.instanceRef: apply it.",
        Reason.INSTANCE_NOT_READY: "The AISearchInstance is not ready yet. The sync job goes on when it is.",
        Reason.INSTANCE_STALLED: (
            "The AISearchInstance cannot become ready until a person acts: see its conditions. Then this goes on."
        ),
        Reason.INSTANCE_DELETING: (
            "The AISearchInstance is being deleted. The sync job waits for the next of that name."
        ),
        Reason.INSTANCE_SUSPENDED: (
            "spec.suspend of the AISearchInstance is true: nothing is started for it until it is false again."
        ),
        Reason.INSTANCE_HAS_NO_SOURCE: (
            "The instance has built-in storage: uploads are indexed at once, and there is nothing to sync."
        ),
        Reason.WAITING_FOR_TURN: (
            "Other sync jobs for the same instance come first: those that replace others, then the older ones."
        ),
        Reason.ANOTHER_JOB_RUNNING: "Another sync job of the instance runs. A new one would end it, so this one waits.",
        Reason.COOLDOWN: "Cloudflare refuses a sync job shortly after another; this one waits for the pause to pass.",
        Reason.BACK_OFF: (
            "An attempt failed; status.attemptHistory tells why. After a pause another is made, as spec.backoffLimit "
            "allows."
        ),
        Reason.LOOKING_AROUND: (
            "The operator has just started. Before it starts this job it waits AISEARCH_SETTLE_TIME, in which a job "
            "that was started before a crash must show up: a second one would end the first."
        ),
        Reason.ACCEPTED: "Cloudflare accepted the sync job and has not started it yet.",
        Reason.RUNNING: "The sync job runs at Cloudflare.",
        Reason.STARTED: "The operator started the sync job.",
        Reason.SUCCEEDED: "The sync job ended well.",
        Reason.FAILED: "The sync job ended with the error in status.endReason. Fix it and set a new spec.runId.",
        Reason.SUPERSEDED: (
            "Somebody started another sync job, which ended this one. Set a new spec.runId to run it again."
        ),
        Reason.CANCELLING: "The operator asked Cloudflare to cancel the sync job and waits for its end.",
        Reason.CANCELLED: "The sync job was cancelled on request.",
        Reason.LOST: "Cloudflare does not know the sync job any more, and its outcome was not seen.",
        Reason.KEPT_AS_IN_GIT: (
            "spec.ttlSecondsAfterFinished has passed or will, but the resource stays: Argo CD or Flux manages it and "
            "would make it, and so run it, again. Remove the field."
        ),
        Reason.BACKOFF_LIMIT_EXCEEDED: (
            "All attempts that spec.backoffLimit allows have failed; status.attemptHistory tells why. Fix it and set "
            "a new spec.runId."
        ),
        Reason.DEADLINE_EXCEEDED: (
            "The run took longer than spec.activeDeadlineSeconds allows, and was ended. Raise it, and set a new "
            "spec.runId."
        ),
        Reason.CREDENTIALS_MISSING: (
            "No credentials were found. Create the Secret that the message names, with the keys that it names."
        ),
        Reason.CREDENTIALS_NOT_SHARED: (
            "The namespace has no Secret with credentials and may not use the operator's own. Create the Secret that "
            "the message names, or have the namespace added to AISEARCH_CREDENTIALS_NAMESPACES."
        ),
        Reason.CREDENTIALS_INCOMPLETE: "The Secret lacks a key. Add the key that the message names.",
        Reason.CREDENTIALS_INVALID: (
            "A value in the Secret is empty or cannot be sent. Correct the key that the message names."
        ),
        Reason.INVALID_SPEC: "The operator cannot read the spec; the message names the field. Is the CRD up to date?",
        Reason.WORKING: "The operator is at work on this resource.",
        Reason.RECOVERED: "What a person had to correct is corrected.",
    }
)
