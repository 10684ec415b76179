"""What is kept of a simulation: judged, thinned out for pictures, drawn."""

from datetime import UTC, datetime
from xml.etree import ElementTree as ET

import pytest

from simulation.plots import pictures
from simulation.results import Promise, Result, Results, percentile, thinned
from unit.bench.measured import MACHINE


def result(**curves):
    return Result(title="any", figures={}, curves=curves)


@pytest.fixture(
    params=[
        {},
        {"create": result(created=((0, 0), (60, 10), (90, 20)), allowed=((0, 0), (90, 20)))},
        {"urgent-others": result(cancelled=((0.1, 50), (0.3, 100)))},
    ],
    ids=["nothing", "creations", "cancellations"],
)
def simulated(request):
    return Results(began=datetime(2026, 1, 1, tzinfo=UTC), machine=MACHINE, seed=1, results=request.param)


def test_a_promise_says_what_was_wanted_and_found():
    promise = Promise.at_most("seconds", 5, 5.2, "s")

    assert (promise.wanted, promise.found, promise.kept) == ("at most 5 s", "5.2 s", False)


def test_a_percentile_is_a_value_that_was_seen():
    assert percentile([3.0, 1.0, 2.0], 0.99) == 3.0
    assert percentile([], 0.5) == 0.0


def test_a_long_curve_is_thinned_out_and_keeps_its_end():
    curve = thinned([(float(number), float(number)) for number in range(5000)])

    assert len(curve) <= 102
    assert curve[0] == (0, 0)
    assert curve[-1] == (4999, 4999)


def test_pictures_are_drawn_of_whatever_there_is(simulated):
    for picture in pictures(simulated).values():
        ET.fromstring(picture)
