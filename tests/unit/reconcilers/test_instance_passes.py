"""Passes over instances: resource and account in, requests and status and Events out."""

import pytest

from aisearch_operator.kube.api import KubeUnavailable
from fake_cloudflare import Broken, Drop, Status
from unit.reconcilers.bench import READY, ready_instance
from unit.reconcilers.scenes import make_instance, make_namespace


async def test_an_instance_is_created_with_exactly_what_the_user_set(bench):
    key = bench.instance(source="bucket", chunkSize=512, sourceParams={"prefix": "a/"})

    again = await bench.make_pass(key)

    assert again is None
    assert bench.writes() == [
        ("instances.create", {"id": "docs", "source": "bucket", "chunk_size": 512, "source_params": {"prefix": "a/"}})
    ]
    assert bench.states(key) == READY
    status = bench.status_of(key)
    assert status["observedGeneration"] == 1
    assert (status["instanceId"], status["searchNamespace"]) == ("docs", "default")
    assert status["accountId"] == bench.account.id
    assert bench.drain_events() == [("Normal", "Created")]
    assert len(bench.drain_patches()) == 1


async def test_what_a_create_does_not_take_follows_in_one_update(bench):
    key = bench.instance(source="bucket", paused=True, systemPromptAiSearch="Answer in verse.")

    await bench.make_pass(key)

    assert [operation for operation, _ in bench.writes()] == ["instances.create", "instances.update"]
    stored = bench.account.instance("docs")
    assert (stored["paused"], stored["system_prompt_ai_search"]) == (True, "Answer in verse.")
    assert bench.status_of(key)["paused"] is True


@pytest.mark.parametrize("look_again", [False, True], ids=["from the answer", "from a list"])
async def test_a_pass_over_an_instance_that_is_as_wanted_sends_and_writes_nothing(bench, look_again):
    key = await ready_instance(bench, chunkSize=512, chunk=False, systemPromptAiSearch="p", paused=False)
    if look_again:
        await bench.look_again()

    await bench.make_pass(key)

    assert bench.writes() == []
    assert bench.drain_patches() == []
    assert bench.drain_events() == []


async def test_an_edit_sends_one_update_with_only_the_changed_top_level_fields(bench):
    key = await ready_instance(bench, chunkSize=512, cache=True, sourceParams={"prefix": "a/"})
    bench.instance(source="bucket", chunkSize=600, cache=True, sourceParams={"prefix": "b/"})

    await bench.make_pass(key)

    assert bench.writes() == [
        ("instances.update", {"chunk_size": 600, "source_params": {"prefix": "b/", "r2_jurisdiction": "default"}})
    ]
    assert bench.states(key) == READY
    assert bench.status_of(key)["observedGeneration"] == 2
    assert bench.drain_events() == [("Normal", "Updated")]
    assert len(bench.drain_patches()) == 1


async def test_an_edited_prompt_is_sent_once(bench):
    key = await ready_instance(bench, systemPromptAiSearch="first")
    bench.instance(source="bucket", systemPromptAiSearch="second")

    await bench.make_pass(key)
    await bench.make_pass(key)

    assert bench.writes() == [("instances.update", {"system_prompt_ai_search": "second"})]


async def test_an_edit_of_what_only_concerns_the_operator_sends_nothing(bench):
    key = await ready_instance(bench)
    bench.instance(source="bucket", deletionPolicy="Retain")

    await bench.make_pass(key)

    assert bench.writes() == []
    assert bench.status_of(key)["observedGeneration"] == 2


async def test_drift_is_repaired(bench):
    key = await ready_instance(bench, chunkSize=512)
    bench.account.patch_instance("docs", chunk_size=100, max_num_results=3)

    await bench.look_again()
    assert bench.drain_woken() == {"docs"}
    await bench.make_pass(key)

    assert bench.writes() == [("instances.update", {"chunk_size": 512})]
    assert bench.drain_events() == [("Normal", "DriftRepaired")]
    assert bench.states(key) == READY
    assert bench.condition(key, "Drifted").status == "False"


async def test_drift_of_a_prompt_that_lists_show_is_repaired(bench):
    key = await ready_instance(bench, systemPromptAiSearch="ours")
    bench.account.patch_instance("docs", system_prompt_ai_search="theirs")
    await bench.look_again()

    for _ in range(3):
        await bench.make_pass(key)
        await bench.look_again()
    await bench.make_pass(key)

    assert bench.writes() == [("instances.update", {"system_prompt_ai_search": "ours"})]
    assert bench.condition(key, "Drifted").status == "False"
    assert "theirs" not in str(bench.status_of(key))


