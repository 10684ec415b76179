"""Draws what was simulated as SVG: created instances over time, and how soon deletions and cancellations go out."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from xml.sax.saxutils import escape

from bench.plots import COLOURS, GREY, Line
from simulation.results import Results

__all__ = ["pictures"]

WIDTH, HEIGHT = 640, 360
LEFT, RIGHT, TOP, BOTTOM = 72, 190, 44, 52
STEPS = 5

URGENT = {"urgent": "", "urgent-others": "half used: "}


def pictures(results: Results) -> Mapping[str, str]:
    """Draw everything that the documentation shows, by file name."""
    found = results.results
    created = [
        Line(f"{name}{curve}", points)
        for key, name in (("create", ""), ("others", "half used: "))
        if key in found
        for curve, points in found[key].curves.items()
    ]
    urgent = [
        Line(f"{name}{curve}", points)
        for key, name in URGENT.items()
        if key in found
        for curve, points in found[key].curves.items()
    ]
    return {
        "simulated-creations.svg": draw("Instances created in one account", "minutes", "", _in_minutes(created)),
        "simulated-cancellations.svg": draw(
            "Deletions and cancellations that have gone out, account saturated", "seconds since asked for", "%", urgent
        ),
    }


def draw(title: str, across_title: str, unit: str, lines: Sequence[Line]) -> str:
    """Draw lines into one picture with even axes."""
    width = max((x for line in lines for x, _ in line.points), default=1.0) or 1.0
    height = max((y for line in lines for _, y in line.points), default=1.0) or 1.0
    across, up = _scale(width, LEFT, WIDTH - RIGHT), _scale(height, HEIGHT - BOTTOM, TOP)
    middle = (LEFT + WIDTH - RIGHT) / 2
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" font-size="12">',
            f"<title>{escape(title)}</title>",
            f'<text x="{LEFT}" y="22" font-size="15" fill="{GREY}">{escape(title)}</text>',
            *_grid(width, height, unit, across, up),
            *(part for number, line in enumerate(lines) for part in _line(line, number, across, up)),
            f'<text x="{middle}" y="{HEIGHT - 8}" text-anchor="middle" fill="{GREY}">{escape(across_title)}</text>',
            "</svg>",
            "",
        ]
    )


def _grid(width: float, height: float, unit: str, across: "_Scale", up: "_Scale") -> Iterator[str]:
    for step in range(STEPS + 1):
        x, y = width * step / STEPS, height * step / STEPS
        yield (
            f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{up(y):.1f}" y2="{up(y):.1f}" '
            f'stroke="{GREY}" stroke-opacity="0.3"/>'
        )
        label = f"{y:,.0f} {unit}".strip()
        yield f'<text x="{LEFT - 8}" y="{up(y) + 4:.1f}" text-anchor="end" fill="{GREY}">{label}</text>'
        yield f'<text x="{across(x):.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle" fill="{GREY}">{x:.3g}</text>'


def _line(line: Line, number: int, across: "_Scale", up: "_Scale") -> Iterator[str]:
    colour = COLOURS[number % len(COLOURS)]
    path = " ".join(f"{across(x):.1f},{up(y):.1f}" for x, y in line.points)
    dashes = ' stroke-dasharray="4 3"' if len(line.points) == 2 else ""
    yield f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"{dashes}/>'
    at = TOP + 16 * number
    yield f'<rect x="{WIDTH - RIGHT + 14}" y="{at - 9}" width="10" height="10" fill="{colour}"/>'
    yield f'<text x="{WIDTH - RIGHT + 30}" y="{at}" font-size="10" fill="{GREY}">{escape(line.name)}</text>'


_Scale = Callable[[float], float]


def _scale(high: float, start: float, end: float) -> _Scale:
    return lambda value: start + (end - start) * value / high


def _in_minutes(lines: Sequence[Line]) -> list[Line]:
    return [Line(line.name, [(x / 60, y) for x, y in line.points]) for line in lines]
