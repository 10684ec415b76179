"""The resources of finished sync jobs: when they are deleted, and by how many requests."""

from typing import Any

import pytest

from aisearch_operator.engine.store import ObjectKey
from aisearch_operator.engine.workqueue import Again
from aisearch_operator.kube.api import Conflict, Gone, KubeUnavailable
from unit.reconcilers.bench import NAMESPACE, Bench, ready_instance


async def finished_job(bench: Bench, **spec: Any) -> tuple[ObjectKey, Again | None]:
    """Make a sync job that ran to its end, and give what its last pass answered."""
    await ready_instance(bench)
    key = bench.job(**spec)
    await bench.make_pass(key)
    bench.account.advance(60)
    await bench.look_again()
    again = await bench.make_pass(key)
    assert bench.status_of(key)["phase"] == "Succeeded"
    return key, again


def track(bench: Bench, key: ObjectKey) -> None:
    """Have Argo CD track the resource from now on."""
    itself = f"aisearch.cloudflare.com/{key.kind}:{NAMESPACE}/{key.name}"
    bench.annotate(key, {"argocd.argoproj.io/tracking-id": f"search:{itself}"})


async def test_without_a_time_to_live_a_finished_job_stays(bench):
    key, again = await finished_job(bench)

    assert again is None
    assert await bench.make_pass(key) is None
    assert bench.kube.deletions == []


async def test_with_zero_seconds_the_resource_goes_in_the_pass_that_saw_the_end(bench):
    key, again = await finished_job(bench, ttlSecondsAfterFinished=0)

    assert again is None
    assert bench.kube.deletions == [key.name]
    assert bench.drain_events()[-1] == ("Normal", "Succeeded"), "the end is told before the resource goes"
    bench.requests()
    await bench.make_pass(key)
    assert bench.kube.deletions == [key.name], "asked once, whether or not the watch has told"
    assert bench.released(key)
    assert bench.requests() == [], "nothing is cancelled or looked for"


async def test_a_resource_is_looked_at_when_its_time_comes_also_after_a_restart(bench):
    key, again = await finished_job(bench, ttlSecondsAfterFinished=600)
    await bench.restart()

    later = await bench.make_pass(key)

    for wait in (again, later):
        assert wait is not None
        assert wait.after == pytest.approx(600, abs=10)
    assert bench.kube.deletions == []


async def test_a_changed_time_to_live_acts(bench):
    key, _ = await finished_job(bench)
    bench.job(ttlSecondsAfterFinished=600)
    added = await bench.make_pass(key)
    bench.job()
    removed = await bench.make_pass(key)
    bench.job(ttlSecondsAfterFinished=0)

    await bench.make_pass(key)

    assert added is not None
    assert removed is None
    assert bench.kube.deletions == [key.name]


async def test_what_was_edited_in_the_last_moment_is_looked_at_first(bench):
    bench.kube.fail("delete", Conflict("The API server answered 409 Conflict"))

    key, again = await finished_job(bench, ttlSecondsAfterFinished=0)

    assert again == Again(), "once more, with backoff"
    await bench.make_pass(key)
    assert bench.kube.deletions == [key.name]


async def test_a_resource_that_somebody_else_deleted_needs_nothing(bench):
    bench.kube.fail("delete", Gone("The API server answered 404 Not Found"))

    _, again = await finished_job(bench, ttlSecondsAfterFinished=0)

    assert again is None


async def test_a_deletion_that_the_api_server_refuses_is_tried_again(bench):
    bench.kube.fail("delete", KubeUnavailable("The API server answered 403 Forbidden"))

    _, again = await finished_job(bench, ttlSecondsAfterFinished=0)

    assert again == Again()


async def test_a_job_that_argo_cd_tracks_stays_and_one_event_says_why(bench):
    await ready_instance(bench)
    key = bench.job(ttlSecondsAfterFinished=0)
    track(bench, key)
    await bench.make_pass(key)
    bench.account.advance(60)
    await bench.look_again()
    bench.drain_events()

    await bench.make_pass(key)
    told = bench.drain_events()
    await bench.restart()
    await bench.make_pass(key)

    assert bench.kube.deletions == []
    assert told == [("Normal", "Succeeded"), ("Normal", "KeptAsInGit")]
    assert bench.drain_events() == []


async def test_a_job_that_argo_cd_begins_to_track_before_its_time_stays(bench):
    key, _ = await finished_job(bench, ttlSecondsAfterFinished=600)
    track(bench, key)

    again = await bench.make_pass(key)

    assert again is None
    assert bench.kube.deletions == []
