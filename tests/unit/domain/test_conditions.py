"""Conditions from verdicts: kstatus, transition times, and what stays."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest

from aisearch_operator.cloudflare.errors import AlreadyExists, Cause, CloudflareError, NotFound, Retry, Terminal, Wait
from aisearch_operator.domain.conditions import ConditionUpdate, condition, standing_verdict, update_conditions
from aisearch_operator.domain.reasons import Reason
from aisearch_operator.domain.verdict import Verdict
from aisearch_operator.resources.conditions import Condition
from unit.builders import NOW, ago, said

LATER = NOW + timedelta(minutes=5)

VERDICTS = [
    (Verdict.fine("Synced", "ok"), ("True", "False", "False")),
    (Verdict.working("Working", "..."), ("False", "True", "False")),
    (Verdict.working("Running", "...", ready="Unknown"), ("Unknown", "True", "False")),
    (Verdict.stalled("InvalidSpec", "!"), ("False", "False", "True")),
    (Verdict.suspended("stay away"), ("Unknown", "False", "False")),
]


def updated(
    previous: Sequence[Condition],
    verdict: Verdict,
    *extra: ConditionUpdate,
    generation: int = 1,
    now: datetime = NOW,
) -> tuple[Condition, ...]:
    return update_conditions(previous, verdict, extra, generation=generation, now=now)


def statuses(conditions: Sequence[Condition]) -> tuple[str, ...]:
    return tuple(said(conditions, name).status for name in ("Ready", "Reconciling", "Stalled"))


@pytest.mark.parametrize(("verdict", "expected"), VERDICTS, ids=lambda value: getattr(value, "reason", ""))
def test_each_verdict_has_its_row_in_the_table_of_states(verdict, expected):
    assert statuses(updated((), verdict)) == expected


@pytest.mark.parametrize("verdict", [row[0] for row in VERDICTS], ids=lambda verdict: verdict.reason)
def test_a_verdict_can_be_read_back_from_its_conditions(verdict):
    assert standing_verdict(updated((), verdict)) == verdict


def test_without_conditions_there_is_no_verdict():
    assert standing_verdict(()) is None


@pytest.mark.parametrize("second", [row[0] for row in VERDICTS], ids=lambda verdict: verdict.reason)
@pytest.mark.parametrize("first", [row[0] for row in VERDICTS], ids=lambda verdict: verdict.reason)
def test_reconciling_and_stalled_are_never_true_together(first, second):
    _, reconciling, stalled = statuses(updated(updated((), first), second, now=LATER))

    assert (reconciling, stalled) != ("True", "True")


def test_reason_and_message_stand_in_ready_and_in_whichever_of_the_others_is_true():
    conditions = updated((), Verdict.stalled("InvalidSpec", "spec.x is wrong"))

    found = {known.type: (known.reason, known.message) for known in conditions}
    assert found == {
        "Ready": ("InvalidSpec", "spec.x is wrong"),
        "Reconciling": ("InvalidSpec", ""),
        "Stalled": ("InvalidSpec", "spec.x is wrong"),
    }


def test_a_transition_time_moves_only_when_the_status_flips():
    before = updated((), Verdict.working("Working", "creating"))
    same = updated(before, Verdict.working("ApiUnavailable", "another message"), generation=2, now=LATER)
    flipped = updated(before, Verdict.fine("Synced", ""), now=LATER)

    assert {known.type: known.last_transition_time for known in same} == {
        "Ready": NOW,
        "Reconciling": NOW,
        "Stalled": NOW,
    }
    assert {known.type: known.last_transition_time for known in flipped} == {
        "Ready": LATER,
        "Reconciling": LATER,
        "Stalled": NOW,
    }


def test_each_condition_says_which_generation_it_is_about():
    drifted = Condition(
        type="Drifted", status="False", observed_generation=1, last_transition_time=NOW, reason="NoDrift", message=""
    )

    conditions = updated((drifted,), Verdict.working("Working", ""), generation=7)

    assert {known.type: known.observed_generation for known in conditions} == {
        "Drifted": 1,
        "Ready": 7,
        "Reconciling": 7,
        "Stalled": 7,
    }


def test_conditions_that_a_pass_does_not_mention_stay_where_they_are():
    foreign = Condition(type="Audited", status="True", last_transition_time=ago(99), reason="ByHand", message="x")
    first = updated((foreign,), Verdict.fine("Synced", ""), ("Drifted", "False", "NoDrift", ""))

    second = updated(first, Verdict.fine("Synced", ""), now=LATER)

    assert second == first
    assert [known.type for known in second] == ["Audited", "Ready", "Reconciling", "Stalled", "Drifted"]


def test_an_unknown_type_is_not_found():
    assert condition((), "Ready") is None


@pytest.mark.parametrize("kind", [Retry, Wait, NotFound])
def test_an_error_that_may_pass_keeps_the_resource_reconciling(kind: type[CloudflareError]):
    verdict = Verdict.of_error(kind(Cause.API_UNAVAILABLE, "Cloudflare answered 503"))

    assert (verdict.ready, verdict.progress) == ("False", "reconciling")
    assert (verdict.reason, verdict.message) == ("ApiUnavailable", "Cloudflare answered 503")


@pytest.mark.parametrize("kind", [Terminal, AlreadyExists])
def test_an_error_that_a_person_must_correct_stalls_the_resource(kind: type[CloudflareError]):
    verdict = Verdict.of_error(kind(Cause.CREDENTIALS_REJECTED, "Cloudflare answered 401"))

    assert (verdict.ready, verdict.progress, verdict.reason) == ("False", "stalled", "CredentialsRejected")


def test_a_suspended_resource_says_so():
    assert Verdict.suspended("").reason == Reason.SUSPENDED
