"""Over a real socket: answers that break off, trickle in or never come become typed errors."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager

import pytest

from aisearch_operator.cloudflare import (
    Cause,
    CloudflareClient,
    Credentials,
    RequestBudget,
    Retry,
    SearchNamespace,
    Timeouts,
)

NAMESPACE = SearchNamespace("acc0")
HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 1000\r\n\r\n"

Behaviour = Callable[[asyncio.StreamWriter], Awaitable[None]]


def client_at(port: int, timeouts: Timeouts) -> CloudflareClient:
    return CloudflareClient(
        Credentials("acc0", api_token="token-for-a-test"),
        base_url=f"http://127.0.0.1:{port}",
        budget=RequestBudget(),
        timeout=timeouts,
    )


@asynccontextmanager
async def client_of(behave: Behaviour, timeouts: Timeouts) -> AsyncIterator[CloudflareClient]:
    """Give a client of a server that reads a request, behaves and hangs up."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            await behave(writer)
        except ConnectionError:
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    try:
        async with aclosing(client_at(port, timeouts)) as client:
            yield client
    finally:
        server.close()
        await server.wait_closed()


async def hang_up(writer: asyncio.StreamWriter) -> None:
    """Close without an answer."""


async def break_off(writer: asyncio.StreamWriter) -> None:
    writer.write(HEAD + b'{"success": true, "resu')
    await writer.drain()


async def speak_another_protocol(writer: asyncio.StreamWriter) -> None:
    writer.write(b"220 mail.example ESMTP\r\n")
    await writer.drain()


async def trickle(writer: asyncio.StreamWriter) -> None:
    writer.write(HEAD)
    while not writer.is_closing():
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.02)


@pytest.mark.parametrize(
    ("behave", "cause"),
    [
        (hang_up, Cause.CONNECTION_FAILED),
        (speak_another_protocol, Cause.CONNECTION_FAILED),
        (break_off, Cause.INVALID_RESPONSE),
    ],
)
async def test_a_broken_answer_leaves_a_write_in_doubt(behave, cause):
    async with client_of(behave, Timeouts()) as client:
        with pytest.raises(Retry) as caught:
            await client.create_job(NAMESPACE, "docs", "x")
    assert (caught.value.cause, caught.value.effect_unknown) == (cause, True)


async def test_an_answer_that_trickles_in_for_ever_is_given_up_although_no_single_read_is_slow():
    async with client_of(trickle, Timeouts(connect=2, read=0.1)) as client:
        with pytest.raises(Retry) as caught:
            await client.create_job(NAMESPACE, "docs", "x")
    assert (caught.value.cause, caught.value.effect_unknown) == (Cause.CONNECTION_FAILED, True)


async def test_a_request_that_never_left_is_not_in_doubt():
    # Bound, and not listening: nobody else can get the port meanwhile.
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        async with aclosing(client_at(taken.getsockname()[1], Timeouts())) as client:
            with pytest.raises(Retry) as caught:
                await client.create_job(NAMESPACE, "docs", "x")
    assert (caught.value.cause, caught.value.effect_unknown) == (Cause.CONNECTION_FAILED, False)


def test_the_longest_request_bounds_a_graceful_shutdown():
    assert Timeouts(connect=5, read=30, create=60).longest == 65
