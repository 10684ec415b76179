"""TCP ports on loopback for servers that must be told theirs."""

import contextlib
import os
import random
import socket

from controlplane import command_lines

__all__ = ["free_ports"]

_PORTS = list(range(20000, 32000))
"""Below those that the kernel gives to outgoing connections. Two runs at once divide them among themselves in two ways:
else the first process of the one would draw from the same few as the first of the other."""
random.Random(os.environ.get("PYTEST_XDIST_TESTRUNUID")).shuffle(_PORTS)

_SHARES = 16
"""Each of so many test processes draws from ports of its own: what one has found free, another does not take."""


def free_ports(count: int) -> list[int]:
    """Give so many different ports that nobody listens at."""
    ours = _PORTS[int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw")) % _SHARES :: _SHARES]
    with contextlib.ExitStack() as stack:
        ports: list[int] = []
        while len(ports) < count:
            port = random.choice(ours)
            listener = stack.enter_context(socket.socket())
            with contextlib.suppress(OSError):
                listener.bind((command_lines.HOST, port))
                ports.append(port)
    return ports
