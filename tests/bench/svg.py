"""Draws lines as SVG, on even or logarithmic axes.

Written out here: pictures of a few lines are a hundred lines of code. Of the libraries, matplotlib comes with seven
packages and 100 MB, and pygal's pictures fetch a script from a third party and know no logarithmic abscissa.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

__all__ = ["Axis", "Line", "draw"]

WIDTH, HEIGHT = 640, 360
LEFT, RIGHT, TOP, BOTTOM = 72, 190, 44, 50
COLOURS = ("#2f6fde", "#d1582b", "#4f9d4f", "#8a5cc2", "#b58900", "#c2457f", "#3b8f9e")
"""Each with enough contrast on white and on a dark page."""

GREY = "#808080"
STEPS = 5
"""Parts into which an even axis is divided."""

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Line:
    """One line.

    Attributes
    ----------
    marked
        Whether each point was measured, and is shown as a dot.
    dashed
        Whether it only shows where the others should be.
    """

    name: str
    points: Sequence[Point]
    marked: bool = False
    dashed: bool = False


@dataclass(frozen=True, slots=True)
class Axis:
    """Where values are, as a part of the axis' length, and which of them are labelled.

    Attributes
    ----------
    place
        From a value to a number from 0 to 1.
    """

    place: Callable[[float], float]
    labels: Sequence[tuple[float, str]]

    @classmethod
    def even(cls, highest: float, pattern: str) -> "Axis":
        """Divide the axis from 0 to the highest value evenly; the pattern makes a label of a value."""
        top = highest or 1.0
        steps = [top * step / STEPS for step in range(STEPS + 1)]
        return cls(lambda value: value / top, [(value, pattern.format(value)) for value in steps])

    @classmethod
    def logarithmic(cls, values: Sequence[float], pattern: str) -> "Axis":
        """Label these values, of which the first and the last are the ends of the axis."""
        low, high = values[0], values[-1]

        def place(value: float) -> float:
            return 0.5 if low == high else math.log(value / low) / math.log(high / low)

        return cls(place, [(value, pattern.format(value)) for value in values])

    @classmethod
    def decades(cls, values: Sequence[float], pattern: str) -> "Axis":
        """Label the powers of ten that these values lie between; at least two of them."""
        low = math.floor(math.log10(min(values)))
        high = max(math.ceil(math.log10(max(values))), low + 1)
        return cls.logarithmic([10.0**power for power in range(low, high + 1)], pattern)


def draw(title: str, across: Axis, across_title: str, up: Axis, lines: Sequence[Line]) -> str:
    """Draw lines into one picture."""
    middle = (LEFT + WIDTH - RIGHT) / 2
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" font-size="12">',
            f"<title>{escape(title)}</title>",
            f'<text x="{LEFT}" y="22" font-size="15" fill="{GREY}">{escape(title)}</text>',
            *_grid(across, up),
            *(part for number, line in enumerate(lines) for part in _line(line, number, across, up)),
            f'<text x="{middle}" y="{HEIGHT - 8}" text-anchor="middle" fill="{GREY}">{escape(across_title)}</text>',
            "</svg>",
            "",
        ]
    )


def _x(across: Axis, value: float) -> float:
    return LEFT + (WIDTH - RIGHT - LEFT) * across.place(value)


def _y(up: Axis, value: float) -> float:
    return HEIGHT - BOTTOM - (HEIGHT - BOTTOM - TOP) * up.place(value)


def _grid(across: Axis, up: Axis) -> Iterator[str]:
    for value, label in up.labels:
        y = _y(up, value)
        yield f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="{GREY}" stroke-opacity="0.3"/>'
        yield f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end" fill="{GREY}">{escape(label)}</text>'
    for value, label in across.labels:
        x = _x(across, value)
        yield f'<text x="{x:.1f}" y="{HEIGHT - BOTTOM + 20}" text-anchor="middle" fill="{GREY}">{escape(label)}</text>'


def _line(line: Line, number: int, across: Axis, up: Axis) -> Iterator[str]:
    colour = COLOURS[number % len(COLOURS)]
    points = [(_x(across, x), _y(up, y)) for x, y in line.points]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    dashes = ' stroke-dasharray="4 3"' if line.dashed else ""
    yield f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"{dashes}/>'
    if line.marked:
        yield from (f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in points)
    at = TOP + 16 * number
    yield f'<rect x="{WIDTH - RIGHT + 14}" y="{at - 9}" width="10" height="10" fill="{colour}"/>'
    yield f'<text x="{WIDTH - RIGHT + 30}" y="{at}" font-size="10" fill="{GREY}">{escape(line.name)}</text>'
