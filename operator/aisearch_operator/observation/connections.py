"""Connections to Cloudflare: one client and one request budget per caller, watched for rotation."""

import logging
from collections import defaultdict
from collections.abc import Callable, Iterable

from aisearch_operator.cloudflare.client import CloudflareClient
from aisearch_operator.cloudflare.credentials import Credentials
from aisearch_operator.engine.store import ObjectKey
from aisearch_operator.engine.workqueue import Again
from aisearch_operator.kube.api import KubeUnavailable
from aisearch_operator.kube.credentials import DEFAULT_SECRET, CredentialSource, SecretRef
from aisearch_operator.observation.address import Connection
from aisearch_operator.observation.polling import PollQueue

__all__ = ["Connections"]

logger = logging.getLogger(__name__)


class Connections:
    """Gives each resource its connection, and wakes it up when its Secret changes.

    Parameters
    ----------
    make_client
        Builds the client of some credentials.
    interval
        Seconds between two looks at a Secret.
    wake
        Called with the resources that use a Secret when it has changed.
    """

    def __init__(
        self,
        source: CredentialSource,
        make_client: Callable[[Credentials], CloudflareClient],
        polls: PollQueue,
        *,
        interval: float,
        wake: Callable[[Iterable[ObjectKey]], None],
    ) -> None:
        self._source = source
        self._make_client = make_client
        self._polls = polls
        self._interval = interval
        self._wake = wake
        self._clients: dict[str, CloudflareClient] = {}
        self._watches: dict[SecretRef, SecretWatch] = {}
        self._users: defaultdict[ObjectKey, set[SecretRef]] = defaultdict(set)

    async def resolve(
        self,
        key: ObjectKey,
        secret: str | None,
        account_id: str | None,
        *,
        last_known: bool = False,
        fresh: bool = False,
    ) -> Connection:
        """Find the connection of a resource.

        Parameters
        ----------
        secret
            The name in ``credentialsRef``, or None.
        account_id
            The account in the spec; None for the one that the credentials name.
        last_known
            Whether credentials of a Secret that is gone will do, for a deletion.
        fresh
            Whether the Secret is read now.

        Raises
        ------
        CredentialError
            There are none.
        KubeUnavailable
            The Secret could not be read.
        """
        ref = SecretRef(key.namespace, secret or DEFAULT_SECRET)
        self._follow(key, ref)
        if fresh:
            await self._source.look(ref)
        resolved = await self._source.resolve(key.namespace, secret, last_known=last_known)
        credentials = resolved.credentials
        client = self._clients.get(credentials.fingerprint)
        if client is None:
            client = self._clients[credentials.fingerprint] = self._make_client(credentials)
        return Connection(client, credentials.fingerprint, account_id or credentials.account_id, resolved.secret)

    def forget(self, key: ObjectKey) -> None:
        """Stop looking at Secrets for this resource."""
        for ref in self._users.pop(key, ()):
            self._watches[ref].users.discard(key)

    async def close(self) -> None:
        """Close all clients."""
        for client in self._clients.values():
            await client.aclose()

    def _follow(self, key: ObjectKey, ref: SecretRef) -> None:
        watch = self._watches.get(ref)
        if watch is None:
            watch = self._watches[ref] = SecretWatch(ref, self._source, self._interval, self._wake)
        if key not in watch.users:
            for other in self._users[key] - {ref}:
                self._watches[other].users.discard(key)
            self._users[key] = {ref}
            watch.users.add(key)
            self._polls.add_after(watch, self._interval)


class SecretWatch:
    """Looks at one Secret from time to time, for as long as a resource uses it."""

    def __init__(
        self,
        ref: SecretRef,
        source: CredentialSource,
        interval: float,
        wake: Callable[[Iterable[ObjectKey]], None],
    ) -> None:
        self.users: set[ObjectKey] = set()
        self._ref = ref
        self._source = source
        self._interval = interval
        self._wake = wake
        self._version = source.version(ref)

    async def poll(self) -> Again | None:
        """Read the Secret again, and wake its users up when it has changed since the last look.

        A pass may have come upon the change before, for one of them.
        """
        if not self.users:
            return None
        try:
            await self._source.look(self._ref)
        except KubeUnavailable as error:
            logger.warning("Secret %s/%s could not be read: %s", self._ref.namespace, self._ref.name, error)
            return Again()
        version = self._source.version(self._ref)
        if version != self._version:
            self._version = version
            logger.info("Secret %s/%s has changed", self._ref.namespace, self._ref.name)
            self._wake(tuple(self.users))
        return Again(self._interval)
