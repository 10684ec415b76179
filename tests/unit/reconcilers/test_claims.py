"""Two resources for one instance: who has it, who is told, and that nothing flaps."""

import pytest

from unit.reconcilers.bench import READY
from unit.reconcilers.scenes import make_namespace

CLAIMED = ("False", "False", "True", "ClaimedByAnotherResource")


async def settle(bench, *keys):
    """Make passes over these, then over whoever is woken up, until nobody is."""
    due = list(keys)
    rounds = 0
    while due:
        rounds += 1
        assert rounds < 10, "they wake each other up for ever"
        for key in due:
            await bench.make_pass(key)
        due = [key for key in keys if key.name in bench.drain_woken()]


def older(bench, **spec):
    return bench.instance("older", instanceId="docs", source="bucket", age=100, **spec)


def younger(bench, **spec):
    return bench.instance("younger", instanceId="docs", source="bucket", age=10, **spec)


@pytest.mark.parametrize("first", ["older", "younger"])
@pytest.mark.parametrize("suspended", [False, True])
async def test_the_younger_is_stalled_and_names_the_older_also_one_that_is_suspended(bench, first, suspended):
    keys = [older(bench, suspend=suspended), younger(bench)]

    await settle(bench, *(keys if first == "older" else reversed(keys)))
    bench.drain_patches()
    await settle(bench, *keys)

    assert bench.states(keys[1]) == CLAIMED
    assert "team/older" in bench.condition(keys[1], "Ready").message
    assert bench.states(keys[0])[3] == ("Suspended" if suspended else "Synced")
    assert bench.drain_patches() == []


async def test_an_older_resource_that_only_observes_claims_nothing(bench):
    keys = [older(bench, managementPolicy="Observe"), younger(bench)]

    await settle(bench, *keys)
    await bench.look_again()
    await settle(bench, *keys)

    assert bench.states(keys[1]) == READY
    assert bench.states(keys[0]) == ("True", "False", "False", "Observed")


async def test_the_younger_has_the_instance_when_the_older_becomes_an_observer_and_loses_it_when_it_manages(bench):
    keys = [older(bench), younger(bench, adoptionPolicy="IfExists")]
    await settle(bench, *keys)

    older(bench, managementPolicy="Observe")
    await settle(bench, *keys)
    observing = [bench.states(key) for key in keys]
    older(bench, adoptionPolicy="IfExists")
    await settle(bench, *keys)

    assert observing == [("True", "False", "False", "Observed"), READY]
    assert [bench.states(key) for key in keys] == [READY, CLAIMED]


async def test_the_younger_has_the_instance_s_place_when_the_older_moves_away(bench):
    make_namespace(bench, "archive")
    keys = [older(bench), younger(bench)]
    await settle(bench, *keys)

    older(bench, searchNamespace="archive")
    await settle(bench, *keys)

    assert [bench.states(key) for key in keys] == [READY, READY]
    assert {(each.id, each.namespace) for each in bench.account.instances()} == {
        ("docs", "archive"),
        ("docs", "default"),
    }


async def test_while_the_older_is_being_deleted_the_younger_waits_and_then_has_its_turn(bench):
    keys = [older(bench), younger(bench)]
    await settle(bench, *keys)
    bench.account.fail("instances.delete", 503, 7017)
    bench.mark_deleted(keys[0])
    await settle(bench, *keys)
    waiting = bench.states(keys[1])

    await bench.make_pass(keys[0])
    bench.is_gone(keys[0])
    woken = bench.drain_woken()
    await settle(bench, keys[1])

    assert waiting == CLAIMED
    assert "younger" in woken
    assert bench.states(keys[1]) == READY
