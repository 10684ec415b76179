"""What a round of the soak does to the operator, the cluster and the account: one step each."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from fake_cloudflare.faults import Fault

__all__ = [
    "Action",
    "Apply",
    "ChangeInDashboard",
    "Delete",
    "DeleteInDashboard",
    "Inject",
    "Kill",
    "KillAt",
    "Label",
    "RefuseStatus",
    "RevokeToken",
    "Stage",
    "StartInDashboard",
    "Step",
    "Terminate",
]

Stage = Literal["before", "after"]


@dataclass(frozen=True, slots=True)
class Apply:
    """Apply a resource: new, edited, or with ``cancel`` set."""

    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Delete:
    """Ask for the deletion of a resource, without waiting for it."""

    kind: str
    name: str


@dataclass(frozen=True, slots=True)
class Label:
    """Change a label, which is none of the operator's business."""

    kind: str
    name: str
    value: str


@dataclass(frozen=True, slots=True)
class ChangeInDashboard:
    """Change a setting of an instance behind the operator's back."""

    instance_id: str
    max_num_results: int


@dataclass(frozen=True, slots=True)
class DeleteInDashboard:
    """Delete an instance behind the operator's back, jobs and all."""

    instance_id: str


@dataclass(frozen=True, slots=True)
class StartInDashboard:
    """Start a job behind the operator's back, which ends a running one."""

    instance_id: str


@dataclass(frozen=True, slots=True)
class Inject:
    """Arm a fault at the API."""

    fault: Fault


@dataclass(frozen=True, slots=True)
class Kill:
    """Kill the operator, and start another ``pause`` seconds later."""

    pause: float


@dataclass(frozen=True, slots=True)
class KillAt:
    """Have the operator send a request, and kill it while that is held before or after its effect."""

    cause: "Action"
    operation: str
    stage: Stage


@dataclass(frozen=True, slots=True)
class Terminate:
    """Send SIGTERM, and start another operator afterwards."""


@dataclass(frozen=True, slots=True)
class RevokeToken:
    """Have the API reject the token for some seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class RefuseStatus:
    """Have the API server refuse status patches for some seconds."""

    seconds: float


Action = (
    Apply
    | Delete
    | Label
    | ChangeInDashboard
    | DeleteInDashboard
    | StartInDashboard
    | Inject
    | Kill
    | KillAt
    | Terminate
    | RevokeToken
    | RefuseStatus
)


@dataclass(frozen=True, slots=True)
class Step:
    """An action, and the seconds to let pass before it."""

    pause: float
    action: Action
