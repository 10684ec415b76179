"""SIGTERM: the operator ends in time and with exit code 0 whatever it is doing, and the next one goes on with it."""

import os
import signal
import time

import pytest

from harness.kube import eventually, instance, sync_job

GRACE = 1.0
"""Seconds that passes have whose requests are never answered. Those requests would last 30 s and more."""

LONG_GRACE = 60.0
"""Seconds that passes have where none may need them."""

PROMPT_END = 25.0
"""Seconds in which the process must have ended: one is enough, unless the machine is busy."""

CARRIED_OUT = {"instances.create": 4, "jobs.create": 2, "jobs.cancel": 1, "instances.delete": 1}
"""How often each write is carried out in all: once for each resource."""


def terminate(stage):
    """Send SIGTERM, and give the exit code with the seconds that it took."""
    began = time.monotonic()
    code = stage.operator.stop()
    return code, time.monotonic() - began


@pytest.mark.parametrize("answered", [True, False], ids=["answered-in-time", "never-answered"])
def test_sigterm_in_the_middle_of_every_write_ends_in_time_and_the_next_operator_goes_on(make_stage, answered):
    stage = make_stage(shutdown_grace=LONG_GRACE if answered else GRACE, launch_fresh=True)
    stage.account.configure(initial_job=False, job_duration=None)
    stage.operator.start()
    for name in ("start", "cancel", "delete"):
        stage.kube.apply(instance(name, type="r2", source="documents"))
    stage.kube.apply(sync_job("cancel", "cancel"))
    stage.kube.wait_condition("AISearchSyncJob", "cancel", "Ready", status="Unknown", reason="Running")
    for name in ("start", "delete"):
        stage.kube.wait_condition("AISearchInstance", name, "Ready")

    for operation in CARRIED_OUT:
        stage.account.gate("held", operation, stage="after")
    stage.kube.apply(instance("create", maxNumResults=7), sync_job("start", "start"))
    stage.kube.delete("AISearchSyncJob", "cancel")
    stage.kube.delete("AISearchInstance", "delete")
    stage.account.wait_at_gate("held", count=len(CARRIED_OUT))
    if answered:
        os.kill(stage.operator.pid, signal.SIGTERM)
        eventually(lambda: "The operator stops" in stage.operator.log, lambda: "SIGTERM is not heard")
        stage.account.release("held")
    code, seconds = terminate(stage)

    assert code == 0
    assert seconds < PROMPT_END
    stage.account.release("held")
    stage.operator.start()
    stage.kube.wait_condition("AISearchInstance", "create", "Ready")
    stage.kube.wait_condition("AISearchSyncJob", "start", "Ready", status="Unknown", reason="Running")
    stage.kube.wait_gone("AISearchSyncJob", "cancel")
    stage.kube.wait_gone("AISearchInstance", "delete")
    for operation, count in CARRIED_OUT.items():
        carried_out = [entry for entry in stage.account.journal(operation=operation) if entry.applied]
        assert len(carried_out) == count, operation
    assert "Traceback" not in stage.operator.log


def test_sigterm_at_rest_ends_at_once(make_stage):
    stage = make_stage(shutdown_grace=LONG_GRACE, launch_fresh=True)
    stage.operator.start()
    stage.kube.apply(instance("docs"))
    stage.kube.wait_condition("AISearchInstance", "docs", "Ready")

    code, seconds = terminate(stage)

    assert code == 0
    assert seconds < PROMPT_END


def test_sigterm_while_resources_wait_for_trouble_to_pass_ends_at_once(make_stage):
    stage = make_stage(shutdown_grace=LONG_GRACE, release_timeout=600, launch_fresh=True)
    stage.operator.start()
    stage.kube.apply(instance("docs"), instance("deleted"), sync_job("sync", "missing"))
    for name in ("docs", "deleted"):
        stage.kube.wait_condition("AISearchInstance", name, "Ready")
    stage.account.revoke()
    stage.kube.delete("AISearchInstance", "deleted")
    stage.kube.wait_condition("AISearchInstance", "deleted", "Stalled")

    code, seconds = terminate(stage)

    assert code == 0
    assert seconds < PROMPT_END
    assert "Traceback" not in stage.operator.log


def test_sigterm_before_the_operator_is_ready_ends_it(make_stage):
    stage = make_stage(shutdown_grace=LONG_GRACE, launch_fresh=True)
    stage.operator.start(wait=False)
    eventually(lambda: "starts" in stage.operator.log, lambda: "the operator does not say that it starts")

    code, seconds = terminate(stage)

    assert code == 0
    assert seconds < PROMPT_END
