"""What Cloudflare refuses for a reason that somebody can put right: named, and over by itself once it is."""

from fake_cloudflare.faults import Status
from harness.fixtures import RATE
from harness.kube import conditions, instance

KIND = "AISearchInstance"

WAITS = {
    "changed-meanwhile": (409, 7099, "namespace_modified_concurrently_please_retry", "Conflict"),
    "no-gateway": (400, 7018, "ai_gateway_not_found", "DependencyMissing"),
    "new-token": (400, 7012, "ai_search_instance_invalid_token", "ServiceTokenInvalid"),
}
"""By the name of an instance: HTTP status, code and message of the refusal, and the reason that the resource gives."""


def test_a_refusal_that_may_pass_is_waited_out_and_the_edit_is_sent_again(stage):
    kube, account = stage.kube, stage.account
    kube.apply(*(instance(name) for name in WAITS))
    for name in WAITS:
        kube.wait_condition(KIND, name, "Ready")
    for name, (status, code, message, _) in WAITS.items():
        effect = Status(status=status, code=code, message=message)
        account.inject(effect, "instances.update", path=f"*/{name}", times=None)

    kube.apply(*(instance(name, maxNumResults=20) for name in WAITS))

    for name, (_, _, message, reason) in WAITS.items():
        told = conditions(kube.wait_condition(KIND, name, "Reconciling", reason=reason))
        assert message in told["Ready"]["message"]
    account.clear_faults()
    for name in WAITS:
        kube.wait_condition(KIND, name, "Ready")
        assert account.instance(name)["max_num_results"] == 20


def test_a_move_to_where_an_instance_of_that_id_is_stalls_until_that_one_is_gone(stage):
    kube = stage.kube
    stage.dashboard.create_namespace("team-a")
    stage.dashboard.create_instance("docs", "team-a", max_num_results=7)
    kube.apply(instance("docs"))
    kube.wait_condition(KIND, "docs", "Ready")

    kube.apply(instance("docs", searchNamespace="team-a"))
    stalled = kube.wait_condition(KIND, "docs", "Stalled", reason="InstanceExists")

    assert stalled["status"]["searchNamespace"] == "default"
    assert stage.account.instance("docs", "team-a")["max_num_results"] == 7
    stage.account.delete_instance("docs", "team-a")
    moved = kube.wait_condition(KIND, "docs", "Ready")
    assert moved["status"]["searchNamespace"] == "team-a"


def test_items_that_cannot_be_indexed_are_counted_and_told(stage):
    stage.kube.apply(instance("docs", type="r2", source="my-bucket"))
    stage.kube.wait_condition(KIND, "docs", "Ready")

    stage.account.set_files("docs", 5, errors={"file_too_large": 2})

    told = stage.kube.wait_condition(KIND, "docs", "Indexed", status="False", reason="IndexErrors")
    assert told["status"]["stats"]["error"] == 2


def test_a_used_up_budget_is_told_and_nothing_is_sent_until_there_is_more(make_stage):
    # A burst of five, then one in 2.7 s.
    stage = make_stage(budget_limit=20, budget_window=40, budget_share=1, stats_interval=600, poll_interval=600)
    began = stage.account.now()
    stage.operator.start()
    names = [f"docs-{number}" for number in range(8)]

    stage.kube.apply(*(instance(name) for name in names))

    for name in names:
        stage.kube.wait_condition(KIND, name, "Ready")
    waited = {write.name for write in stage.writes() if "RequestBudgetExhausted" in str(write.body)}
    assert waited < set(names)
    assert waited
    times = [(entry.time - began) / RATE for entry in stage.requests()]
    # However long one was held up: no more had left by then than the budget had given.
    assert all(number <= 5 + 1 + seconds / 2.7 for number, seconds in enumerate(times, 1)), times
