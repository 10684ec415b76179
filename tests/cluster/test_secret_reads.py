"""Which Secrets the operator reads: those that a resource names and the well-known ones. The audit log knows."""

import secrets

import pytest

from controlplane import reads
from harness.kube import Kube, conditions, instance, secret, sync_job
from harness.operator_process import OperatorProcess

INSTANCE = "AISearchInstance"
DEFAULT_SECRET = "aisearch-credentials"


@pytest.fixture
def other_namespace(control_plane, kubectl):
    name = f"other-{secrets.token_hex(4)}"
    kubectl("create", "namespace", name)
    kube = Kube(control_plane.kubeconfig, name)
    yield kube
    kube.clear()
    kube.close()
    kubectl("delete", "namespace", name, "--wait=false")


def test_no_secret_is_read_but_those_that_resources_name_and_none_of_another_namespace(
    make_stage, fake, tmp_path, other_namespace
):
    stage = make_stage()
    ours, theirs, account = stage.kube, other_namespace, stage.account
    # With every right in every namespace: what is not read is not read because the operator does not want it.
    almighty = f"operator-{secrets.token_hex(4)}"
    stage.operator = OperatorProcess(
        stage.plane.client_kubeconfig(almighty, ["system:masters"]),
        (ours.namespace, theirs.namespace),
        fake.api_url,
        tmp_path / "operator.log",
    )
    usable = {"apiToken": account.token, "accountId": account.id}
    ours.apply(secret("named", **usable), secret("unrelated", **usable))
    theirs.apply(secret("unrelated", **usable))
    stage.operator.start()

    ours.apply(instance("by-name", credentialsRef={"name": "named"}), instance("by-default"))
    theirs.apply(instance("thief", credentialsRef={"name": "named"}), instance("without"))
    theirs.apply({**sync_job("job", ""), "spec": {"instance": {"id": "by-name", "credentialsRef": {"name": "named"}}}})

    for name in ("by-name", "by-default"):
        ours.wait_condition(INSTANCE, name, "Ready")
    for kind, name, missing in (
        (INSTANCE, "thief", "named"),
        (INSTANCE, "without", DEFAULT_SECRET),
        ("AISearchSyncJob", "job", "named"),
    ):
        found = theirs.wait_condition(kind, name, "Reconciling", reason="CredentialsMissing")
        assert f"Secret {theirs.namespace}/{missing} does not exist" in conditions(found)["Ready"]["message"]
    stage.await_sweeps()
    asked = [each for each in reads(stage.plane.audit_log, user=almighty) if each.resource == "secrets"]
    assert {each.verb for each in asked} == {"get"}
    assert {(each.namespace, each.name) for each in asked} == {
        (ours.namespace, "named"),
        (ours.namespace, DEFAULT_SECRET),
        (theirs.namespace, "named"),
        (theirs.namespace, DEFAULT_SECRET),
    }
