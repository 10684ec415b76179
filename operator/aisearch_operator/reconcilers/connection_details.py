"""The outputs of an instance: its URLs in status, and on request in a ConfigMap that belongs to the resource."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from aisearch_operator.domain.conditions import condition
from aisearch_operator.domain.connection_details import Step, contents, next_step
from aisearch_operator.domain.endpoints import endpoints_of
from aisearch_operator.domain.instance_status import Publication
from aisearch_operator.domain.reasons import Reason
from aisearch_operator.engine.store import ObjectKey
from aisearch_operator.engine.workqueue import Again
from aisearch_operator.kube.api import Conflict, Gone, KubeApi, KubeUnavailable
from aisearch_operator.kube.events import Event
from aisearch_operator.kube.status_writer import ref_of
from aisearch_operator.reconcilers.instance_calls import InstancePass
from aisearch_operator.resources.instance import AISearchInstance

__all__ = ["ConnectionDetails"]

CONDITION: Final = "ConnectionPublished"


@dataclass(frozen=True, slots=True)
class _Seen:
    """When a ConfigMap was as it should be, and what would make another look necessary before its time."""

    name: str
    data: Mapping[str, str]
    generation: int
    at: float


class ConnectionDetails:
    """Shows where an instance is searched.

    At rest a ConfigMap costs no request: it is looked at when its content or the spec changes, when somebody asks
    for a fresh look, after a start of the operator, and once per ``interval``.

    Parameters
    ----------
    api_url
        Base URL of the Cloudflare API.
    interval
        Seconds between two looks at a ConfigMap.
    retry
        Seconds before a ConfigMap that is somebody else's is looked at again.
    """

    def __init__(
        self,
        kube: KubeApi,
        *,
        api_url: str,
        interval: float,
        retry: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._kube = kube
        self._api_url = api_url
        self._interval = interval
        self._retry = retry
        self._clock = clock
        self._seen: dict[ObjectKey, _Seen] = {}

    async def publish(self, this: InstancePass) -> Again | None:
        """Note the URLs of the instance that a pass has seen, and bring the ConfigMap up to date.

        Returns
        -------
        Again or None
            When the ConfigMap must be looked at again.
        """
        self._note_endpoints(this)
        wanted = this.resource.spec.write_connection_config_map_to_ref
        if this.resource.spec.suspend or (wanted is None and not _has_published(this.resource)):
            return None
        try:
            return await (self._withdraw(this) if wanted is None else self._write(this, wanted.name))
        except Conflict:  # somebody else was at it
            self._seen.pop(this.key, None)
            return Again()
        except KubeUnavailable as error:
            self._fail(this, Reason.CONFIG_MAP_NOT_WRITTEN, str(error))
            return Again()

    def forget(self, key: ObjectKey) -> None:
        """Drop what was kept for a resource that is gone: its ConfigMap goes with it, by the owner reference."""
        self._seen.pop(key, None)

    def _note_endpoints(self, this: InstancePass) -> None:
        found = this.finding
        if found.observed is not None and found.account_id is not None and found.search_namespace is not None:
            this.note(endpoints=endpoints_of(self._api_url, found.account_id, found.search_namespace, found.observed))

    async def _write(self, this: InstancePass, name: str) -> Again | None:
        found = this.finding
        if found.endpoints is None or found.instance_id is None:
            return None  # this pass did not see the instance: what was written stays
        data = contents(found.account_id or "", found.search_namespace or "", found.instance_id, found.endpoints)
        generation, now, seen = this.known.generation, self._clock(), self._seen.get(this.key)
        if (
            this.fresh
            or seen is None
            or now - seen.at >= self._interval
            or seen != _Seen(name, data, generation, seen.at)
        ):
            if not await self._bring_up_to_date(this.key, name, data):
                self._fail(
                    this,
                    Reason.CONFIG_MAP_NOT_OURS,
                    f"ConfigMap {name} exists and does not belong to this resource: choose another name, or delete it",
                )
                return Again(self._retry)
            former = this.resource.status.connection_config_map
            if former is not None and former != name:
                await self._delete(this.key, former)
            seen = self._seen[this.key] = _Seen(name, data, generation, now)
        message = f"ConfigMap {name} holds the connection details"
        this.note(publication=Publication(name, published=True, reason=Reason.PUBLISHED, message=message))
        return Again(max(0.0, seen.at + self._interval - now))

    async def _withdraw(self, this: InstancePass) -> None:
        if (name := this.resource.status.connection_config_map) is not None:
            await self._delete(this.key, name)
        self._seen.pop(this.key, None)
        this.note(publication=Publication(None, published=False, reason=Reason.NOT_REQUESTED, message=""))

    async def _bring_up_to_date(self, key: ObjectKey, name: str, data: Mapping[str, str]) -> bool:
        """Make or correct the ConfigMap; tell whether it is the resource's own."""
        try:
            found = await self._kube.read_config_map(key.namespace, name)
        except Gone:
            found = None
        step = next_step(data, found, key.uid)
        if step is Step.CREATE:
            await self._kube.create_config_map(ref_of(key), name, data)
        elif step is Step.REPLACE and found is not None:
            await self._kube.write_config_map(key.namespace, name, found, data)
        return step is not Step.REFUSE

    async def _delete(self, key: ObjectKey, name: str) -> None:
        """Delete a ConfigMap that is not wanted any more, if it is still the resource's."""
        try:
            found = await self._kube.read_config_map(key.namespace, name)
            if found.controller == key.uid:
                await self._kube.delete_config_map(key.namespace, name, found)
        except Gone:
            pass

    def _fail(self, this: InstancePass, reason: Reason, message: str) -> None:
        self._seen.pop(this.key, None)
        before = condition(this.resource.status.conditions, CONDITION)
        if before is None or (before.status, before.reason) != ("False", reason):
            this.events.append(Event("Warning", reason, message))
        left = this.resource.status.connection_config_map  # of a former name: it goes when the new one is there
        this.note(publication=Publication(left, published=False, reason=reason, message=message))


def _has_published(resource: AISearchInstance) -> bool:
    """Whether there is something to take back."""
    said = condition(resource.status.conditions, CONDITION)
    return said is not None and said.reason != Reason.NOT_REQUESTED
