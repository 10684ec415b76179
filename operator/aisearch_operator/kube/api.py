"""The few calls that the operator makes to the Kubernetes API beside kopf's."""

import base64
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Literal

from kubernetes.aio import client

from aisearch_operator.kube.calls import (
    REQUEST_TIMEOUT,
    BadRequest,
    Conflict,
    Forbidden,
    Gone,
    KubeUnavailable,
    ObjectRef,
    answered,
)
from aisearch_operator.kube.config_maps import ConfigMapCalls
from aisearch_operator.kube.core import CoreApi
from aisearch_operator.resources.group import GROUP, INSTANCE_PLURAL, VERSION

__all__ = ["Conflict", "Forbidden", "Gone", "KubeApi", "KubeUnavailable", "ObjectRef", "SelectorRefused"]

LIST_PAGE = 500
"""Objects in one answer to a list: the page size that client-go uses."""

METADATA_ONLY = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"
"""What the API server is asked for when specs and statuses are not needed."""


class SelectorRefused(Exception):
    """The API server does not understand the label selector."""


class KubeApi(ConfigMapCalls):
    """Typed access to the API server, through `kubernetes.aio`.

    Every method raises `KubeUnavailable` (or a subclass of it) when the call fails, with a message that
    holds no part of the request.

    Parameters
    ----------
    label_selector
        Of the custom resources that there are for this operator; empty for all of them.
    """

    def __init__(self, api_client: client.ApiClient, label_selector: str = "") -> None:
        super().__init__(CoreApi(api_client))
        # A parameter that is None is not sent.
        self._selector = label_selector or None
        self._client = api_client
        self._custom = client.CustomObjectsApi(api_client)

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()  # type: ignore[no-untyped-call]

    async def check_selector(self, namespace: str | None) -> None:
        """Ask whether the label selector means something; without one, or without an answer, nothing happens.

        Raises
        ------
        SelectorRefused
            It does not.
        """
        if self._selector is None:
            return
        try:
            await self._page(INSTANCE_PLURAL, namespace, limit=1)
        except BadRequest as error:
            raise SelectorRefused(
                f"AISEARCH_LABEL_SELECTOR: the API server does not understand {self._selector!r}"
            ) from error
        except KubeUnavailable:
            return  # whoever lists next tries until there is an answer

    async def get(self, ref: ObjectRef) -> Mapping[str, Any]:
        """Read one custom resource.

        Raises
        ------
        Gone
            It does not exist any more, or the label selector does not select it any more.
        """
        if self._selector is None:
            call = self._custom.get_namespaced_custom_object(
                GROUP, VERSION, ref.namespace, ref.plural, ref.name, _request_timeout=REQUEST_TIMEOUT
            )
            found: Mapping[str, Any] = await answered(call)
        else:
            found = await self._selected(ref)
        if found["metadata"]["uid"] != ref.uid:
            raise Gone(f"{ref.kind} {ref.namespace}/{ref.name} was deleted and made again")
        return found

    async def list_refs(self, kind: str, plural: str, namespace: str | None) -> list[ObjectRef]:
        """Name all custom resources of a kind that are selected, in one namespace or in all of them."""
        refs: list[ObjectRef] = []
        token: str | None = None
        while token != "":
            page = await self._page(plural, namespace, limit=LIST_PAGE, token=token)
            refs += [
                ObjectRef(kind, plural, metadata["namespace"], metadata["name"], metadata["uid"])
                for metadata in (item["metadata"] for item in page["items"] or ())  # an empty list is null
            ]
            token = page["metadata"].get("continue", "")
        return refs

    async def _page(
        self, plural: str, namespace: str | None, *, limit: int, token: str | None = None
    ) -> Mapping[str, Any]:
        """List the metadata of selected custom resources, from where ``token`` says."""
        options: dict[str, Any] = {
            "limit": limit,
            "label_selector": self._selector,
            "_continue": token,
            "_headers": {"Accept": METADATA_ONLY},
            "_request_timeout": REQUEST_TIMEOUT,
        }
        if namespace is None:
            call = self._custom.list_cluster_custom_object(GROUP, VERSION, plural, **options)
        else:
            call = self._custom.list_namespaced_custom_object(GROUP, VERSION, namespace, plural, **options)
        page: Mapping[str, Any] = await answered(call)
        return page

    async def _selected(self, ref: ObjectRef) -> Mapping[str, Any]:
        """Find one custom resource among those that are selected: a plain read finds the others as well."""
        found = await answered(
            self._custom.list_namespaced_custom_object(
                GROUP,
                VERSION,
                ref.namespace,
                ref.plural,
                field_selector=f"metadata.name={ref.name}",
                label_selector=self._selector,
                _request_timeout=REQUEST_TIMEOUT,
            )
        )
        for item in found["items"] or ():  # an empty list is null
            selected: Mapping[str, Any] = item
            return selected
        raise Gone(f"{ref.kind} {ref.namespace}/{ref.name} is not selected any more, or does not exist")

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
