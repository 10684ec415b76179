"""The model of what an account costs at rest: what bounds it, and when."""

import pytest

from simulation.model import EXAMPLES, RATE, Demand


def test_a_small_account_is_looked_at_as_often_as_wished():
    few = Demand(instances=100, jobs=2)

    assert (few.sweep_interval, few.jobs_interval) == (60, 10)
    assert few.parts == pytest.approx((1, 12, 100 / 60))


def test_many_small_search_namespaces_cost_a_page_each():
    assert Demand(instances=1000, search_namespaces=50).pages == 50


def test_what_is_at_rest_leaves_nearly_half_of_the_budget_however_large_it_is():
    huge = Demand(instances=1_000_000, jobs=10_000)

    assert huge.requests / 60 == pytest.approx(0.55 * RATE)
    assert all(each.requests <= huge.requests for each in EXAMPLES)
