"""The end of a deleted instance resource: its instance is deleted, if it is ours to delete."""

from dataclasses import replace
from datetime import timedelta
from typing import Literal

from aisearch_operator.cloudflare.budget import Priority
from aisearch_operator.cloudflare.errors import CloudflareError, NotFound
from aisearch_operator.cloudflare.wire import Instance
from aisearch_operator.domain.deletion import (
    UNREADABLE,
    DeletionPolicy,
    DeletionRule,
    Unreadable,
    deletion_rule,
    has_builtin_storage,
    may_hold_files,
)
from aisearch_operator.domain.instance_plan import is_ours
from aisearch_operator.domain.reasons import Reason
from aisearch_operator.engine.store import ObjectKey
from aisearch_operator.kube.api import Forbidden, KubeApi
from aisearch_operator.kube.credentials import CredentialError
from aisearch_operator.kube.events import Event
from aisearch_operator.observation.address import Connection, InstanceAddress
from aisearch_operator.observation.connections import Connections
from aisearch_operator.observation.instances import InstanceObserver
from aisearch_operator.reconcilers.claims import Claims
from aisearch_operator.reconcilers.instance_view import address_name, desired_of, may_have_created
from aisearch_operator.reconcilers.outcome import Leave, RetryPolicy, Stay
from aisearch_operator.resources.group import DELETION_POLICY_ANNOTATION
from aisearch_operator.resources.instance import AISearchInstance, AISearchInstanceStatus
from aisearch_operator.resources.names import name_in

__all__ = ["InstanceRemoval"]


