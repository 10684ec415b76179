"""Requests to Cloudflare at rest: as many for a hundred instances as for one."""

from collections import Counter

from fake_cloudflare import JobPlan
from harness.fixtures import RATE
from harness.kube import eventually, instance, sync_job

SWEEPS = 4
INTERVAL = 0.3
"""Seconds from the end of a look to the next one."""


def requests_in(stage, operation, count=SWEEPS):
    """Count the operator's requests by operation between two of one operation, `count` apart."""
    return Counter(entry.operation for entry in window(stage, operation, count))


def window(stage, operation, count=SWEEPS):
    """Wait for so many requests of one operation and one more, and give all from the first to before the last."""
    start = stage.count(operation)
    eventually(lambda: stage.count(operation) > start + count, lambda: f"no {count} times {operation}")
    journal = stage.requests()
    marks = [number for number, entry in enumerate(journal) if entry.operation == operation]
    return journal[marks[start] : marks[start + count]]


def ready(stage, count):
    instances = stage.kube.list_all("AISearchInstance")
    states = [body["status"].get("conditions", [{}])[0].get("status") for body in instances]
    return len(instances) == count and set(states) == {"True"}


def test_a_hundred_instances_cost_as_many_requests_as_one(make_stage):
    stage = make_stage(poll_interval=INTERVAL, stats_interval=INTERVAL)
    stage.operator.start()
    stage.kube.apply(instance("docs-0"))
    eventually(lambda: ready(stage, 1), lambda: "the first is not ready")
    one = window(stage, "instances.list")

    stage.kube.apply(*(instance(f"docs-{number}") for number in range(1, 100)))
    eventually(lambda: ready(stage, 100), lambda: "not all are ready")
    hundred = window(stage, "instances.list")

    for requests in (one, hundred):
        counted = Counter(entry.operation for entry in requests)
        assert counted["instances.list"] == SWEEPS
        assert set(counted) <= {"instances.list", "instances.stats"}
        seconds = (requests[-1].time - requests[0].time) / RATE
        assert counted["instances.stats"] <= seconds / INTERVAL + 1  # they have a rhythm of their own


def test_ten_sync_jobs_of_an_instance_cost_as_many_requests_as_one_and_finished_ones_none(make_stage):
    stage = make_stage(poll_interval=0.3, job_poll_interval=0.3, stats_interval=600)
    stage.account.configure(initial_job=False, job_duration=None)
    stage.operator.start()
    kube = stage.kube
    stage.account.set_rate(0)  # or else its log is read at the next heartbeat
    kube.apply(instance("docs", type="r2", source="my-bucket"), sync_job("running", "docs"))
    kube.wait("AISearchSyncJob", "running", lambda body: "jobId" in body["status"], "at Cloudflare")
    stage.account.advance(2)
    running = kube.wait("AISearchSyncJob", "running", lambda body: body["status"].get("phase") == "Running", "running")
    one = requests_in(stage, "jobs.list")

    waiting = [f"waiting-{number}" for number in range(9)]
    kube.apply(*(sync_job(name, "docs") for name in waiting))
    for name in waiting:
        kube.wait_condition("AISearchSyncJob", name, "Reconciling", reason="WaitingForTurn")
    ten = requests_in(stage, "jobs.list")

    for counted in (one, ten):
        assert set(counted) <= {"instances.list", "jobs.list"}
        assert counted["jobs.list"] == SWEEPS
    for name in waiting:
        kube.delete("AISearchSyncJob", name)
        kube.wait_gone("AISearchSyncJob", name)
    stage.account.plan_next_job(JobPlan())
    stage.account.end_job("docs", running["status"]["jobId"])
    kube.wait_condition("AISearchSyncJob", "running", "Complete")
    stage.await_sweeps()  # until what the end of the job leads to is done
    assert requests_in(stage, "instances.list") == {"instances.list": SWEEPS}
