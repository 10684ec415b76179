"""The fence: each request passes it when its connection is there, on a new connection and on an old one."""

from dataclasses import dataclass
from typing import Any

import aiohttp
import kopf
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from kubernetes.aio import client

from aisearch_operator.kube.api import KubeApi
from aisearch_operator.kube.connection import USER_AGENT, session_of
from aisearch_operator.kube.fence import fenced
from aisearch_operator.kube.watch_signs import WatchSigns


class Closed(Exception):
    """What the fence of these tests raises; in the operator, the process ends."""


class Gate:
    def __init__(self):
        self.passed = 0
        self.closed = False

    def __call__(self):
        if self.closed:
            raise Closed
        self.passed += 1


@dataclass
class Server:
    url: str
    served: list[Any]


@pytest.fixture
async def server():
    served = []

    async def handle(request):
        served.append(request)
        return web.json_response({"metadata": {"annotations": {}}})

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handle)
    async with TestServer(app) as running:
        yield Server(str(running.make_url("/")).rstrip("/"), served)


@pytest.fixture
def gate() -> Gate:
    return Gate()


async def test_each_request_of_the_operators_own_client_passes_the_fence_or_does_not_leave(server, gate):
    configuration = client.Configuration(host=server.url)
    configuration.trace_configs = [fenced(gate)]
    kube = KubeApi(client.ApiClient(configuration))
    try:
        await kube.read_annotations("team")
        await kube.read_annotations("team")
        assert gate.passed == 2 * len(server.served) == 4  # with the connection, and before the headers

        gate.closed = True
        with pytest.raises(Closed):
            await kube.read_annotations("team")
    finally:
        await kube.close()
    assert len(server.served) == 2


async def test_each_request_of_kopf_passes_the_fence_or_does_not_leave(server, gate):
    access = kopf.ConnectionInfo(server=server.url, token="secret", default_namespace="team")
    session = session_of(access, gate, WatchSigns((), timeout=60))
    assert (session.server, session.default_namespace) == (access.server, "team")
    async with session.aiohttp_session as http:
        for _ in range(2):
            await (await http.get(server.url)).read()
        assert gate.passed == 2 * len(server.served) == 4  # with the connection, and before the headers

        gate.closed = True
        with pytest.raises(Closed):
            await http.get(server.url)
    assert len(server.served) == 2
    assert server.served[0].headers["Authorization"] == "Bearer secret"
    assert server.served[0].headers["User-Agent"] == USER_AGENT


async def test_the_fence_is_passed_after_a_connection_was_made_that_took_its_time(server, gate):
    """A fence before the connection would let pass what leaves much later."""
    async with aiohttp.ClientSession(trace_configs=[fenced(gate), closing_while_connecting(gate)]) as http:
        with pytest.raises(Closed):
            await http.get(server.url)
    assert server.served == []


async def test_a_body_does_not_leave_when_the_fence_has_closed_since_the_headers(server, gate):
    """A body is sent in a later turn of the event loop, and the headers with it."""
    async with aiohttp.ClientSession(trace_configs=[fenced(gate), closing_after_the_headers(gate)]) as http:
        with pytest.raises((Closed, aiohttp.ClientError)):
            await http.patch(server.url, json={"status": {}})
    assert server.served == []


def closing_after_the_headers(gate):
    async def close(*_):
        gate.closed = True

    trace = aiohttp.TraceConfig()
    trace.on_request_headers_sent.append(close)
    return trace


def closing_while_connecting(gate):
    async def close(*_):
        gate.closed = True

    trace = aiohttp.TraceConfig()
    trace.on_connection_create_start.append(close)
    return trace
