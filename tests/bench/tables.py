"""Lays the figures out: rows of text, which the terminal and the documentation show alike."""

from collections.abc import Iterable, Mapping
from itertools import pairwise

from bench.figures import Contender, Figures, Phase, Results, Run, exponent, ratio
from bench.targets import Promise, judge

__all__ = ["GROWTH", "PHASES", "PROMISES", "growth", "phases", "promises"]

MEBIBYTE = 2**20

PHASES = ("Instances", "Phase", "", "Seconds", "Writes", "Requests", "CPU s", "Peak MiB", "MiB after")
GROWTH = ("Phase", "From", "To", "Time", "CPU", "Peak memory", "Requests", "Writes")
PROMISES = ("Instances", "What", "Wanted", "Found", "")

NAMES = {Contender.OPERATOR: "operator", Contender.BASELINE: "baseline"}
RATIO = "ratio"
KEPT, MISSED = "kept", "**missed**"


def phases(results: Results) -> list[tuple[str, ...]]:
    """Show each phase of each size: the operator, the baseline, and the first in units of the second."""
    rows: list[tuple[str, ...]] = []
    for size in results.sizes:
        runs = [run for contender in Contender if (run := results.run(contender, size))]
        for phase in Phase:
            shown = [(run.contender, figures) for run in runs if (figures := run.of(phase))]
            rows += [(f"{size:,}", phase, NAMES[contender], *_cells(figures)) for contender, figures in shown]
            if len(shown) == len(Contender):
                rows.append(("", "", RATIO, *_ratios(shown[0][1], shown[1][1])))
        rows += [(f"{size:,}", "ended", NAMES[run.contender], run.trouble, *[""] * 5) for run in runs if run.trouble]
    return rows


def growth(results: Results) -> list[tuple[str, ...]]:
    """Show for each phase how the operator's figures grow from each size to the next, as an exponent."""
    runs = [run for size in results.sizes if (run := results.run(Contender.OPERATOR, size))]
    rows = []
    for small, large in pairwise(runs):
        for phase in Phase:
            here, there = small.of(phase), large.of(phase)
            if here is not None and there is not None:
                rows.append((phase, f"{small.size:,}", f"{large.size:,}", *_exponents(small, here, large, there)))
    return rows


def promises(results: Results) -> list[tuple[str, ...]]:
    """Show what must hold, and whether it does; what is missed comes first."""
    found: Iterable[Promise] = sorted(judge(results), key=lambda promise: promise.kept)
    return [(f"{each.size:,}", each.what, each.wanted, each.found, KEPT if each.kept else MISSED) for each in found]


def _cells(figures: Figures) -> tuple[str, ...]:
    return (
        _seconds(figures),
        _each(figures.written, figures.resources, figures.writes),
        _each(figures.requested, figures.resources, figures.requests),
        f"{figures.cpu:.2f}",
        f"{figures.peak / MEBIBYTE:.0f}",
        f"{figures.memory / MEBIBYTE:.0f}",
    )


def _seconds(figures: Figures) -> str:
    if figures.listing is not None:
        return f"{figures.seconds:.1f} (list: {figures.listing:.1f})"
    return f"{figures.seconds:.1f}"


def _each(total: int, resources: int, parts: Mapping[str, int]) -> str:
    """Show a number for each resource, and of what it consists."""
    listed = ", ".join(f"{_number(count / resources)} {name}" for name, count in parts.items())
    return f"{_number(total / resources)} ({listed})" if listed else "0"


def _number(value: float) -> str:
    return f"{value:.3g}"


def _ratios(ours: Figures, theirs: Figures) -> tuple[str, ...]:
    pairs = (
        (ours.seconds, theirs.seconds),
        (ours.written, theirs.written),
        (ours.requested, theirs.requested),
        (ours.cpu, theirs.cpu),
        (ours.peak, theirs.peak),
        (ours.memory, theirs.memory),
    )
    return tuple(_or_dash(ratio(mine, other)) for mine, other in pairs)


def _exponents(small: Run, here: Figures, large: Run, there: Figures) -> tuple[str, ...]:
    pairs = (
        (here.seconds, there.seconds),
        (here.cpu, there.cpu),
        (here.peak, there.peak),
        (here.requested, there.requested),
        (here.written, there.written),
    )
    return tuple(_or_dash(exponent(small.size, low, large.size, high)) for low, high in pairs)


def _or_dash(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"
