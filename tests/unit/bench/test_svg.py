"""Pictures: well-formed, lines where their values belong, names that may hold anything."""

from xml.etree import ElementTree as ET

import pytest

from bench.svg import Axis, Line, draw

SVG = "{http://www.w3.org/2000/svg}"


def drawn(across, up, *lines):
    return ET.fromstring(draw("a < b", across, "instances", up, lines))


def texts(picture):
    return [element.text for element in picture.iter(f"{SVG}text")]


def corners(polyline):
    return [tuple(map(float, point.split(","))) for point in polyline.attrib["points"].split()]


@pytest.mark.parametrize(
    ("across", "up", "points"),
    [
        (Axis.even(200, "{:g}"), Axis.even(10, "{:g}"), [(0, 0), (100, 5), (200, 10)]),
        (
            Axis.logarithmic([100, 1000, 10000], "{:g}"),
            Axis.decades([1, 100], "{:g}"),
            [(100, 1), (1000, 10), (10000, 100)],
        ),
    ],
)
def test_a_line_in_proportion_is_straight_from_corner_to_corner(across, up, points):
    picture = drawn(across, up, Line("x", points))

    first, second, third = corners(picture.find(f"{SVG}polyline"))
    assert second == pytest.approx(((first[0] + third[0]) / 2, (first[1] + third[1]) / 2), abs=0.2)
    rules = sorted(float(line.attrib["y1"]) for line in picture.iter(f"{SVG}line"))
    assert (third[1], first[1]) == (rules[0], rules[-1])


def test_labels_and_names_are_shown_whatever_stands_in_them():
    picture = drawn(Axis.even(5, "{:g} min"), Axis.decades([3, 30], "{:g} %"), Line("alone & slow", [(0, 3)]))

    assert {"a < b", "5 min", "1 %", "100 %", "alone & slow", "instances"} <= set(texts(picture))


def test_an_axis_of_one_value_or_none_has_its_place():
    assert Axis.logarithmic([100], "{:g}").place(100) == 0.5
    assert Axis.decades([10], "{:g}").labels == [(10.0, "10"), (100.0, "100")]
    assert Axis.even(0, "{:g}").place(0) == 0


def test_measured_points_are_dots_and_a_bound_is_dashed():
    picture = drawn(
        Axis.even(1, "{:g}"),
        Axis.even(1, "{:g}"),
        Line("measured", [(0, 0), (1, 1)], marked=True),
        Line("bound", [(0, 1), (1, 1)], dashed=True),
    )

    assert len(picture.findall(f"{SVG}circle")) == 2
    assert ["stroke-dasharray" in line.attrib for line in picture.findall(f"{SVG}polyline")] == [False, True]
