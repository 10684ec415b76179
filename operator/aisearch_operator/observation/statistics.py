"""Index statistics: they have no list, so one request at a time goes round the instances of an account."""

import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from aisearch_operator.cloudflare.errors import CloudflareError, NotFound, Terminal
from aisearch_operator.cloudflare.wire import Stats
from aisearch_operator.engine.store import ObjectKey
from aisearch_operator.engine.workqueue import Again
from aisearch_operator.observation.address import Connection, InstanceAddress
from aisearch_operator.observation.pace import rotation_interval
from aisearch_operator.observation.polling import PollQueue, Timing, after_error

__all__ = ["StatisticsObserver"]

logger = logging.getLogger(__name__)


class StatisticsObserver:
    """Keeps the latest statistics of each instance that a resource follows.

    An account costs one request per interval, which is shorter for many instances, and one more while sync jobs wait
    for the index of theirs.

    Parameters
    ----------
    wake
        Called with the resources whose statistics have changed, and with those that await them.
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
        self._rotations: dict[_Scope, Rotation] = {}
        self._followed: dict[ObjectKey, _Scope] = {}

    def latest(self, key: ObjectKey, connection: Connection, address: InstanceAddress) -> Stats | None:
        """Give the statistics as they were read last, None before the first time; and go on reading them."""
        return self._follow(key, connection, address).stats

    def awaited(self, key: ObjectKey, connection: Connection, address: InstanceAddress) -> Stats | None:
        """Give statistics that are younger than the first call for this resource; None before they were read.

        By how much: reads lag behind writes (facts 2.3), so that the lists' settle time must pass.

        Raises
        ------
        NotFound
            There is no such instance any more.
        Terminal
            The API refuses the credentials.
        """
        tally = self._follow(key, connection, address)
        if key not in tally.awaiting:
            rotation = self._rotations[self._followed[key]]
            rotation.expect(key, address, self._clock() + self._timing.settle)
            self._polls.add_after(rotation, self._timing.settle)
        if tally.error is not None:
            raise tally.error.with_traceback(None)  # it is raised for each pass, and would grow with each
        return tally.stats if tally.read_at is not None and tally.read_at >= tally.awaiting[key] else None

    def hurry(self, key: ObjectKey) -> None:
        """Read this instance's statistics next: a job of it has ended."""
        scope = self._followed.get(key)
        if scope is not None:
            rotation = self._rotations[scope]
            rotation.hurry(key)
            self._polls.add(rotation)

    def forget(self, key: ObjectKey) -> None:
        """Stop reading for this resource."""
        scope = self._followed.pop(key, None)
        if scope is not None:
            rotation = self._rotations[scope]
            rotation.leave(key)
            if not rotation.tallies:
                del self._rotations[scope]

    def oldest_look(self) -> float:
        """Give the seconds since the last reading, of the account where that is longest ago; 0 without any."""
        return max((self._clock() - rotation.looked_at for rotation in self._rotations.values()), default=0.0)

    def _follow(self, key: ObjectKey, connection: Connection, address: InstanceAddress) -> "Tally":
        scope = (connection.caller, connection.account_id)
        if self._followed.get(key) != scope:
            self.forget(key)
            self._followed[key] = scope
        rotation = self._rotations.get(scope)
        if rotation is None:
            rotation = self._rotations[scope] = Rotation(self._timing, self._wake, self._clock)
            self._polls.add_after(rotation, self._timing.interval)
        return rotation.join(key, connection, address)


@dataclass(slots=True)
class Tally:
    """What is known of one instance.

    Parameters
    ----------
    followers
        The resources that are told of changes.
    awaiting
        Those of them that wait for the index, and from when on a reading counts for them.
    packed
        The statistics: most of thousands of instances are looked at by nobody until they change.
    read_at
        When the request for them was sent.
    error
        Why the last reading was refused; None when it was not, or failed in passing.
    """

    connection: Connection
    followers: set[ObjectKey] = field(default_factory=set)
    awaiting: dict[ObjectKey, float] = field(default_factory=dict)
    packed: bytes | None = None
    read_at: float | None = None
    error: CloudflareError | None = None

    @property
    def stats(self) -> Stats | None:
        """The statistics as they were read last; None before the first time."""
        return None if self.packed is None else Stats.model_validate_json(self.packed)

    def keep(self, stats: Stats) -> bool:
        """Take new statistics, and tell whether they differ from the last ones."""
        changed = self.stats != stats
        self.packed = stats.model_dump_json(exclude_defaults=True).encode()
        return changed


