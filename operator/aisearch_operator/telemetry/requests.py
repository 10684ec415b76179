"""How a request to Cloudflare counts in the metrics."""

from aisearch_operator.cloudflare.errors import Cause
from aisearch_operator.cloudflare.records import RequestRecord
from aisearch_operator.telemetry.definitions import BUDGET_WAIT, REQUEST_DURATION, REQUESTS, RequestOutcome
from aisearch_operator.telemetry.metrics import Metrics

__all__ = ["count_request", "request_outcome"]

REFUSED_CREDENTIALS = frozenset({Cause.CREDENTIALS_REJECTED, Cause.PERMISSION_DENIED})


def count_request(metrics: Metrics, record: RequestRecord) -> None:
    """Enter a request into the metrics."""
    metrics.observe(BUDGET_WAIT, record.waited)
    labels = record.route.method, record.route.template
    metrics.count(REQUESTS, *labels, request_outcome(record))
    metrics.observe(REQUEST_DURATION, record.seconds, *labels)


def request_outcome(record: RequestRecord) -> RequestOutcome:
    """Tell how a request ended."""
    if record.status is None:
        if record.timed_out:
            return RequestOutcome.TIMEOUT
        return RequestOutcome.ABANDONED if record.cause is None else RequestOutcome.CONNECTION_ERROR
    if record.cause is None:
        return RequestOutcome.SUCCESS
    if record.cause is Cause.RATE_LIMITED:
        return RequestOutcome.RATE_LIMITED
    if record.cause in REFUSED_CREDENTIALS:
        return RequestOutcome.UNAUTHORIZED
    if record.status >= 500 or record.cause is Cause.INVALID_RESPONSE:
        return RequestOutcome.SERVER_ERROR
    return RequestOutcome.NOT_FOUND if record.status == 404 else RequestOutcome.REFUSED
