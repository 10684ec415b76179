"""Draws what was simulated: created instances over time, and how soon deletions and cancellations go out."""

from collections.abc import Mapping, Sequence

from bench.svg import Axis, Line, draw
from simulation.results import Results

__all__ = ["pictures"]

CREATIONS = {"create": "", "others": "half used: "}
URGENT = {"urgent": "", "urgent-others": "half used: "}
"""By scenario, what the names of its lines begin with."""

BOUND = 2
"""Points of a line that was not simulated: what the budget allows."""

MINUTE = 60.0


def pictures(results: Results) -> Mapping[str, str]:
    """Draw everything that the documentation shows, by file name."""
    created = [
        Line(line.name, [(x / MINUTE, y) for x, y in line.points], dashed=line.dashed)
        for line in _lines(results, CREATIONS)
    ]
    urgent = _lines(results, URGENT)
    return {
        "simulated-creations.svg": _draw("Instances created in one account", "minutes", "{:,.0f}", created),
        "simulated-cancellations.svg": _draw(
            "Deletions and cancellations that have gone out, account saturated",
            "seconds since asked for",
            "{:,.0f} %",
            urgent,
        ),
    }


def _lines(results: Results, scenarios: Mapping[str, str]) -> list[Line]:
    return [
        Line(f"{prefix}{curve}", points, dashed=len(points) == BOUND)
        for key, prefix in scenarios.items()
        if key in results.results
        for curve, points in results.results[key].curves.items()
    ]


def _draw(title: str, across_title: str, pattern: str, lines: Sequence[Line]) -> str:
    """Draw lines on even axes."""
    widest = max((x for line in lines for x, _ in line.points), default=1.0)
    highest = max((y for line in lines for _, y in line.points), default=1.0)
    return draw(title, Axis.even(widest, "{:.3g}"), across_title, Axis.even(highest, pattern), lines)
