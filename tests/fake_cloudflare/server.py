"""The server: in the caller's event loop (`serve`), or in a thread beside a test (`FakeCloudflare`)."""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from aiohttp import web

from fake_cloudflare import state_file
from fake_cloudflare.accounts import Registry
from fake_cloudflare.admin_api import AdminApi
from fake_cloudflare.admin_client import AdminClient
from fake_cloudflare.api import API_PREFIX, Api

_LOOPBACK = "127.0.0.1"
_SHUTDOWN_SECONDS = 1.0


@asynccontextmanager
async def serve(*, port: int = 0, state: Path | None = None) -> AsyncIterator[str]:
    """Serve on loopback while the block runs, and give the server's URL.

    Parameters
    ----------
    port
        TCP port; 0 takes a free one.
    state
        File that keeps the accounts between runs; None keeps them in memory.
    """
    registry = Registry()
    if state is not None:
        state_file.load(state, registry)

    def changed() -> None:
        if state is not None:
            state_file.save(state, registry)

    async def release_gates(_: web.Application) -> None:
        for account in registry:
            account.gates.release_all()

    app = web.Application()
    app.add_routes(AdminApi(registry, changed).routes())
    app.add_routes(Api(registry, changed).routes())
    app.on_shutdown.append(release_gates)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=_SHUTDOWN_SECONDS)
    await runner.setup()
    try:
        site = web.TCPSite(runner, _LOOPBACK, port)
        await site.start()
        yield f"http://{_LOOPBACK}:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


class FakeCloudflare:
    """The server in a thread, so that neither a blocking test nor a blocked event loop holds it up.

    Use it as a context manager, plain or async. `url` is the server, `api_url` the base URL of the API, and
    `admin` the client that makes accounts.
    """

    def __init__(self, *, port: int = 0, state: Path | None = None) -> None:
        self.url = ""
        self._port = port
        self._state = state
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._ready = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="fake-cloudflare", daemon=True)
        self._admin: AdminClient | None = None

    @property
    def api_url(self) -> str:
        """Base URL in place of https://api.cloudflare.com/client/v4."""
        return self.url + API_PREFIX

    @property
    def admin(self) -> AdminClient:
        if self._admin is None:
            raise RuntimeError("the fake server has not been started: use it as a context manager")
        return self._admin

    def start(self) -> Self:
        self._thread.start()
        self._ready.wait()
        if self._failure is not None:
            self._thread.join()
            raise self._failure
        self._admin = AdminClient(self.url)
        return self

    def stop(self) -> None:
        if self._admin is not None:
            self._admin.close()
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    async def __aenter__(self) -> Self:
        return await asyncio.to_thread(self.start)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.to_thread(self.stop)

    def _run(self) -> None:
        try:
            self._loop.run_until_complete(self._serve())
        except BaseException as error:  # start() raises it
            self._failure = error
        finally:
            self._ready.set()
            self._loop.close()

    async def _serve(self) -> None:
        async with serve(port=self._port, state=self._state) as url:
            self.url = url
            self._ready.set()
            await self._stop.wait()
