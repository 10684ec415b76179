"""Who manages an instance when more than one resource names it: the oldest."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from aisearch_operator.engine.store import Known, ObjectKey, Store
from aisearch_operator.kube.credentials import CredentialError
from aisearch_operator.observation.address import InstanceAddress
from aisearch_operator.observation.connections import Connections
from aisearch_operator.reconcilers.instance_view import readable_part
from aisearch_operator.resources.names import name_in

__all__ = ["Claims"]


@dataclass(frozen=True, slots=True)
class _Lost:
    """What stands in the way of a claim."""

    winner: ObjectKey
    address: InstanceAddress


class Claims:
    """Settles which resource an instance belongs to, from what all of them ask for.

    Nothing flaps: the order is that of creation, then of the names, and both never change. Whoever
    only observes claims nothing; whoever is suspended, or being deleted, still does.

    Parameters
    ----------
    wake
        Called with the resources for which the answer has changed.
    """

    def __init__(self, store: Store, connections: Connections, *, wake: Callable[[Iterable[ObjectKey]], None]) -> None:
        self._store = store
        self._connections = connections
        self._wake = wake
        self._lost: dict[ObjectKey, _Lost] = {}

    async def owner(self, key: ObjectKey, address: InstanceAddress) -> ObjectKey:
        """Name the resource that an instance belongs to; ``key`` is one that wants it.

        Raises
        ------
        KubeUnavailable
            The Secret of another resource could not be read.
        """
        claims = await self._claims(key, address)
        return claims[0] if claims else key

    async def contend(self, key: ObjectKey, address: InstanceAddress) -> ObjectKey:
        """Name the resource that an instance belongs to, and have every other one know.

        Each of them is woken up once: when it loses the instance, and when it may have it after all.

        Raises
        ------
        KubeUnavailable
            The Secret of another resource could not be read.
        """
        winner, *losers = await self._claims(key, address) or [key]
        self._lost.pop(winner, None)
        # Whoever waits for this resource at an address that it has left is free.
        news = self._drop(key, but=address)
        for loser in losers:
            lost = _Lost(winner, address)
            if self._lost.get(loser) != lost:
                self._lost[loser] = lost
                news.append(loser)
        self._wake([other for other in news if other != key])
        return winner

    def withdraw(self, key: ObjectKey) -> None:
        """Let the others have what a resource claimed: it is gone, or only observes."""
        self._lost.pop(key, None)
        self._wake(self._drop(key))

    def _drop(self, winner: ObjectKey, *, but: InstanceAddress | None = None) -> list[ObjectKey]:
        free = [loser for loser, lost in self._lost.items() if lost.winner == winner and lost.address != but]
        for loser in free:
            del self._lost[loser]
        return free

    async def _claims(self, key: ObjectKey, address: InstanceAddress) -> list[ObjectKey]:
        """Name those who claim an instance, the oldest first."""
        claims = [
            known
            for known in self._store.instances_at(address.search_namespace, address.instance_id)
            if known.key == key or await self._claims_in(known, address)
        ]
        return [known.key for known in sorted(claims, key=_age)]

    async def _claims_in(self, known: Known, address: InstanceAddress) -> bool:
        resource = readable_part(known.body)
        if resource.spec.management_policy == "Observe":
            return False
        account = resource.status.account_id or resource.spec.account_id
        if account is None:
            secret = name_in(resource.spec.credentials_ref)
            try:
                account = (await self._connections.resolve(known.key, secret, None)).account_id
            except CredentialError:
                return False
        return account == address.account_id


def _age(known: Known) -> tuple[str, ObjectKey]:
    return known.created, known.key
