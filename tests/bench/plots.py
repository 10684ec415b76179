"""Draws the figures as SVG: lines over the number of instances, both axes logarithmic.

Written out here: four pictures of two lines each are a hundred lines. Of the libraries, matplotlib comes with seven
packages and 100 MB, and pygal's pictures fetch a script from a third party and know no logarithmic abscissa.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

from bench.figures import Contender, Figures, Phase, Results, Run

__all__ = ["Line", "draw", "pictures"]

WIDTH, HEIGHT = 640, 360
LEFT, RIGHT, TOP, BOTTOM = 72, 140, 44, 48
COLOURS = ("#2f6fde", "#d1582b", "#4f9d4f", "#8a5cc2", "#b58900", "#c2457f", "#3b8f9e")
"""Each with enough contrast on white and on a dark page."""

GREY = "#808080"
MEBIBYTE = 2**20

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Line:
    """One line; points of value 0 cannot be shown and are left out."""

    name: str
    points: Sequence[Point]


def pictures(results: Results) -> Mapping[str, str]:
    """Draw everything that the documentation shows, by file name."""
    return {
        "seconds.svg": draw("Seconds until all is done", "s", _of_phases(results, lambda it: it.seconds, timed=True)),
        "cpu.svg": draw("The operator's processor", "s", _of_phases(results, lambda it: it.cpu)),
        "memory.svg": draw("Memory at its highest", "MiB", _of_runs(results, lambda run: run.peak / MEBIBYTE)),
        "requests.svg": draw(
            "Requests to Cloudflare at rest, in a minute", "", _of_runs(results, lambda run: _rate(run.of(Phase.REST)))
        ),
    }


def draw(title: str, unit: str, lines: Sequence[Line]) -> str:
    """Draw lines into one picture."""
    shown = [Line(line.name, [(x, y) for x, y in line.points if x > 0 and y > 0]) for line in lines]
    shown = [line for line in shown if line.points]
    xs = sorted({x for line in shown for x, _ in line.points}) or [1.0]
    ys = [y for line in shown for _, y in line.points] or [1.0]
    across = _scale(xs[0], xs[-1], LEFT, WIDTH - RIGHT)
    lowest, highest = 10 ** math.floor(math.log10(min(ys))), 10 ** math.ceil(math.log10(max(ys)))
    up = _scale(lowest, max(highest, lowest * 10), HEIGHT - BOTTOM, TOP)
    body = [
        *_grid(xs, lowest, max(highest, lowest * 10), unit, across, up),
        *(part for number, line in enumerate(shown) for part in _line(line, number, across, up)),
    ]
    middle = (LEFT + WIDTH - RIGHT) / 2
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" font-size="12">',
            f"<title>{escape(title)}</title>",
            f'<text x="{LEFT}" y="22" font-size="15" fill="{GREY}">{escape(title)}</text>',
            *body,
            f'<text x="{middle}" y="{HEIGHT - 8}" text-anchor="middle" fill="{GREY}">instances</text>',
            "</svg>",
            "",
        ]
    )


def _grid(
    xs: Sequence[float], lowest: float, highest: float, unit: str, across: "_Scale", up: "_Scale"
) -> Iterator[str]:
    for power in range(round(math.log10(lowest)), round(math.log10(highest)) + 1):
        y = up(10**power)
        yield f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="{GREY}" stroke-opacity="0.3"/>'
        label = f"{10**power:,g} {unit}".strip()
        yield f'<text x="{LEFT - 8}" y="{y + 4:.1f}" text-anchor="end" fill="{GREY}">{label}</text>'
    for x in xs:
        at = across(x)
        yield f'<text x="{at:.1f}" y="{HEIGHT - BOTTOM + 20}" text-anchor="middle" fill="{GREY}">{x:,.0f}</text>'


def _line(line: Line, number: int, across: "_Scale", up: "_Scale") -> Iterator[str]:
    colour = COLOURS[number % len(COLOURS)]
    points = [(across(x), up(y)) for x, y in line.points]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    yield f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>'
    yield from (f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{colour}"/>' for x, y in points)
    at = TOP + 16 * number
    yield f'<rect x="{WIDTH - RIGHT + 14}" y="{at - 9}" width="10" height="10" fill="{colour}"/>'
    yield f'<text x="{WIDTH - RIGHT + 30}" y="{at}" fill="{GREY}">{escape(line.name)}</text>'


_Scale = Callable[[float], float]


def _scale(low: float, high: float, start: float, end: float) -> _Scale:
    """Map a range logarithmically; a range of one value lands in the middle."""
    if low == high:
        return lambda _: (start + end) / 2
    return lambda value: start + (end - start) * math.log(value / low) / math.log(high / low)


def _of_phases(results: Results, value: Callable[[Figures], float], *, timed: bool = False) -> list[Line]:
    runs = _runs(results, Contender.OPERATOR)
    phases = [phase for phase in Phase if not (timed and phase is Phase.REST)]
    return [Line(phase, [(run.size, value(figures)) for run in runs if (figures := run.of(phase))]) for phase in phases]


def _of_runs(results: Results, value: Callable[[Run], float]) -> list[Line]:
    return [Line(contender, [(run.size, value(run)) for run in _runs(results, contender)]) for contender in Contender]


def _runs(results: Results, contender: Contender) -> list[Run]:
    return [run for size in results.sizes if (run := results.run(contender, size))]


def _rate(figures: Figures | None) -> float:
    return figures.requested / figures.lasted * 60 if figures else 0.0
