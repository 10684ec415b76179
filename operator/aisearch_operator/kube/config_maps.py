"""The calls about ConfigMaps: those that resources ask for, each of which belongs to its resource."""

from collections.abc import Mapping

from kubernetes.aio import client

from aisearch_operator.domain.connection_details import ConfigMap
from aisearch_operator.kube.calls import REQUEST_TIMEOUT, ObjectRef, answered
from aisearch_operator.resources.group import API_VERSION

__all__ = ["ConfigMapCalls"]


class ConfigMapCalls:
    """Reads, makes, corrects and deletes ConfigMaps by name; none is ever listed."""

    def __init__(self, core: client.CoreV1Api) -> None:
        self._core = core

    async def read_config_map(self, namespace: str, name: str) -> ConfigMap:
        """Read a ConfigMap.

        Raises
        ------
        Gone
            There is no such ConfigMap.
        """
        found = await answered(self._core.read_namespaced_config_map(name, namespace, _request_timeout=REQUEST_TIMEOUT))
        controllers = (reference.uid for reference in found.metadata.owner_references or () if reference.controller)
        return ConfigMap(
            uid=found.metadata.uid,
            resource_version=found.metadata.resource_version,
            controller=next(controllers, None),
            data=found.data or {},
        )

    async def create_config_map(self, owner: ObjectRef, name: str, data: Mapping[str, str]) -> None:
        """Create a ConfigMap that belongs to an object, and goes with it.

        Raises
        ------
        Conflict
            There is one of that name by now.
        """
        # Without blockOwnerDeletion, which would take a right to the owner's finalizers.
        reference = client.V1OwnerReference(
            api_version=API_VERSION, kind=owner.kind, name=owner.name, uid=owner.uid, controller=True
        )
        body = client.V1ConfigMap(
            metadata=client.V1ObjectMeta(
                name=name,
                labels={"app.kubernetes.io/managed-by": "aisearch-operator"},
                owner_references=[reference],
            ),
            data=dict(data),
        )
        await answered(self._core.create_namespaced_config_map(owner.namespace, body, _request_timeout=REQUEST_TIMEOUT))

    async def write_config_map(self, namespace: str, name: str, before: ConfigMap, data: Mapping[str, str]) -> None:
        """Bring the data of a ConfigMap up to date; labels and annotations stay as others set them.

        Raises
        ------
        Conflict
            It has changed since it was read.
        """
        body = {
            "metadata": {"uid": before.uid, "resourceVersion": before.resource_version},
            "data": dict.fromkeys(before.data.keys() - data.keys()) | dict(data),
        }
        await answered(
            self._core.patch_namespaced_config_map(
                name,
                namespace,
                body,
                _content_type="application/merge-patch+json",
                _request_timeout=REQUEST_TIMEOUT,
            )
        )

    async def delete_config_map(self, namespace: str, name: str, before: ConfigMap) -> None:
        """Delete a ConfigMap as it was read.

        Raises
        ------
        Conflict
            It has changed since.
        Gone
            It does not exist any more.
        """
        preconditions = client.V1Preconditions(uid=before.uid, resource_version=before.resource_version)
        options = client.V1DeleteOptions(preconditions=preconditions)
        await answered(
            self._core.delete_namespaced_config_map(name, namespace, body=options, _request_timeout=REQUEST_TIMEOUT)
        )
