"""The calls about the one lease that the replicas share."""

from collections.abc import Mapping
from datetime import UTC, datetime
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
        body: Any = {"metadata": {"name": self._name}, "spec": _spec(claim)}
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
        body: Any = {
            "metadata": {**self._kept, "name": self._name, "resourceVersion": version},
            "spec": _spec(claim),
        }
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
        self._kept = {"labels": metadata.labels or {}, "annotations": metadata.annotations or {}}
        claim = Claim(
            holder=spec.holder_identity or "",
            duration=spec.lease_duration_seconds or 0,
            acquired=spec.acquire_time,
            renewed=spec.renew_time,
            transitions=spec.lease_transitions or 0,
        )
        return Lease(claim, metadata.resource_version or "")


def _spec(claim: Claim) -> Mapping[str, Any]:
    return {
        # Kubernetes' own electors leave the name out when they go, and so read both.
        **({"holderIdentity": claim.holder} if claim.holder else {}),
        "leaseDurationSeconds": claim.duration,
        "acquireTime": _micro_time(claim.acquired),
        "renewTime": _micro_time(claim.renewed),
        "leaseTransitions": claim.transitions,
    }


def _micro_time(moment: datetime | None) -> str | None:
    """Write a time as the API server wants it: always with six digits, which `isoformat` leaves out at times."""
    return None if moment is None else f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%f}Z"
