"""Clients of a scripted API, closed when the test ends."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import pytest

from aisearch_operator.cloudflare import CloudflareClient, Credentials
from unit.cloudflare.scripted_api import Connect, ScriptedApi


@pytest.fixture
async def connect() -> AsyncIterator[Connect]:
    """Give a function that makes a client of a scripted API."""
    async with AsyncExitStack() as stack:

        def make(api: ScriptedApi, credentials: Credentials | None = None, **options: Any) -> CloudflareClient:
            client = api.client(credentials, **options)
            stack.push_async_callback(client.aclose)
            return client

        yield make
