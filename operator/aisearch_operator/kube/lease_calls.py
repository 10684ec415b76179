"""The calls about the one lease that the replicas share."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from kubernetes.aio import client

from aisearch_operator.domain.election import Claim, Lease
from aisearch_operator.kube.calls import Conflict, Gone, answered

__all__ = ["LeaseCalls"]


class LeaseCalls:
    """Reads, makes and writes one Lease. What others put into its labels and annotations stays.

    Every method raises `KubeUnavailable` (or a subclass of it) when the call fails.

    Parameters
    ----------
    timeout
        Seconds for one call.
    """

    def __init__(self, api_client: client.ApiClient, namespace: str, name: str, *, timeout: float) -> None:
        self._client = api_client
        self._leases = client.CoordinationV1Api(api_client)
        self._namespace = namespace
        self._name = name
        self._timeout = timeout
        self._kept: Mapping[str, Any] = {}

    async def read(self) -> Lease | None:
        """Read the lease; None when there is none."""
        try:
            return self._lease(
                await answered(
                    self._leases.read_namespaced_lease(self._name, self._namespace, _request_timeout=self._timeout)
                )
            )
        except Gone:
            return None

    async def create(self, claim: Claim) -> Lease:
        """Make the lease.

        Raises
        ------
        Conflict
            There is one by now.
        """
        body = client.V1Lease(metadata=client.V1ObjectMeta(name=self._name), spec=_spec(claim))
        return self._lease(
            await answered(self._leases.create_namespaced_lease(self._namespace, body, _request_timeout=self._timeout))
        )

    async def write(self, claim: Claim, version: str) -> Lease:
        """Write the lease, valid only for this version of it.

        Raises
        ------
        Conflict
            Somebody has written or deleted it since.
        """
        metadata = client.V1ObjectMeta(name=self._name, resource_version=version, **self._kept)
        body = client.V1Lease(metadata=metadata, spec=_spec(claim))
        try:
            return self._lease(
                await answered(
                    self._leases.replace_namespaced_lease(
                        self._name, self._namespace, body, _request_timeout=self._timeout
                    )
                )
            )
        except Gone as error:
            raise Conflict(str(error)) from error

    async def close(self) -> None:
        """Close the connections."""
        await self._client.close()  # type: ignore[no-untyped-call]

    def _lease(self, found: client.V1Lease) -> Lease:
        metadata = found.metadata or client.V1ObjectMeta()
        spec = found.spec or client.V1LeaseSpec()
        # The uid as well: the API server makes a Lease that a write does not find, whatever version it names.
        self._kept = {"uid": metadata.uid, "labels": metadata.labels, "annotations": metadata.annotations}
        claim = Claim(
            holder=spec.holder_identity or "",
            duration=spec.lease_duration_seconds or 0,
            acquired=spec.acquire_time,
            renewed=spec.renew_time,
            transitions=spec.lease_transitions or 0,
        )
        return Lease(claim, metadata.resource_version or "")


def _spec(claim: Claim) -> client.V1LeaseSpec:
    return client.V1LeaseSpec(
        # Kubernetes' own electors leave the name out when they go.
        holder_identity=claim.holder or None,
        lease_duration_seconds=claim.duration,
        acquire_time=_micro_time(claim.acquired),
        renew_time=_micro_time(claim.renewed),
        lease_transitions=claim.transitions,
    )


def _micro_time(moment: datetime | None) -> datetime | None:
    """Give a time that is written with a fraction: the API server refuses one without, and the client leaves out 0."""
    return moment.replace(microsecond=moment.microsecond or 1) if moment is not None else None
