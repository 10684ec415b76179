"""What must hold of the figures: each promise with what is wanted, what is, and whether it is kept."""

from collections.abc import Iterator
from dataclasses import dataclass

from bench.figures import Contender, Figures, Phase, Results, Run, exponent, ratio

__all__ = ["Promise", "judge"]

MEBIBYTE = 2**20
MOST_MEMORY = 200 * MEBIBYTE
MOST_GROWTH = 1.1
SMALLEST_TO_GROW = 1000
"""Instances from which on growth is judged: below, what a process costs at all hides what a resource costs."""

COMPARED = 1000
"""Instances from which on the comparison with the baseline is judged."""

MOST_WRITES, MOST_REQUESTS = 0.5, 0.1
"""Parts of the baseline's."""

MOST_REFUSED = 0.005
"""The part of all writes that may meet a newer version of their resource: the bench edits what is being written."""

TIED = 0.5
"""Seconds. A phase that is slower by less than that is as fast: the timers of both do not tick at the same moment."""


@dataclass(frozen=True, slots=True)
class Promise:
    """One thing that must hold."""

    size: int
    what: str
    wanted: str
    found: str
    kept: bool


def judge(results: Results) -> list[Promise]:
    """Hold the figures against what must hold."""
    found: list[Promise] = []
    for size in results.sizes:
        ours, theirs = (results.run(contender, size) for contender in Contender)
        if ours is not None:
            found += _counts(ours, results)
            found += _memory(ours)
        if ours is not None and theirs is not None and size >= COMPARED:
            found += _comparison(ours, theirs)
    found += _growth(results)
    return found


def _counts(run: Run, results: Results) -> Iterator[Promise]:
    if create := run.of(Phase.CREATE):
        wanted = run.size + run.pages * _sweeps(create, results)
        yield _at_most(run.size, "requests to create all, statistics left out", wanted, _unrotated(create))
    if rest := run.of(Phase.REST):
        wanted = run.pages * _sweeps(rest, results)
        yield _at_most(run.size, "requests at rest, statistics left out", wanted, _unrotated(rest))
        yield _at_most(run.size, "writes at rest, statistics left out", 0, rest.written_but("statistics"))
    if restart := run.of(Phase.RESTART):
        yield _at_most(run.size, "writes of a restart", 0, restart.written)
        yield _at_most(run.size, "requests of a restart", run.pages, restart.requested)
    for phase, most in ((Phase.CREATE, 2), (Phase.EDIT, 1), (Phase.DELETE, 1)):
        if figures := run.of(phase):
            counted = figures.written_but("statistics", "event", "refused")
            yield _at_most(run.size, f"writes to {phase} one, Events left out", most, counted / figures.resources)
    refused = sum(figures.writes.get("refused", 0) for figures in run.phases)
    yield _at_most(
        run.size,
        "writes that came too late and were refused, all phases",
        round(run.written * MOST_REFUSED),
        refused,
    )


def _memory(run: Run) -> Iterator[Promise]:
    yield Promise(
        run.size,
        "memory at its highest",
        f"at most {MOST_MEMORY // MEBIBYTE} MiB",
        f"{run.peak / MEBIBYTE:.0f} MiB",
        run.peak <= MOST_MEMORY,
    )


def _comparison(ours: Run, theirs: Run) -> Iterator[Promise]:
    size = ours.size
    yield _part(size, "writes to Kubernetes, all phases", MOST_WRITES, ours.written, theirs.written)
    yield _part(size, "seconds of the processor, all phases", 1.0, ours.cpu, theirs.cpu)
    yield _part(size, "memory at its highest", 1.0, ours.peak, theirs.peak)
    for phase in Phase:
        figures, other = ours.of(phase), theirs.of(phase)
        if figures is None or other is None:
            continue
        if phase is Phase.REST:
            yield _part(size, "requests at rest", MOST_REQUESTS, figures.requested, other.requested)
            continue
        yield Promise(
            size,
            f"seconds to {phase}",
            f"as fast as the baseline: {other.seconds:.1f} s",
            f"{figures.seconds:.1f} s",
            figures.seconds <= other.seconds + TIED,
        )


def _growth(results: Results) -> Iterator[Promise]:
    runs = [run for size in results.sizes if (run := results.run(Contender.OPERATOR, size))]
    runs = [run for run in runs if run.size >= SMALLEST_TO_GROW and not run.trouble]
    if len(runs) < 2:
        return
    small, large = runs[0], runs[-1]
    for phase in Phase:
        here, there = small.of(phase), large.of(phase)
        if here is None or there is None:
            continue
        for what, low, high in (("processor", here.cpu, there.cpu), ("time", here.seconds, there.seconds)):
            grows = exponent(small.size, low, large.size, high)
            if grows is not None and not (what == "time" and phase is Phase.REST):
                yield Promise(
                    large.size,
                    f"growth of {what} to {phase} from {small.size:,}",
                    f"exponent of at most {MOST_GROWTH}",
                    f"{grows:.2f}",
                    grows <= MOST_GROWTH,
                )


def _sweeps(figures: Figures, results: Results) -> int:
    """Count the lists that may begin in a phase, one for each interval; the first at once."""
    return int(figures.lasted / results.interval) + 1


def _unrotated(figures: Figures) -> int:
    return figures.requested - figures.requests.get("instances.stats", 0)


def _at_most(size: int, what: str, wanted: float, found: float) -> Promise:
    return Promise(size, what, f"at most {wanted:g}", f"{found:g}", found <= wanted)


def _part(size: int, what: str, most: float, ours: float, theirs: float) -> Promise:
    part = ratio(ours, theirs)
    shown = "-" if part is None else f"{part:.2g}"
    return Promise(size, what, f"at most {most:g} of the baseline's", shown, part is not None and part <= most)
