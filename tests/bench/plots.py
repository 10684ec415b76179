"""Draws the figures: lines over the number of instances, both axes logarithmic."""

from collections.abc import Callable, Mapping, Sequence

from bench.figures import Contender, Figures, Phase, Results, Run
from bench.svg import Axis, Line, draw

__all__ = ["pictures"]

MEBIBYTE = 2**20


def pictures(results: Results) -> Mapping[str, str]:
    """Draw everything that the documentation shows, by file name."""
    return {
        "seconds.svg": _draw("Seconds until all is done", "s", _of_phases(results, lambda it: it.seconds, timed=True)),
        "cpu.svg": _draw("The operator's processor", "s", _of_phases(results, lambda it: it.cpu)),
        "memory.svg": _draw("Memory at its highest", "MiB", _of_runs(results, lambda run: run.peak / MEBIBYTE)),
        "requests.svg": _draw(
            "Requests to Cloudflare at rest, in a minute", "", _of_runs(results, lambda run: _rate(run.of(Phase.REST)))
        ),
    }


def _draw(title: str, unit: str, lines: Sequence[Line]) -> str:
    """Draw lines over the number of instances; a value of 0 has no place there, and is left out."""
    shown = [Line(line.name, [(x, y) for x, y in line.points if y > 0], marked=True) for line in lines]
    shown = [line for line in shown if line.points]
    sizes = sorted({x for line in shown for x, _ in line.points}) or [1.0]
    values = [y for line in shown for _, y in line.points] or [1.0]
    up = Axis.decades(values, f"{{:,g}} {unit}".rstrip())
    return draw(title, Axis.logarithmic(sizes, "{:,.0f}"), "instances", up, shown)


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
