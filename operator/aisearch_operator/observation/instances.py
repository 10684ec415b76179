"""The instance observer: one paged LIST per caller and search namespace serves every resource in it."""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Mapping

from aisearch_operator.cloudflare.errors import CloudflareError, NotFound, Terminal
from aisearch_operator.cloudflare.instance_sweep import InstanceSweep
from aisearch_operator.cloudflare.listing import SearchNamespace
from aisearch_operator.cloudflare.wire import Instance
from aisearch_operator.engine.store import ObjectKey
from aisearch_operator.engine.workqueue import Again
from aisearch_operator.observation.address import Connection, InstanceAddress
from aisearch_operator.observation.pace import SWEEPS, SWEEPS_AFTER_CHANGES, UNREST, interval
from aisearch_operator.observation.packed import PackedInstance, differ
from aisearch_operator.observation.polling import PUT_OFF, PollQueue, Timing, Watches, after_error

__all__ = ["InstanceObserver"]

logger = logging.getLogger(__name__)

_Scope = tuple[str, SearchNamespace]
"""A caller and a search namespace."""

LONGEST_SWEEP = 900.0
"""Seconds after which an interrupted list is begun anew: what its first pages said is too old to act upon."""


class InstanceObserver:
    """Keeps a snapshot of the instances of each search namespace that a resource is in.

    Parameters
    ----------
    wake
        Called with the resources whose instance has changed.
    """

    def __init__(
        self,
        polls: PollQueue,
        timing: Timing,
        *,
        wake: Callable[[Iterable[ObjectKey]], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._polls = polls
        self._timing = timing
        self._wake = wake
        self._clock = clock
        self._watches: Watches[_Scope, NamespaceWatch] = Watches()

    async def look(
        self, key: ObjectKey, connection: Connection, address: InstanceAddress, *, fresh: bool = False
    ) -> Instance | None:
        """Give the instance as it was seen last, and wake the resource up when that changes.

        Waits for the first list of the search namespace; later calls cost nothing.

        Parameters
        ----------
        fresh
            Whether the search namespace is listed now. One list serves all who ask for one at the same time.

        Raises
        ------
        NotFound
            There is no such search namespace.
        CloudflareError
            The search namespace could not be listed so far, or the API refuses the credentials now.
        """
        watch = self._follow(key, connection, address)
        if fresh:
            await watch.refresh()
        return await watch.look(address.instance_id)

    def record(self, connection: Connection, address: InstanceAddress, instance: Instance | None) -> None:
        """Note the outcome of a write: the instance that the API answered with, None for a deletion."""
        watch = self._watches.get((connection.caller, address.namespace))
        if watch is not None:
            watch.record(address.instance_id, instance)

    def forget(self, key: ObjectKey) -> None:
        """Stop observing for this resource."""
        self._watches.leave(key)  # a later follower starts with a fresh list

    def oldest_look(self) -> float:
        """Give the age in seconds of the oldest list that is kept up to date; 0 when there is none."""
        return self._watches.oldest_look(self._clock())

    def _pages_of_a_round(self, caller: str) -> int:
        """Count the pages of all lists of one caller."""
        return sum(watch.pages for watch in self._watches.of(caller))

    def _follow(self, key: ObjectKey, connection: Connection, address: InstanceAddress) -> "NamespaceWatch":
        def make() -> NamespaceWatch:
            watch = NamespaceWatch(
                connection, address.namespace, self._timing, self._wake, self._clock, self._pages_of_a_round
            )
            self._polls.add(watch)
            return watch

        watch = self._watches.join(key, (connection.caller, address.namespace), make)
        watch.followers[key] = address.instance_id
        return watch


class NamespaceWatch:
    """The instances of one search namespace, as one caller sees them."""

    def __init__(
        self,
        connection: Connection,
        namespace: SearchNamespace,
        timing: Timing,
        wake: Callable[[Iterable[ObjectKey]], None],
        clock: Callable[[], float],
        pages_of_a_round: Callable[[str], int],
    ) -> None:
        self.followers: dict[ObjectKey, str] = {}
        self.caller = connection.caller
        self.pages = 1
        self._pages_of_a_round = pages_of_a_round
        self._connection = connection
        self._namespace = namespace
        self._timing = timing
        self._wake = wake
        self._clock = clock
        self._listed: Mapping[str, PackedInstance] | None = None
        self._written: dict[str, tuple[float, PackedInstance | None]] = {}
        self._error: CloudflareError | None = None
        self._looked = asyncio.Event()
        self._listing = asyncio.Lock()
        self._began: float | None = None
        self._sweep: InstanceSweep[PackedInstance] | None = None
        self._changed_at = clock()
        self.looked_at = clock()

    async def look(self, instance_id: str) -> Instance | None:
        """Give what is known of one instance; waits for the first list."""
        await self._looked.wait()
        # A passing error leaves the last snapshot good enough: what is decided on it is checked by
        # the API again. A refusal does not.
        if self._error is not None and (self._listed is None or isinstance(self._error, Terminal | NotFound)):
            raise self._error.with_traceback(None)  # it is raised for each pass, and would grow with each
        seen = self._seen(instance_id)
        return None if seen is None else seen.unpack()

    def record(self, instance_id: str, instance: Instance | None) -> None:
        """Note a write: it counts more than lists that are older or too fresh."""
        self._changed_at = self._clock()
        self._written[instance_id] = (self._changed_at, None if instance is None else PackedInstance.of(instance))

    async def poll(self) -> Again | None:
        """List the search namespace once, and wake up those who see a change."""
        async with self._listing:
            return await self._list()

    async def refresh(self) -> None:
        """See to it that a list has begun after this call, and has ended."""
        asked = self._clock()
        async with self._listing:
            if self._began is None or self._began <= asked:
                self._sweep = None
                await self._list()

    async def _list(self) -> Again | None:
        if not self.followers:
            return None
        now = self._clock()
        if self._sweep is None or self._began is None or now - self._began > LONGEST_SWEEP:
            self._sweep, self._began = self._connection.client.sweep_instances(self._namespace, self._keep), now
        began = self._began
        try:
            listing = await self._sweep.read()
        except CloudflareError as error:
            return self._failed(error)
        self.pages, self._sweep = self._sweep.pages, None
        self.looked_at = self._clock()
        # Followers may have come and looked while the list was under way: what they saw counts.
        before = {instance_id: self._seen(instance_id) for instance_id in self.followers.values()}
        recovered, self._error = self._error is not None, None
        self._listed = {instance.instance_id: instance for instance in listing.items}
        self._written = {
            instance_id: written
            for instance_id, written in self._written.items()
            if began < written[0] + self._timing.settle
        }
        if self._looked.is_set():
            self._tell(before, everyone=recovered)
        else:
            self._looked.set()  # those who follow wait in `look`
        return Again(self._interval())

    def _keep(self, instance: Instance) -> PackedInstance:
        """Give what is kept of an instance in a new list: what the last list has, unless it is another now."""
        return PackedInstance.of(instance, (self._listed or {}).get(instance.id))

    def _interval(self) -> float:
        restless = self._clock() - self._changed_at < UNREST
        return interval(
            self._timing.interval,
            requests=self._pages_of_a_round(self.caller),
            rate=self._connection.client.rate,
            part=SWEEPS_AFTER_CHANGES if restless else SWEEPS,
        )

    def _failed(self, error: CloudflareError) -> Again:
        if error.cause in PUT_OFF and self._listed is not None:
            return after_error(error, terminal_retry=self._timing.terminal_retry)  # it is late: nothing has changed
        logger.warning("Search namespace %s could not be listed: %s", self._namespace.name, error)
        refused, was_refused = (isinstance(found, Terminal | NotFound) for found in (error, self._error))
        if refused and not was_refused and self._looked.is_set():
            self._wake(tuple(self.followers))
        self._error = error
        self._looked.set()
        if isinstance(error, NotFound):
            self.looked_at = self._clock()
            return Again(self._timing.interval)
        return after_error(error, terminal_retry=self._timing.terminal_retry)

    def _tell(self, before: Mapping[str, PackedInstance | None], *, everyone: bool) -> None:
        changed = {
            instance_id for instance_id, old in before.items() if everyone or differ(old, self._seen(instance_id))
        }
        if changed:
            self._changed_at = self._clock()
            self._wake(tuple(key for key, instance_id in self.followers.items() if instance_id in changed))

    def _seen(self, instance_id: str) -> PackedInstance | None:
        if instance_id in self._written:
            return self._written[instance_id][1]
        return (self._listed or {}).get(instance_id)
