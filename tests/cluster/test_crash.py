"""The operator killed, or its connection dropped, at every moment of a write: nothing happens twice or is left."""

import pytest

from fake_cloudflare.faults import Drop, Gate
from harness.held_requests import HELD, applied, hold, wait_until_held
from harness.kube import instance, sync_job
from harness.stage import Stage

UNWRITTEN = "status-unwritten"
"""The last moment: the answer was heard, and Kubernetes does not know of it yet."""

LAGS = pytest.mark.parametrize(
    "lag", [pytest.param(0.0, id="jobs-seen-at-once"), pytest.param(25.0, id="jobs-seen-late")]
)
"""Seconds of Cloudflare's clock until a read shows what was written: longer than a restart, less than the cooldown."""

RATE = 10.0
SETTLE = 5.0
"""Real seconds in which the operator does not believe what it reads: longer than the lag."""


def crash(stage: Stage) -> None:
    """Kill the operator once a request is held at each moment, and let those requests go on without it."""
    wait_until_held(stage.account)
    stage.operator.kill()
    for moment in HELD:
        stage.account.release(moment)
    stage.restore_rights()


def apply_ready_instances(stage: Stage, *names: str) -> None:
    stage.kube.apply(*(instance(name, type="r2", source="documents") for name in names))
    for name in names:
        stage.kube.wait_condition("AISearchInstance", name, "Ready")


@LAGS
def test_a_kill_at_any_moment_of_a_jobs_start_leads_to_one_job(make_stage, lag):
    stage = make_stage(rate=RATE, settle_time=SETTLE)
    stage.account.configure(job_read_lag=lag, initial_job=False, job_duration=10)
    stage.operator.start()
    apply_ready_instances(stage, *HELD, UNWRITTEN)

    stage.withdraw_patch("aisearchsyncjobs/status")
    for moment in HELD:
        hold(stage.account, moment, "jobs.create", f"*/instances/{moment}/jobs")
    stage.kube.apply(*(sync_job(moment, moment) for moment in (*HELD, UNWRITTEN)))
    stage.kube.wait_event(UNWRITTEN, "Started")
    crash(stage)
    stage.operator.start()

    for moment in (*HELD, UNWRITTEN):
        status = stage.kube.wait_condition("AISearchSyncJob", moment, "Complete")["status"]
        assert [job.id for job in stage.account.jobs(moment)] == [status["jobId"]], moment
        assert len(applied(stage.account, "jobs.create", moment)) == 1, moment


def test_a_job_that_an_earlier_operator_may_have_started_is_looked_for_and_that_is_said(make_stage):
    stage = make_stage(settle_time=600)
    stage.account.configure(initial_job=False)
    stage.operator.start()
    apply_ready_instances(stage, "docs")
    stage.operator.kill()
    stage.kube.apply(sync_job("docs", "docs"))

    stage.operator.start()

    stage.kube.wait_condition("AISearchSyncJob", "docs", "Reconciling", reason="LookingForEarlierJob")
    stage.await_sweeps()
    assert stage.count("jobs.create") == 0


@LAGS
def test_a_kill_at_any_moment_of_a_jobs_deletion_leaves_no_job_running(make_stage, lag):
    stage = make_stage(rate=RATE, settle_time=SETTLE)
    stage.account.configure(job_read_lag=lag, initial_job=False, job_duration=None)
    stage.operator.start()
    kept, unheard = "finalizer-kept", "deleted-while-down"
    apply_ready_instances(stage, *HELD, kept, unheard)
    stage.kube.apply(*(sync_job(name, name) for name in (*HELD, kept)))
    for name in (*HELD, kept):
        stage.kube.wait_condition("AISearchSyncJob", name, "Ready", status="Unknown", reason="Running")

    stage.account.gate(unheard, "jobs.create", stage="after")
    stage.kube.apply(sync_job(unheard, unheard))
    stage.account.wait_at_gate(unheard)
    stage.withdraw_patch("aisearchsyncjobs")
    for moment in HELD:
        hold(stage.account, moment, "jobs.cancel", f"*/instances/{moment}/jobs/*")
    for name in (*HELD, kept):
        stage.kube.delete("AISearchSyncJob", name)
    stage.kube.wait_event(kept, "Cancelling")
    crash(stage)
    stage.account.release(unheard)
    stage.kube.delete("AISearchSyncJob", unheard)
    stage.operator.start()

    for name in (*HELD, kept, unheard):
        stage.kube.wait_gone("AISearchSyncJob", name)
        assert [job.end_reason for job in stage.account.jobs(name)] == ["cancelled"], name
        assert len(applied(stage.account, "jobs.cancel", name)) == 1, name


