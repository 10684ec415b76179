"""When a finished sync job's resource is deleted, and when never: somebody else would make it, and run it, again."""

from datetime import datetime, timedelta

from aisearch_operator.domain.conditions import condition
from aisearch_operator.resources.group import GROUP, SYNC_JOB_KIND
from aisearch_operator.resources.metadata import ObjectMeta
from aisearch_operator.resources.sync_job import AISearchSyncJob

__all__ = ["expiry", "keeper"]

HOOKS = ("argocd.argoproj.io/hook", "helm.sh/hook")
"""Annotations of what Argo CD makes anew with each sync, and only then (facts/gitops.md 1.3)."""

TRACKING_ID = "argocd.argoproj.io/tracking-id"
"""The annotation by which Argo CD knows what it manages, since 3.0 by default (facts/gitops.md)."""

TRACKING_LABELS = ("app.kubernetes.io/instance", "argocd.argoproj.io/instance")
"""Labels by which Argo CD can be told to know it instead: its default before 3.0, and the usual other choice."""

HELM_RELEASE = "meta.helm.sh/release-name"
"""The annotation that Helm itself sets, and charts that Argo CD renders do not have: the label is then Helm's."""

FLUX_LABELS = ("kustomize.toolkit.fluxcd.io/name", "helm.toolkit.fluxcd.io/name")
"""Labels of what Flux applies; it makes what is missing again at each interval."""


def expiry(job: AISearchSyncJob) -> datetime | None:
    """Tell when the resource is to be deleted; None when it stays."""
    seconds = job.spec.ttl_seconds_after_finished
    ended = _ended(job)
    if seconds is None or ended is None or keeper(job.metadata) is not None:
        return None
    return ended + timedelta(seconds=seconds)


def keeper(metadata: ObjectMeta) -> str | None:
    """Name who would make a deleted resource again from Git; None when nobody would.

    What another object owns is made by a controller, which copies labels and annotations without meaning them.
    """
    if metadata.owner_references or any(hook in metadata.annotations for hook in HOOKS):
        return None
    if any(label in metadata.labels for label in FLUX_LABELS):
        return "Flux"
    itself = f":{GROUP}/{SYNC_JOB_KIND}:{metadata.namespace}/{metadata.name}"
    tracked = metadata.annotations.get(TRACKING_ID)
    if tracked is not None:
        return "Argo CD" if tracked.endswith(itself) else None  # a copy that names another object means nothing
    labelled = any(label in metadata.labels for label in TRACKING_LABELS)
    return "Argo CD" if labelled and HELM_RELEASE not in metadata.annotations else None


def _ended(job: AISearchSyncJob) -> datetime | None:
    """Tell when the run was seen to be over; a job that was never started has no other time."""
    ends = (condition(job.status.conditions, name) for name in ("Complete", "Failed"))
    return next((end.last_transition_time for end in ends if end is not None and end.status == "True"), None)
