"""Index statistics: they have no list, so one request at a time goes round the instances of an account."""

import logging
from collections import deque
from collections.abc import Callable, Iterable

from aisearch_operator.cloudflare.errors import CloudflareError, NotFound
from aisearch_operator.cloudflare.wire import Stats
from aisearch_operator.engine.store import ObjectKey
from aisearch_operator.engine.workqueue import Again
from aisearch_operator.observation.address import Connection, InstanceAddress
from aisearch_operator.observation.polling import PollQueue, Timing, after_error

__all__ = ["StatisticsObserver"]

logger = logging.getLogger(__name__)


class StatisticsObserver:
    """Keeps the latest statistics of each instance resource.

    Whatever the number of instances, an account costs one request per interval.

    Parameters
    ----------
    wake
        Called with the resources whose statistics have changed.
    """

    def __init__(self, polls: PollQueue, timing: Timing, *, wake: Callable[[Iterable[ObjectKey]], None]) -> None:
        self._polls = polls
        self._timing = timing
        self._wake = wake
        self._rotations: dict[_Scope, Rotation] = {}
        self._followed: dict[ObjectKey, _Scope] = {}

    def latest(self, key: ObjectKey, connection: Connection, address: InstanceAddress) -> Stats | None:
        """Give the statistics as they were read last, None before the first time; and go on reading them."""
        scope = (connection.caller, connection.account_id)
        if self._followed.get(key) != scope:
            self.forget(key)
            self._followed[key] = scope
        rotation = self._rotations.get(scope)
        if rotation is None:
            rotation = self._rotations[scope] = Rotation(self._timing, self._wake)
            self._polls.add_after(rotation, self._timing.interval)
        rotation.join(key, connection, address)
        return rotation.stats.get(key)

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
            if not rotation.members:
                del self._rotations[scope]


class Rotation:
    """The instances of one account, in the order in which they are read."""

    def __init__(self, timing: Timing, wake: Callable[[Iterable[ObjectKey]], None]) -> None:
        self.members: dict[ObjectKey, tuple[Connection, InstanceAddress]] = {}
        self.stats: dict[ObjectKey, Stats] = {}
        self._timing = timing
        self._wake = wake
        self._order: deque[ObjectKey] = deque()

    def join(self, key: ObjectKey, connection: Connection, address: InstanceAddress) -> None:
        """Take an instance in; the newest is read next."""
        if key not in self.members:
            self._order.appendleft(key)
        self.members[key] = (connection, address)

    def hurry(self, key: ObjectKey) -> None:
        """Move an instance to the front."""
        if key in self.members:
            self._order.remove(key)
            self._order.appendleft(key)

    def leave(self, key: ObjectKey) -> None:
        """Let an instance go."""
        if self.members.pop(key, None) is not None:
            self._order.remove(key)
        self.stats.pop(key, None)

    async def poll(self) -> Again | None:
        """Read the statistics of the next instance."""
        if not self._order:
            return None
        key = self._order[0]
        self._order.rotate(-1)
        connection, address = self.members[key]
        try:
            stats = await connection.client.instance_stats(address.namespace, address.instance_id)
        except NotFound:
            return Again(self._timing.interval)  # the list tells the resource about it
        except CloudflareError as error:
            logger.info("The statistics of %s could not be read: %s", address.instance_id, error)
            return after_error(error, terminal_retry=self._timing.terminal_retry)
        if key in self.members and self.stats.get(key) != stats:
            self.stats[key] = stats
            self._wake((key,))
        return Again(self._timing.interval)


_Scope = tuple[str, str]
"""A caller and an account."""
