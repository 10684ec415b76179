"""How a request to Cloudflare counts: a table from what is known of it to its outcome."""

import pytest

from aisearch_operator.cloudflare.errors import Cause
from aisearch_operator.cloudflare.records import RequestRecord
from aisearch_operator.cloudflare.routes import CREATE_JOB
from aisearch_operator.telemetry.definitions import BUDGET_WAIT, REQUEST_DURATION, REQUESTS
from aisearch_operator.telemetry.metrics import Metrics
from aisearch_operator.telemetry.requests import count_request, request_outcome
from unit.telemetry.test_metrics import samples


@pytest.mark.parametrize(
    ("status", "cause", "timed_out", "outcome"),
    [
        (200, None, False, "success"),
        (404, Cause.JOB_NOT_FOUND, False, "not_found"),
        (404, Cause.ROUTE_NOT_FOUND, False, "not_found"),
        (400, Cause.INVALID_REQUEST, False, "refused"),
        (400, Cause.INSTANCE_EXISTS, False, "refused"),
        (429, Cause.SYNC_COOLDOWN, False, "refused"),
        (429, Cause.RATE_LIMITED, False, "rate_limited"),
        (401, Cause.CREDENTIALS_REJECTED, False, "unauthorized"),
        (400, Cause.CREDENTIALS_REJECTED, False, "unauthorized"),
        (403, Cause.PERMISSION_DENIED, False, "unauthorized"),
        (403, Cause.QUOTA_REACHED, False, "refused"),
        (500, Cause.API_UNAVAILABLE, False, "server_error"),
        (502, Cause.CUSTOM_DOMAIN_FAILED, False, "server_error"),
        (200, Cause.INVALID_RESPONSE, False, "server_error"),
        (None, Cause.CONNECTION_FAILED, False, "connection_error"),
        (None, Cause.CONNECTION_FAILED, True, "timeout"),
        (None, None, False, "abandoned"),
    ],
)
def test_the_outcome_of_a_request(status, cause, timed_out, outcome):
    record = RequestRecord(CREATE_JOB, 0.0, status=status, cause=cause, timed_out=timed_out)

    assert request_outcome(record) == outcome


def test_a_request_counts_with_its_outcome_its_duration_and_its_wait():
    metrics = Metrics()
    count_request(metrics, RequestRecord(CREATE_JOB, 0.0, status=200, seconds=0.2))
    assert samples(metrics, REQUESTS) == {("POST", CREATE_JOB.template, "success"): 1}
    assert samples(metrics, REQUEST_DURATION) == {("POST", CREATE_JOB.template): 1}
    assert samples(metrics, BUDGET_WAIT) == {(): 1}
