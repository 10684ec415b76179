"""When a run whose job has ended well is complete, where the index counts too: a table."""

from datetime import timedelta
from typing import Any

import pytest

from aisearch_operator.cloudflare.wire import Stats
from aisearch_operator.domain.index_wait import decided_without, index_step, without_instance
from aisearch_operator.domain.verdict import Verdict
from aisearch_operator.resources.sync_job import AISearchSyncJob
from unit.builders import NOW, ago, metadata


def job(*, started: float = 60, **spec: Any) -> AISearchSyncJob:
    """A sync job that waits for the index, started so many seconds ago."""
    wanted = {"instanceRef": {"name": "docs"}, "completionPolicy": "Indexed", **spec}
    status = {"runStartTime": ago(started), "indexingSince": ago(10)}
    return AISearchSyncJob.model_validate({"metadata": metadata("nightly"), "spec": wanted, "status": status})


@pytest.mark.parametrize(
    ("stats", "progress", "reason", "finished"),
    [
        (None, "reconciling", "Indexing", None),
        (Stats(degraded=True), "reconciling", "Indexing", None),
        (Stats(degraded=True, queued=0, running=0), "reconciling", "Indexing", None),
        (Stats(queued=1), "reconciling", "Indexing", None),
        (Stats(running=1), "reconciling", "Indexing", None),
        (Stats(queued=1, error=3), "reconciling", "Indexing", None),
        (Stats(completed=5, queued=0, running=0), "settled", "Succeeded", "Succeeded"),
        (Stats(completed=5, error=2), "settled", "Succeeded", "Succeeded"),
        (Stats(), "settled", "Succeeded", "Succeeded"),
        (Stats(queued=4, index_source_errors={"bucket_not_found": 1}), "stalled", "SourceError", None),
        (Stats(queued=0, index_source_errors={"bucket_not_found": 1}), "settled", "Succeeded", "Succeeded"),
    ],
)
def test_a_run_is_complete_when_nothing_is_queued_or_running(stats, progress, reason, finished):
    step = index_step(stats)

    assert (step.verdict.progress, step.verdict.reason, step.finished) == (progress, reason, finished)


@pytest.mark.parametrize(
    ("standing", "stands"),
    [
        (Verdict.working("Indexing", "as before", ready="Unknown"), True),
        (Verdict.stalled("SourceError", "as before"), True),
        (Verdict.stalled("CredentialsRejected", "as before"), False),
        (None, False),
    ],
)
def test_without_news_of_the_index_what_was_said_last_stands(standing, stands):
    verdict = index_step(None, standing).verdict

    assert (verdict == standing) is stands
    assert stands or verdict.reason == "Indexing"


def test_items_that_could_not_be_indexed_are_mentioned_without_their_number():
    message = index_step(Stats(error=2)).verdict.message

    assert "status.stats.error" in message
    assert message == index_step(Stats(error=3)).verdict.message


@pytest.mark.parametrize(
    ("waiting", "finished"),
    [
        (job(), None),
        (job(activeDeadlineSeconds=61), None),
        (job(activeDeadlineSeconds=60), "DeadlineExceeded"),
        (job(cancel=True), "Cancelled"),
        (job(cancel=True, completionPolicy="JobEnded"), "Cancelled"),
        (job(completionPolicy="JobEnded"), "Succeeded"),
        (job(completionPolicy="JobEnded", activeDeadlineSeconds=1), "Succeeded"),
        (job(suspend=True), None),
    ],
)
def test_some_runs_are_over_whatever_the_index_says(waiting, finished):
    step = decided_without(waiting, NOW)

    assert (step.finished if step else None) == finished
    assert decided_without(waiting, NOW - timedelta(days=1)) is None or finished in {"Cancelled", "Succeeded"}


def test_a_run_whose_instance_is_gone_says_that_its_job_ended_well():
    step = without_instance()

    assert (step.finished, step.verdict.progress) == ("Lost", "stalled")
    assert "ended well" in step.verdict.message
