"""The names of the custom resources: API group, version, kinds, plurals, finalizer."""

__all__ = [
    "API_VERSION",
    "CATEGORIES",
    "DELETION_POLICY_ANNOTATION",
    "FINALIZER",
    "GROUP",
    "INSTANCE_KIND",
    "INSTANCE_PLURAL",
    "INSTANCE_SHORT_NAME",
    "RECONCILE_REQUESTED",
    "REQUEST_LENGTH",
    "SYNC_JOB_KIND",
    "SYNC_JOB_PLURAL",
    "SYNC_JOB_SHORT_NAME",
    "VERSION",
]

GROUP = "aisearch.cloudflare.com"
VERSION = "v1alpha1"
API_VERSION = f"{GROUP}/{VERSION}"

INSTANCE_KIND = "AISearchInstance"
INSTANCE_PLURAL = "aisearchinstances"
INSTANCE_SHORT_NAME = "aisi"

SYNC_JOB_KIND = "AISearchSyncJob"
SYNC_JOB_PLURAL = "aisearchsyncjobs"
SYNC_JOB_SHORT_NAME = "aisj"

CATEGORIES = ("cloudflare", "aisearch")
"""``kubectl get cloudflare`` lists all that belongs to Cloudflare, of other operators too."""

DELETION_POLICY_ANNOTATION = f"{GROUP}/deletion-policy"
"""On a Kubernetes namespace: the deletion policy of the instances in it whose spec gives none."""

FINALIZER = f"{GROUP}/finalizer"
"""Holds a deleted resource until the outside world is clean."""

RECONCILE_REQUESTED = f"{GROUP}/reconcile-requested-at"
"""Annotation: another value of it asks for a fresh look at everything, now."""

REQUEST_LENGTH = 256
"""Characters of its value that count, and that status acknowledges."""
