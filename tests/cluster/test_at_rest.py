"""Rest: when nothing changes, nothing is written, whatever state the resources are in."""

import time
from collections import Counter

from fake_cloudflare import JobPlan
from fake_cloudflare.faults import Status
from harness.kube import conditions, eventually, instance, secret, sync_job

INSTANCE = "AISearchInstance"
JOB = "AISearchSyncJob"
SOURCE = {"type": "r2", "source": "my-bucket"}

EDIT: dict[str, object] = {"maxNumResults": 20}

SECONDS = 120.0
POLL = 1.0
STATISTICS = 0.3

PATIENCE = 300.0
"""Seconds until all is at rest; on an idle machine less than a minute."""

INSTANCES: dict[str, tuple[dict[str, object], str]] = {
    "asleep": ({"suspend": True}, "Suspended"),
    "theirs": ({}, "AdoptionRefused"),
    "watched": ({"managementPolicy": "Observe", "instanceId": "theirs"}, "Observed"),
    "expected": ({"managementPolicy": "Observe"}, "NothingToObserve"),
    "claimed-again": ({"instanceId": "claimed"}, "ClaimedByAnotherResource"),
    "without-secret": ({"credentialsRef": {"name": "missing"}}, "CredentialsMissing"),
    "empty-secret": ({"credentialsRef": {"name": "empty"}}, "CredentialsInvalid"),
    "rejected": ({"credentialsRef": {"name": "wrong"}}, "CredentialsRejected"),
    "nowhere": ({"searchNamespace": "none-such"}, "SearchNamespaceNotFound"),
    "refused": (EDIT, "InvalidRequest"),
    "full": (EDIT, "QuotaReached"),
    "unreachable": (EDIT, "SiteUnreachable"),
    "down": (EDIT, "ApiUnavailable"),
}
"""Spec of the instances that are not ready, and the reason that each gives."""

FAULTS = {
    "refused": Status(status=400, code=7010, message="invalid_model"),
    "full": Status(status=403, code=7013, message="max_instances_reached"),
    "unreachable": Status(status=400, code=7028, message="missing_sitemap"),
    "down": Status(status=503, code=7017, message="unable_to_connect_to_ai_search"),
}

ENDED: list[tuple[str, str, str | None, dict[str, object]]] = [
    ("succeeded", "ready-0", None, {}),
    ("failed", "ready-1", "bucket_not_found", {}),
    ("backing-off", "ready-6", "bucket_not_found", {"backoffLimit": 2}),
]
"""Sync jobs that end: name, instance, end reason and spec. None of the last one's attempts is its last."""

READY = 14
WAITING = 16


def phase(*wanted):
    return lambda body: body["status"].get("phase") in wanted


def ready_says(reason):
    return lambda body: conditions(body).get("Ready", {}).get("reason") == reason


def states(stage):
    """Count the resources by kind, and by the status and reason of Ready."""
    found: Counter[tuple[str, str, str]] = Counter()
    for kind in (INSTANCE, JOB):
        for body in stage.kube.list_all(kind):
            ready = conditions(body)["Ready"]
            found[kind, ready["status"], ready["reason"]] += 1
    return found


def await_rest(stage, counted):
    """Wait until everything was looked at twice, the statistics of each instance too, without a write."""

    def at_rest():
        written, read = len(stage.writes()), stage.count("instances.stats")
        eventually(
            lambda: stage.count("instances.stats") >= read + 2 * counted,
            lambda: "the statistics are not read",
            PATIENCE,
        )
        stage.await_sweeps()
        return len(stage.writes()) == written

    eventually(at_rest, lambda: "there is always something to write", PATIENCE)


