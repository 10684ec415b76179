"""The dispatcher: takes a key from the queue to the reconciler of its kind, and ends deletions."""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from functools import partial
from typing import Any

from aisearch_operator.cloudflare.scheduler import requesting
from aisearch_operator.cloudflare.waiting_line import Requester
from aisearch_operator.engine.backoff import Backoff
from aisearch_operator.engine.removals import Removals
from aisearch_operator.engine.store import Departed, Known, ObjectKey, Store
from aisearch_operator.engine.workqueue import Again, WorkQueue
from aisearch_operator.kube.api import KubeUnavailable
from aisearch_operator.kube.status_writer import StatusWriter
from aisearch_operator.reconcilers.outcome import Reconciler, Released
from aisearch_operator.resources.group import INSTANCE_KIND
from aisearch_operator.telemetry.definitions import PASS_DURATION, PASSES, QUEUE_RETRIES, PassOutcome, Queue
from aisearch_operator.telemetry.log_context import about, new_request_id
from aisearch_operator.telemetry.metrics import Metrics
from aisearch_operator.telemetry.resource_state import pass_outcome

__all__ = ["Dispatcher"]

logger = logging.getLogger(__name__)


class Dispatcher:
    """What kopf's handlers talk to: it knows the resources, and has them looked at.

    Parameters
    ----------
    workers
        Passes at the same time.

    Attributes
    ----------
    began
        Set when passes are made: the watch has told of every resource that existed at the start.
    """

    def __init__(self, store: Store, writer: StatusWriter, metrics: Metrics, *, workers: int, backoff: Backoff) -> None:
        self.queue: WorkQueue[ObjectKey] = WorkQueue(
            self._process,
            workers=workers,
            backoff=backoff,
            urgent=self._is_urgent,
            name=Queue.RECONCILE,
            on_retry=lambda: metrics.count(QUEUE_RETRIES, Queue.RECONCILE),
            around=_about,
        )
        self.began = asyncio.Event()
        self._metrics = metrics
        self._store = store
        self._writer = writer
        self._removals = Removals()
        self._reconcilers: Mapping[str, Reconciler] = {}
        self._inherit: Callable[[Iterable[ObjectKey]], None] | None = None
        self._missing: set[ObjectKey] = set()

    @property
    def missing(self) -> int:
        """Count the resources that the start still waits for."""
        return len(self._missing)

    def serve(
        self, reconcilers: Mapping[str, Reconciler], *, inherit: Callable[[Iterable[ObjectKey]], None] | None = None
    ) -> None:
        """Take the reconcilers, which themselves need `wake`.

        Parameters
        ----------
        inherit
            Is told which resources another operator has served before.
        """
        self._reconcilers = reconcilers
        self._inherit = inherit

    def wake(self, keys: Iterable[ObjectKey]) -> None:
        """Have resources looked at."""
        for key in keys:
            if self._store.get(key) is not None:
                self.queue.add(key)

    def seen(self, kind: str, body: Mapping[str, Any], *, gone: bool) -> None:
        """Note what the watch says of a resource.

        It is looked at only when an annotation asks for it, or when another operator had it before: kopf sees no
        change in a resource that came over from there.
        """
        new = self._store.get(ObjectKey.of(kind, body)) is None
        known = self._store.put(kind, body)
        if known.key in self._missing:
            self._missing.discard(known.key)
            if not self._missing:
                self.start()
        if gone:
            self._forget(known, told=True)
        else:
            self._take_up(known, inherited=new and known.taken_up)
        if kind == INSTANCE_KIND:
            # The sync jobs of an instance wait for its readiness.
            self.wake([job.key for job in self._store.jobs_of(known.key.namespace, known.key.name)])

    def depart(self, key: ObjectKey) -> None:
        """Forget a resource of whose leaving the watch did not tell."""
        known = self._store.get(key)
        if known is not None:
            logger.info("%s is not this operator's any more", key)
            self._forget(known)

    def changed(self, kind: str, body: Mapping[str, Any]) -> None:
        """Have a resource looked at: it is new, or its spec has changed, or the operator has just started."""
        self.queue.add(self._store.put(kind, body).key)

    async def removed(self, kind: str, body: Mapping[str, Any]) -> None:
        """Have the business of a deleted resource that was `seen` ended, and wait for that.

        Raises
        ------
        Stopping
            The operator stops first.
        Departed
            The resource is not this operator's any more: it must not take the finalizer off.
        """
        key = ObjectKey.of(kind, body)
        if not self._removals.released(key):
            if self._store.get(key) is None:
                raise Departed(key)
            self.queue.add(key)
        await self._removals.wait(key)

    def start_after(self, existing: Iterable[ObjectKey]) -> None:
        """Start to work as soon as the watch has told of all these resources."""
        self._missing = {key for key in existing if self._store.get(key) is None}
        if not self._missing:
            self.start()

    def start(self) -> None:
        """Start to work."""
        self._missing.clear()
        self.queue.start()
        self.began.set()

    async def stop(self, *, grace: float) -> bool:
        """Let running passes end, then whoever waits for a deletion know that it goes on later.

        Returns
        -------
        bool
            Whether all passes ended by themselves within ``grace`` seconds.
        """
        clean = await self.queue.stop(grace=grace)
        self._removals.stop()
        return clean

    def _is_urgent(self, key: ObjectKey) -> bool:
        known = self._store.get(key)
        return known is not None and known.urgent

    async def _process(self, key: ObjectKey) -> Again | None:
        # What a pass is about may leave while it waits: whose instance is to be kept after all must not be deleted.
        check = partial(self._store.check, key)
        with requesting(Requester(key, tenant=key.namespace, recall=partial(self.wake, [key]), check=check)):
            return await self._measured_pass(key)

    async def _measured_pass(self, key: ObjectKey) -> Again | None:
        known = self._store.get(key)
        if known is None or self._removals.released(key):
            return None
        began = time.monotonic()
        outcome = PassOutcome.BUG
        try:
            with about(generation=known.generation):
                answer = await self._pass(known)
            after, failed = self._store.get(key), answer is not None and answer.after is None
            if after is None:
                self._forget(known)  # it went in the middle of the pass, which kept on noting things for it
                answer = None
            outcome = pass_outcome(after.summary if after else None, failed=failed, done=self._removals.released(key))
        except asyncio.CancelledError:
            outcome = PassOutcome.RETRY  # by the next operator
            raise
        finally:
            self._metrics.count(PASSES, key.kind, outcome)
            self._metrics.observe(PASS_DURATION, time.monotonic() - began, key.kind)
        return answer

    async def _pass(self, known: Known) -> Again | None:
        key, reconciler = known.key, self._reconcilers[known.key.kind]
        try:
            latest = await self._latest(known)
            if latest is None:
                return None
            if not latest.deleting:
                return await reconciler.reconcile(latest)
            try:
                outcome = await reconciler.remove(latest)
            finally:
                # While the deletion handler waits, kopf keeps the events of its resource back: the next pass must see
                # by itself that the deletion policy was changed, or that the resource has become another operator's.
                self._store.doubt(key)
            if isinstance(outcome, Released):
                reconciler.forget(known)
                if self._store.get(key) is not None:
                    self._removals.release(key)
                return None
        except Departed as departed:
            logger.info("%s", departed)
            return None
        except KubeUnavailable as error:
            logger.warning("%s: %s", key, error)
            return Again()
        return outcome

    async def _latest(self, known: Known) -> Known | None:
        """Read a resource again that is in doubt; None when it is not this operator's any more."""
        if not self._store.doubts(known.key):
            return known
        latest = await self._writer.refresh(known.key)
        if latest is None:
            self._forget(known)
        return latest

    def _take_up(self, known: Known, *, inherited: bool) -> None:
        if inherited and self._inherit is not None:
            self._inherit([known.key])
        if (inherited or known.requested is not None) and not known.deleting:
            self.queue.add(known.key)

    def _forget(self, known: Known, *, told: bool = False) -> None:
        reconciler = self._reconcilers[known.key.kind]
        reconciler.forget(known)
        self._store.drop(known.key, told=told)
        self.queue.forget(known.key)
        self._removals.forget(known.key)


def _about(key: ObjectKey) -> AbstractContextManager[None]:
    """Have the log lines of a pass name its resource."""
    return about(kind=key.kind, namespace=key.namespace, name=key.name, uid=key.uid, requestId=new_request_id())
