"""Deletions and cancellations at random moments: what is to be ended, and how long each took to go out."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from aisearch_operator.engine.store import ObjectKey
from simulation.account import SimulatedAccount
from simulation.operator import SimulatedOperator
from simulation.results import Point, Promise, percentile

__all__ = ["Ending", "Kind", "Latencies"]

PATIENCE = 5.0
"""Seconds within which a deletion or cancellation goes out, at the 99th percentile."""


class Kind(StrEnum):
    """How something is ended, and what its request is."""

    DELETE_INSTANCE = "an instance is deleted"
    DELETE_JOB = "a sync job is deleted"
    CANCEL_JOB = "spec.cancel is set"


@dataclass
class Ending:
    """Something that runs, until the user has it ended.

    Parameters
    ----------
    name
        The instance's id, or the job's description: what the account knows it by.
    """

    kind: Kind
    operator: SimulatedOperator
    account: SimulatedAccount
    key: ObjectKey
    asked: float | None = None

    @classmethod
    def prepared(
        cls, kind: Kind, operator: SimulatedOperator, account: SimulatedAccount, name: str, namespace: str
    ) -> "Ending":
        """Let an instance exist that is to be deleted, or whose job is to be ended."""
        account.have(name)
        instance = operator.create(account.name, name, namespace=namespace)
        job = kind is not Kind.DELETE_INSTANCE
        key = operator.sync(account.name, name, namespace=namespace) if job else instance
        return cls(kind, operator, account, key)

    @property
    def runs(self) -> bool:
        """Whether there is something to end."""
        return self.key in self.operator.done

    @property
    def latency(self) -> float | None:
        """Seconds from the user's wish until the request arrived; None while it has not."""
        arrived = self.account.ended.get(self.key.name)
        return None if arrived is None or self.asked is None else arrived - self.asked

    def ask(self) -> None:
        """Have it ended."""
        self.asked = self.account.limit.clock()
        if self.kind is Kind.CANCEL_JOB:
            self.operator.cancel(self.key)
        else:
            self.operator.delete(self.key)


@dataclass
class Latencies:
    """How long the requests took to go out."""

    endings: list[Ending]
    by_kind: dict[Kind, list[float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for ending in self.endings:
            assert ending.latency is not None
            self.by_kind.setdefault(ending.kind, []).append(ending.latency)

    @property
    def figures(self) -> dict[str, float]:
        """The median and the 99th percentile of each kind."""
        return {
            f"seconds until it goes out when {kind}, {name}": percentile(values, part)
            for kind, values in self.by_kind.items()
            for name, part in (("median", 0.5), ("99th percentile", 0.99), ("most", 1.0))
        }

    @property
    def promises(self) -> Iterable[Promise]:
        """Judge each kind."""
        for kind, values in self.by_kind.items():
            yield Promise.at_most(
                f"99th percentile until it goes out when {kind}", PATIENCE, percentile(values, 0.99), "s"
            )

    @property
    def curves(self) -> dict[str, tuple[Point, ...]]:
        """Which part has gone out after how many seconds."""
        parts = [number / 100 for number in range(101)]
        return {
            str(kind): tuple((round(percentile(values, part), 2), 100 * part) for part in parts)
            for kind, values in self.by_kind.items()
        }
