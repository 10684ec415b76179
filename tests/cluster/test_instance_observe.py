"""managementPolicy: Observe on a real API server: complete status, and not one write to Cloudflare."""

from harness.kube import conditions, instance

KIND = "AISearchInstance"


def test_an_observer_reports_all_and_writes_nothing_whatever_becomes_of_the_instance(stage):
    kube, account = stage.kube, stage.account
    stage.dashboard.create_instance("theirs", type="r2", source="their-bucket", max_num_results=5)
    kube.apply(instance("theirs", managementPolicy="Observe", maxNumResults=20, adoptionPolicy="IfExists"))
    kube.apply(instance("absent", managementPolicy="Observe"), instance("ours", maxNumResults=20))

    observed = kube.wait_condition(KIND, "theirs", "Indexed", reason="IndexComplete")
    assert conditions(observed)["Ready"]["reason"] == "Observed"
    assert observed["status"]["managed"] is False
    assert [(each["path"], each["observed"]) for each in observed["status"]["drift"]] == [("maxNumResults", "5")]
    kube.wait_condition(KIND, "absent", "Reconciling", reason="NothingToObserve")
    kube.wait_condition(KIND, "ours", "Ready")

    kube.apply(instance("ours", maxNumResults=30, managementPolicy="Observe"))
    kube.wait_condition(KIND, "ours", "Drifted")
    account.delete_instance("theirs")
    stage.dashboard.create_instance("absent")
    kube.wait_condition(KIND, "theirs", "Reconciling", reason="NothingToObserve")
    kube.wait_condition(KIND, "absent", "Ready")
    for name in ("theirs", "absent", "ours"):
        kube.delete(KIND, name)
        kube.wait_gone(KIND, name)

    assert stage.sent() == [("instances.create", {"id": "ours", "max_num_results": 20})]
    assert sorted(each.id for each in account.instances()) == ["absent", "ours"]


def test_an_observer_claims_nothing_and_takes_over_only_when_adoption_is_allowed(stage):
    kube = stage.kube
    kube.apply(instance("first", instanceId="shared", managementPolicy="Observe"))
    kube.wait_condition(KIND, "first", "Reconciling", reason="NothingToObserve")
    kube.apply(instance("second", instanceId="shared", maxNumResults=20))
    kube.wait_condition(KIND, "second", "Ready")
    kube.wait_condition(KIND, "first", "Ready", reason="Observed")

    kube.apply(instance("second", instanceId="shared", maxNumResults=20, managementPolicy="Observe"))
    kube.wait_condition(KIND, "second", "Ready", reason="Observed")
    kube.apply(instance("first", instanceId="shared", maxNumResults=30))
    kube.wait_condition(KIND, "first", "Stalled", reason="AdoptionRefused")
    kube.apply(instance("first", instanceId="shared", maxNumResults=30, adoptionPolicy="IfExists"))
    kube.wait_condition(KIND, "first", "Ready", reason="Synced")

    assert stage.sent() == [
        ("instances.create", {"id": "shared", "max_num_results": 20}),
        ("instances.update", {"max_num_results": 30}),
    ]
    kube.apply(instance("second", instanceId="shared", maxNumResults=20))
    stalled = kube.wait_condition(KIND, "second", "Stalled", reason="ClaimedByAnotherResource")
    assert f"{kube.namespace}/first" in conditions(stalled)["Ready"]["message"]
