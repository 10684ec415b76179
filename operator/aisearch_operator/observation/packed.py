"""What was last seen of an instance, packed: of thousands, most are looked at by nobody until they change."""

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import JsonValue

from aisearch_operator.cloudflare.wire import Instance
from aisearch_operator.engine.packing import pack, unpack

__all__ = ["PackedInstance", "differ"]

RESTLESS = frozenset({"last_activity", "modified_at"})
"""Keys that change without anything that a resource shows or wants changing."""


@dataclass(frozen=True, slots=True)
class PackedInstance:
    """An instance as the API sent it: half a KB, which as a model would be 5."""

    instance_id: str
    settings: bytes

    @classmethod
    def of(cls, instance: Instance, last: "PackedInstance | None" = None) -> "PackedInstance":
        """Pack an instance; give what was packed last when it is the same."""
        packed = pack(instance.settings, last.settings if last is not None else None)
        return last if last is not None and last.settings is packed else cls(instance.id, packed)

    def unpack(self) -> Instance:
        """Give the instance."""
        return Instance.model_validate(unpack(self.settings))

    def essence(self) -> Mapping[str, JsonValue]:
        """Give the settings whose change is news."""
        settings: Mapping[str, JsonValue] = unpack(self.settings)
        return {name: value for name, value in settings.items() if name not in RESTLESS}


def differ(one: PackedInstance | None, other: PackedInstance | None) -> bool:
    """Whether two looks at an instance show what is news to its resource; None stands for its absence."""
    if one == other:
        return False
    return one is None or other is None or one.essence() != other.essence()
