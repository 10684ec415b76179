"""Which resources have left the operator's part unseen: a watch that is begun anew does not tell of them."""

import logging
from collections.abc import Sequence

from aisearch_operator.engine.store import ObjectKey, Store
from aisearch_operator.engine.workqueue import Again
from aisearch_operator.kube.api import KubeApi, KubeUnavailable
from aisearch_operator.kube.status_writer import PLURALS
from aisearch_operator.reconcilers.dispatcher import Dispatcher

__all__ = ["INTERVAL", "RollCall"]

logger = logging.getLogger(__name__)

INTERVAL = 300.0
"""Seconds between two lists. What they find is rare: a label was edited while a watch could not be continued."""


class RollCall:
    """Has resources forgotten that the label selector does not select any more.

    kopf lists anew when the API server does not remember where a watch was, and compares nothing (facts/kopf.md 1.5).
    For an operator that serves all resources that is harmless: what it did not see go does not exist any more.
    Here another operator has it.

    Parameters
    ----------
    namespaces
        What the operator watches; none means all.
    """

    def __init__(self, kube: KubeApi, store: Store, dispatcher: Dispatcher, namespaces: Sequence[str]) -> None:
        self._kube = kube
        self._store = store
        self._dispatcher = dispatcher
        self._namespaces = namespaces or (None,)

    async def poll(self) -> Again:
        """List the resources, and have those forgotten that were known before and are not among them."""
        for kind, plural in PLURALS.items():
            known = [known.key for known in self._store.all(kind)]
            try:
                selected = {
                    ObjectKey(ref.kind, ref.namespace, ref.name, ref.uid)
                    for namespace in self._namespaces
                    for ref in await self._kube.list_refs(kind, plural, namespace)
                }
            except KubeUnavailable as error:
                logger.warning("The resources could not be listed: %s", error)
                return Again()
            for key in known:
                if key not in selected:
                    self._dispatcher.depart(key)
        return Again(INTERVAL)
