"""Kubernetes Events: told on transitions, never in a way that could stop a pass."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from aisearch_operator.engine.store import ObjectKey
from aisearch_operator.kube.api import KubeApi, KubeUnavailable
from aisearch_operator.kube.status_writer import ref_of

__all__ = ["Event", "EventRecorder"]

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Event:
    """What happened to a resource."""

    type: Literal["Normal", "Warning"]
    reason: str
    message: str


class EventRecorder:
    """Creates Events.

    Warnings are all told. Of what goes well, no more than a person reads: a thousand instances that are created at
    once would be a thousand writes, which cost the API server as much as their statuses. The log has every one.

    Parameters
    ----------
    per_minute
        Normal Events that are created in a minute, over all resources. After a quiet minute so many may come at once.
    clock
        Monotonic seconds.
    """

    def __init__(self, kube: KubeApi, *, per_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._kube = kube
        self._per_minute = per_minute
        self._clock = clock
        self._left = float(per_minute)
        self._counted_at = clock()

    async def record(self, key: ObjectKey, *events: Event) -> None:
        """Create the Events, in order. A failure is logged: an Event is worth no retry.

        A namespace that is being deleted takes no new objects, for example.
        """
        for event in events:
            level = logging.INFO if event.type == "Normal" else logging.WARNING
            logger.log(level, "%s: %s: %s", key, event.reason, event.message)
            if event.type == "Normal" and not self._take():
                continue
            try:
                await self._kube.create_event(ref_of(key), event.type, event.reason, event.message)
            except KubeUnavailable as error:
                logger.warning("The Event %s of %s could not be recorded: %s", event.reason, key, error)

    def _take(self) -> bool:
        """Count one more Normal Event, if there is room for it."""
        now = self._clock()
        self._left = min(self._per_minute, self._left + (now - self._counted_at) * self._per_minute / 60)
        self._counted_at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True
