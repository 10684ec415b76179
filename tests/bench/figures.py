"""What the benchmark measures, as it stands in its file; and what is made of it: ratio and exponent."""

import math
from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

from pydantic import BaseModel, ConfigDict

__all__ = ["Contender", "Figures", "Machine", "Phase", "Results", "Run", "exponent", "ratio"]

PAGE = 100
"""Instances in a page of Cloudflare's list (facts 1.1)."""


class Contender(StrEnum):
    """Who does the work."""

    OPERATOR = "operator"
    BASELINE = "baseline"


class Phase(StrEnum):
    """What is done, in this order."""

    CREATE = "create"
    SYNC = "sync"
    REST = "rest"
    REPAIR = "repair"
    EDIT = "edit"
    RESTART = "restart"
    DELETE = "delete"


class _Kept(BaseModel):
    model_config = ConfigDict(frozen=True)


class Figures(_Kept):
    """One phase of one run.

    Attributes
    ----------
    resources
        How many the phase is about.
    seconds
        From the first write of the bench until everything is as it should be. In ``repair``: from a change at
        Cloudflare until it is set right, on average. In ``restart``: from the start of the process until each
        resource has been compared with Cloudflare.
    lasted
        Seconds of the whole phase, which the counts and the processor's seconds belong to.
    writing
        Seconds of the bench's own writes: nobody could be faster.
    listing
        In ``restart``: seconds of a plain list of the same resources.
    writes
        The operator's writes to Kubernetes by what they are.
    requests
        The operator's requests to Cloudflare by operation.
    cpu
        Seconds of the processor.
    peak, memory
        Bytes: the most in this phase, and at its end.
    others
        Seconds of the processor that the rest of the machine's load needed, by process.
    """

    phase: Phase
    resources: int
    seconds: float
    lasted: float
    writing: float = 0.0
    listing: float | None = None
    writes: dict[str, int]
    requests: dict[str, int]
    cpu: float
    peak: int
    memory: int
    others: dict[str, float]

    @property
    def written(self) -> int:
        """All writes to Kubernetes."""
        return sum(self.writes.values())

    @property
    def requested(self) -> int:
        """All requests to Cloudflare."""
        return sum(self.requests.values())

    def written_but(self, *kinds: str) -> int:
        """Count the writes that are of none of these kinds."""
        return sum(count for kind, count in self.writes.items() if kind not in kinds)


class Run(_Kept):
    """All phases of one contender at one size.

    Attributes
    ----------
    size
        Instances. There is a sync job for each tenth of them.
    trouble
        Why the phases after the last one here are missing; empty when none is.
    repeated
        How many runs there were, of which each phase is the one in the middle by its seconds.
    """

    contender: Contender
    size: int
    phases: tuple[Figures, ...]
    trouble: str = ""
    repeated: int = 1

    @classmethod
    def middle(cls, runs: "Sequence[Run]") -> "Run":
        """Make one run of several of the same contender and size, each phase from where it took neither long nor short.

        Runs that did not get to their end do not count, unless none did.
        """
        whole = [run for run in runs if not run.trouble] or [runs[-1]]
        phases = zip(*(run.phases for run in whole), strict=True)
        middle = tuple(sorted(found, key=lambda figures: figures.seconds)[len(whole) // 2] for found in phases)
        return whole[0].model_copy(update={"phases": middle, "repeated": len(whole)})

    def of(self, phase: Phase) -> Figures | None:
        """Give one phase; None when the run did not get there."""
        return next((figures for figures in self.phases if figures.phase is phase), None)

    @property
    def pages(self) -> int:
        """Requests of one list of all instances."""
        return math.ceil(self.size / PAGE)

    @property
    def written(self) -> int:
        """All writes to Kubernetes."""
        return sum(figures.written for figures in self.phases)

    @property
    def cpu(self) -> float:
        """All seconds of the processor."""
        return sum(figures.cpu for figures in self.phases)

    @property
    def peak(self) -> int:
        """The most bytes of memory in any phase."""
        return max((figures.peak for figures in self.phases), default=0)


class Machine(_Kept):
    """Where it was measured."""

    cores: int
    processor: str
    memory: int
    system: str
    python: str
    versions: dict[str, str]


class Results(_Kept):
    """What a call of the benchmark measured.

    Attributes
    ----------
    interval
        Seconds between two looks at an instance, of both contenders.
    job_interval
        The same for a sync job.
    real_limits
        Whether Cloudflare's request limits were in force.
    """

    began: datetime
    machine: Machine
    interval: float
    job_interval: float
    real_limits: bool
    runs: tuple[Run, ...]

    def run(self, contender: Contender, size: int) -> Run | None:
        """Give one run; None when there is none."""
        return next((run for run in self.runs if (run.contender, run.size) == (contender, size)), None)

    @property
    def sizes(self) -> list[int]:
        """Give the sizes, the smallest first."""
        return sorted({run.size for run in self.runs})


def ratio(ours: float, theirs: float) -> float | None:
    """Give ours in units of theirs; None where theirs is nothing."""
    return ours / theirs if theirs else None


def exponent(size: int, value: float, larger: int, value_there: float) -> float | None:
    """Tell how a value grows with the size: 1.0 in proportion, 0.0 not at all; None where one of them is nothing."""
    if value <= 0 or value_there <= 0 or size == larger:
        return None
    return math.log(value_there / value) / math.log(larger / size)
