"""Deletions that meet a fault: none hangs for ever, none leaks silently, and each says what it waits for."""

from harness.kube import eventually, instance

KIND = "AISearchInstance"
DOMAIN = "search.example.com"


def test_a_custom_domain_that_cannot_be_removed_is_tried_again_until_it_can_however_long(make_stage):
    stage = make_stage(release_timeout=1, terminal_retry=0.4, backoff_base=0.2, backoff_cap=0.4)
    kube, account = stage.kube, stage.account
    stage.operator.start()
    endpoint = {"enabled": True, "customDomains": [DOMAIN]}
    kube.apply(instance("docs", publicEndpointParams=endpoint, deletionPolicy="Delete"))
    kube.wait_condition(KIND, "docs", "Ready")
    account.configure(stuck_domains=[DOMAIN])

    kube.delete(KIND, "docs")

    stuck = kube.wait_condition(KIND, "docs", "Ready", status="False", reason="CustomDomainFailed")
    assert "domain" in stuck["status"]["conditions"][0]["message"]
    asked = stage.count("instances.delete")
    eventually(lambda: stage.count("instances.delete") >= asked + 6, lambda: "it is not tried again")
    assert kube.get(KIND, "docs") is not None
    account.configure(stuck_domains=[])
    kube.wait_gone(KIND, "docs")
    assert account.instances() == []
    assert kube.wait_event("docs", "Deleted")[0] == "Normal"


def test_a_revoked_token_is_waited_for_and_then_named_with_what_it_leaves_behind(make_stage):
    stage = make_stage(release_timeout=15, terminal_retry=0.5, poll_interval=600)
    kube, account = stage.kube, stage.account
    stage.operator.start()
    kube.apply(instance("docs", deletionPolicy="Delete"))
    kube.wait_condition(KIND, "docs", "Ready")
    account.revoke()

    kube.delete(KIND, "docs")

    kube.wait_condition(KIND, "docs", "Stalled", reason="CredentialsRejected")
    kube.wait_gone(KIND, "docs")
    kind, message = kube.wait_event("docs", "ReleasedUnconfirmed")
    assert kind == "Warning"
    assert f"Instance default/docs of account {account.id} may still exist" in message
    assert account.instance("docs") is not None


def test_an_instance_that_somebody_moved_is_not_found_and_an_event_says_so(make_stage):
    stage = make_stage(poll_interval=600)
    kube = stage.kube
    stage.dashboard.create_namespace("archive")
    stage.operator.start()
    kube.apply(instance("docs", deletionPolicy="Delete"))
    kube.wait_condition(KIND, "docs", "Ready")
    stage.dashboard.move_instance("docs", "archive")

    kube.delete(KIND, "docs")

    kube.wait_gone(KIND, "docs")
    kind, message = kube.wait_event("docs", "AlreadyGone")
    assert kind == "Normal"
    assert "if somebody moved it, it still exists" in message
    assert stage.account.instance("docs", "archive") is not None
