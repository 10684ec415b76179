"""Backoff: exponential, bounded, spread by jitter."""

import pytest

from aisearch_operator.engine.backoff import Backoff


def none() -> float:
    return 0.0


def all_of_it() -> float:
    return 1.0


@pytest.mark.parametrize(("failures", "expected"), [(1, 1), (2, 2), (3, 4), (6, 32), (7, 60), (8, 60)])
def test_the_wait_doubles_with_each_failure_up_to_the_cap(failures, expected):
    assert Backoff(base=1, cap=60).delay(failures, none) == expected


def test_jitter_takes_away_its_share_at_most():
    assert Backoff(base=10, cap=60, jitter=0.2).delay(1, all_of_it) == pytest.approx(8)


def test_ten_thousand_failures_do_not_overflow():
    assert Backoff(base=1, cap=300).delay(10_000, none) == 300


def test_equal_failures_of_many_resources_come_back_at_different_times():
    backoff = Backoff(base=1, cap=60)

    assert len({backoff.delay(5) for _ in range(100)}) > 90
