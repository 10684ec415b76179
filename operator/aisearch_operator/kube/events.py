"""Kubernetes Events: told on transitions, never in a way that could stop a pass."""

import logging
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
    """Creates Events."""

    def __init__(self, kube: KubeApi) -> None:
        self._kube = kube

    async def record(self, key: ObjectKey, *events: Event) -> None:
        """Create the Events, in order. A failure is logged: an Event is worth no retry.

        A namespace that is being deleted takes no new objects, for example.
        """
        for event in events:
            level = logging.INFO if event.type == "Normal" else logging.WARNING
            logger.log(level, "%s: %s: %s", key, event.reason, event.message)
            try:
                await self._kube.create_event(ref_of(key), event.type, event.reason, event.message)
            except KubeUnavailable as error:
                logger.warning("The Event %s of %s could not be recorded: %s", event.reason, key, error)
