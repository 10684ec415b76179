"""What the simulation showed, as it stands in its file: figures, promises, and curves for the pictures."""

from collections.abc import Sequence
from datetime import datetime
from typing import Self

from pydantic import BaseModel, ConfigDict

from bench.figures import Machine

__all__ = ["FILE", "Point", "Promise", "Result", "Results", "percentile", "thinned"]

FILE = "simulation.json"
MOST_POINTS = 100

Point = tuple[float, float]


class _Kept(BaseModel):
    model_config = ConfigDict(frozen=True)


class Promise(_Kept):
    """One thing that must hold."""

    what: str
    wanted: str
    found: str
    kept: bool

    @classmethod
    def at_most(cls, what: str, most: float, found: float, unit: str = "") -> Self:
        """Judge a figure that has an upper bound."""
        shown = tuple(f"{value:,.3g}" if value < 1000 else f"{value:,.0f}" for value in (most, found))
        end = f" {unit}" if unit else ""
        return cls(what=what, wanted=f"at most {shown[0]}{end}", found=f"{shown[1]}{end}", kept=found <= most)


class Result(_Kept):
    """One scenario.

    Attributes
    ----------
    figures
        Each with its unit in its name.
    curves
        Lines of the pictures.
    played
        Seconds of the processor that it took.
    """

    title: str
    figures: dict[str, float]
    promises: tuple[Promise, ...] = ()
    curves: dict[str, tuple[Point, ...]] = {}
    played: float = 0.0

    @property
    def missed(self) -> list[str]:
        """The promises that were not kept."""
        return [f"{each.what}: {each.found}, {each.wanted}" for each in self.promises if not each.kept]


class Results(_Kept):
    """Everything that was simulated, by the scenario's name."""

    began: datetime
    machine: Machine
    seed: int
    results: dict[str, Result]


def percentile(values: Sequence[float], part: float) -> float:
    """Give the value that so much of them does not exceed; 0 without any."""
    ordered = sorted(values)
    return ordered[min(int(len(ordered) * part), len(ordered) - 1)] if ordered else 0.0


def thinned(points: Sequence[Point]) -> tuple[Point, ...]:
    """Leave out what no picture could show."""
    step = max(1, len(points) // MOST_POINTS)
    return tuple((round(x, 3), round(y, 3)) for x, y in (*points[:-1:step], *points[-1:]))
