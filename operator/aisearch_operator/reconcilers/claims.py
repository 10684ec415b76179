"""Who manages an instance when more than one resource names it: the oldest."""

from collections import defaultdict
from datetime import datetime

from aisearch_operator.engine.store import ObjectKey
from aisearch_operator.observation.address import InstanceAddress

__all__ = ["Claims"]


class Claims:
    """The resources that name each instance."""

    def __init__(self) -> None:
        self._claims: defaultdict[InstanceAddress, dict[ObjectKey, datetime]] = defaultdict(dict)
        self._claimed: dict[ObjectKey, InstanceAddress] = {}

    def claim(self, key: ObjectKey, address: InstanceAddress, created: datetime) -> ObjectKey:
        """Claim an instance for a resource, and tell which resource has it.

        Nothing flaps: the order is that of creation, then of the names, and both never change.
        """
        if self._claimed.get(key) != address:
            self.release(key)
            self._claimed[key] = address
        claims = self._claims[address]
        claims[key] = created
        return min(claims, key=lambda other: (claims[other], other))

    def release(self, key: ObjectKey) -> tuple[ObjectKey, ...]:
        """Give a claim up, and name the resources that claim the same instance."""
        address = self._claimed.pop(key, None)
        if address is None:
            return ()
        claims = self._claims[address]
        claims.pop(key, None)
        if not claims:
            del self._claims[address]
        return tuple(claims)
