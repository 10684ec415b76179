"""Connections to Cloudflare: one client and one request budget per caller, watched for rotation."""

import logging
from collections.abc import Callable, Iterable, Iterator

from aisearch_operator.cloudflare.client import CloudflareClient
from aisearch_operator.cloudflare.credentials import Credentials
from aisearch_operator.cloudflare.records import Standing
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
    linger
        Seconds for which a client is kept that no resource uses and that sends nothing. Its request budget goes
        with it: not below the window in which Cloudflare counts requests.
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
        linger: float,
        wake: Callable[[Iterable[ObjectKey]], None],
    ) -> None:
        self._source = source
        self._make_client = make_client
        self._polls = polls
        self._interval = interval
        self._linger = linger
        self._wake = wake
        self._callers: dict[str, Caller] = {}
        self._caller_of: dict[ObjectKey, Caller] = {}
        self._watches: dict[SecretRef, SecretWatch] = {}
        self._watch_of: dict[ObjectKey, SecretWatch] = {}

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
        client = self._client_for(key, credentials)
        return Connection(client, credentials.fingerprint, account_id or credentials.account_id, resolved.secret)

    async def read_again(self, key: ObjectKey) -> None:
        """Read the Secret that a resource uses now, if it uses one.

        Raises
        ------
        KubeUnavailable
            It could not be read.
        """
        if (watch := self._watch_of.get(key)) is not None:
            await self._source.look(watch.ref)

    def forget(self, key: ObjectKey) -> None:
        """Stop looking at Secrets for this resource, and keep no client for it."""
        self._leave_watch(key)
        self._leave_caller(key)

    def standings(self) -> Iterator[Standing]:
        """Tell how each caller that a resource uses stands with Cloudflare."""
        return (caller.client.standing for caller in self._callers.values() if caller.users)

    async def close(self) -> None:
        """Close all clients."""
        for caller in self._callers.values():
            await caller.client.aclose()

    def _client_for(self, key: ObjectKey, credentials: Credentials) -> CloudflareClient:
        caller = self._callers.get(credentials.fingerprint)
        if caller is None:
            caller = Caller(self._make_client(credentials), credentials.fingerprint, self._linger, self._retire)
            self._callers[credentials.fingerprint] = caller
        if self._caller_of.get(key) is not caller:
            self._leave_caller(key)
            self._caller_of[key] = caller
            caller.users.add(key)
        return caller.client

    def _leave_caller(self, key: ObjectKey) -> None:
        caller = self._caller_of.pop(key, None)
        if caller is not None:
            caller.users.discard(key)
            if not caller.users:
                self._polls.add_after(caller, self._linger)

    def _retire(self, caller: "Caller") -> None:
        del self._callers[caller.fingerprint]

    def _follow(self, key: ObjectKey, ref: SecretRef) -> None:
        watch = self._watches.get(ref)
        if watch is None:
            watch = self._watches[ref] = SecretWatch(ref, self._source, self._interval, self._wake)
        if self._watch_of.get(key) is not watch:
            self._leave_watch(key)
            self._watch_of[key] = watch
            watch.users.add(key)
            self._polls.add_after(watch, self._interval)

    def _leave_watch(self, key: ObjectKey) -> None:
        watch = self._watch_of.pop(key, None)
        if watch is not None:
            watch.users.discard(key)
            if not watch.users:
                del self._watches[watch.ref]
                self._source.forget(watch.ref)


class Caller:
    """A client, for as long as a resource uses it and some time longer.

    A pass or a poll may still hold it when the last resource has turned to other credentials.
    """

    def __init__(
        self, client: CloudflareClient, fingerprint: str, linger: float, retire: Callable[["Caller"], None]
    ) -> None:
        self.client = client
        self.fingerprint = fingerprint
        self.users: set[ObjectKey] = set()
        self._linger = linger
        self._retire = retire

    async def poll(self) -> Again | None:
        """Close the client when nobody needs it any more."""
        if self.users:
            return None
        rest = self._linger - self.client.idle_for
        if rest > 0:
            return Again(rest)
        logger.info("The connections of credentials that no resource uses any more are closed")
        self._retire(self)
        await self.client.aclose()
        return None


class SecretWatch:
    """Looks at one Secret from time to time, for as long as a resource uses it."""

    def __init__(
        self,
        ref: SecretRef,
        source: CredentialSource,
        interval: float,
        wake: Callable[[Iterable[ObjectKey]], None],
    ) -> None:
        self.ref = ref
        self.users: set[ObjectKey] = set()
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
            await self._source.look(self.ref)
        except KubeUnavailable as error:
            logger.warning("Secret %s/%s could not be read: %s", self.ref.namespace, self.ref.name, error)
            return Again()
        version = self._source.version(self.ref)
        if version != self._version:
            self._version = version
            logger.info("Secret %s/%s has changed", self.ref.namespace, self.ref.name)
            self._wake(tuple(self.users))
        return Again(self._interval)
