"""The calls about ConfigMaps: those that resources ask for, each of which belongs to its resource."""

from collections.abc import Mapping

from aisearch_operator.domain.connection_details import ConfigMap
from aisearch_operator.kube.calls import ObjectRef
from aisearch_operator.kube.core import CoreApi
from aisearch_operator.resources.group import API_VERSION

__all__ = ["ConfigMapCalls"]


class ConfigMapCalls:
    """Reads, makes, corrects and deletes ConfigMaps by name; none is ever listed."""

    def __init__(self, core: CoreApi) -> None:
        self._core = core

    async def read_config_map(self, namespace: str, name: str) -> ConfigMap:
        """Read a ConfigMap.

        Raises
        ------
        Gone
            There is no such ConfigMap.
        """
        found = await self._core.get("namespaces", namespace, "configmaps", name)
        metadata = found["metadata"]
        owners = metadata.get("ownerReferences") or ()
        return ConfigMap(
            uid=metadata["uid"],
            resource_version=metadata["resourceVersion"],
            controller=next((owner["uid"] for owner in owners if owner.get("controller")), None),
            data=found.get("data") or {},
        )

    async def create_config_map(self, owner: ObjectRef, name: str, data: Mapping[str, str]) -> None:
        """Create a ConfigMap that belongs to an object, and goes with it.

        Raises
        ------
        Conflict
            There is one of that name by now.
        """
        # Without blockOwnerDeletion, which would take a right to the owner's finalizers.
        reference = {
            "apiVersion": API_VERSION,
            "kind": owner.kind,
            "name": owner.name,
            "uid": owner.uid,
            "controller": True,
        }
        metadata = {
            "name": name,
            "labels": {"app.kubernetes.io/managed-by": "aisearch-operator"},
            "ownerReferences": [reference],
        }
        await self._core.create(
            "namespaces", owner.namespace, "configmaps", body={"metadata": metadata, "data": dict(data)}
        )

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
        await self._core.merge("namespaces", namespace, "configmaps", name, body=body)

    async def delete_config_map(self, namespace: str, name: str, before: ConfigMap) -> None:
        """Delete a ConfigMap as it was read.

        Raises
        ------
        Conflict
            It has changed since.
        Gone
            It does not exist any more.
        """
        preconditions = {"uid": before.uid, "resourceVersion": before.resource_version}
        await self._core.delete("namespaces", namespace, "configmaps", name, preconditions=preconditions)
