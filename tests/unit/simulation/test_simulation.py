"""What large accounts are promised, on small ones: within the budget, urgent first, silent during a block."""

import pytest

from simulation import scenarios


@pytest.mark.parametrize("others", [0.0, 2.0], ids=["alone", "others-use-half-of-the-limit"])
def test_creations_use_the_budget_up_and_never_pass_the_limit(others):
    result = scenarios.create_all(400, others=others)

    assert result.missed == []
    assert result.figures["requests per instance"] < 1.05


def test_deletions_go_out_within_seconds_while_everything_else_is_saturated():
    assert scenarios.saturated_deletions(700, 15).missed == []


def test_a_block_is_silent_and_nothing_bursts_after_it():
    assert scenarios.after_a_block(300).missed == []


def test_shards_share_the_budget_of_an_account():
    assert scenarios.fleet(accounts=1, per_account=250, shards=4).missed == []


def test_an_account_at_rest_costs_its_pages_and_the_rotation():
    result = scenarios.rest(250, minutes=30)

    assert result.figures["lists a minute"] == pytest.approx(3, abs=0.2)
    assert result.figures["statistics a minute"] == pytest.approx(250 / 60, abs=0.3)
