"""A scripted account with a client, closed when the test ends."""

from collections.abc import AsyncIterator

import pytest

from aisearch_operator.observation.address import Connection
from unit.observation.looking import Account, Clock, HandCrankedPolls, Woken


@pytest.fixture
def account() -> Account:
    return Account()


@pytest.fixture
async def connection(account: Account) -> AsyncIterator[Connection]:
    client = account.client()
    yield Connection(client, "caller", "acc0", "mine")
    await client.aclose()


@pytest.fixture
def polls() -> HandCrankedPolls:
    return HandCrankedPolls()


@pytest.fixture
def woken() -> Woken:
    return Woken()


@pytest.fixture
def clock() -> Clock:
    return Clock()
