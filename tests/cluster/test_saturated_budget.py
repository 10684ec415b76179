"""Where more is to be done than the request budget allows: what ends something is not held up by all the rest."""

import pytest

from harness.kube import eventually, instance, sync_job
from harness.stage import Stage

INSTANCE, JOB = "AISearchInstance", "AISearchSyncJob"

LIMIT, WINDOW = 60, 60.0
"""Requests, and seconds: one in a second, after a burst."""

CROWD = [f"crowd-{number:02}" for number in range(30)]

BETWEEN = len(CROWD) // 2
"""Requests for others that may leave meanwhile: those on their way, and what a busy machine let the budget save up."""


@pytest.fixture
def crowded(make_stage) -> Stage:
    """Give a stage with a running job and an instance, on which many more instances wait to be created."""
    # Two workers, which others could keep busy; what is looked at now and then would only blur the order.
    stage: Stage = make_stage(
        budget_limit=LIMIT, budget_window=WINDOW, budget_share=1, workers=2, stats_interval=600, poll_interval=600
    )
    stage.account.configure(initial_job=False, job_duration=None)
    stage.operator.start()
    stage.kube.apply(instance("docs", type="r2", source="my-bucket"), instance("leaving", deletionPolicy="Delete"))
    for name in ("docs", "leaving"):
        stage.kube.wait_condition(INSTANCE, name, "Ready")
    stage.kube.apply(sync_job("running", "docs"))
    stage.kube.wait(JOB, "running", lambda body: body["status"].get("phase") == "Running", "running")
    stage.kube.apply(*map(instance, CROWD))
    stage.kube.wait_condition(INSTANCE, CROWD[-1], "Reconciling", reason="RequestBudgetExhausted")
    return stage


def sent_before(stage: Stage, operation: str, since: int) -> int:
    """Wait for a request, and count the others that left before it."""
    sent: list[str | None] = []

    def look() -> bool:
        sent[:] = [entry.operation for entry in stage.requests(since)]
        return operation in sent

    eventually(look, lambda: f"{operation} was not sent, but {sent}")
    return sent.index(operation)


@pytest.mark.parametrize("how", ["spec.cancel", "spec.suspend", "deletion"])
def test_a_cancellation_overtakes_the_creations_that_wait(crowded, how):
    before = len(crowded.requests())

    if how == "deletion":
        crowded.kube.delete(JOB, "running")
    else:
        crowded.kube.patch(JOB, "running", {"spec": {how.removeprefix("spec."): True}})

    assert sent_before(crowded, "jobs.cancel", before) <= BETWEEN
    assert len(crowded.account.instances()) < len(CROWD), "nothing waited any more"


def test_a_deletion_overtakes_the_creations_that_wait(crowded):
    before = len(crowded.requests())

    crowded.kube.delete(INSTANCE, "leaving")

    assert sent_before(crowded, "instances.delete", before) <= BETWEEN
    assert len(crowded.account.instances()) < len(CROWD), "nothing waited any more"
