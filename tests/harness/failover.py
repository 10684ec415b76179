"""Scenarios of two replicas: what happens to the one that works, and all that must hold afterwards."""

import signal
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Literal

from aisearch_operator.leadership import EXIT_CODE
from harness.held_requests import HELD, applied, hold, wait_until_held
from harness.kube import eventually, instance, sync_job
from harness.replicas import LONG, PATIENCE, SHORT, Replica, Replicas
from harness.stage import Stage

__all__ = ["FAULTS", "INSTANCES", "MOMENTS", "Moment", "fail_over", "roll"]

Moment = Literal["start", "deletion"]
"""What the leader is doing when it fails: starting sync jobs, or cancelling those of deleted resources."""

MOMENTS: tuple[Moment, ...] = ("start", "deletion")

TAKEOVER = timedelta(seconds=SHORT["lease_duration"] + 20)
"""From the fault until another replica holds the Lease."""

HANDOVER = timedelta(seconds=20)
"""The same when the leader gives the Lease back: far below the duration of a Lease that is left to expire."""

INSTANCES = 20
"""Made, each with a sync job, while the replicas are replaced."""

FAULTS: Mapping[str, Callable[[Replica], None]] = {
    "sigkill": lambda leader: leader.operator.signal(signal.SIGKILL),
    "sigstop": lambda leader: leader.operator.signal(signal.SIGSTOP),
    "silent-network": lambda leader: leader.network.cut("silent"),
    "resetting-network": lambda leader: leader.network.cut("reset"),
}
"""What happens to the leader; the network is that to the API server, and Cloudflare can be reached on."""

EXIT_CODES: Mapping[str, int] = {"sigkill": -signal.SIGKILL}
"""Where it is not the operator that ends the process."""


def fail_over(stage: Stage, folder: Path, fault: str, moment: Moment) -> None:
    """Let the leader fail in the middle of requests that change something, and check what becomes of them.

    Raises
    ------
    AssertionError
        A promise was broken.
    """
    account = stage.account
    account.configure(initial_job=False, job_duration=10 if moment == "start" else None)
    with Replicas.on(stage, folder, **SHORT) as replicas:
        leader, standby = replicas.pair()
        _begin(stage, moment)
        wait_until_held(account)

        before, failed = replicas.transitions(), datetime.now(UTC)
        FAULTS[fault](leader)
        for each in ("request-lost", "request-late"):
            account.release(each)
        eventually(
            lambda: replicas.transitions() > before,
            lambda: f"nobody took over:\n{standby.operator.log[-2000:]}",
            PATIENCE,
        )
        taken = replicas.acquired()
        assert taken - failed < TAKEOVER, f"taken over after {taken - failed}"
        standby.await_role("leader")
        account.release("answer-lost")
        if fault == "sigstop":
            leader.operator.signal(signal.SIGCONT)

        assert leader.operator.wait_ended() == EXIT_CODES.get(fault, EXIT_CODE), leader.operator.log[-2000:]
        _check_each_was_done_once(stage, moment)
        # One that was on its way when the process was stopped is refused; nothing is written by it.
        late = [write for write in leader.writes(since=taken) if write.code < 300]
        assert late == [], f"written after the takeover: {late}"
        _check_in_turn(leader, standby)
        assert standby.operator.stop() == 0, standby.operator.log[-2000:]


def roll(stage: Stage, folder: Path) -> None:
    """Replace both replicas, one after the other, while resources are made.

    Raises
    ------
    AssertionError
        A promise was broken.
    """
    account = stage.account
    account.configure(initial_job=False, job_duration=10)
    names = [f"docs-{number}" for number in range(INSTANCES)]
    third = INSTANCES // 3
    with Replicas.on(stage, folder, **LONG) as replicas:
        first, second = replicas.pair()
        _make(stage, names[:third])
        eventually(lambda: bool(applied(account, "jobs.create", "jobs")), lambda: "no job is started")
        _hand_over(stage, replicas, first, second, names[third : 2 * third])
        new = replicas.start("third")
        new.await_role("standby")
        _hand_over(stage, replicas, second, new, names[2 * third :])
        spare = replicas.start("fourth")
        spare.await_role("standby")

        for name in names:
            status = stage.kube.wait_condition("AISearchSyncJob", name, "Complete", timeout=PATIENCE)["status"]
            assert [job.id for job in account.jobs(name)] == [status["jobId"]], name
            assert len(applied(account, "jobs.create", name)) == 1, name
        there = sorted(found.id for found in account.instances())
        assert there == sorted(names), there
        created = len(applied(account, "instances.create", "instances"))
        assert created == INSTANCES, f"{created} were created"
        _check_in_turn(first, second)
        _check_in_turn(second, new)
        assert replicas.transitions() == 2, f"{replicas.transitions()} transitions"
        assert spare.operator.stop() == 0, spare.operator.log[-2000:]
        assert spare.requests() == [], "the replica that stood by asked Cloudflare something"


def _begin(stage: Stage, moment: Moment) -> None:
    """Have requests held in the middle of what the leader is doing."""
    account = stage.account
    stage.kube.apply(*(instance(name, type="r2", source="documents") for name in HELD))
    for name in HELD:
        stage.kube.wait_condition("AISearchInstance", name, "Ready")
    jobs = [sync_job(name, name) for name in HELD]
    if moment == "start":
        for name in HELD:
            hold(account, name, "jobs.create", f"*/instances/{name}/jobs")
        stage.kube.apply(*jobs)
    else:
        stage.kube.apply(*jobs)
        for name in HELD:
            stage.kube.wait_condition("AISearchSyncJob", name, "Ready", status="Unknown", reason="Running")
            hold(account, name, "jobs.cancel", f"*/instances/{name}/jobs/*")
        for name in HELD:
            stage.kube.delete("AISearchSyncJob", name)


def _check_each_was_done_once(stage: Stage, moment: Moment) -> None:
    account = stage.account
    for name in HELD:
        if moment == "start":
            status = stage.kube.wait_condition("AISearchSyncJob", name, "Complete", timeout=PATIENCE)["status"]
            assert [job.id for job in account.jobs(name)] == [status["jobId"]], name
        else:
            stage.kube.wait_gone("AISearchSyncJob", name, timeout=PATIENCE)
            assert [job.end_reason for job in account.jobs(name)] == ["cancelled"], name
            assert len(applied(account, "jobs.cancel", name)) == 1, name
        assert len(applied(account, "jobs.create", name)) == 1, name


def _check_in_turn(before: Replica, after: Replica) -> None:
    """Check that one replica sent its last request to Cloudflare before the other sent its first."""
    last = max((entry.seq for entry in before.requests()), default=0)
    assert last < min(entry.seq for entry in after.requests()), f"{before.name} acted after {after.name} had begun"


def _make(stage: Stage, names: list[str]) -> None:
    for name in names:
        stage.kube.apply(instance(name, type="r2", source="documents"), sync_job(name, name))


def _hand_over(stage: Stage, replicas: Replicas, leader: Replica, standby: Replica, names: list[str]) -> None:
    """Have the leader end while resources are made, and the other take over."""
    asked = datetime.now(UTC)
    leader.operator.signal(signal.SIGTERM)
    _make(stage, names)
    assert leader.operator.wait_ended() == 0, leader.operator.log[-2000:]
    ended = datetime.now(UTC)
    standby.await_role("leader")
    acquired = replicas.acquired()
    assert asked < acquired < ended + HANDOVER, f"{asked=} {ended=} {acquired=}\n{leader.operator.log[-2000:]}"