def test_a_kill_at_any_moment_of_an_instances_creation_makes_it_once_and_knows_it_as_its_own(make_stage):
    stage = make_stage()
    deleted = "deleted-while-down"
    for name in (*HELD, UNWRITTEN, deleted):
        stage.dashboard.create_namespace(name)
    stage.operator.start()

    stage.withdraw_patch("aisearchinstances/status")
    for moment in HELD:
        hold(stage.account, moment, "instances.create", f"/namespaces/{moment}/instances")
    stage.account.inject(Gate(name=deleted), "instances.create", path=f"/namespaces/{deleted}/*", stage="after")
    names = (*HELD, UNWRITTEN, deleted)
    stage.kube.apply(*(instance(name, searchNamespace=name, maxNumResults=7) for name in names))
    stage.kube.wait_event(UNWRITTEN, "Created")
    stage.account.wait_at_gate(deleted)
    crash(stage)
    stage.account.release(deleted)
    stage.kube.delete("AISearchInstance", deleted)
    stage.operator.start()

    for moment in (*HELD, UNWRITTEN):
        stage.kube.wait_condition("AISearchInstance", moment, "Ready")
        assert len(applied(stage.account, "instances.create", moment)) == 1, moment
    stage.kube.wait_gone("AISearchInstance", deleted)
    assert {found.namespace for found in stage.account.instances()} == {*HELD, UNWRITTEN}


def test_a_kill_at_any_moment_of_an_instances_deletion_leaves_none(make_stage):
    stage = make_stage()
    stage.dashboard.create_namespace("team")
    stage.operator.start()
    kept, moved = "finalizer-kept", "moved-unheard"
    apply_ready_instances(stage, *HELD, kept, moved)

    stage.withdraw_patch("aisearchinstances")
    for moment in HELD:
        hold(stage.account, moment, "instances.delete", f"*/instances/{moment}")
    stage.account.gate(moved, "instances.move", stage="after")
    stage.kube.apply(instance(moved, type="r2", source="documents", searchNamespace="team"))
    stage.account.wait_at_gate(moved)
    for name in (*HELD, kept):
        stage.kube.delete("AISearchInstance", name)
    stage.kube.wait_event(kept, "Deleted")
    crash(stage)
    stage.account.release(moved)
    stage.kube.delete("AISearchInstance", moved)
    stage.operator.start()

    for name in (*HELD, kept, moved):
        stage.kube.wait_gone("AISearchInstance", name)
    assert stage.account.instances() == []


@LAGS
def test_a_dropped_connection_before_or_after_the_effect_repeats_nothing(make_stage, lag):
    stage = make_stage(rate=RATE, settle_time=SETTLE)
    stage.account.configure(job_read_lag=lag, initial_job=False, job_duration=None)
    for moment in ("before", "after"):
        stage.dashboard.create_namespace(moment)
        for operation, path in (
            ("instances.create", ""),
            ("jobs.create", "/*/jobs"),
            ("jobs.cancel", "/*/jobs/*"),
            ("instances.delete", "/*"),
        ):
            stage.account.inject(Drop(), operation, stage=moment, path=f"/namespaces/{moment}/instances{path}")
    stage.operator.start()

    for moment in ("before", "after"):
        stage.kube.apply(instance(moment, searchNamespace=moment, type="r2", source="documents"))
        stage.kube.apply(sync_job(moment, moment))
    for moment in ("before", "after"):
        stage.kube.wait_condition("AISearchSyncJob", moment, "Ready", status="Unknown", reason="Running")
        stage.kube.delete("AISearchSyncJob", moment)
    for moment in ("before", "after"):
        stage.kube.wait_gone("AISearchSyncJob", moment)
        assert [job.end_reason for job in stage.account.jobs(moment, moment)] == ["cancelled"], moment
        stage.kube.delete("AISearchInstance", moment)
    for moment in ("before", "after"):
        stage.kube.wait_gone("AISearchInstance", moment)
        for operation in ("instances.create", "jobs.create", "jobs.cancel", "instances.delete"):
            assert len(applied(stage.account, operation, moment)) == 1, f"{operation} {moment}"
    assert stage.account.instances() == []
    assert stage.account.faults() == []
