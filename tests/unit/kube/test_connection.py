"""Connections to the API server: how many there are."""

import asyncio

import kopf
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from aisearch_operator.kube.connection import WRITES_AT_ONCE, session_of
from aisearch_operator.kube.fence import unfenced
from aisearch_operator.kube.watch_signs import WatchSigns

KINDS = 2


@pytest.mark.parametrize(("namespaces", "watches"), [((), KINDS), (("team", "other"), 2 * KINDS)])
async def test_thousands_of_new_resources_share_a_few_connections_beside_those_of_the_watches(namespaces, watches):
    connections, waiting, enough = set(), 0, asyncio.Event()
    most = watches + WRITES_AT_ONCE

    async def handle(request):
        nonlocal waiting
        connections.add(request.transport)
        waiting += 1
        if waiting == most:
            enough.set()
        await enough.wait()
        return web.json_response({})

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handle)
    async with TestServer(app) as server, asyncio.timeout(30):
        url = str(server.make_url("/")).rstrip("/")
        access = kopf.ConnectionInfo(server=url, token="secret", default_namespace="team")
        async with session_of(access, unfenced, WatchSigns(namespaces, timeout=60)).aiohttp_session as http:
            for answer in await asyncio.gather(*(http.patch(url) for _ in range(5 * most))):
                await answer.read()

    assert waiting == 5 * most
    assert len(connections) == most
