"""The HTTP server of probes and metrics, over real connections on loopback."""

import asyncio
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from aisearch_operator.telemetry.health import Health, Role, Stuck
from aisearch_operator.telemetry.http_server import CannotListen, serve
from aisearch_operator.telemetry.metrics import Metrics
from controlplane.ports import free_ports


async def ask(port, path, method="GET"):
    async with httpx.AsyncClient(trust_env=False, base_url=f"http://127.0.0.1:{port}") as client:
        return await client.request(method, path)


async def test_the_probes_answer_while_the_operator_starts():
    async with serve(Health(), Metrics(), host="127.0.0.1", port=(port := free_ports(1)[0])):
        live, ready = await ask(port, "/livez"), await ask(port, "/readyz")

    assert (live.status_code, live.json()) == (200, {"alive": True, "stuck": {}})
    assert (ready.status_code, ready.json()) == (
        503,
        {"ready": False, "role": "starting", "reason": "the operator starts"},
    )


async def test_a_standby_is_ready_and_says_that_it_is_one():
    health = Health()
    health.role = Role.STANDBY
    async with serve(health, Metrics(), host="127.0.0.1", port=(port := free_ports(1)[0])):
        ready = await ask(port, "/readyz")

    assert (ready.status_code, ready.json()) == (200, {"ready": True, "role": "standby"})


async def test_the_liveness_probe_names_what_is_stuck_and_since_when():
    health = Health()
    health.check("watch of instances", lambda: Stuck("nothing arrives", 200.0))
    async with serve(health, Metrics(), host="127.0.0.1", port=(port := free_ports(1)[0])):
        live = await ask(port, "/livez")

    assert live.status_code == 503
    stuck = live.json()["stuck"]["watch of instances"]
    assert stuck["problem"] == "nothing arrives"
    age = datetime.now(UTC) - datetime.fromisoformat(stuck["since"])
    assert timedelta(seconds=199) < age < timedelta(seconds=230)


@pytest.mark.parametrize(
    ("method", "path", "status"), [("HEAD", "/livez", 200), ("POST", "/livez", 405), ("GET", "/", 404)]
)
async def test_nothing_else_is_served(method, path, status):
    async with serve(Health(), Metrics(), host="127.0.0.1", port=(port := free_ports(1)[0])):
        assert (await ask(port, path, method)).status_code == status


async def test_whoever_asks_is_told_that_the_connection_ends_with_the_answer():
    async with (
        serve(Health(), Metrics(), host="127.0.0.1", port=(port := free_ports(1)[0])),
        httpx.AsyncClient(trust_env=False, base_url=f"http://127.0.0.1:{port}") as client,
    ):
        for path in ("/livez", "/readyz", "/metrics", "/none"):
            assert (await client.get(path)).headers["Connection"] == "close", path


async def test_a_connection_leaves_no_task_behind():
    before = asyncio.all_tasks()
    async with serve(Health(), Metrics(), host="127.0.0.1", port=(port := free_ports(1)[0])):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET /livez HTTP/1.1\r\nHost: operator\r\nConnection: keep-alive\r\n\r\n")
        assert (await reader.read()).startswith(b"HTTP/1.1 200 OK")  # up to the end of the connection
        writer.close()
        await writer.wait_closed()

        assert asyncio.all_tasks() == before


async def test_port_0_means_no_server():
    async with serve(Health(), Metrics(), host="127.0.0.1", port=0):
        assert len(asyncio.all_tasks()) == 1


async def test_a_port_that_is_taken_is_named():
    (port,) = free_ports(1)
    async with serve(Health(), Metrics(), host="127.0.0.1", port=port):
        with pytest.raises(CannotListen, match=f"Cannot listen at 127.0.0.1:{port}"):
            async with serve(Health(), Metrics(), host="127.0.0.1", port=port):
                pass
