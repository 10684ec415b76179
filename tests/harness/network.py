"""A network between one operator and a server that can be cut: a TCP proxy on loopback; TLS passes through it."""

import asyncio
import contextlib
import socket
import struct
import threading
from types import TracebackType
from typing import Literal, Self
from urllib.parse import urlsplit

__all__ = ["Cut", "Network"]

Cut = Literal["silent", "reset"]
"""How a network fails: packets vanish and nobody is told, or connections are reset and refused."""

LOOPBACK = "127.0.0.1"
RESET_ON_CLOSE = struct.pack("ii", 1, 0)


class Network:
    """Passes on what is sent, until it is cut. Use it as a context manager.

    A connection that was open when the network was cut stays dead when the network is mended, as after any loss of
    a part of its bytes; new ones work.

    Parameters
    ----------
    server
        URL of the server behind it.

    Attributes
    ----------
    url
        What takes the place of the server's URL; its certificate must be valid for 127.0.0.1.
    """

    def __init__(self, server: str) -> None:
        parts = urlsplit(server)
        self._target = (parts.hostname or LOOPBACK, parts.port)
        self._scheme = parts.scheme
        self.url = ""
        self._cut: Cut | None = None
        self._open: set[asyncio.StreamWriter] = set()
        self._dead: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="network", daemon=True)

    def cut(self, how: Cut) -> None:
        """Cut all connections, and those to come."""
        self._call(self._break, how)

    def mend(self) -> None:
        """Let new connections through."""
        self._call(self._break, None)

    def __enter__(self) -> Self:
        self._thread.start()
        self._ready.wait()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        self._thread.join()

    def _call(self, function: object, *arguments: object) -> None:
        async def call() -> None:
            function(*arguments)  # type: ignore[operator]

        asyncio.run_coroutine_threadsafe(call(), self._loop).result()

    def _run(self) -> None:
        try:
            self._loop.run_until_complete(self._serve())
        finally:
            self._ready.set()
            self._loop.close()

    async def _serve(self) -> None:
        server = await asyncio.start_server(self._connected, LOOPBACK, 0)
        self.url = f"{self._scheme}://{LOOPBACK}:{server.sockets[0].getsockname()[1]}"
        self._ready.set()
        await self._stop.wait()
        server.close()
        for writer in self._open:
            writer.transport.abort()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        await asyncio.gather(*others, return_exceptions=True)

    def _break(self, how: Cut | None) -> None:
        self._cut = how
        self._dead |= self._open
        if how == "reset":
            for writer in self._open:
                _reset(writer)

    async def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            if self._cut == "reset":
                _reset(writer)
                return
            if self._cut == "silent":
                self._dead.add(writer)
            far_reader, far_writer = await asyncio.open_connection(*self._target)
            self._open.add(far_writer)
            if writer in self._dead:
                self._dead.add(far_writer)
            try:
                await asyncio.gather(self._pump(reader, far_writer), self._pump(far_reader, writer))
            finally:
                self._open.discard(far_writer)
                far_writer.close()
        except OSError:
            pass  # one of the two ends has gone
        finally:
            self._open.discard(writer)
            writer.close()

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            if writer not in self._dead:
                writer.write(data)
                await writer.drain()
        with contextlib.suppress(OSError):
            writer.close()


def _reset(writer: asyncio.StreamWriter) -> None:
    """Close a connection with a RST instead of a FIN."""
    connection = writer.get_extra_info("socket")
    if connection is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
    writer.transport.abort()
