"""`make live-check ARGS=--by-operator` on the fake: the scenario by the whole operator, and what a failure says."""

import io

import pytest
from rich.console import Console

from harness.fixtures import RATE
from harness.operator_process import QUICK
from live_check import by_operator
from live_check.api import Api
from live_check.by_operator import Cluster
from live_check.check import perform
from live_check.cleanup import clean
from live_check.display import Display
from live_check.session import Names, Session
from live_check.target import target_on


@pytest.fixture
def account(fake):
    made = fake.admin.create_account(rate=RATE)
    yield made
    made.delete()


async def play(fake, account, control_plane, namespace, folder):
    """Play the scenario, clean up, and give the number of steps that failed and what was shown."""
    shown = io.StringIO()
    target = target_on(fake, account, rate=RATE)
    async with Api(target) as api:
        session = Session(target, api, Names("check", "abcdef"))
        with Cluster(control_plane, namespace, target, folder, QUICK) as cluster:
            _, failures = await perform(by_operator.chapters(cluster), session, Display(Console(file=shown, width=200)))
        assert await clean(api, target, "check") == []
    return failures, shown.getvalue()


async def test_the_operator_plays_the_scenario_of_the_live_check(fake, account, control_plane, namespace, tmp_path):
    failures, shown = await play(fake, account, control_plane, namespace, tmp_path)

    assert failures == 0, shown
    assert shown.count("✓") == 9
    assert account.instances() == []
    assert account.token not in shown


async def test_a_promise_that_cloudflare_breaks_is_told_in_the_words_of_the_conditions(
    fake, account, control_plane, namespace, tmp_path
):
    account.fail("jobs.create", 400, 7047, times=None)

    failures, shown = await play(fake, account, control_plane, namespace, tmp_path)

    assert failures == 1, shown
    assert "✗ The first runs to its end, exactly once: " in shown
    assert "Cloudflare answered 400" in shown
    assert "✓ The instance goes with its resource" in shown
    assert account.instances() == []
