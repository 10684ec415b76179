"""Faults that a test injects: wrong answers, delays, gates and drops, before or after the effect."""

import asyncio
from fnmatch import fnmatchcase
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field


class _Effect(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Status(_Effect):
    """Answer with this status and error."""

    kind: Literal["status"] = "status"
    status: int
    code: int = 7001
    message: str = "Internal Error"
    headers: dict[str, str] = {}


class Delay(_Effect):
    """Hold the request for some real seconds."""

    kind: Literal["delay"] = "delay"
    seconds: float


class Gate(_Effect):
    """Hold the request until the test releases the gate of this name."""

    kind: Literal["gate"] = "gate"
    name: str


class Drop(_Effect):
    """Close the connection without an answer."""

    kind: Literal["drop"] = "drop"


class Broken(_Effect):
    """Answer 200 with a body that is not what the API sends."""

    kind: Literal["broken"] = "broken"
    body: Literal["garbage", "truncated", "html", "empty"]


Effect = Annotated[Status | Delay | Gate | Drop | Broken, Field(discriminator="kind")]


class Fault(BaseModel):
    """One injected fault: which requests it meets, at which stage, and what it does.

    At stage ``before`` a fault that answers or drops keeps the operation from being carried out; at stage
    ``after`` it has been carried out, and the caller is told something else.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    effect: Effect
    stage: Literal["before", "after"] = "before"
    operation: str = Field(default="*", description="Glob on the route's name: jobs.create, instances.*")
    method: str = "*"
    path: str = Field(default="*", description="Glob on the path below /ai-search")
    nth: int = Field(default=1, ge=1, description="The first matching request that is met")
    times: int | None = Field(default=1, ge=1, description="How many are met; null: all from then on")

    @property
    def label(self) -> str:
        """What the journal says of it."""
        return f"{self.effect.kind} {self.stage}"

    def matches(self, method: str, operation: str, path: str) -> bool:
        return (
            fnmatchcase(operation, self.operation) and fnmatchcase(method, self.method) and fnmatchcase(path, self.path)
        )


class FaultPlan:
    """The faults of one account, in the order of their injection."""

    def __init__(self) -> None:
        self._armed: list[tuple[Fault, int]] = []

    def inject(self, fault: Fault) -> None:
        self._armed.append((fault, 0))

    def clear(self) -> None:
        self._armed.clear()

    @property
    def armed(self) -> list[Fault]:
        """The faults that still wait for a request."""
        return [fault for fault, _ in self._armed]

    def meet(self, method: str, operation: str, path: str) -> list[Fault]:
        """Count one request and return the faults that it meets."""
        met: list[Fault] = []
        kept: list[tuple[Fault, int]] = []
        for fault, seen in self._armed:
            count = seen + 1 if fault.matches(method, operation, path) else seen
            if count > seen and count >= fault.nth:
                met.append(fault)
            if fault.times is None or count < fault.nth + fault.times - 1:
                kept.append((fault, count))
        self._armed = kept
        return met


class Gates:
    """Where requests of one account are held until a test lets them go."""

    def __init__(self) -> None:
        self._waiting: dict[str, list[asyncio.Event]] = {}
        self._changed = asyncio.Condition()

    async def hold(self, name: str) -> None:
        """Wait until the gate is released."""
        released = asyncio.Event()
        async with self._changed:
            self._waiting.setdefault(name, []).append(released)
            self._changed.notify_all()
        await released.wait()

    def release(self, name: str) -> int:
        """Let every request that waits at the gate go on, and return how many did."""
        held = self._waiting.pop(name, [])
        for event in held:
            event.set()
        return len(held)

    def release_all(self) -> None:
        for name in list(self._waiting):
            self.release(name)

    def waiting(self, name: str) -> int:
        return len(self._waiting.get(name, []))

    async def until_waiting(self, name: str, count: int, patience: float) -> bool:
        """Return whether ``count`` requests wait at the gate within ``patience`` real seconds."""
        try:
            async with asyncio.timeout(patience), self._changed:
                await self._changed.wait_for(lambda: self.waiting(name) >= count)
        except TimeoutError:
            return False
        return True
