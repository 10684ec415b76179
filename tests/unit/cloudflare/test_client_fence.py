"""The fence of the client: each request passes it at the last moment, or does not leave."""

import asyncio

import pytest

from aisearch_operator.cloudflare.budget import RequestBudget
from aisearch_operator.cloudflare.client import CloudflareClient
from aisearch_operator.cloudflare.credentials import Credentials
from aisearch_operator.cloudflare.listing import SearchNamespace
from fake_cloudflare import FakeCloudflare


class Closed(Exception):
    """What the fence of these tests raises; in the operator, the process ends."""


async def test_each_request_passes_the_fence_and_none_leaves_once_it_is_closed():
    passed, closed = [], asyncio.Event()

    def fence():
        if closed.is_set():
            raise Closed
        passed.append(True)

    async with FakeCloudflare() as fake:
        account = await asyncio.to_thread(fake.admin.create_account)
        client = CloudflareClient(
            Credentials(account.id, api_token=account.token), base_url=fake.api_url, budget=RequestBudget(), fence=fence
        )
        ns = SearchNamespace(account.id)
        try:
            await client.list_instances(ns)
            assert passed
            await client.create_instance(ns, {"id": "docs", "type": "r2", "source": "documents"})

            closed.set()
            with pytest.raises(Closed):
                await client.delete_instance(ns, "docs")
        finally:
            await client.aclose()
        operations = [entry.operation for entry in await asyncio.to_thread(account.journal)]
    assert operations == ["instances.list", "instances.create"]
