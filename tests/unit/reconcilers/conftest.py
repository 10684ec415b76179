"""One fake server for all tests here; each test has an account of its own, whose clock stands still."""

from collections.abc import AsyncIterator, Iterator

import pytest

from fake_cloudflare import FakeAccount, FakeCloudflare
from unit.reconcilers.bench import Bench


@pytest.fixture(scope="session")
def fake() -> Iterator[FakeCloudflare]:
    with FakeCloudflare() as server:
        yield server


@pytest.fixture
def account(fake: FakeCloudflare) -> Iterator[FakeAccount]:
    made = fake.admin.create_account(rate=0, initial_job=False)
    yield made
    made.delete()


@pytest.fixture
async def bench(fake: FakeCloudflare, account: FakeAccount) -> AsyncIterator[Bench]:
    made = Bench(fake, account)
    yield made
    await made.close()