async def test_drift_is_only_reported_when_the_policy_says_so(bench):
    key = await ready_instance(bench, chunkSize=512, driftPolicy="Report")
    bench.account.patch_instance("docs", chunk_size=100)
    await bench.look_again()

    await bench.make_pass(key)

    assert bench.writes() == []
    assert bench.states(key) == READY
    drifted = bench.condition(key, "Drifted")
    assert (drifted.status, drifted.reason) == ("True", "DriftFound")
    (entry,) = bench.status_of(key)["drift"]
    assert (entry["path"], entry["desired"], entry["observed"]) == ("chunkSize", "512", "100")


async def test_an_update_of_another_field_does_not_make_custom_domains_look_like_drift(bench):
    endpoint = {"enabled": True, "customDomains": ["search.example.com"]}
    key = await ready_instance(bench, publicEndpointParams=endpoint, chunkSize=512)
    bench.instance(source="bucket", publicEndpointParams=endpoint, chunkSize=600)

    for _ in range(3):
        await bench.make_pass(key)

    assert bench.writes() == [("instances.update", {"chunk_size": 600})]


async def test_an_instance_that_was_deleted_behind_the_operators_back_is_created_again(bench):
    key = await ready_instance(bench, chunkSize=512)
    bench.account.delete_instance("docs")
    await bench.look_again()

    await bench.make_pass(key)

    assert [operation for operation, _ in bench.writes()] == ["instances.create"]
    assert bench.states(key) == READY
    assert "again: it was deleted at Cloudflare" in bench.kube.events[0][3]


async def test_an_instance_of_somebody_else_is_left_alone(bench):
    theirs = bench.instance("theirs", source="bucket", instanceId="docs", age=60)
    await bench.make_pass(theirs)
    bench.is_gone(theirs)
    bench.account.advance(3600)
    bench.requests()
    key = bench.instance(source="bucket", chunkSize=512)

    await bench.make_pass(key)

    assert bench.writes() == []
    assert bench.states(key) == ("False", "False", "True", "AdoptionRefused")
    assert "IfExists" in bench.condition(key, "Ready").message
    assert "instanceId" not in bench.status_of(key)


async def waiting_for_credentials(bench, **spec):
    """Make a resource whose status says that no POST was sent for it; from then on there are credentials."""
    data = bench.kube.secrets.pop(("team", "aisearch-credentials"))
    key = bench.instance(source="bucket", **spec)
    await bench.make_pass(key)
    assert bench.states(key)[3] == "CredentialsMissing"
    bench.kube.secrets["team", "aisearch-credentials"] = data
    await bench.look_again()
    return key


async def test_an_instance_that_somebody_makes_while_a_resource_waits_is_theirs_however_alike(bench):
    key = await waiting_for_credentials(bench)
    make_instance(bench, {"id": "docs", "source": "bucket"})

    await bench.make_pass(key)
    refused = bench.states(key)
    bench.mark_deleted(key)
    await bench.make_pass(key)

    assert refused == ("False", "False", "True", "AdoptionRefused")
    assert bench.released(key)
    assert bench.writes() == []
    assert [found.id for found in bench.account.instances()] == ["docs"]


async def test_after_a_wait_a_kill_between_post_and_status_leaves_an_instance_that_is_ours(bench):
    key = await waiting_for_credentials(bench)
    bench.kube.fail("patch_status", None, KubeUnavailable("killed"))

    await bench.make_pass(key)
    between = bench.states(key)[3]
    await bench.restart()
    await bench.make_pass(key)

    assert between == "Creating"
    assert [operation for operation, _ in bench.writes()] == ["instances.create"]
    assert bench.states(key) == READY


async def test_an_instance_of_somebody_else_is_taken_over_when_the_spec_allows_it(bench):
    theirs = bench.instance("theirs", source="bucket", instanceId="docs", age=60)
    await bench.make_pass(theirs)
    bench.is_gone(theirs)
    bench.account.advance(3600)
    bench.requests()
    bench.drain_events()
    key = bench.instance(source="bucket", chunkSize=512, adoptionPolicy="IfExists")

    await bench.make_pass(key)

    assert bench.writes() == [("instances.update", {"chunk_size": 512})]
    assert bench.states(key) == READY
    assert bench.drain_events() == [("Normal", "Adopted"), ("Normal", "Updated")]


@pytest.mark.parametrize("stage", ["before", "after"])
@pytest.mark.parametrize("effect", [Drop(), Broken(body="garbage"), Status(status=500)], ids=lambda effect: effect.kind)
@pytest.mark.parametrize("killed", [False, True], ids=["goes on", "is killed"])
async def test_a_creation_without_an_answer_ends_with_one_instance_that_is_ours(bench, stage, effect, killed):
    key = bench.instance(source="bucket", chunkSize=512, systemPromptAiSearch="p")
    bench.account.inject(effect, "instances.create", stage=stage)

    await bench.make_pass(key)
    assert bench.states(key)[:3] == ("False", "True", "False")
    if killed:
        await bench.restart()
    await bench.make_pass(key)

    assert bench.states(key) == READY
    (stored,) = bench.account.instances()
    assert (stored["chunk_size"], stored["system_prompt_ai_search"]) == (512, "p")
    assert ("Warning", "AdoptionRefused") not in bench.drain_events()


