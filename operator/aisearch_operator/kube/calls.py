"""What every call to the Kubernetes API has in common: its object, its time limit, and what its errors mean."""

from dataclasses import dataclass
from typing import Any

import aiohttp
from kubernetes.aio import client

__all__ = [
    "REQUEST_TIMEOUT",
    "BadRequest",
    "Conflict",
    "Forbidden",
    "Gone",
    "KubeUnavailable",
    "ObjectRef",
    "answered",
]

REQUEST_TIMEOUT = 30.0
"""Seconds for one call."""


class KubeUnavailable(Exception):
    """The API server did not do what it was asked; a later attempt may succeed."""


class Conflict(KubeUnavailable):
    """The object is newer than the version that the write was made from."""


class BadRequest(KubeUnavailable):
    """The API server cannot make sense of it."""


class Forbidden(KubeUnavailable):
    """The operator has no right to this."""


class Gone(KubeUnavailable):
    """The object does not exist any more."""


@dataclass(frozen=True, slots=True)
class ObjectRef:
    """What an Event or a write is about."""

    kind: str
    plural: str
    namespace: str
    name: str
    uid: str


async def answered(request: Any) -> Any:
    """Await the answer to a request, and turn its errors into ours."""
    try:
        return await request
    except client.ApiException as error:
        kind = {400: BadRequest, 403: Forbidden, 404: Gone, 409: Conflict}.get(error.status, KubeUnavailable)
        raise kind(f"The API server answered {error.status} {error.reason}") from error
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        raise KubeUnavailable(f"The API server cannot be reached: {type(error).__name__}") from error