def apply_instances(stage, ready):
    """Bring instances into all states: ready ones of every kind, and one for each trouble."""
    kube, account = stage.kube, stage.account
    stage.dashboard.create_instance("theirs", max_num_results=7)
    for name, fault in FAULTS.items():
        account.inject(fault, "instances.update", path=f"*/{name}", times=None)
    for name, token in (("empty", ""), ("wrong", "w" * 40)):
        kube.apply(secret(name, apiToken=token, accountId=account.id))
    kube.apply(*(instance(name, **SOURCE, writeConnectionConfigMapToRef={"name": name}) for name in ready))
    kube.apply(instance("paused", **SOURCE), *(instance(name) for name in ("claimed", *FAULTS)))
    kube.apply(instance("drifted", driftPolicy="Report", **EDIT))
    for name in ("claimed", "drifted", "paused", *FAULTS):
        kube.wait_condition(INSTANCE, name, "Ready")
    account.patch_instance("drifted", max_num_results=30)
    account.patch_instance("paused", paused=True)
    kube.apply(*(instance(name, **spec) for name, (spec, _) in INSTANCES.items()))
    kube.wait_condition(INSTANCE, "drifted", "Drifted")
    kube.wait(INSTANCE, "paused", lambda body: body["status"].get("paused") is True, "paused")
    for name, (_, reason) in INSTANCES.items():
        kube.wait(INSTANCE, name, ready_says(reason), reason)


def apply_jobs(stage):
    """Bring sync jobs into all states: over in every way, running, and waiting for everything there is to wait for."""
    kube, account = stage.kube, stage.account
    for name, on, end_reason, spec in ENDED:
        account.plan_next_job(JobPlan(start_delay=0, duration=5, end_reason=end_reason))
        kube.apply(sync_job(name, on, **spec))
        kube.wait(JOB, name, phase("Running"), "running")
        account.advance(10)
    for name in ("succeeded", "failed"):
        kube.wait(JOB, name, phase("Succeeded", "Failed"), "over")
    account.plan_next_job(JobPlan(start_delay=0, duration=1_000_000))
    kube.apply(sync_job("active", "ready-3"))
    kube.wait(JOB, "active", phase("Running"), "running")
    account.start_job("ready-4")
    kube.apply(*(sync_job(f"in-line-{number}", "ready-3") for number in range(WAITING)))
    kube.apply(sync_job("cancelled", "ready-2", cancel=True), sync_job("cooling-down", "ready-0"))
    kube.apply(sync_job("without-instance", "none"), sync_job("not-ready", "down"), sync_job("stuck", "rejected"))
    kube.apply(sync_job("behind-the-dashboard", "ready-4"), sync_job("suspended", "ready-5", suspend=True))
    kube.apply(sync_job("without-source", "claimed"), sync_job("asleep-too", "asleep"))
    for name, reason in {
        "in-line-0": "WaitingForTurn",
        "cooling-down": "Cooldown",
        "without-instance": "InstanceResourceMissing",
        "not-ready": "InstanceNotReady",
        "behind-the-dashboard": "AnotherJobRunning",
        "asleep-too": "InstanceSuspended",
        "backing-off": "BackOff",
    }.items():
        kube.wait_condition(JOB, name, "Reconciling", reason=reason)
    kube.wait_condition(JOB, "suspended", "Suspended")
    for name, reason in {"stuck": "InstanceStalled", "without-source": "InstanceHasNoSource"}.items():
        kube.wait_condition(JOB, name, "Stalled", reason=reason)


def test_fifty_resources_in_all_states_cost_no_write_in_two_minutes(make_stage):
    ready = [f"ready-{number}" for number in range(READY)]
    stage = make_stage(rate=0, poll_interval=POLL, stats_interval=STATISTICS, terminal_retry=3 * POLL)
    kube = stage.kube
    stage.account.configure(initial_job=False)
    stage.operator.start()
    apply_instances(stage, ready)
    apply_jobs(stage)
    counted = (*ready, *FAULTS, "claimed", "drifted", "paused", "watched")
    for name in counted:
        kube.wait(INSTANCE, name, lambda body: "stats" in body["status"], "counted once")
    kube.wait_condition(INSTANCE, "ready-3", "Indexed", status="False", reason="Indexing")

    for name in ready:
        kube.wait_condition(INSTANCE, name, "ConnectionPublished")
    await_rest(stage, len(counted))

    before, written, swept = states(stage), len(stage.writes()), stage.count("instances.list")
    end = time.monotonic() + SECONDS
    eventually(lambda: time.monotonic() > end, lambda: "time stands still", timeout=2 * SECONDS)

    assert [(write.name, write.body) for write in stage.writes()[written:]] == []
    assert stage.count("instances.list") - swept > SECONDS / POLL / 2  # it has looked all the time
    assert states(stage) == before
    assert before.total() >= 50
