"""What one account holds: search namespaces, instances and their jobs."""

import math
from typing import Literal

from pydantic import BaseModel, JsonValue, PrivateAttr

DEFAULT_NAMESPACE = "default"

Settings = dict[str, JsonValue]
"""An instance's fields by their API names, every one filled in."""


class Namespace(BaseModel):
    """A search namespace; `default` always exists."""

    name: str
    created_at: float
    description: str | None = None
    public_endpoint_params: dict[str, JsonValue] | None = None


class Instance(BaseModel):
    """An instance; `key` tells it from an earlier one of the same id."""

    key: int
    id: str
    namespace: str
    settings: Settings
    created_at: float
    modified_at: float
    created_by: str
    modified_by: str
    public_endpoint_id: str | None = None
    status: str | None = None
    """Set by a test in place of the status that follows from the jobs."""
    reindexes: int = 0
    """How often a change of settings forced a full re-index (facts 2.6)."""
    searched_at: float | None = None
    """The last search, which keeps an instance from being paused for idleness (facts 2.5)."""
    resumed_at: float | None = None
    """When somebody last set `paused` to false."""
    source_error: str | None = None
    """What is wrong with the source, in `index_source_errors` as long as it is."""
    file_errors: dict[str, int] = {}
    """How many items failed for which reason: `file_embed_errors`."""
    files: int | None = None
    """Items of the source, or in built-in storage; None: as the account's options have it, or none."""

    @property
    def builtin(self) -> bool:
        """Whether its storage is built in, so that it has no sync jobs (facts 3.3)."""
        return self.settings["type"] is None


class Job(BaseModel):
    """A sync job as its planned course; what has happened by now is computed from the clock."""

    id: str
    source: Literal["user", "schedule"]
    description: str | None
    created_at: float
    starts_at: float | None
    ends_at: float | None
    end_reason: str | None = None

    def ended(self, now: float) -> bool:
        return self.ends_at is not None and self.ends_at <= now

    def started(self, now: float) -> bool:
        return self.starts_at is not None and self.starts_at <= min(now, self._end)

    def running(self, now: float) -> bool:
        return self.started(now) and not self.ended(now)

    def end(self, at: float, reason: str | None) -> None:
        """End the job at ``at``, unless its own end comes first."""
        if at < self._end:
            self.ends_at, self.end_reason = at, reason

    @property
    def _end(self) -> float:
        return math.inf if self.ends_at is None else self.ends_at


class World(BaseModel):
    """All of one account, in the order of creation. An account may hold thousands: nothing here looks through all."""

    namespaces: dict[str, Namespace]
    instances: dict[int, Instance] = {}
    """By key."""
    jobs: dict[int, list[Job]] = {}
    """By the key of their instance."""
    serial: int = 0
    _places: dict[tuple[str, str], int] = PrivateAttr(default_factory=dict)

    def model_post_init(self, context: object, /) -> None:
        """Note where the instances are."""
        self._places = {(item.namespace, item.id): key for key, item in self.instances.items()}

    def instance(self, namespace: str, instance_id: str) -> Instance | None:
        key = self._places.get((namespace, instance_id))
        return None if key is None else self.instances[key]

    def jobs_of(self, instance: Instance) -> list[Job]:
        return self.jobs.get(instance.key, [])

    def add(self, instance: Instance) -> None:
        """Take in an instance with a new key."""
        self.instances[instance.key] = instance
        self._places[instance.namespace, instance.id] = instance.key

    def move(self, instance: Instance, namespace: str) -> None:
        """Put an instance into another search namespace."""
        del self._places[instance.namespace, instance.id]
        instance.namespace = namespace
        self._places[namespace, instance.id] = instance.key

    def add_job(self, instance: Instance, job: Job) -> None:
        self.jobs.setdefault(instance.key, []).append(job)

    def remove(self, instance: Instance) -> None:
        """Remove an instance with its jobs."""
        del self.instances[instance.key], self._places[instance.namespace, instance.id]
        self.jobs.pop(instance.key, None)
