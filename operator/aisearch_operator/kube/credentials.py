"""Cloudflare credentials from Secrets, read again after a short time so that rotation needs no restart."""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from aisearch_operator.cloudflare.credentials import Credentials
from aisearch_operator.domain.reasons import Reason
from aisearch_operator.kube.api import Gone, KubeApi

__all__ = ["CredentialError", "CredentialSource", "OwnCredentials", "Resolved", "SecretRef"]

DEFAULT_SECRET = "aisearch-credentials"  # noqa: S105 - a name, not a secret


class CredentialError(Exception):
    """There are no usable credentials; the message names the Secret and the key."""

    def __init__(self, reason: Reason, message: str) -> None:
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True, slots=True, order=True)
class SecretRef:
    """A Secret that holds credentials."""

    namespace: str
    name: str


@dataclass(frozen=True, slots=True)
class OwnCredentials:
    """The operator's own credentials.

    Parameters
    ----------
    namespaces
        Shell-style patterns of the Kubernetes namespaces that may use them; none means all.
    """

    credentials: Credentials
    namespaces: tuple[str, ...] = ()

    def serve(self, namespace: str) -> bool:
        """Whether resources of a Kubernetes namespace may use them."""
        return not self.namespaces or any(fnmatchcase(namespace, pattern) for pattern in self.namespaces)


@dataclass(frozen=True, slots=True)
class Resolved:
    """Credentials, and the name of the Secret that they are from; empty for the operator's own."""

    credentials: Credentials
    secret: str


@dataclass(slots=True)
class _Cached:
    data: Mapping[str, str] | None = None
    read_at: float | None = None
    version: int = 0
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


class CredentialSource:
    """Finds the credentials for a resource.

    The order is: the Secret that the resource names, else the Secret `aisearch-credentials` in its
    namespace, else the operator's own. No other Secret is ever read.

    Parameters
    ----------
    max_age
        Seconds after which a Secret is read again.
    """

    def __init__(
        self,
        kube: KubeApi,
        own: OwnCredentials | None,
        *,
        max_age: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._kube = kube
        self._own = own
        self._max_age = max_age
        self._clock = clock
        self._cache: dict[SecretRef, _Cached] = {}
        self._last_good: dict[SecretRef, Credentials] = {}

    async def resolve(self, namespace: str, secret: str | None, *, last_known: bool = False) -> Resolved:
        """Find credentials.

        Parameters
        ----------
        namespace
            The Kubernetes namespace of the resource.
        secret
            The name of the Secret in ``credentialsRef``; None when the resource names none.
        last_known
            Whether what the Secret held last will do when it is gone or unusable: a deletion must not
            hang because the Secret was deleted first.

        Raises
        ------
        CredentialError
            No Secret, a missing key, an empty value, or a namespace that may not use the operator's own.
        KubeUnavailable
            The Secret could not be read.
        """
        ref = SecretRef(namespace, secret or DEFAULT_SECRET)
        data = await self._read(ref, max_age=self._max_age)
        try:
            if data is not None:
                self._last_good[ref] = _parse(ref, data)
                return Resolved(self._last_good[ref], ref.name)
        except CredentialError:
            if not last_known or ref not in self._last_good:
                raise
        if last_known and ref in self._last_good:
            return Resolved(self._last_good[ref], ref.name)
        if secret is None and self._own is not None:
            if self._own.serve(namespace):
                return Resolved(self._own.credentials, "")
            raise CredentialError(
                Reason.CREDENTIALS_NOT_SHARED,
                f"Secret {ref.namespace}/{ref.name} does not exist, and namespace {namespace} may not use the "
                "operator's own credentials. Create the Secret with the keys apiToken and accountId, or have the "
                "namespace added to AISEARCH_CREDENTIALS_NAMESPACES",
            )
        raise CredentialError(
            Reason.CREDENTIALS_MISSING,
            f"Secret {ref.namespace}/{ref.name} does not exist. Create it with the keys apiToken and accountId",
        )

    def version(self, ref: SecretRef) -> int:
        """Tell how often a Secret was seen to change, whoever looked at it."""
        return self._cache[ref].version if ref in self._cache else 0

    def forget(self, ref: SecretRef) -> None:
        """Drop what was read of a Secret that nobody uses."""
        self._cache.pop(ref, None)
        self._last_good.pop(ref, None)

    async def look(self, ref: SecretRef) -> None:
        """Read a Secret now.

        Raises
        ------
        KubeUnavailable
            The Secret could not be read.
        """
        await self._read(ref, max_age=0.0)

    async def _read(self, ref: SecretRef, *, max_age: float) -> Mapping[str, str] | None:
        cached = self._cache.setdefault(ref, _Cached())
        async with cached.lock:  # a thousand resources with one Secret read it once
            if cached.read_at is None or self._clock() - cached.read_at >= max_age:
                try:
                    data: Mapping[str, str] | None = await self._kube.read_secret(ref.namespace, ref.name)
                except Gone:
                    data = None
                if cached.read_at is not None and data != cached.data:
                    cached.version += 1
                cached.data, cached.read_at = data, self._clock()
            return cached.data


def _parse(ref: SecretRef, data: Mapping[str, str]) -> Credentials:
    values = {key: data.get(key, "").strip() for key in ("apiToken", "email", "apiKey", "accountId")}
    where = f"Secret {ref.namespace}/{ref.name}"
    for key, value in values.items():
        if key in data and not value:
            raise CredentialError(Reason.CREDENTIALS_INVALID, f"{where}: the key {key} is empty. Give it a value")
    lacking = _lacking(values)
    if lacking is not None:
        raise CredentialError(Reason.CREDENTIALS_INCOMPLETE, f"{where} {lacking}. Add it")
    try:
        if values["apiToken"]:
            return Credentials(values["accountId"], api_token=values["apiToken"])
        return Credentials(values["accountId"], email=values["email"], api_key=values["apiKey"])
    except ValueError as error:
        raise CredentialError(Reason.CREDENTIALS_INVALID, f"{where}: {error}") from error


def _lacking(values: Mapping[str, str]) -> str | None:
    if not values["accountId"]:
        return "lacks the key accountId"
    if values["apiToken"]:
        return None
    for key, other in (("email", "apiKey"), ("apiKey", "email")):
        if values[other] and not values[key]:
            return f"has the key {other} but lacks {key}"
    return None if values["email"] else "lacks the key apiToken (or the keys email and apiKey)"
