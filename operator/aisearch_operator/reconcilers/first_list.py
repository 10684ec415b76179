"""The start: no pass is made before the watch has told of every resource that exists."""

import logging
from collections.abc import Callable, Iterable, Sequence

from aisearch_operator.engine.store import ObjectKey
from aisearch_operator.engine.workqueue import Again
from aisearch_operator.kube.api import KubeApi, KubeUnavailable
from aisearch_operator.kube.status_writer import PLURALS
from aisearch_operator.reconcilers.dispatcher import Dispatcher

__all__ = ["FirstList"]

logger = logging.getLogger(__name__)

PATIENCE = 5.0
"""Seconds without news of a missing resource. It is gone then: no watch tells of what was deleted before it began."""


class FirstList:
    """Lets the dispatcher start when it knows every resource.

    A pass looks at more than its own resource: a sync job at its instance and at the jobs ahead of
    it. Made too early, it would write what the next one takes back, and let the wrong job start.
    kopf does not say when its own first list is through (facts/kopf.md 15), so that this is another.

    Parameters
    ----------
    namespaces
        What the operator watches; none means all.
    inherit
        Is told which resources are older than this operator.
    """

    def __init__(
        self,
        kube: KubeApi,
        dispatcher: Dispatcher,
        namespaces: Sequence[str],
        *,
        inherit: Callable[[Iterable[ObjectKey]], None],
    ) -> None:
        self._kube = kube
        self._dispatcher = dispatcher
        self._namespaces = namespaces or (None,)
        self._inherit = inherit
        self._missing: int | None = None

    async def poll(self) -> Again | None:
        """List the resources; then see whether the watch is getting on."""
        if self._missing is None:
            try:
                existing = await self._existing()
                self._inherit(existing)
                self._dispatcher.start_after(existing)
            except KubeUnavailable as error:
                logger.warning("The resources could not be listed: %s", error)
                return Again()
        elif self._missing == self._dispatcher.missing:
            logger.info("%d resources were deleted while the operator started", self._missing)
            self._dispatcher.start()
        self._missing = self._dispatcher.missing
        return Again(PATIENCE) if self._missing else None

    async def _existing(self) -> list[ObjectKey]:
        return [
            ObjectKey(ref.kind, ref.namespace, ref.name, ref.uid)
            for kind, plural in PLURALS.items()
            for namespace in self._namespaces
            for ref in await self._kube.list_refs(kind, plural, namespace)
        ]
