"""What a pass found, in the three conditions of kstatus: Ready, Reconciling, Stalled."""

from dataclasses import dataclass
from typing import Literal

from aisearch_operator.cloudflare.errors import AlreadyExists, CloudflareError, Terminal
from aisearch_operator.domain.reasons import Reason

__all__ = ["ConditionStatus", "Verdict"]

ConditionStatus = Literal["True", "False", "Unknown"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """One state of a resource. `Reconciling` and `Stalled` exclude each other by construction.

    Parameters
    ----------
    ready
        The status of `Ready`.
    progress
        ``reconciling`` while the operator has work left, ``stalled`` when a person must act,
        ``settled`` otherwise.
    reason
        The reason of `Ready`, and of whichever of the other two is True.
    message
        One sentence for a person. It must not change from one attempt to the next (no attempt
        numbers, no remaining seconds, no request ids): every change is a write.
    """

    ready: ConditionStatus
    progress: Literal["reconciling", "stalled", "settled"]
    reason: str
    message: str

    @classmethod
    def fine(cls, reason: str, message: str) -> "Verdict":
        """Say that everything is as wanted."""
        return cls("True", "settled", reason, message)

    @classmethod
    def working(cls, reason: str, message: str, *, ready: ConditionStatus = "False") -> "Verdict":
        """Say that the operator goes on by itself."""
        return cls(ready, "reconciling", reason, message)

    @classmethod
    def stalled(cls, reason: str, message: str) -> "Verdict":
        """Say that a person must act."""
        return cls("False", "stalled", reason, message)

    @classmethod
    def suspended(cls, message: str) -> "Verdict":
        """Say that the user asked the operator to stay away."""
        return cls("Unknown", "settled", Reason.SUSPENDED, message)

    @classmethod
    def of_error(cls, error: CloudflareError) -> "Verdict":
        """Judge an error of the Cloudflare API: what only a person can put right stalls, any other is retried.

        `AlreadyExists` gets here from a move into a search namespace that has an instance of the id.
        """
        if isinstance(error, Terminal | AlreadyExists):
            return cls.stalled(error.cause, str(error))
        return cls.working(error.cause, str(error))
