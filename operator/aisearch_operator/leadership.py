"""Leadership: which replica works, and that it ends before another one could take over."""

import asyncio
import contextlib
import logging
import os
import secrets
import socket
import threading
from collections.abc import AsyncIterator, Callable
from typing import NoReturn

from aisearch_operator.kube.calls import KubeUnavailable
from aisearch_operator.kube.connection import connect, own_namespace
from aisearch_operator.kube.fence import Fence, unfenced
from aisearch_operator.kube.lease import Elector, LeaseLost, LeaseTiming, elapsed
from aisearch_operator.kube.lease_calls import LeaseCalls
from aisearch_operator.settings import Settings
from aisearch_operator.telemetry.health import Health, Role

__all__ = ["EXIT_CODE", "Leadership", "leadership"]

logger = logging.getLogger(__name__)

EXIT_CODE = os.EX_TEMPFAIL
"""Of a process that does not lead any more. kopf runs once in a process: the kubelet starts a new one."""

LAST_WORDS = 0.5
"""Seconds for the last line of the log: whoever reads it may be what hangs."""


class Leadership:
    """The right to work, which one replica has at a time.

    What must not happen is kept from happening three times over: the renewal ends the process when it meets the
    name of another, a thread ends it at the renew deadline even when the event loop hangs, and each request passes
    `fence` before it leaves, for a process that was stopped and goes on when its time is over.

    Parameters
    ----------
    end
        Ends the process.
    """

    def __init__(
        self, elector: Elector, *, clock: Callable[[], float] = elapsed, end: Callable[[str], NoReturn] | None = None
    ) -> None:
        self._elector = elector
        self._clock = clock
        self._end = end or end_process
        self._over = threading.Event()

    def fence(self) -> None:
        """Return only while this replica leads; else the process ends here."""
        if self._clock() >= self._elector.held_until:
            self._end("the lease was not renewed in time")

    async def acquire(self, unless: asyncio.Event) -> bool:
        """Return when this replica leads.

        Parameters
        ----------
        unless
            Ends the wait.

        Returns
        -------
        bool
            Whether it leads.
        """
        acquiring = asyncio.create_task(self._elector.acquire(), name="acquire-lease")
        asked = asyncio.create_task(unless.wait(), name="asked-to-stop")
        try:
            await asyncio.wait((acquiring, asked), return_when=asyncio.FIRST_COMPLETED)
        finally:
            await _cancel(acquiring, asked)
        return not unless.is_set()

    @contextlib.asynccontextmanager
    async def keep(self) -> AsyncIterator[None]:
        """Renew the lease as long as the context lasts, and end the process when that cannot be done."""
        watchdog = threading.Thread(target=self._watch, name="lease-watchdog", daemon=True)
        watchdog.start()
        renewing = asyncio.create_task(self._renew(), name="renew-lease")
        try:
            yield
        finally:
            try:
                await _cancel(renewing)
            finally:
                self._over.set()
                watchdog.join()  # at once; it must not look on while the lease is given back

    async def release(self) -> None:
        """Give the lease back, if this replica has it."""
        await self._elector.release()

    async def _renew(self) -> None:
        try:
            await self._elector.keep()
        except LeaseLost as lost:
            self._end(str(lost))

    def _watch(self) -> None:
        while not self._over.wait(max(0.0, self._elector.held_until - self._clock())):
            self.fence()


def end_process(reason: str) -> NoReturn:
    """End the process at once, whatever it is doing: what it leaves undone is the next leader's."""
    text = "This replica does not lead any more (%s), and ends"
    words = threading.Thread(target=logger.critical, args=(text, reason), daemon=True)
    with contextlib.suppress(RuntimeError):  # no thread can be had
        words.start()
        words.join(LAST_WORDS)
    os._exit(EXIT_CODE)


@contextlib.asynccontextmanager
async def leadership(settings: Settings, health: Health, stop: asyncio.Event) -> AsyncIterator[Fence | None]:
    """Stand by until this replica leads, and lead as long as the context lasts.

    Parameters
    ----------
    stop
        Ends the wait.

    Yields
    ------
    Fence or None
        What every request passes; None when the wait was ended.

    Raises
    ------
    KubeUnavailable
        There is no access to Kubernetes.
    """
    if not settings.lease_name:
        yield unfenced
        return
    timing = LeaseTiming(settings.lease_duration, settings.lease_renew_deadline, settings.lease_retry_period)
    namespace = settings.lease_namespace or own_namespace()
    if not namespace:
        raise KubeUnavailable("Outside of a pod, AISEARCH_LEASE_NAMESPACE must say where the Lease is")
    # A connection of its own: the lease must neither wait for other requests nor pass their fence.
    leases = LeaseCalls(await connect(unfenced), namespace, settings.lease_name, timeout=timing.call_timeout)
    identity = f"{socket.gethostname()}_{secrets.token_hex(4)}"
    leader = Leadership(Elector(leases, identity, timing))
    health.role = Role.STANDBY
    try:
        if await leader.acquire(unless=stop):
            logger.info("This replica leads, as %s", identity)
            async with leader.keep():
                yield leader.fence
        else:
            yield None
    finally:
        await leader.release()
        await leases.close()


async def _cancel(*tasks: asyncio.Task[None] | asyncio.Task[bool]) -> None:
    """Cancel tasks and wait for their end; their errors are raised."""
    for task in tasks:
        task.cancel()
    for result in await asyncio.gather(*tasks, return_exceptions=True):
        if isinstance(result, Exception):
            raise result