async def test_a_creation_whose_second_half_failed_is_finished_by_the_next_pass(bench):
    key = bench.instance(source="bucket", systemPromptAiSearch="p")
    bench.account.fail("instances.update", 503, 7017)

    await bench.make_pass(key)
    first = bench.states(key)
    instance_id = bench.status_of(key)["instanceId"]
    bench.requests()
    await bench.make_pass(key)

    assert (first, instance_id) == (("False", "True", "False", "ApiUnavailable"), "docs")
    assert bench.writes() == [("instances.update", {"system_prompt_ai_search": "p"})]
    assert bench.states(key) == READY


@pytest.mark.parametrize(
    ("status", "code", "reason"),
    [
        (503, 7017, "ApiUnavailable"),
        (500, 7001, "ApiUnavailable"),
        (429, 971, "RateLimited"),
        (403, 7013, "QuotaReached"),
    ],
)
async def test_what_passes_keeps_the_resource_reconciling_and_heals_by_itself(bench, status, code, reason):
    key = bench.instance(source="bucket")
    bench.account.fail("instances.create", status, code)

    again = await bench.make_pass(key)
    in_trouble = bench.states(key)
    await bench.restart()  # a 429 stops the caller for a while
    await bench.make_pass(key)

    assert again is not None
    assert in_trouble == ("False", "True", "False", reason)
    assert bench.states(key) == READY


async def test_a_fault_that_lasts_is_written_once(bench):
    key = bench.instance(source="bucket")
    bench.account.fail("instances.create", 503, 7017, times=None)

    for _ in range(4):
        await bench.make_pass(key)

    assert len(bench.drain_patches()) == 1
    assert len(bench.writes()) == 4


async def test_settings_that_cloudflare_refuses_stall_the_resource(bench):
    key = bench.instance(source="bucket", chunkSize=1_000_000)

    await bench.make_pass(key)

    assert bench.states(key) == ("False", "False", "True", "InvalidRequest")
    assert bench.drain_events() == [("Warning", "InvalidRequest")]


async def test_a_resource_goes_on_when_its_settings_are_corrected(bench):
    key = bench.instance(source="bucket", chunkSize=1_000_000)
    await bench.make_pass(key)
    bench.drain_events()
    bench.instance(source="bucket", chunkSize=512)

    await bench.make_pass(key)

    assert bench.states(key) == READY
    assert bench.drain_events() == [("Normal", "Created"), ("Normal", "Recovered")]


async def test_a_rejected_token_stalls_and_a_corrected_one_heals(bench):
    bench.kube.secrets["team", "aisearch-credentials"]["apiToken"] = "wrong-token"
    key = bench.instance(source="bucket")
    await bench.make_pass(key)
    before = bench.states(key)
    bench.kube.secrets["team", "aisearch-credentials"]["apiToken"] = bench.account.token

    await bench.look_again()
    woken = bench.drain_woken()
    await bench.make_pass(key)

    assert before == ("False", "False", "True", "CredentialsRejected")
    assert woken == {"docs"}
    assert bench.states(key) == READY


async def test_a_missing_secret_is_waited_for(bench):
    key = bench.instance(source="bucket", credentialsRef={"name": "later"})

    await bench.make_pass(key)

    assert bench.states(key) == ("False", "True", "False", "CredentialsMissing")
    assert "team/later" in bench.condition(key, "Ready").message


async def test_no_secret_and_no_prompt_is_ever_told(bench):
    key = bench.instance(source="bucket", systemPromptAiSearch="a very private prompt", chunkSize=1_000_000)
    await bench.make_pass(key)
    bench.instance(source="bucket", systemPromptAiSearch="a very private prompt")
    await bench.make_pass(key)
    bench.account.patch_instance("docs", system_prompt_ai_search="somebody's private prompt")
    await bench.look_again()
    await bench.make_pass(key)

    told = f"{bench.kube.events} {bench.status_of(key)} {bench.drain_patches()}"
    assert "private prompt" not in told
    assert bench.account.token not in told


async def test_the_younger_of_two_resources_for_one_instance_waits_for_the_older(bench):
    older = bench.instance("older", instanceId="docs", source="bucket", age=100)
    younger = bench.instance("younger", instanceId="docs", source="bucket", chunkSize=512, age=10)

    await bench.make_pass(younger)
    await bench.make_pass(older)
    requests = bench.writes()
    bench.mark_deleted(older)
    await bench.make_pass(older)
    bench.is_gone(older)
    woken = bench.drain_woken()
    await bench.make_pass(younger)

    assert [body["id"] for _, body in requests] == ["docs"]
    assert "chunk_size" not in requests[0][1]
    assert "younger" in woken
    assert bench.states(younger) == READY


