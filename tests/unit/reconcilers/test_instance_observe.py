"""Instance resources that only observe: status is complete, and nothing is ever written to Cloudflare."""

import pytest

from unit.reconcilers.bench import READY, ready_instance
from unit.reconcilers.scenes import make_instance, make_namespace

OBSERVED = ("True", "False", "False", "Observed")
MISSING = ("False", "True", "False", "NothingToObserve")
REFUSED = ("False", "False", "True", "AdoptionRefused")


async def observer(bench, name="docs", **spec):
    """Make a resource that observes an instance of somebody else."""
    make_instance(bench, {"id": "docs", "source": "bucket", "chunk_size": 512})
    key = bench.instance(name, instanceId="docs", managementPolicy="Observe", **spec)
    await bench.make_pass(key)
    return key


async def test_the_status_of_an_observed_instance_is_complete_and_nothing_is_sent(bench):
    key = await observer(bench, source="bucket")
    await bench.read_statistics()
    await bench.make_pass(key)

    status = bench.status_of(key)
    assert bench.states(key) == OBSERVED
    assert (status["instanceId"], status["searchNamespace"], status["managed"]) == ("docs", "default", False)
    assert status["accountId"] == bench.account.id
    assert {"state", "createdAt", "modifiedAt", "stats"} <= status.keys()
    assert bench.condition(key, "Indexed").status == "True"
    assert bench.condition(key, "Drifted").status == "False"
    assert bench.writes() == []


async def test_what_the_spec_says_otherwise_is_reported_whatever_the_policies(bench):
    spec = {"driftPolicy": "Repair", "adoptionPolicy": "IfExists", "systemPromptAiSearch": "p", "tokenId": "t"}
    key = await observer(bench, source="another", chunkSize=256, paused=True, **spec)
    await bench.make_pass(key)

    assert bench.writes() == []
    assert bench.states(key) == OBSERVED
    assert {entry["path"] for entry in bench.status_of(key)["drift"]} == {"source", "chunkSize", "paused"}


async def test_a_missing_instance_is_said_to_be_missing_and_seen_when_it_is_there(bench):
    key = bench.instance(managementPolicy="Observe")
    await bench.make_pass(key)
    missing = bench.states(key)
    make_instance(bench, {"id": "docs"})

    await bench.look_again()
    woken = bench.drain_woken()
    await bench.make_pass(key)

    assert missing == MISSING
    assert woken == {"docs"}
    assert bench.states(key) == OBSERVED
    assert bench.writes() == []


async def test_of_an_observed_instance_that_is_gone_nothing_is_told_any_more(bench):
    key = await observer(bench, chunkSize=256)
    await bench.read_statistics()
    await bench.make_pass(key)
    bench.account.delete_instance("docs")
    await bench.look_again()
    await bench.make_pass(key)
    bench.requests()

    await bench.read_statistics()
    await bench.make_pass(key)

    assert bench.states(key) == MISSING
    assert not {"instanceId", "state", "createdAt", "stats"} & bench.status_of(key).keys()
    assert bench.status_of(key)["drift"] == []
    for kind in ("Drifted", "Indexed"):
        assert (bench.condition(key, kind).status, bench.condition(key, kind).reason) == ("Unknown", "NothingToObserve")
    assert bench.requests() == []


@pytest.mark.parametrize("policy", ["Delete", "Retain"])
async def test_the_end_of_an_observer_deletes_nothing(bench, policy):
    key = await observer(bench, deletionPolicy=policy)
    bench.drain_events()
    bench.mark_deleted(key)

    await bench.make_pass(key)

    assert bench.released(key)
    assert bench.writes() == []
    assert bench.drain_events() == [("Normal", "Retained")]


async def test_an_observer_that_shall_manage_takes_over_only_when_adoption_is_allowed(bench):
    key = await observer(bench, source="bucket", chunkSize=256)
    bench.instance(instanceId="docs", source="bucket", chunkSize=256, systemPromptAiSearch="p")
    await bench.make_pass(key)
    refused, sent = bench.states(key), bench.writes()
    bench.instance(
        instanceId="docs", source="bucket", chunkSize=256, systemPromptAiSearch="p", adoptionPolicy="IfExists"
    )

    await bench.make_pass(key)

    assert (refused, sent) == (REFUSED, [])
    assert bench.writes() == [("instances.update", {"chunk_size": 256, "system_prompt_ai_search": "p"})]
    assert bench.states(key) == READY
    assert bench.status_of(key)["managed"] is True
    assert ("Normal", "Adopted") in bench.drain_events()


async def test_an_instance_that_was_only_observed_outlives_a_resource_that_was_refused_it(bench):
    key = await observer(bench)
    bench.instance(instanceId="docs", deletionPolicy="Delete")
    await bench.make_pass(key)
    bench.mark_deleted(key)

    await bench.make_pass(key)

    assert bench.released(key)
    assert bench.writes() == []


async def test_an_instance_younger_than_its_observer_is_never_taken_for_the_observers_own(bench):
    key = bench.instance(managementPolicy="Observe")
    await bench.make_pass(key)
    make_instance(bench, {"id": "docs"})
    bench.account.fail("instances.list", 503, 7017)
    await bench.look_again()
    bench.instance()

    for _ in range(2):
        await bench.make_pass(key)
        await bench.look_again()

    assert bench.states(key) == REFUSED
    assert [operation for operation, _ in bench.writes()] == ["instances.create"]  # which finds it there


async def test_an_observer_that_shall_manage_what_is_gone_makes_it_anew(bench):
    key = await observer(bench)
    bench.account.delete_instance("docs")
    await bench.look_again()
    bench.instance(instanceId="docs", chunkSize=256)

    await bench.make_pass(key)

    assert bench.writes() == [("instances.create", {"id": "docs", "chunk_size": 256})]
    assert bench.states(key) == READY
    assert "again" not in bench.kube.events[-1][3]


async def test_a_manager_that_becomes_an_observer_keeps_its_status_and_stops_writing(bench):
    make_namespace(bench, "archive")
    key = await ready_instance(bench, chunkSize=512)
    before = bench.status_of(key)
    bench.instance(source="bucket", chunkSize=600, managementPolicy="Observe")
    await bench.make_pass(key)
    kept = bench.status_of(key)
    bench.instance(source="bucket", chunkSize=600, searchNamespace="archive", managementPolicy="Observe")

    await bench.make_pass(key)

    same = ("instanceId", "accountId", "searchNamespace", "createdAt", "lastSyncedTime")
    assert {name: kept[name] for name in same} == {name: before[name] for name in same}
    assert [entry["path"] for entry in kept["drift"]] == ["chunkSize"]
    assert bench.states(key) == MISSING  # it observes where the spec says, and moves nothing there
    assert bench.writes() == []


async def test_a_suspended_observer_looks_at_nothing(bench):
    key = bench.instance(managementPolicy="Observe", suspend=True)

    await bench.make_pass(key)

    assert bench.requests() == []
    assert bench.states(key)[3] == "Suspended"
