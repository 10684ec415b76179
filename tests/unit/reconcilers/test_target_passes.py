"""Passes over sync jobs whose instance cannot get one now: what each says, asks, and does when that is over."""

from typing import Any

import pytest

from unit.reconcilers.bench import Bench, ready_instance

BUILT_IN: dict[str, Any] = {"source": None}
"""The spec of an instance with built-in storage."""


def creations(bench: Bench) -> int:
    return sum(operation == "jobs.create" for operation, _ in bench.writes())


async def unmanaged_instance(bench: Bench, **spec: Any) -> None:
    """Make an instance at Cloudflare that no resource manages."""
    bench.is_gone(await ready_instance(bench, **spec))


async def test_a_job_waits_for_a_suspended_instance_and_starts_when_that_goes_on(bench):
    docs = await ready_instance(bench)
    bench.instance(source="bucket", suspend=True)
    key = bench.job()
    await bench.make_pass(key)
    early = bench.states(key)
    await bench.make_pass(docs)
    bench.drain_woken()

    await bench.make_pass(key)

    assert early == bench.states(key) == ("False", "True", "False", "InstanceSuspended")
    assert len(bench.drain_patches()) == 2, "one of each: whether the instance has noted it makes no difference"
    assert creations(bench) == 0
    bench.instance(source="bucket", suspend=False)
    await bench.make_pass(docs)
    assert "nightly" in bench.drain_woken()
    await bench.make_pass(key)
    assert creations(bench) == 1


@pytest.mark.parametrize("managed", [True, False], ids=["managed", "unmanaged"])
async def test_a_job_for_built_in_storage_stalls_and_nothing_is_sent(bench, managed):
    docs = await ready_instance(bench, **BUILT_IN)
    if not managed:
        bench.is_gone(docs)
    key = bench.job() if managed else bench.unmanaged_job(id="docs", searchNamespace="default")

    again = await bench.make_pass(key)

    assert bench.states(key) == ("False", "False", "True", "InstanceHasNoSource")
    assert again is None, "nothing but another instance helps, and that is no change of this one"
    assert {entry.operation for entry in bench.requests()} <= {"instances.list"}
    bench.drain_patches()
    await bench.make_pass(key)
    assert bench.drain_patches() == []
    bench.account.fail("jobs.list", 400, 7053, times=None)
    bench.mark_deleted(key)
    await bench.make_pass(key)
    assert bench.released(key)


async def test_a_job_goes_on_when_the_instance_with_built_in_storage_is_replaced_by_one_with_a_source(bench):
    docs = await ready_instance(bench, **BUILT_IN)
    key = bench.job()
    await bench.make_pass(key)
    bench.mark_deleted(docs)
    await bench.make_pass(docs)
    bench.is_gone(docs)
    await bench.make_pass(key)
    gone = bench.states(key)

    await ready_instance(bench)
    await bench.make_pass(key)

    assert gone == ("False", "True", "False", "InstanceResourceMissing")
    assert bench.states(key)[3] == "Accepted"


async def test_a_managed_instance_costs_its_jobs_no_request_of_their_own(bench):
    await ready_instance(bench)
    key = bench.job()

    await bench.make_pass(key)

    assert [entry.operation for entry in bench.requests()] == ["jobs.list", "jobs.create"]


async def test_a_job_of_a_paused_instance_says_how_to_resume_it_and_asks_nothing_until_it_is(bench):
    docs = await ready_instance(bench)
    bench.account.patch_instance("docs", paused=True)
    key = bench.job()

    again = await bench.make_pass(key)

    assert bench.states(key) == ("False", "True", "False", "InstancePaused")
    assert "spec.paused" in bench.condition(key, "Ready").message
    assert again is not None
    assert again.after == 300
    assert creations(bench) == 1
    bench.drain_woken()
    await bench.look_again()
    assert {entry.operation for entry in bench.requests()} == {"instances.list"}, "no list of jobs meanwhile"
    await bench.make_pass(docs)
    await bench.make_pass(key)
    await bench.restart()
    await bench.make_pass(key)
    assert creations(bench) == 0, "a refusal is remembered"
    bench.account.patch_instance("docs", paused=False)
    bench.drain_woken()
    await bench.look_again()
    assert "nightly" in bench.drain_woken()
    await bench.make_pass(key)
    assert bench.states(key)[3] == "Accepted"