async def test_a_suspended_resource_sends_nothing(bench):
    key = bench.instance(source="bucket", suspend=True)

    await bench.make_pass(key)

    assert bench.requests() == []
    assert bench.states(key) == ("Unknown", "False", "False", "Suspended")


async def test_a_resource_that_is_no_longer_suspended_catches_up(bench):
    key = await ready_instance(bench, chunkSize=512, suspend=False)
    bench.instance(source="bucket", chunkSize=600, suspend=True)
    await bench.make_pass(key)
    suspended = bench.writes()
    bench.instance(source="bucket", chunkSize=600)

    await bench.make_pass(key)

    assert suspended == []
    assert bench.writes() == [("instances.update", {"chunk_size": 600})]


async def test_a_spec_that_cannot_be_read_stalls_with_the_name_of_the_field(bench):
    key = bench.instance(source="bucket", chunkSize="many")

    await bench.make_pass(key)

    assert bench.requests() == []
    assert bench.states(key) == ("False", "False", "True", "InvalidSpec")
    assert "chunkSize" in bench.condition(key, "Ready").message


async def test_statistics_reach_the_status_and_say_how_the_index_is(bench):
    key = await ready_instance(bench)
    assert bench.condition(key, "Indexed").status == "Unknown"

    await bench.read_statistics()
    woken = bench.drain_woken()
    await bench.make_pass(key)

    assert woken == {"docs"}
    assert bench.status_of(key)["stats"]["completed"] == 0
    assert bench.condition(key, "Indexed").status == "True"


async def test_another_search_namespace_moves_the_instance(bench):
    make_namespace(bench, "archive")
    key = await ready_instance(bench, chunkSize=512)
    bench.instance(source="bucket", chunkSize=600, searchNamespace="archive")

    await bench.make_pass(key)

    assert bench.writes() == [
        ("instances.move", {"new_namespace": "archive"}),
        ("instances.update", {"chunk_size": 600}),
    ]
    assert bench.status_of(key)["searchNamespace"] == "archive"
    assert bench.states(key) == READY
    assert [stored.namespace for stored in bench.account.instances()] == ["archive"]


@pytest.mark.parametrize("stage", ["before", "after"])
async def test_a_move_without_an_answer_is_finished_by_the_next_pass(bench, stage):
    make_namespace(bench, "archive")
    key = await ready_instance(bench)
    bench.instance(source="bucket", searchNamespace="archive")
    bench.account.drop("instances.move", stage=stage)

    await bench.make_pass(key)
    remembered = bench.status_of(key)["searchNamespace"]
    await bench.restart()
    await bench.make_pass(key)

    assert remembered == "default"
    assert bench.states(key) == READY
    assert [(stored.id, stored.namespace) for stored in bench.account.instances()] == [("docs", "archive")]


async def test_a_search_namespace_that_does_not_exist_is_waited_for(bench):
    key = await ready_instance(bench)
    bench.instance(source="bucket", searchNamespace="archive")

    await bench.make_pass(key)

    assert bench.writes() == []
    assert bench.states(key) == ("False", "True", "False", "SearchNamespaceNotFound")
    assert bench.status_of(key)["searchNamespace"] == "default"


async def test_an_instance_is_not_lost_when_its_new_search_namespace_goes_before_the_move(bench):
    make_namespace(bench, "archive")
    key = await ready_instance(bench)
    other = bench.instance("blog", source="bucket", searchNamespace="archive", suspend=False)
    await bench.make_pass(other)
    bench.account.delete_instance("blog", "archive")
    make_namespace(bench, "archive", delete=True)
    bench.instance(source="bucket", searchNamespace="archive")

    await bench.make_pass(key)

    assert bench.status_of(key)["searchNamespace"] == "default"
    assert bench.states(key)[:3] == ("False", "True", "False")


async def test_an_instance_whose_edit_is_refused_still_tells_how_it_is_doing(bench):
    key = await ready_instance(bench, maxNumResults=10)
    bench.account.fail("instances.update", 400, 7010, times=None)
    bench.instance(source="bucket", maxNumResults=20)
    bench.account.patch_instance("docs", paused=True)
    await bench.look_again()

    await bench.make_pass(key)
    await bench.read_statistics()
    await bench.make_pass(key)

    assert bench.states(key) == ("False", "False", "True", "InvalidRequest")
    assert bench.status_of(key)["paused"] is True
    assert "stats" in bench.status_of(key)
