"""What is kept of a simulation: judged, thinned out for pictures, drawn."""

from xml.etree import ElementTree as ET

from bench.plots import Line
from simulation.plots import draw
from simulation.results import Promise, percentile, thinned


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


def test_a_picture_names_its_lines():
    picture = draw("Title", "minutes", "%", [Line("alone & slow", [(0, 0), (1, 50), (2, 100)])])

    texts = [element.text for element in ET.fromstring(picture).iter("{http://www.w3.org/2000/svg}text")]
    assert "alone & slow" in texts
    assert "100 %" in texts
