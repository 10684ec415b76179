"""A client of the Cloudflare AI Search REST API. It knows nothing of Kubernetes."""

from aisearch_operator.cloudflare.budget import Priority, RequestBudget
from aisearch_operator.cloudflare.client import CloudflareClient
from aisearch_operator.cloudflare.credentials import Credentials
from aisearch_operator.cloudflare.errors import (
    AlreadyExists,
    Cause,
    CloudflareError,
    JobAlreadyEnded,
    NotFound,
    Retry,
    Terminal,
    Unauthorized,
    Wait,
)
from aisearch_operator.cloudflare.exchange import Timeouts
from aisearch_operator.cloudflare.listing import Listing, SearchNamespace
from aisearch_operator.cloudflare.records import RequestRecord, Standing
from aisearch_operator.cloudflare.wire import MISSING, Instance, Job, JobLog, Missing, Stats

__all__ = [
    "MISSING",
    "AlreadyExists",
    "Cause",
    "CloudflareClient",
    "CloudflareError",
    "Credentials",
    "Instance",
    "Job",
    "JobAlreadyEnded",
    "JobLog",
    "Listing",
    "Missing",
    "NotFound",
    "Priority",
    "RequestBudget",
    "RequestRecord",
    "Retry",
    "SearchNamespace",
    "Standing",
    "Stats",
    "Terminal",
    "Timeouts",
    "Unauthorized",
    "Wait",
]
