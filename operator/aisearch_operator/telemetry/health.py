"""What the probes say: whether the process must be restarted, and whether it does its part."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Check", "Health", "Role", "Stuck"]


class Role(StrEnum):
    """What this process is among its replicas."""

    STARTING = "starting"
    STANDBY = "standby"
    LEADER = "leader"


@dataclass(frozen=True, slots=True)
class Stuck:
    """A part that gets on no more, and that only a restart can help.

    Parameters
    ----------
    problem
        What is wrong, one sentence for a person.
    seconds
        For how long.
    """

    problem: str
    seconds: float


Check = Callable[[], Stuck | None]
"""Looks at one part; None when it is well."""


class Health:
    """Where the parts of the operator report how they are.

    Attributes
    ----------
    role
        What this process is among its replicas. The only one is the leader.
    """

    def __init__(self) -> None:
        self.role = Role.STARTING
        self._checks: dict[str, Check] = {}
        self._needs: dict[str, Callable[[], bool]] = {}

    def check(self, name: str, check: Check) -> None:
        """Have a part looked at by each probe."""
        self._checks[name] = check

    def need(self, what: str, done: Callable[[], bool]) -> None:
        """Let the leader be ready only when this is done."""
        self._needs[what] = done

    def stuck(self) -> Mapping[str, Stuck]:
        """Give the parts that only a restart can help, by name."""
        looked_at = {name: check() for name, check in self._checks.items()}
        return {name: stuck for name, stuck in looked_at.items() if stuck is not None}

    def not_ready(self) -> str | None:
        """Say why this process cannot do its part yet, or not any more; None when it can.

        A standby's part is to be there.
        """
        if self.role is Role.STARTING:
            return "the operator starts"
        for name, stuck in self.stuck().items():
            return f"{name}: {stuck.problem}"
        if self.role is Role.STANDBY:
            return None
        return next((f"waits for {what}" for what, done in self._needs.items() if not done()), None)
