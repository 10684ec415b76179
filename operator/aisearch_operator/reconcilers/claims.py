"""Who manages an instance when more than one resource names it: the oldest."""

from collections.abc import Iterator

from aisearch_operator.engine.store import Known, ObjectKey, Store
from aisearch_operator.kube.credentials import CredentialError
from aisearch_operator.observation.address import InstanceAddress
from aisearch_operator.observation.connections import Connections
from aisearch_operator.reconcilers.instance_view import readable_part

__all__ = ["Claims"]


class Claims:
    """Settles which resource an instance belongs to, from what all of them ask for.

    Nothing flaps: the order is that of creation, then of the names, and both never change.
    """

    def __init__(self, store: Store, connections: Connections) -> None:
        self._store = store
        self._connections = connections

    async def owner(self, key: ObjectKey, address: InstanceAddress) -> ObjectKey:
        """Name the resource that an instance belongs to; ``key`` is one that wants it.

        Raises
        ------
        KubeUnavailable
            The Secret of another resource could not be read.
        """
        claims = [known for known in self._claims(address) if known.key == key or await self._is_in(known, address)]
        return min(claims, key=_age).key if claims else key

    def others(self, known: Known) -> list[ObjectKey]:
        """Name the other resources that may want the instance that this one asks for."""
        resource = readable_part(known.body)
        same = self._store.instances_at(resource.spec.search_namespace, resource.instance_id)
        return [other.key for other in same if other.key != known.key]

    def _claims(self, address: InstanceAddress) -> Iterator[Known]:
        return self._store.instances_at(address.search_namespace, address.instance_id)

    async def _is_in(self, known: Known, address: InstanceAddress) -> bool:
        resource = readable_part(known.body)
        account = resource.status.account_id or resource.spec.account_id
        if account is None:
            secret = resource.spec.credentials_ref.name if resource.spec.credentials_ref else None
            try:
                account = (await self._connections.resolve(known.key, secret, None)).account_id
            except CredentialError:
                return False
        return account == address.account_id


def _age(known: Known) -> tuple[str, ObjectKey]:
    return str(known.body["metadata"]["creationTimestamp"]), known.key
