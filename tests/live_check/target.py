"""Where the live check runs: a real account, or one of the fake whose clock it turns itself."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import httpx

from aisearch_operator.cloudflare import Credentials, SearchNamespace
from fake_cloudflare import FakeAccount, FakeCloudflare

API_URL = "https://api.cloudflare.com/client/v4"
"""Of the operator's setting `api_url`."""

FAKE_SOURCE = "live-check-bucket"
FAKE_NAMESPACE = "live-check-second"


@dataclass(frozen=True)
class Target:
    """An account to ask.

    Parameters
    ----------
    title
        What it is, for people.
    base_url, credentials
        Where the API is, and who calls.
    pause
        Lets that many seconds pass for the API.
    clock
        Monotonic seconds that go on with the pauses, for the request budget.
    search_namespace, second_namespace
        Where instances are created, and where one is moved to; None: it is not moved.
    source, token_id
        An R2 bucket or the URL of a site, None: built-in storage only; the service token that reads the bucket.
    patience
        Seconds to wait for the end of a sync job.
    """

    title: str
    base_url: str
    credentials: Credentials = field(repr=False)
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep
    clock: Callable[[], float] = time.monotonic
    search_namespace: str = "default"
    second_namespace: str | None = None
    source: str | None = None
    token_id: str | None = None
    patience: float = 1800.0

    @property
    def home(self) -> SearchNamespace:
        """The search namespace of new instances."""
        return SearchNamespace(self.credentials.account_id, self.search_namespace)

    @property
    def second(self) -> SearchNamespace | None:
        """The search namespace to move to."""
        if self.second_namespace is None:
            return None
        return SearchNamespace(self.credentials.account_id, self.second_namespace)

    @property
    def namespaces(self) -> tuple[SearchNamespace, ...]:
        """All search namespaces in which the check may leave an instance."""
        return (self.home,) if self.second is None else (self.home, self.second)


def target_on(fake: FakeCloudflare, account: FakeAccount, *, rate: float = 0) -> Target:
    """Give an account of the fake whose clock stands still, and moves only while the check waits.

    With a ``rate``, that of the account's clock, it goes by itself and the check waits in real time.
    """
    headers = {"Authorization": f"Bearer {account.token}"}
    namespaces = f"{fake.api_url}/accounts/{account.id}/ai-search/namespaces"
    httpx.post(namespaces, headers=headers, json={"name": FAKE_NAMESPACE}, trust_env=False).raise_for_status()
    turned = 0.0

    async def turn(seconds: float) -> None:
        nonlocal turned
        if rate:
            await asyncio.sleep(seconds / rate)
            return
        turned += seconds
        await asyncio.to_thread(account.advance, seconds)

    return Target(
        title="the fake Cloudflare of this project, which answers as the facts expect",
        base_url=fake.api_url,
        credentials=Credentials(account_id=account.id, api_token=account.token),
        pause=turn,
        clock=lambda: time.monotonic() + turned,
        second_namespace=FAKE_NAMESPACE,
        source=FAKE_SOURCE,
    )


@contextmanager
def fake_target(*, missing_bucket: str, rate: float = 0) -> Iterator[Target]:
    """Start the fake with one account.

    Parameters
    ----------
    missing_bucket
        The name of a bucket that the account does not have.
    rate
        See `target_on`.
    """
    with FakeCloudflare() as fake:
        account = fake.admin.create_account(rate=rate, missing_buckets=[missing_bucket])
        yield target_on(fake, account, rate=rate)
