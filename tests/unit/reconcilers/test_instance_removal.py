"""Deleted instance resources: the instance goes first, and only ours."""

import pytest

from unit.reconcilers.bench import NEVER, ready_instance
from unit.reconcilers.scenes import LONG_AGO, make_namespace


async def test_the_instance_is_deleted_before_the_resource_may_go(bench):
    key = await ready_instance(bench)
    bench.mark_deleted(key)

    await bench.make_pass(key)

    assert bench.writes() == [("instances.delete", None)]
    assert bench.account.instances() == []
    assert bench.released(key)
    assert bench.drain_events() == [("Normal", "Deleted")]
    assert bench.drain_patches() == []


async def test_an_instance_that_is_gone_already_holds_nothing_up(bench):
    key = await ready_instance(bench)
    bench.account.delete_instance("docs")
    bench.mark_deleted(key)

    await bench.make_pass(key)

    assert bench.released(key)
    assert bench.drain_events() == [("Normal", "AlreadyGone")]


async def test_an_instance_whose_search_namespace_is_gone_holds_nothing_up(bench):
    make_namespace(bench, "archive")
    key = await ready_instance(bench, searchNamespace="archive")
    bench.account.delete_instance("docs", "archive")
    make_namespace(bench, "archive", delete=True)
    bench.mark_deleted(key)

    await bench.make_pass(key)

    assert bench.released(key)


async def test_an_instance_stays_when_the_policy_says_so(bench):
    key = await ready_instance(bench, deletionPolicy="Retain")
    bench.mark_deleted(key)

    await bench.make_pass(key)

    assert bench.released(key)
    assert bench.requests() == []
    assert bench.drain_events() == [("Normal", "Retained")]


async def test_somebody_elses_instance_of_the_same_id_stays(bench):
    theirs = await ready_instance(bench, "theirs", instanceId="docs")
    bench.is_gone(theirs)
    bench.account.advance(3600)
    key = bench.instance(source="bucket")
    await bench.make_pass(key)
    bench.mark_deleted(key)

    await bench.make_pass(key)

    assert bench.released(key)
    assert [stored.id for stored in bench.account.instances()] == ["docs"]


async def test_the_instance_of_an_older_resource_stays(bench):
    older = await ready_instance(bench, "older", instanceId="docs")
    younger = bench.instance("younger", instanceId="docs", source="bucket")
    bench.mark_deleted(younger)

    await bench.make_pass(younger)

    assert bench.released(younger)
    assert bench.writes() == []
    assert bench.status_of(older)["instanceId"] == "docs"


async def test_a_resource_that_never_got_credentials_may_go_at_once(bench):
    bench.kube.secrets.clear()
    key = bench.instance(source="bucket")
    await bench.make_pass(key)
    bench.mark_deleted(key)

    await bench.make_pass(key)

    assert bench.released(key)


async def test_an_instance_that_was_created_unheard_is_deleted(bench):
    key = bench.instance(source="bucket")
    bench.account.drop("instances.create", stage="after")
    await bench.make_pass(key)
    await bench.restart()
    bench.mark_deleted(key)

    await bench.make_pass(key)

    assert bench.released(key)
    assert bench.account.instances() == []


async def test_an_instance_that_was_moved_unheard_is_deleted_where_it_is(bench):
    make_namespace(bench, "archive")
    key = await ready_instance(bench)
    bench.instance(source="bucket", searchNamespace="archive")
    bench.account.drop("instances.move", stage="after")
    await bench.make_pass(key)
    bench.mark_deleted(key)

    await bench.make_pass(key)

    assert bench.released(key)
    assert bench.account.instances() == []


async def test_an_instance_is_deleted_with_the_secret_that_was_deleted_first(bench):
    key = await ready_instance(bench)
    bench.kube.secrets.clear()
    await bench.look_again()
    bench.mark_deleted(key)

    await bench.make_pass(key)

    assert bench.released(key)
    assert bench.account.instances() == []


async def test_an_unreadable_spec_does_not_keep_its_resource(bench):
    bench.kube.secrets["team", "mine"] = bench.kube.secrets.pop(("team", "aisearch-credentials"))
    key = await ready_instance(bench, credentialsRef={"name": "mine"})
    bench.instance(source="bucket", credentialsRef={"name": "mine"}, chunkSize="many")
    await bench.restart()
    bench.mark_deleted(key)

    await bench.make_pass(key)

    assert bench.released(key)
    assert bench.account.instances() == []


@pytest.mark.parametrize(("status", "code"), [(503, 7017), (500, 7001), (502, 7092)])
async def test_an_api_that_is_away_is_waited_for_however_long(bench, status, code):
    key = await ready_instance(bench)
    bench.mark_deleted(key, ago=NEVER)
    bench.account.fail("instances.delete", status, code)

    again = await bench.make_pass(key)
    waited = not bench.released(key)
    states = bench.states(key)
    await bench.make_pass(key)

    assert waited
    assert again is not None
    assert states[:3] == ("False", "True", "False")
    assert bench.released(key)


async def test_missing_credentials_are_waited_for_and_the_status_says_so(bench):
    key = await ready_instance(bench)
    bench.kube.secrets.clear()
    await bench.restart()
    bench.mark_deleted(key)

    await bench.make_pass(key)

    assert not bench.released(key)
    assert bench.states(key) == ("False", "True", "False", "CredentialsMissing")


@pytest.mark.parametrize("trouble", ["missing", "rejected"])
async def test_what_only_a_person_can_put_right_does_not_hold_a_deletion_for_ever(bench, trouble):
    key = await ready_instance(bench)
    if trouble == "missing":
        bench.kube.secrets.clear()
    else:
        bench.account.revoke()
    await bench.restart()
    bench.mark_deleted(key, ago=LONG_AGO)

    await bench.make_pass(key)

    assert bench.released(key)
    (event,) = bench.kube.events
    assert event[1:3] == ("Warning", "ReleasedUnconfirmed")
    assert f"default/docs of account {bench.account.id}" in event[3]


async def test_a_change_of_the_deletion_policy_is_seen_while_the_deletion_waits(bench):
    key = await ready_instance(bench)
    bench.account.fail("instances.delete", 503, 7017, times=None)
    bench.mark_deleted(key)
    await bench.make_pass(key)
    bench.edit_unseen(key, deletionPolicy="Retain")

    await bench.make_pass(key)  # fails once more, and reads the resource again
    await bench.make_pass(key)

    assert bench.released(key)
    assert len(bench.account.instances()) == 1
