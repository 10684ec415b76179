"""The HTTP server for Kubernetes' probes and for Prometheus: /livez, /readyz and /metrics on one port."""

import contextlib
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

from aiohttp import web

from aisearch_operator.telemetry.health import Health
from aisearch_operator.telemetry.metrics import Metrics

__all__ = ["CannotListen", "serve"]


LONGEST_GOODBYE = 1.0
"""Seconds that answers under way have when the process ends."""


class CannotListen(Exception):
    """The port is taken, or the address is none of this machine."""


@contextlib.asynccontextmanager
async def serve(health: Health, metrics: Metrics, *, host: str, port: int) -> AsyncIterator[None]:
    """Answer requests as long as the context lasts.

    Parameters
    ----------
    host
        The address to listen at; empty for all of this machine.
    port
        0 for no server at all.

    Raises
    ------
    CannotListen
        Nobody can be answered there.
    """
    if port == 0:
        yield
        return
    app = web.Application()
    endpoints = _Endpoints(health, metrics)
    app.router.add_get("/livez", endpoints.live)
    app.router.add_get("/readyz", endpoints.ready)
    app.router.add_get("/metrics", endpoints.metrics)
    app.on_response_prepare.append(_close_connection)
    runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=LONGEST_GOODBYE)
    await runner.setup()
    try:
        await web.TCPSite(runner, host or None, port).start()
    except OSError as error:
        await runner.cleanup()
        msg = f"Cannot listen at {host or '*'}:{port} for probes and metrics: {error.strerror}"
        raise CannotListen(msg) from error
    try:
        yield
    finally:
        await runner.cleanup()


class _Endpoints:
    def __init__(self, health: Health, metrics: Metrics) -> None:
        self._health = health
        self._metrics = metrics

    async def live(self, _: web.Request) -> web.Response:
        stuck, now = self._health.stuck(), datetime.now(UTC)
        body = {
            name: {
                "problem": part.problem,
                "since": (now - timedelta(seconds=part.seconds)).isoformat(timespec="seconds"),
            }
            for name, part in stuck.items()
        }
        return web.json_response({"alive": not stuck, "stuck": body}, status=503 if stuck else 200)

    async def ready(self, _: web.Request) -> web.Response:
        reason = self._health.not_ready()
        body = {"ready": reason is None, "role": self._health.role, **({"reason": reason} if reason else {})}
        return web.json_response(body, status=503 if reason else 200)

    async def metrics(self, request: web.Request) -> web.Response:
        body, content_type = self._metrics.exposition(request.headers.get("Accept", ""))
        return web.Response(body=body, headers={"Content-Type": content_type})


async def _close_connection(_: web.BaseRequest, response: web.StreamResponse) -> None:
    """End each connection with its answer: in its own end, kopf waits for every task that came after it."""
    response.force_close()
    response.headers["Connection"] = "close"  # else who asks keeps it for the next request, which is then reset
