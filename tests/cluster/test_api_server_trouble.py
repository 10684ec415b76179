"""The Kubernetes API server in trouble: refused and overtaken writes, and what happens while no operator runs."""

import contextlib
import threading

import httpx

from harness.kube import conditions, instance, sync_job

EDIT_INTERVAL = 0.05
"""Seconds between the first two edits: many in the time of one pass."""

SLOWER = 1.02
"""How much longer each is waited for than the one before: on a busy machine they would be faster than any write."""


def test_what_happens_while_status_cannot_be_written_is_told_once_it_can(make_stage):
    stage = make_stage()
    stage.account.configure(initial_job=False)
    stage.operator.start()
    stage.kube.apply(instance("docs", type="r2", source="documents", maxNumResults=1))
    stage.kube.wait_condition("AISearchInstance", "docs", "Ready")

    stage.withdraw_patch("aisearchinstances/status", "aisearchsyncjobs/status")
    stage.kube.apply(instance("docs", type="r2", source="documents", maxNumResults=2), instance("second"))
    stage.kube.wait_event("docs", "Updated")
    stage.kube.wait_event("second", "Created")
    stage.kube.delete("AISearchInstance", "second")
    stage.kube.wait_gone("AISearchInstance", "second")
    stage.restore_rights()

    stage.kube.wait_condition("AISearchInstance", "docs", "Ready")
    stage.kube.apply(sync_job("sync", "docs"))
    stage.kube.wait_condition("AISearchSyncJob", "sync", "Complete")
    assert [found.id for found in stage.account.instances()] == ["docs"]
    assert stage.account.instance("docs")["max_num_results"] == 2
    assert stage.count("instances.create") == 2
    assert "Traceback" not in stage.operator.log


def test_status_converges_while_others_write_to_the_same_resources(make_stage):
    stage = make_stage()
    stage.account.configure(initial_job=False)
    stage.operator.start()
    stage.kube.apply(instance("docs", type="r2", source="documents"))
    ended = threading.Event()
    edits = threading.Thread(target=edit_labels, args=(stage.kube, ended))
    try:
        edits.start()
        stage.kube.apply(sync_job("sync", "docs"))
        stage.kube.wait_condition("AISearchSyncJob", "sync", "Complete")
        stage.kube.apply(instance("docs", type="r2", source="documents", maxNumResults=2))
        stage.kube.wait_condition("AISearchInstance", "docs", "Ready")
        stage.kube.delete("AISearchSyncJob", "sync")
        stage.kube.wait_gone("AISearchSyncJob", "sync")
    finally:
        ended.set()
        edits.join()
    assert stage.account.instance("docs")["max_num_results"] == 2
    assert [job.end_reason for job in stage.account.jobs("docs")] == [None]
    assert stage.kube.get("AISearchInstance", "docs")["metadata"]["labels"]["edit"].isdecimal()
    assert "Traceback" not in stage.operator.log


def edit_labels(kube, ended):
    """Edit a label of both resources again and again."""
    number = 0
    while not ended.wait(EDIT_INTERVAL * SLOWER**number):
        number += 1
        for kind, name in (("AISearchInstance", "docs"), ("AISearchSyncJob", "sync")):
            with contextlib.suppress(httpx.HTTPStatusError):  # it is not there yet, or not any more
                kube.patch(kind, name, {"metadata": {"labels": {"edit": str(number)}}})


def test_a_job_that_was_made_anew_while_no_operator_ran_is_another_job(make_stage):
    stage = make_stage()
    stage.account.configure(initial_job=False, job_duration=None)
    stage.operator.start()
    stage.kube.apply(instance("docs", type="r2", source="documents"), sync_job("sync", "docs"))
    stage.kube.wait_condition("AISearchSyncJob", "sync", "Ready", status="Unknown", reason="Running")
    before = stage.kube.get("AISearchSyncJob", "sync")

    stage.operator.kill()
    stage.kube.delete("AISearchSyncJob", "sync")
    # What a person does who is tired of waiting for the finalizer.
    stage.kube.patch("AISearchSyncJob", "sync", {"metadata": {"finalizers": None}})
    stage.kube.wait_gone("AISearchSyncJob", "sync")
    stage.kube.apply(sync_job("sync", "docs"))
    stage.operator.start()

    waiting = stage.kube.wait_condition("AISearchSyncJob", "sync", "Reconciling", reason="AnotherJobRunning")
    (old,) = stage.account.jobs("docs")
    assert old.id == before["status"]["jobId"]
    assert old.id in conditions(waiting)["Reconciling"]["message"]
    assert "jobId" not in waiting["status"]
    stage.account.end_job("docs", old.id)
    running = stage.kube.wait_condition("AISearchSyncJob", "sync", "Ready", status="Unknown", reason="Running")
    assert [job.id for job in stage.account.jobs("docs")] == [old.id, running["status"]["jobId"]]


def test_an_instance_that_was_made_anew_while_no_operator_ran_is_not_taken_for_the_old_one(make_stage):
    stage = make_stage()
    stage.operator.start()
    stage.kube.apply(instance("docs", maxNumResults=1))
    stage.kube.wait_condition("AISearchInstance", "docs", "Ready")

    stage.operator.kill()
    stage.kube.delete("AISearchInstance", "docs")
    stage.kube.patch("AISearchInstance", "docs", {"metadata": {"finalizers": None}})
    stage.kube.wait_gone("AISearchInstance", "docs")
    stage.kube.apply(instance("docs", maxNumResults=2))
    stage.operator.start()

    stage.kube.wait_condition("AISearchInstance", "docs", "Stalled", reason="AdoptionRefused")
    assert stage.account.instance("docs")["max_num_results"] == 1
    stage.kube.apply(instance("docs", maxNumResults=2, adoptionPolicy="IfExists"))
    stage.kube.wait_condition("AISearchInstance", "docs", "Ready")
    assert stage.account.instance("docs")["max_num_results"] == 2
    assert stage.count("instances.create") == 1


def test_resources_deleted_while_no_operator_ran_are_ended_by_the_next(make_stage):
    stage = make_stage()
    stage.account.configure(initial_job=False, job_duration=None)
    stage.operator.start()
    stage.kube.apply(instance("docs", type="r2", source="documents"), instance("gone", type="r2", source="documents"))
    stage.kube.apply(sync_job("sync", "docs"), sync_job("with-instance", "gone"))
    for name in ("sync", "with-instance"):
        stage.kube.wait_condition("AISearchSyncJob", name, "Ready", status="Unknown", reason="Running")

    assert stage.operator.stop() == 0
    stage.kube.delete("AISearchSyncJob", "sync")
    stage.kube.delete("AISearchSyncJob", "with-instance")
    stage.kube.delete("AISearchInstance", "gone")
    stage.operator.start()

    for kind, name in (
        ("AISearchSyncJob", "sync"),
        ("AISearchSyncJob", "with-instance"),
        ("AISearchInstance", "gone"),
    ):
        stage.kube.wait_gone(kind, name)
    assert [job.end_reason for job in stage.account.jobs("docs")] == ["cancelled"]
    assert [found.id for found in stage.account.instances()] == ["docs"]
