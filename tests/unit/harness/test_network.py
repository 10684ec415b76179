"""The network that tests cut: it passes on, falls silent, resets, and works again."""

import contextlib
import http.client
import http.server
import threading
from urllib.parse import urlsplit

import pytest

from harness.network import Network

SILENCE = 0.3
"""Seconds after which a silent network is believed to be silent."""

PATIENCE = 60.0
"""Seconds that an answer has which must come."""


class Hello(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.send_response(200)
        self.send_header("Content-Length", "5")
        self.end_headers()
        self.wfile.write(b"hello")

    def log_message(self, *_):
        pass


@pytest.fixture
def network():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hello)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    with Network(f"http://127.0.0.1:{server.server_port}") as network:
        yield network
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def connect(network):
    with contextlib.ExitStack() as stack:

        def make():
            connection = http.client.HTTPConnection(urlsplit(network.url).netloc, timeout=PATIENCE)
            return stack.enter_context(contextlib.closing(connection))

        yield make


def ask(connection, timeout=PATIENCE):
    connection.timeout = timeout
    if connection.sock is not None:
        connection.sock.settimeout(timeout)
    connection.request("GET", "/")
    return connection.getresponse().read()


def test_a_network_passes_on_what_is_sent(connect):
    assert ask(connect()) == b"hello"


def test_a_silent_network_answers_nothing_on_old_connections_and_on_new_ones(network, connect):
    old = connect()
    assert ask(old) == b"hello"

    network.cut("silent")

    for connection in (old, connect()):
        with pytest.raises(TimeoutError):
            ask(connection, SILENCE)


def test_a_network_that_resets_does_so_with_old_connections_and_with_new_ones(network, connect):
    old = connect()
    assert ask(old) == b"hello"

    network.cut("reset")

    for connection in (old, connect()):
        with pytest.raises((ConnectionError, http.client.RemoteDisconnected)):
            ask(connection)


@pytest.mark.parametrize("how", ["silent", "reset"])
def test_a_mended_network_serves_new_connections_while_the_old_stay_dead(network, connect, how):
    old = connect()
    assert ask(old) == b"hello"
    network.cut(how)

    network.mend()

    assert ask(connect()) == b"hello"
    with pytest.raises((TimeoutError, ConnectionError)):
        ask(old, SILENCE)