async def test_a_job_for_an_instance_that_is_not_at_cloudflare_waits_for_it_in_the_list(bench):
    key = bench.unmanaged_job(id="docs", searchNamespace="default")

    again = await bench.make_pass(key)

    assert bench.states(key) == ("False", "True", "False", "InstanceNotFound")
    assert again is None
    await bench.make_pass(key)
    assert [entry.operation for entry in bench.requests()] == ["instances.list"]
    assert len(bench.drain_patches()) == 1
    bench.drain_woken()
    await unmanaged_instance(bench, name="other", instanceId="docs")
    await bench.look_again()
    await bench.make_pass(key)
    assert bench.states(key)[3] == "Accepted"


async def test_a_cancelled_job_for_an_instance_that_is_not_at_cloudflare_is_over(bench):
    key = bench.apply("AISearchSyncJob", "nightly", {"instance": {"id": "docs"}, "cancel": True})

    await bench.make_pass(key)

    assert bench.states(key)[3] == "Cancelled"


async def test_a_job_in_a_search_namespace_that_does_not_exist_says_so(bench):
    key = bench.unmanaged_job(id="docs", searchNamespace="nowhere")

    again = await bench.make_pass(key)

    assert bench.states(key) == ("False", "True", "False", "SearchNamespaceNotFound")
    assert again is not None
    assert again.after == 30


async def test_a_job_in_an_account_of_others_stalls(bench):
    key = bench.unmanaged_job(id="docs", searchNamespace="default", accountId="f" * 32)

    await bench.make_pass(key)

    ready, reconciling, stalled, reason = bench.states(key)
    assert (ready, reconciling, stalled) == ("False", "False", "True")
    assert reason == "AccountNotAccessible"
    assert creations(bench) == 0


@pytest.mark.parametrize("state", ["missing", "suspended", "paused", "unmanaged and missing", "no namespace"])
async def test_a_deleted_job_goes_from_every_waiting_state_at_once(bench, state):
    docs = await ready_instance(bench) if state in {"suspended", "paused"} else None
    if state == "suspended":
        bench.instance(source="bucket", suspend=True)
    if state == "paused":
        bench.account.patch_instance("docs", paused=True)
    if docs is not None or state == "missing":
        key = bench.job()
    else:
        key = bench.unmanaged_job(id="docs", searchNamespace="nowhere" if state == "no namespace" else "default")
    await bench.make_pass(key)
    bench.mark_deleted(key)

    await bench.make_pass(key)

    assert bench.released(key)


async def test_a_job_that_was_never_started_goes_at_once_when_its_account_refuses_everything(bench):
    key = bench.unmanaged_job(id="docs", accountId="f" * 32)
    await bench.make_pass(key)
    bench.mark_deleted(key)

    await bench.make_pass(key)

    assert bench.released(key)


async def test_a_job_that_an_earlier_operator_may_have_started_is_not_let_go_at_once(bench):
    key = bench.unmanaged_job(id="docs", accountId="f" * 32)
    await bench.make_pass(key)
    await bench.restart()
    bench.mark_deleted(key)

    await bench.make_pass(key)

    assert not bench.released(key)


async def test_a_job_runs_on_an_instance_that_its_resource_only_observes(bench):
    docs = bench.instance(managementPolicy="Observe")
    await bench.make_pass(docs)
    key = bench.job()
    await bench.make_pass(key)
    early = bench.states(key)[3]
    await unmanaged_instance(bench, name="other", instanceId="docs")
    await bench.look_again()
    await bench.make_pass(docs)
    assert "nightly" in bench.drain_woken()

    await bench.make_pass(key)

    assert early == "InstanceNotReady"
    assert bench.states(key)[3] == "Accepted"
    assert creations(bench) == 1
