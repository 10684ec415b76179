"""How often is looked: as wished for little, within a part of the budget for much."""

import pytest

from aisearch_operator.observation.pace import JOBS, STATISTICS, SWEEPS, interval, rotation_interval

RATE = 0.94 * 720 / 300
"""Requests per second that go out at Cloudflare's limit and our 60 % of it."""


@pytest.mark.parametrize(
    ("requests", "part", "seconds"),
    [(0, SWEEPS, 60), (1, SWEEPS, 60), (20, SWEEPS, 60), (50, SWEEPS, 147.8), (100, SWEEPS, 295.5), (100, JOBS, 147.8)],
)
def test_a_round_takes_longer_when_there_is_more_to_see(requests, part, seconds):
    assert interval(60, requests=requests, rate=RATE, part=part) == pytest.approx(seconds, abs=0.1)


@pytest.mark.parametrize("requests", [1, 10, 100, 1000])
@pytest.mark.parametrize("part", [SWEEPS, JOBS])
def test_looking_never_takes_more_than_its_part_of_the_budget(requests, part):
    assert requests / interval(60, requests=requests, rate=RATE, part=part) <= max(RATE * part, requests / 60) + 1e-9
    assert requests / interval(0.001, requests=requests, rate=RATE, part=part) <= RATE * part + 1e-9


@pytest.mark.parametrize(
    ("instances", "seconds"), [(0, 60), (1, 60), (60, 60), (120, 30), (600, 6), (5000, 1 / (RATE * STATISTICS))]
)
def test_many_instances_have_their_statistics_read_faster_up_to_a_part_of_the_budget(instances, seconds):
    assert rotation_interval(60, instances=instances, rate=RATE) == pytest.approx(seconds)
