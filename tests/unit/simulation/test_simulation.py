"""What large accounts are promised, on small ones: within the budget, urgent first, silent during a block."""

import logging

import pytest

from simulation import saturation, scenarios

ALONE_OR_NOT = pytest.mark.parametrize("others", [0.0, 2.0], ids=["alone", "others-use-half-of-the-limit"])


@pytest.fixture(autouse=True)
def _quiet(caplog):
    caplog.set_level(logging.CRITICAL)  # waits and blocks are what is played; kept, their lines cost half of the time


@ALONE_OR_NOT
def test_creations_use_the_budget_up_and_never_pass_the_limit(others):
    result = scenarios.create_all(700, others=others)

    assert result.missed == []
    assert result.figures["requests per instance"] < 1.05


@ALONE_OR_NOT
def test_deletions_and_cancellations_go_out_within_seconds_while_everything_else_is_saturated(others):
    assert saturation.urgent(800, 25, others=others).missed == []


def test_a_block_is_silent_and_nothing_bursts_after_it():
    assert scenarios.after_a_block(300).missed == []


def test_shards_share_the_budget_of_each_account_and_processes_are_shared_by_accounts():
    assert saturation.fleet(accounts=4, per_account=200, shards=4, endings=12, minutes=5).missed == []


def test_an_account_at_rest_costs_what_the_model_says():
    result = scenarios.rest(250, 5, minutes=15)

    assert result.figures["lists of instances a minute"] == pytest.approx(3, abs=0.2)
    assert result.figures["lists of jobs a minute"] == pytest.approx(30, abs=1.5)
    assert result.figures["statistics a minute"] == pytest.approx(250 / 60, abs=0.3)


def test_the_statistics_of_a_large_account_at_rest_are_read_in_turn_beside_its_lists():
    result = scenarios.rest(2500, 0, minutes=10)

    assert result.figures["requests a minute"] > 0.9 * result.figures["requests a minute by the model"]