class InstanceRemoval:
    """Deletes instances whose resources are deleted.

    Parameters
    ----------
    default_policy
        The deletion policy where neither the resource nor its Kubernetes namespace has one.
    release_timeout
        Seconds that a deletion waits for what only a person can put right.
    """

    def __init__(
        self,
        kube: KubeApi,
        connections: Connections,
        instances: InstanceObserver,
        claims: Claims,
        retry: RetryPolicy,
        *,
        default_policy: DeletionPolicy,
        release_timeout: float,
    ) -> None:
        self._kube = kube
        self._default_policy: DeletionPolicy = default_policy
        self._connections = connections
        self._instances = instances
        self._claims = claims
        self._retry = retry
        self._release_timeout = timedelta(seconds=release_timeout)

    async def step(self, key: ObjectKey, resource: AISearchInstance) -> Stay | Leave:
        """Bring the instance one step nearer to its end, by what status remembers and never by the spec alone."""
        status = resource.status
        if resource.spec.management_policy == "Observe" or status.managed is False:
            message = f"Instance {_where(status)} stays at Cloudflare: it was only observed"
            return Leave([Event("Normal", Reason.RETAINED, message)] if status.instance_id else [])
        if status.instance_id is None and not may_have_created(resource):
            return Leave()
        rule = await self._rule(key, resource)
        if rule.policy == "Retain":
            message = f"Instance {_where(status)} stays at Cloudflare: {rule.because}"
            kind: Literal["Normal", "Warning"] = "Warning" if rule.doubtful else "Normal"
            return Leave([Event(kind, Reason.RETAINED, message)] if status.instance_id else [])
        try:
            return Leave(await self._delete(key, resource))
        except (CredentialError, CloudflareError) as error:
            trouble = self._retry.trouble(error)
            if not trouble.overdue(resource.metadata.deletion_timestamp, self._release_timeout):
                return Stay(trouble.again, trouble)
            left = f"Instance {_where(status)} may still exist at Cloudflare: {trouble.verdict.message}"
            return Leave([Event("Warning", Reason.RELEASED_UNCONFIRMED, left)])

    async def _rule(self, key: ObjectKey, resource: AISearchInstance) -> DeletionRule:
        own = resource.spec.deletion_policy
        annotation: str | Literal[Unreadable.UNREADABLE] | None = None
        if own is None:
            try:
                annotation = (await self._kube.read_annotations(key.namespace)).get(DELETION_POLICY_ANNOTATION)
            except Forbidden:
                annotation = UNREADABLE
        return deletion_rule(own, key.namespace, annotation, self._default_policy)

    async def _delete(self, key: ObjectKey, resource: AISearchInstance) -> list[Event]:
        spec, status = resource.spec, resource.status
        secret = name_in(spec.credentials_ref)
        try:
            connection = await self._connections.resolve(
                key, secret, status.account_id or spec.account_id, last_known=True
            )
        except CredentialError:
            if status.instance_id is None:
                return []  # without credentials nothing was ever created
            raise
        address = InstanceAddress(
            connection.account_id,
            status.search_namespace or spec.search_namespace,
            status.instance_id or resource.instance_id,
        )
        if await self._claims.owner(key, address) != key:
            return []  # an older resource manages the instance: it is not ours to delete
        if status.instance_id is None and not await self._made_unheard(connection, address, resource):
            return []
        files_too = spec.deletion_policy == "Delete"
        event = await self._delete_at(connection, address, files_too=files_too)
        moved = replace(address, search_namespace=spec.search_namespace)
        if event is None and moved != address and await self._moved_unheard(connection, moved, resource):
            event = await self._delete_at(connection, moved, files_too=files_too)
        if event is None and status.instance_id is not None:
            gone = f"Instance {address_name(address)} was not there any more; if somebody moved it, it still exists"
            event = Event("Normal", Reason.ALREADY_GONE, gone)
        return [event] if event else []

    async def _delete_at(self, connection: Connection, address: InstanceAddress, *, files_too: bool) -> Event | None:
        """Delete the instance at an address, and tell what became of it; None when there is none."""
        try:
            if not files_too and await _may_hold_files(connection, address):
                return Event(
                    "Warning",
                    Reason.FILES_KEPT,
                    f"Instance {address_name(address)} of account {address.account_id} stays at Cloudflare: files were "
                    "uploaded to it that may exist nowhere else, and spec.deletionPolicy was not Delete. Delete it in "
                    "the dashboard, or apply the resource again with adoptionPolicy: IfExists and deletionPolicy: "
                    "Delete, and delete that",
                )
            await connection.client.delete_instance(address.namespace, address.instance_id)
        except NotFound:  # 7002 or 7063: what was to be achieved
            event = None
        else:
            event = Event("Normal", Reason.DELETED, f"Deleted instance {address_name(address)}")
        self._instances.record(connection, address, None)
        return event

    async def _made_unheard(self, connection: Connection, address: InstanceAddress, resource: AISearchInstance) -> bool:
        """Whether an instance that status does not know is ours: an operator ended right after its POST."""
        if not may_have_created(resource):
            return False
        observed = await _look(connection, address)
        return observed is not None and is_ours(desired_of(resource), observed)

    async def _moved_unheard(
        self, connection: Connection, address: InstanceAddress, resource: AISearchInstance
    ) -> bool:
        """Whether our instance is where the spec wants it and status does not say so: nobody heard of the move."""
        observed = await _look(connection, address)
        # Ids are not unique across search namespaces. The time of creation stays in a move.
        made, known = observed.created_at if observed else None, resource.status.created_at
        return made is not None and known is not None and made.replace(microsecond=0) == known


async def _look(connection: Connection, address: InstanceAddress) -> Instance | None:
    try:
        return await connection.client.get_instance(address.namespace, address.instance_id, priority=Priority.CANCEL)
    except NotFound:
        return None


async def _may_hold_files(connection: Connection, address: InstanceAddress) -> bool:
    """Whether the instance has files of its own; asked now, since they are lost for ever."""
    found = await connection.client.get_instance(address.namespace, address.instance_id, priority=Priority.CANCEL)
    if not has_builtin_storage(found):
        return False
    return may_hold_files(
        await connection.client.instance_stats(address.namespace, address.instance_id, priority=Priority.CANCEL)
    )


def _where(status: AISearchInstanceStatus) -> str:
    return f"{status.search_namespace}/{status.instance_id} of account {status.account_id}"
