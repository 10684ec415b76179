"""The few calls that the operator makes to the Kubernetes API beside kopf's."""

import base64
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Literal

from kubernetes.aio import client

from aisearch_operator.kube.calls import (
    REQUEST_TIMEOUT,
    Conflict,
    Forbidden,
    Gone,
    KubeUnavailable,
    ObjectRef,
    answered,
)
from aisearch_operator.kube.config_maps import ConfigMapCalls
from aisearch_operator.kube.core import CoreApi
from aisearch_operator.resources.group import GROUP, VERSION

__all__ = ["Conflict", "Forbidden", "Gone", "KubeApi", "KubeUnavailable", "ObjectRef"]

LIST_PAGE = 500
"""Objects in one answer to a list: the page size that client-go uses."""

METADATA_ONLY = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
"""What the API server is asked for when specs and statuses are not needed."""


class KubeApi(ConfigMapCalls):
    """Typed access to the API server, through `kubernetes.aio`.

    Every method raises `KubeUnavailable` (or a subclass of it) when the call fails, with a message that
    holds no part of the request.
    """

    def __init__(self, api_client: client.ApiClient) -> None:
        super().__init__(CoreApi(api_client))
        self._client = api_client
        self._custom = client.CustomObjectsApi(api_client)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()  # type: ignore[no-untyped-call]

    async def get(self, ref: ObjectRef) -> Mapping[str, Any]:
        """Read one custom resource."""
        found: Mapping[str, Any] = await answered(
            self._custom.get_namespaced_custom_object(
                GROUP, VERSION, ref.namespace, ref.plural, ref.name, _request_timeout=REQUEST_TIMEOUT
            )
        )
        if found["metadata"]["uid"] != ref.uid:
            raise Gone(f"{ref.kind} {ref.namespace}/{ref.name} was deleted and made again")
        return found

    async def list_refs(self, kind: str, plural: str, namespace: str | None) -> list[ObjectRef]:
        """Name all custom resources of a kind, in one namespace or in all of them."""
        refs: list[ObjectRef] = []
        token: str | None = None
        while token != "":
            if namespace is None:
                call = self._custom.list_cluster_custom_object(
                    GROUP,
                    VERSION,
                    plural,
                    limit=LIST_PAGE,
                    _continue=token,
                    _headers={"Accept": METADATA_ONLY},
                    _request_timeout=REQUEST_TIMEOUT,
                )
            else:
                call = self._custom.list_namespaced_custom_object(
                    GROUP,
                    VERSION,
                    namespace,
                    plural,
                    limit=LIST_PAGE,
                    _continue=token,
                    _headers={"Accept": METADATA_ONLY},
                    _request_timeout=REQUEST_TIMEOUT,
                )
            page = await answered(call)
            refs += [
                ObjectRef(kind, plural, metadata["namespace"], metadata["name"], metadata["uid"])
                for metadata in (item["metadata"] for item in page["items"] or ())  # an empty list is null
            ]
            token = page["metadata"].get("continue", "")
        return refs

    async def patch_status(self, ref: ObjectRef, resource_version: str, status: Mapping[str, Any]) -> Mapping[str, Any]:
        """Send one merge patch to the status subresource, valid only for this version of the object.

        Raises
        ------
        Conflict
            The object has changed since.
        Gone
            It does not exist any more.
        """
        body = {"metadata": {"uid": ref.uid, "resourceVersion": resource_version}, "status": status}
        patched: Mapping[str, Any] = await answered(
            self._custom.patch_namespaced_custom_object_status(
                GROUP,
                VERSION,
                ref.namespace,
                ref.plural,
                ref.name,
                body,
                _content_type="application/merge-patch+json",
                _request_timeout=REQUEST_TIMEOUT,
            )
        )
        return patched

    async def delete(self, ref: ObjectRef, resource_version: str) -> Mapping[str, Any] | None:
        """Ask for the deletion of one custom resource, valid only for this version of the object.

        Returns
        -------
        Mapping or None
            The object, marked for deletion; None when no finalizer held it and it is gone.

        Raises
        ------
        Conflict
            The object has changed since.
        Gone
            It does not exist any more.
        """
        version = client.V1Preconditions(uid=ref.uid, resource_version=resource_version)
        answer: Mapping[str, Any] = await answered(
            self._custom.delete_namespaced_custom_object(
                GROUP,
                VERSION,
                ref.namespace,
                ref.plural,
                ref.name,
                body=client.V1DeleteOptions(preconditions=version),
                _request_timeout=REQUEST_TIMEOUT,
            )
        )
        return answer if answer.get("kind") == ref.kind else None

    async def read_secret(self, namespace: str, name: str) -> Mapping[str, str]:
        """Read a Secret's data, decoded.

        Raises
        ------
        Gone
            There is no such Secret.
        """
        secret = await self._core.get("namespaces", namespace, "secrets", name)
        data: Mapping[str, str] = secret.get("data") or {}
        return {key: base64.b64decode(value).decode("utf-8", errors="replace") for key, value in data.items()}

    async def read_annotations(self, namespace: str) -> Mapping[str, str]:
        """Read the annotations of a Kubernetes namespace.

        Raises
        ------
        Forbidden
            The operator may not read it.
        """
        found = await self._core.get("namespaces", namespace)
        return dict(found["metadata"].get("annotations") or {})

    async def create_event(
        self, ref: ObjectRef, event_type: Literal["Normal", "Warning"], reason: str, message: str
    ) -> None:
        """Record one Event about an object."""
        now = datetime.now(UTC)
        event = {
            "metadata": {"generateName": f"{ref.name[:40].rstrip('-.')}.", "namespace": ref.namespace},
            "involvedObject": {
                "apiVersion": f"{GROUP}/{VERSION}",
                "kind": ref.kind,
                "namespace": ref.namespace,
                "name": ref.name,
                "uid": ref.uid,
            },
            "type": event_type,
            "reason": reason,
            "message": message[:1024],
            "count": 1,
            "firstTimestamp": now,
            "lastTimestamp": now,
            "source": {"component": "aisearch-operator"},
            "reportingComponent": "aisearch-operator",
        }
        await self._core.create("namespaces", ref.namespace, "events", body=event)