class Rotation:
    """The instances of one account, in the order in which they are read."""

    def __init__(self, timing: Timing, wake: Callable[[Iterable[ObjectKey]], None], clock: Callable[[], float]) -> None:
        self.tallies: OrderedDict[InstanceAddress, Tally] = OrderedDict()
        self.looked_at = clock()
        self._timing = timing
        self._wake = wake
        self._clock = clock
        self._awaited: OrderedDict[InstanceAddress, None] = OrderedDict()
        self._where: dict[ObjectKey, InstanceAddress] = {}

    def join(self, key: ObjectKey, connection: Connection, address: InstanceAddress) -> Tally:
        """Take a resource in, and its instance if it is new here: the newest is read next."""
        if self._where.get(key) != address:
            self.leave(key)
            self._where[key] = address
        if address not in self.tallies:
            self.tallies[address] = Tally(connection)
            self.tallies.move_to_end(address, last=False)
        tally = self.tallies[address]
        tally.connection = connection
        tally.followers.add(key)
        return tally

    def hurry(self, key: ObjectKey) -> None:
        """Move the instance of a resource to the front."""
        if key in self._where:
            self.tallies.move_to_end(self._where[key], last=False)

    def expect(self, key: ObjectKey, address: InstanceAddress, due: float) -> None:
        """Note that a sync job waits for statistics that are read from ``due`` on."""
        self.tallies[address].awaiting[key] = due
        self._awaited[address] = None

    def leave(self, key: ObjectKey) -> None:
        """Let a resource go, and its instance when no other follows it."""
        address = self._where.pop(key, None)
        if address is None:
            return
        tally = self.tallies[address]
        tally.followers.discard(key)
        tally.awaiting.pop(key, None)
        if not tally.awaiting:
            self._awaited.pop(address, None)
        if not tally.followers:
            del self.tallies[address]

    async def poll(self) -> Again | None:
        """Read the statistics of the next instance, and of the next one that a sync job waits for."""
        if not self.tallies:
            return None
        for address in self._next():
            tally = self.tallies.get(address)  # the last who followed may have left during the first request
            error = await self._read(address, tally) if tally is not None else None
            if error is not None and not isinstance(error, NotFound):
                return after_error(error, terminal_retry=self._timing.terminal_retry)
        return Again(self._interval())

    def _interval(self) -> float:
        rate = next((tally.connection.client.rate for tally in self.tallies.values()), 1.0)  # it is one caller's
        return rotation_interval(self._timing.interval, instances=len(self.tallies), rate=rate)

    def _next(self) -> list[InstanceAddress]:
        """Name the instances whose turn it is: whoever waits does not keep the others from theirs."""
        first = next(iter(self.tallies))
        awaited = next((address for address in self._awaited if address != first), None)
        turns = [first] if awaited is None else [first, awaited]
        for address in turns:
            self.tallies.move_to_end(address)
            if address in self._awaited:
                self._awaited.move_to_end(address)
        return turns

    async def _read(self, address: InstanceAddress, tally: Tally) -> CloudflareError | None:
        began = self._clock()
        try:
            stats = await tally.connection.client.instance_stats(address.namespace, address.instance_id)
        except CloudflareError as error:
            logger.info("The statistics of %s could not be read: %s", address.instance_id, error)
            if isinstance(error, NotFound):
                self.looked_at = self._clock()
            if isinstance(error, NotFound | Terminal):
                tally.error = error  # of whom the list tells those who do not wait
                self._wake(tuple(tally.awaiting))
            return error
        self.looked_at = self._clock()
        changed = tally.keep(stats)
        tally.read_at, tally.error = began, None
        self._wake(tuple(tally.followers if changed else tally.awaiting))
        return None


_Scope = tuple[str, str]
"""A caller and an account."""
