"""Sync jobs whose instance cannot get one: each says its own reason, costs nothing, and goes on or goes away."""

from harness.kube import conditions, eventually, instance, sync_job

KIND = "AISearchSyncJob"
SOURCE = {"type": "r2", "source": "my-bucket"}

WAITING = {
    "missing": "InstanceResourceMissing",
    "suspended": "InstanceSuspended",
    "leaving": "InstanceDeleting",
    "paused": "InstancePaused",
    "their-missing": "InstanceNotFound",
    "no-namespace": "SearchNamespaceNotFound",
}
STALLED = {
    "built-in": "InstanceHasNoSource",
    "their-built-in": "InstanceHasNoSource",
    "foreign": "AccountNotAccessible",
    "broken": "InstanceStalled",
}


def job_for(name, **target):
    """Make a sync job for an instance that no resource manages."""
    return {**sync_job(name, ""), "spec": {"instance": target}}


def set_scene(stage):
    """Have one sync job in each state."""
    kube, account = stage.kube, stage.account
    account.configure(initial_job=False, max_chunk_size=1000)
    kube.apply(
        instance("suspended", suspend=True, **SOURCE),
        instance("built-in"),
        instance("broken", chunkSize=1001, **SOURCE),
        *(instance(name, **SOURCE) for name in ("leaving", "paused")),
    )
    stage.dashboard.create_instance("their-built-in")
    for name in ("built-in", "leaving", "paused"):
        kube.wait_condition("AISearchInstance", name, "Ready")
    account.patch_instance("paused", paused=True)
    kube.wait("AISearchInstance", "paused", lambda body: body["status"].get("paused"), "paused")
    account.fail("instances.delete", 503, 7017, times=None)
    kube.delete("AISearchInstance", "leaving")
    kube.apply(
        *(sync_job(name, name) for name in ("missing", "suspended", "leaving", "paused", "built-in", "broken")),
        job_for("their-missing", id="their-missing"),
        job_for("their-built-in", id="their-built-in"),
        job_for("no-namespace", id="docs", searchNamespace="nowhere"),
        job_for("foreign", id="docs", accountId="f" * 32),
    )


def writes_to_jobs(stage):
    """Give the operator's writes to sync jobs."""
    return [write for write in stage.writes() if write.resource.startswith("aisearchsyncjobs")]


def test_each_state_of_an_instance_without_sync_jobs_is_named_and_left_behind(make_stage):
    stage = make_stage(terminal_retry=600)  # nobody shall have to wait for it
    stage.operator.start()
    kube, account = stage.kube, stage.account
    set_scene(stage)
    for name, reason in WAITING.items():
        body = kube.wait_condition(KIND, name, "Reconciling", reason=reason)
        assert conditions(body)["Stalled"]["status"] == "False", name
    for name, reason in STALLED.items():
        body = kube.wait_condition(KIND, name, "Stalled", reason=reason)
        assert conditions(body)["Reconciling"]["status"] == "False", name
    assert stage.count("jobs.create") == 1, "the paused instance alone was asked"
    wrote = writes_to_jobs(stage)
    stage.await_sweeps()
    assert writes_to_jobs(stage) == wrote, "at rest nothing is written"
    assert stage.count("jobs.create") == 1

    account.clear_faults()
    account.patch_instance("paused", paused=False)
    stage.dashboard.create_instance("their-missing", type="r2", source="theirs")
    kube.apply(instance("suspended", **SOURCE), instance("missing", **SOURCE), instance("broken", **SOURCE))
    going_on = ("missing", "suspended", "paused", "their-missing", "broken")
    for name in going_on:
        kube.wait_condition(KIND, name, "Complete")
    assert stage.count("jobs.create") == 1 + len(going_on)

    stuck = ("leaving", "no-namespace", "built-in", "their-built-in", "foreign")
    for name in stuck:
        kube.delete(KIND, name)
    for name in stuck:
        kube.wait_gone(KIND, name)
    assert stage.count("jobs.cancel") == 0


def test_a_sync_job_is_deleted_from_each_of_these_states(make_stage):
    stage = make_stage(terminal_retry=600)  # nobody shall have to wait for it
    stage.operator.start()
    set_scene(stage)
    everybody = {**WAITING, **STALLED}
    for name, reason in everybody.items():
        stage.kube.wait_condition(KIND, name, "Ready", status="False", reason=reason)

    for name in everybody:
        stage.kube.delete(KIND, name)

    eventually(lambda: not stage.kube.list_all(KIND), lambda: f"still there: {stage.kube.list_all(KIND)}")
