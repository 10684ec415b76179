"""Two replicas: one works, the other stands by and takes over, whatever happens to the first and whenever."""

import pytest

from harness.failover import FAULTS, fail_over, roll

RATE = 10.0


@pytest.mark.parametrize("fault", FAULTS)
def test_a_leader_that_fails_while_it_starts_jobs_leaves_one_job_each_and_writes_no_more(make_stage, tmp_path, fault):
    fail_over(make_stage(rate=RATE), tmp_path, fault, "start")


@pytest.mark.parametrize("fault", FAULTS)
def test_a_leader_that_fails_while_it_cancels_jobs_leaves_none_running_and_writes_no_more(make_stage, tmp_path, fault):
    fail_over(make_stage(rate=RATE), tmp_path, fault, "deletion")


def test_a_rolling_restart_under_load_loses_nothing_and_sends_nothing_twice(make_stage, tmp_path):
    roll(make_stage(rate=RATE), tmp_path)
