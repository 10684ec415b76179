"""The reasons are part of the API: each one is documented and fit for a condition."""

import re

import pytest

from aisearch_operator.cloudflare.errors import Cause
from aisearch_operator.domain.reasons import DOCUMENTATION, Reason

CONDITION_REASON = re.compile(r"[A-Z][A-Za-z0-9]*")


@pytest.mark.parametrize("reason", list(Reason))
def test_every_reason_is_documented_with_a_sentence(reason):
    assert re.fullmatch(r"[A-Za-z].*[.?]", DOCUMENTATION[reason])


@pytest.mark.parametrize("cause", list(Cause))
def test_every_cause_says_what_to_do(cause):
    assert re.fullmatch(r"[a-zA-Z].{9,}[^.\s]", cause.advice)


@pytest.mark.parametrize("reason", [*Reason, *Cause])
def test_every_reason_is_one_word_in_camel_case(reason):
    assert CONDITION_REASON.fullmatch(reason)


def test_nothing_is_documented_that_does_not_exist():
    assert set(DOCUMENTATION) == set(Reason)


def test_a_word_never_means_two_things():
    assert not {str(reason) for reason in Reason} & {str(cause) for cause in Cause}
