"""What errors mean for a resource, and for a deletion that meets them."""

from datetime import UTC, datetime, timedelta

import pytest
from pydantic import ValidationError

from aisearch_operator.cloudflare.errors import AlreadyExists, Cause, NotFound, Retry, Terminal, Unauthorized, Wait
from aisearch_operator.domain.reasons import Reason
from aisearch_operator.engine.workqueue import Again
from aisearch_operator.kube.credentials import CredentialError
from aisearch_operator.reconcilers import outcome
from aisearch_operator.reconcilers.outcome import RetryPolicy, invalid_fields
from aisearch_operator.resources.instance import AISearchInstance
from unit.builders import metadata

POLICY = RetryPolicy(terminal=300, wait=30)
PATIENCE = timedelta(seconds=600)


@pytest.mark.parametrize(
    ("error", "progress", "again", "bounded"),
    [
        (Retry(Cause.API_UNAVAILABLE, "503"), "reconciling", Again(), False),
        (Retry(Cause.RATE_LIMITED, "429", after=120), "reconciling", Again(at_least=120), False),
        (Wait(Cause.QUOTA_REACHED, "403"), "reconciling", Again(30), False),
        (Wait(Cause.SYNC_COOLDOWN, "429", after=7), "reconciling", Again(7), False),
        (NotFound(Cause.SEARCH_NAMESPACE_NOT_FOUND, "404"), "reconciling", Again(30), False),
        (AlreadyExists(Cause.INSTANCE_EXISTS, "400"), "stalled", Again(30), False),
        (Terminal(Cause.INVALID_REQUEST, "400"), "stalled", Again(300), True),
        (Unauthorized(Cause.CREDENTIALS_REJECTED, "401"), "stalled", Again(300), True),
        (Terminal(Cause.CUSTOM_DOMAIN_FAILED, "400"), "stalled", Again(300), False),
        (CredentialError(Reason.CREDENTIALS_MISSING, "no Secret"), "reconciling", Again(30), True),
        (CredentialError(Reason.CREDENTIALS_NOT_SHARED, "not yours"), "reconciling", Again(30), True),
        (CredentialError(Reason.CREDENTIALS_INCOMPLETE, "no key"), "stalled", Again(30), True),
        (CredentialError(Reason.CREDENTIALS_INVALID, "empty"), "stalled", Again(30), True),
    ],
    ids=lambda value: getattr(value, "cause", getattr(value, "reason", None)),
)
def test_each_error_has_its_consequence(error, progress, again, bounded):
    trouble = POLICY.trouble(error)

    assert (trouble.verdict.progress, trouble.again, trouble.bounded) == (progress, again, bounded)
    assert trouble.verdict.message == str(error)


@pytest.mark.parametrize(
    ("error", "seconds", "overdue"),
    [
        (CredentialError(Reason.CREDENTIALS_MISSING, ""), 599, False),
        (CredentialError(Reason.CREDENTIALS_MISSING, ""), 601, True),
        (Retry(Cause.API_UNAVAILABLE, ""), 100_000, False),
        (CredentialError(Reason.CREDENTIALS_MISSING, ""), None, False),
    ],
)
def test_a_deletion_gives_up_only_on_what_a_person_must_put_right_and_only_in_the_end(
    monkeypatch, error, seconds, overdue
):
    now = datetime(2026, 11, 30, tzinfo=UTC)
    monkeypatch.setattr(outcome, "utc_now", lambda: now)
    deleted = None if seconds is None else now - timedelta(seconds=seconds)

    assert POLICY.trouble(error).overdue(deleted, PATIENCE) is overdue


def test_unreadable_fields_are_named_without_their_values():
    with pytest.raises(ValidationError) as caught:
        AISearchInstance.model_validate(
            {"metadata": metadata("docs"), "spec": {"systemPromptAiSearch": ["a prompt"], "chunkSize": "many"}}
        )

    text = invalid_fields(caught.value)
    assert "spec.systemPromptAiSearch" in text
    assert "spec.chunkSize" in text
    assert "a prompt" not in text
