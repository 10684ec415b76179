"""Leadership: whoever may not act any more ends, by the renewal, by the thread beside the loop, or at the fence."""

import asyncio
import contextlib
import subprocess
import sys
import threading
import time

import pytest

from aisearch_operator.domain.election import Claim, Lease
from aisearch_operator.kube.calls import Conflict, KubeUnavailable
from aisearch_operator.kube.lease import Elector, LeaseTiming
from aisearch_operator.leadership import EXIT_CODE, Leadership

QUICK = LeaseTiming(duration=3, renew_deadline=1.0, retry_period=0.05)
"""Where the end is tested."""

LASTING = LeaseTiming(duration=90, renew_deadline=60, retry_period=0.05)
"""Where there must be none, however busy the machine is."""

PATIENCE = 60.0
FOR_EVER = 10**6
"""More calls than any test makes."""

OTHER = Claim("other", 3, acquired=None, renewed=None)


class Ended(Exception):
    """Stands for the end of the process."""


class Leases:
    """An API server in memory, which may fail."""

    def __init__(self):
        self.lease = None
        self.fails = 0
        self._writes = asyncio.Semaphore(0)

    async def written(self, count):
        for _ in range(count):
            await self._writes.acquire()

    async def read(self):
        self._look_at_failure()
        return self.lease

    async def create(self, claim):
        return await self.write(claim, "0")

    async def write(self, claim, version):
        self._look_at_failure()
        if self.lease is not None and self.lease.version != version:
            raise Conflict("it has changed")
        self._writes.release()
        self.lease = Lease(claim, str(int(version) + 1))
        return self.lease

    def _look_at_failure(self):
        if self.fails:
            self.fails -= 1
            raise KubeUnavailable("no answer")


class Stand:
    """One replica whose process does not really end."""

    def __init__(self, timing):
        self.leases = Leases()
        self.reasons = []
        self.ended = threading.Event()
        self.leadership = Leadership(Elector(self.leases, "me", timing), end=self._end)

    def _end(self, reason):
        self.reasons.append(reason)
        self.ended.set()
        raise Ended(reason)


@pytest.fixture
def make_stand(monkeypatch):
    monkeypatch.setattr(threading, "excepthook", lambda args: None)  # the end of the process, in the watchdog
    return Stand


@pytest.fixture
def stand(make_stand):
    return make_stand(LASTING)


@pytest.fixture
def quick(make_stand):
    return make_stand(QUICK)


async def test_a_replica_leads_when_nobody_holds_the_lease(stand):
    assert await stand.leadership.acquire(asyncio.Event())

    stand.leadership.fence()
    assert stand.reasons == []


async def test_a_replica_may_not_act_before_it_leads(stand):
    with pytest.raises(Ended):
        stand.leadership.fence()


async def test_a_standby_that_is_asked_to_stop_does_so_at_once_and_leaves_the_lease_alone(stand):
    stand.leases.lease = Lease(OTHER, "7")
    asked = asyncio.Event()
    waiting = asyncio.create_task(stand.leadership.acquire(asked))
    await asyncio.sleep(0)
    asked.set()

    assert await asyncio.wait_for(waiting, PATIENCE) is False
    await stand.leadership.release()
    assert stand.leases.lease == Lease(OTHER, "7")


@contextlib.asynccontextmanager
async def leading(stand):
    """Give a replica that leads; what would end its process shows in its reasons."""
    assert await stand.leadership.acquire(asyncio.Event())
    with contextlib.suppress(Ended):
        async with stand.leadership.keep():
            yield


async def test_a_leader_renews_for_as_long_as_it_works_and_then_gives_the_lease_back(make_stand):
    stand = make_stand(LeaseTiming(duration=9, renew_deadline=4.0, retry_period=0.2))
    async with leading(stand):
        await asyncio.wait_for(stand.leases.written(25), PATIENCE)  # beyond the deadline, were they no renewals
        stand.leadership.fence()
    await stand.leadership.release()

    assert stand.leases.lease.claim.holder == ""
    assert stand.reasons == []
    with pytest.raises(Ended):
        stand.leadership.fence()


async def test_a_lease_that_is_not_given_back_at_once_is_given_back_at_the_second_try(stand):
    async with leading(stand):
        pass
    stand.leases.fails = 1

    await stand.leadership.release()

    assert stand.leases.lease.claim.holder == ""


async def test_a_lease_that_cannot_be_given_back_is_left_to_expire_and_that_is_said(stand, caplog):
    async with leading(stand):
        pass
    stand.leases.fails = FOR_EVER

    await stand.leadership.release()

    assert stand.leases.lease.claim.holder == "me"
    assert "could not be given back, and will expire: no answer" in caplog.text


async def test_a_leader_that_meets_another_name_ends(stand):
    async with leading(stand):
        stand.leases.lease = Lease(OTHER, "99")
        await asyncio.to_thread(stand.ended.wait, PATIENCE)

    assert stand.reasons[0] == "other has taken it"


async def test_a_leader_that_cannot_renew_ends_at_the_deadline_and_not_before(quick):
    began = time.monotonic()
    async with leading(quick):
        quick.leases.fails = FOR_EVER
        await asyncio.to_thread(quick.ended.wait, PATIENCE)

    assert time.monotonic() - began >= QUICK.renew_deadline - QUICK.retry_period
    assert set(quick.reasons) <= {"the lease was not renewed in time", "it could not be renewed in time"}


async def test_a_leader_whose_event_loop_hangs_is_ended_by_the_thread(quick):
    async with leading(quick):
        quick.ended.wait(PATIENCE)  # the loop does nothing meanwhile, not even renew

        assert quick.reasons == ["the lease was not renewed in time"]


def test_the_process_ends_with_its_own_exit_code_even_when_nobody_reads_its_log():
    program = """
import logging, os, sys, threading
from aisearch_operator.leadership import end_process
read, write = os.pipe()
os.set_blocking(write, False)
try:
    while True:
        os.write(write, b"x" * 65536)
except BlockingIOError:
    os.set_blocking(write, True)
logging.basicConfig(stream=os.fdopen(write, "w"), level=logging.INFO)
threading.Thread(target=threading.Event().wait).start()
end_process("test")
"""
    assert subprocess.run([sys.executable, "-c", program], timeout=300, check=False).returncode == EXIT_CODE
