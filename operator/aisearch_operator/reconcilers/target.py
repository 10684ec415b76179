"""Which instance a sync job is for, and by which connection: from its spec, or from what its status remembers."""

from dataclasses import dataclass

from aisearch_operator.domain.attempts import open_job_id
from aisearch_operator.domain.conditions import condition
from aisearch_operator.domain.job_target import missing_resource, obstacle_at_cloudflare, obstacle_in_resource
from aisearch_operator.domain.reasons import Reason
from aisearch_operator.domain.verdict import Verdict
from aisearch_operator.engine.store import ObjectKey, Store
from aisearch_operator.observation.address import Connection, InstanceAddress
from aisearch_operator.observation.connections import Connections
from aisearch_operator.observation.instances import InstanceObserver
from aisearch_operator.reconcilers.instance_view import address_name, readable_part
from aisearch_operator.resources.instance import AISearchInstance
from aisearch_operator.resources.names import name_in
from aisearch_operator.resources.sync_job import AISearchSyncJob

__all__ = ["Target", "TargetFinder"]


@dataclass(frozen=True, slots=True)
class Target:
    """An instance at Cloudflare, and the way to it."""

    connection: Connection
    address: InstanceAddress


class TargetFinder:
    """Finds the target of sync jobs.

    Until its job is started, a sync job follows the list of instances: what it waits for there wakes it up, and no
    request is made for it where resources follow the same list.

    Parameters
    ----------
    label_selector
        Of the resources that the store can have; empty for all of them.
    """

    def __init__(
        self, store: Store, connections: Connections, instances: InstanceObserver, *, label_selector: str
    ) -> None:
        self._label_selector = label_selector
        self._store = store
        self._connections = connections
        self._instances = instances

    async def find(self, key: ObjectKey, job: AISearchSyncJob) -> Target | Verdict:
        """Find where the job runs, or is to run; a verdict says why it must wait.

        Raises
        ------
        CredentialError, KubeUnavailable
            There is no way to Cloudflare.
        CloudflareError
            The instances of the search namespace could not be listed.
        """
        if open_job_id(job.status) is not None:
            self._instances.forget(key)
            return await self._remembered(key, job)
        if job.spec.instance_ref is not None:
            target = await self._managed(key, job.spec.instance_ref.name)
        else:
            target = await self._unmanaged(key, job)
        if isinstance(target, Verdict):
            return target
        observed = await self._instances.look(key, target.connection, target.address)
        obstacle = obstacle_at_cloudflare(
            observed,
            address_name(target.address),
            managed=job.spec.instance_ref is not None,
            last=condition(job.status.conditions, "Ready"),
        )
        return obstacle or target

    async def started(self, key: ObjectKey, job: AISearchSyncJob) -> Target:
        """Find where the last job of the resource was started.

        Raises
        ------
        CredentialError, KubeUnavailable
            There is no way to Cloudflare.
        """
        return await self._remembered(key, job)

    async def find_for_removal(self, key: ObjectKey, job: AISearchSyncJob) -> Target | None:
        """Find where a deleted resource's job may run; None when none can have been started.

        Raises
        ------
        CredentialError, KubeUnavailable
            There is no way to Cloudflare.
        """
        if job.status.instance_id is not None:
            return await self._remembered(key, job)
        ready = condition(job.status.conditions, "Ready")
        if ready is not None and ready.reason == Reason.INSTANCE_HAS_NO_SOURCE:
            return None  # such an instance has no jobs, and a list of them may be refused
        if job.spec.instance_ref is None:
            return await self._unmanaged(key, job)
        # An operator that ended between the POST and the status write has left no address.
        instance = self._resource(key, job)
        return await self._instance(key, instance) if instance and instance.status.instance_id else None

    async def read_credentials_again(self, key: ObjectKey) -> None:
        """Read the Secret that this sync job uses now.

        Raises
        ------
        KubeUnavailable
            It could not be read.
        """
        await self._connections.read_again(key)

    def forget(self, key: ObjectKey) -> None:
        """Stop looking at Secrets and instances for this sync job."""
        self._connections.forget(key)
        self._instances.forget(key)

    async def _managed(self, key: ObjectKey, name: str) -> Target | Verdict:
        known = self._store.instance(key.namespace, name)
        if known is None:
            return missing_resource(name, label_selector=self._label_selector)
        instance = readable_part(known.body)
        obstacle = obstacle_in_resource(instance)
        if obstacle is not None:
            return obstacle
        return await self._instance(key, instance)

    async def _instance(self, key: ObjectKey, instance: AISearchInstance) -> Target:
        secret = name_in(instance.spec.credentials_ref)
        connection = await self._connections.resolve(key, secret, instance.status.account_id)
        return Target(
            connection,
            InstanceAddress(
                connection.account_id,
                instance.status.search_namespace or instance.spec.search_namespace,
                instance.status.instance_id or instance.instance_id,
            ),
        )

    async def _unmanaged(self, key: ObjectKey, job: AISearchSyncJob) -> Target:
        wanted = job.spec.instance
        assert wanted is not None  # noqa: S101 - the CRD asks for exactly one of the two
        secret = name_in(wanted.credentials_ref)
        connection = await self._connections.resolve(key, secret, wanted.account_id)
        return Target(connection, InstanceAddress(connection.account_id, wanted.search_namespace, wanted.id))

    def resolves_itself(self, key: ObjectKey, job: AISearchSyncJob) -> bool:
        """Tell whether an instance that Cloudflare does not show may soon be seen again.

        Its resource moves it, or makes it anew when somebody deleted it; and reads lag behind both.
        """
        instance = self._resource(key, job)
        if instance is None or instance.spec.suspend:
            return False
        moves = instance.status.search_namespace not in {None, instance.spec.search_namespace}
        return moves or instance.metadata.deletion_timestamp is None

    def _resource(self, key: ObjectKey, job: AISearchSyncJob) -> AISearchInstance | None:
        reference = job.spec.instance_ref
        known = self._store.instance(key.namespace, reference.name) if reference else None
        return readable_part(known.body) if known else None

    async def _remembered(self, key: ObjectKey, job: AISearchSyncJob) -> Target:
        status = job.status
        deleting = job.metadata.deletion_timestamp is not None
        connection = await self._connections.resolve(
            key, status.credentials_secret or None, status.account_id, last_known=deleting
        )
        namespace = self._moved_to(key, job) or status.search_namespace or "default"
        return Target(connection, InstanceAddress(connection.account_id, namespace, status.instance_id or ""))

    def _moved_to(self, key: ObjectKey, job: AISearchSyncJob) -> str | None:
        """Name the search namespace of the job's instance, which may have moved since the job was started."""
        instance = self._resource(key, job)
        if instance is None:
            return None
        now, then = instance.status, job.status
        same = (now.account_id, now.instance_id) == (then.account_id, then.instance_id)
        return now.search_namespace if same else None
