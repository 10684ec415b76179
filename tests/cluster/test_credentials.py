"""Credentials for Cloudflare: every way to give them, to get them wrong, and to put them right."""

import secrets
from typing import Any

from fake_cloudflare import JobPlan
from harness.kube import Kube, conditions, instance, secret, sync_job
from harness.operator_process import OperatorProcess

INSTANCE = "AISearchInstance"
JOB = "AISearchSyncJob"
DEFAULT_SECRET = "aisearch-credentials"
ONLY_THE_SECRET_HEALS = {"terminal_retry": 600, "wait_retry": 600, "backoff_base": 300, "backoff_cap": 300}
"""Settings under which a failed pass is not made again in time: what goes on, goes on because the Secret changed."""


def fresh_token(stage):
    token = secrets.token_urlsafe(30)
    stage.secrets.append(token)
    return token


def running(body):
    return body["status"].get("phase") == "Running"


def test_a_rejected_token_stalls_and_correcting_the_secret_heals_every_resource_without_a_restart(make_stage):
    stage = make_stage(**ONLY_THE_SECRET_HEALS)
    kube, account = stage.kube, stage.account
    account.configure(initial_job=False)
    stage.operator.start()
    names = [f"docs-{number}" for number in range(4)]
    kube.apply(*(instance(name, type="r2", source="my-bucket") for name in names))
    for name in names:
        kube.wait_condition(INSTANCE, name, "Ready")
    account.plan_next_job(JobPlan(duration=None))
    kube.apply(sync_job("running", names[0]))
    kube.wait(JOB, "running", running, "running")

    account.revoke()
    kube.apply(instance("late"), sync_job("late", names[1]))

    for name in (*names, "late"):
        stalled = kube.wait_condition(INSTANCE, name, "Stalled", reason="CredentialsRejected")
        assert "check that the credentials are valid" in conditions(stalled)["Ready"]["message"]
        assert kube.wait_event(name, "CredentialsRejected")[0] == "Warning"
    kube.wait_condition(JOB, "running", "Stalled", reason="CredentialsRejected")
    waiting = kube.wait_condition(JOB, "late", "Stalled", reason="InstanceStalled")
    assert "check that the credentials are valid" in conditions(waiting)["Ready"]["message"]
    kube.delete(INSTANCE, names[3])
    kube.wait_condition(INSTANCE, names[3], "Stalled", reason="CredentialsRejected")

    token = fresh_token(stage)
    account.add_token("corrected", token)
    kube.apply(secret(DEFAULT_SECRET, apiToken=token, accountId=account.id))

    for name in (*names[:3], "late"):
        kube.wait_condition(INSTANCE, name, "Ready")
        assert kube.wait_event(name, "Recovered")[0] == "Normal"
    kube.wait_gone(INSTANCE, names[3])
    kube.wait(JOB, "running", lambda body: conditions(body)["Stalled"]["status"] == "False", "running again")
    (job,) = account.jobs(names[0])
    account.end_job(names[0], job.id)
    for name in ("running", "late"):
        kube.wait_condition(JOB, name, "Complete")
    assert sorted(each.id for each in account.instances()) == [*names[:3], "late"]


def test_email_and_key_are_credentials_too_and_each_resource_may_have_its_own(stage):
    kube, account = stage.kube, stage.account
    api_key = fresh_token(stage)
    account.add_key("person", "person@example.com", api_key)
    kube.apply(secret("by-key", email="person@example.com", apiKey=api_key, accountId=account.id))

    kube.apply(instance("by-key", credentialsRef={"name": "by-key"}), instance("by-token"))

    for name in ("by-key", "by-token"):
        kube.wait_condition(INSTANCE, name, "Ready")
    callers = {entry.body["id"]: entry.caller for entry in account.journal(operation="instances.create")}
    assert callers == {"by-key": "person", "by-token": "token"}


def test_incomplete_credentials_are_named_and_completing_them_heals(make_stage):
    stage = make_stage(**ONLY_THE_SECRET_HEALS)
    kube, account = stage.kube, stage.account
    token, account_id = account.token, account.id
    incomplete = {
        "missing": (None, "Reconciling", "CredentialsMissing", "does not exist"),
        "no-account": ({"apiToken": token}, "Stalled", "CredentialsIncomplete", "lacks the key accountId"),
        "no-token": ({"accountId": account_id}, "Stalled", "CredentialsIncomplete", "lacks the key apiToken"),
        "empty": ({"apiToken": "", "accountId": account_id}, "Stalled", "CredentialsInvalid", "apiToken is empty"),
        "no-key": (
            {"email": "person@example.com", "accountId": account_id},
            "Stalled",
            "CredentialsIncomplete",
            "lacks apiKey",
        ),
    }
    stage.operator.start()
    kube.apply(*(secret(name, **data) for name, (data, *_) in incomplete.items() if data))
    kube.apply(*(instance(name, credentialsRef={"name": name}) for name in incomplete))
    kube.apply({**sync_job("job", ""), "spec": {"instance": {"id": "x", "credentialsRef": {"name": "missing"}}}})

    for name, (_, condition, reason, says) in incomplete.items():
        found = kube.wait_condition(INSTANCE, name, condition, reason=reason)
        message = conditions(found)["Ready"]["message"]
        assert f"Secret {kube.namespace}/{name}" in message
        assert says in message
    kube.wait_condition(JOB, "job", "Reconciling", reason="CredentialsMissing")
    assert account.journal() == []

    kube.apply(*(secret(name, apiToken=token, accountId=account_id) for name in incomplete))

    for name in incomplete:
        kube.wait_condition(INSTANCE, name, "Ready")
    kube.wait_condition(JOB, "job", "Reconciling", reason="InstanceNotFound")


def test_credentials_that_cloudflare_refuses_are_told_apart_and_correcting_them_heals(make_stage):
    stage = make_stage(**ONLY_THE_SECRET_HEALS)
    kube, account = stage.kube, stage.account
    faults: dict[str, tuple[dict[str, Any], str, str]] = {
        "unknown": ({}, "CredentialsRejected", "the API token is unknown or revoked"),
        "expired": ({"status": "expired"}, "CredentialsRejected", "the API token is expired"),
        "powerless": ({"permission": "none"}, "PermissionDenied", "Account > AI Search: Edit"),
        "powerless-403": ({"permission": "none", "denial": 403}, "PermissionDenied", "Account > AI Search: Edit"),
        "owned": ({"permission": "none", "owner": "account"}, "PermissionDenied", "Account > AI Search: Edit"),
        "read-only": ({"permission": "read"}, "PermissionDenied", "may not change AI Search"),
        "foreign": ({}, "AccountNotAccessible", "correct the account id"),
        "malformed": ({}, "AccountNotAccessible", "correct the account id"),
    }
    wrong_accounts = {"foreign": "0" * 32, "malformed": "my-account"}
    stage.operator.start()
    for name, (caller, *_) in faults.items():
        token = fresh_token(stage)
        if name != "unknown":
            account.add_token(name, token, **caller)
        kube.apply(secret(name, apiToken=token, accountId=wrong_accounts.get(name, account.id)))
    api_key = fresh_token(stage)
    account.add_key("person", "person@example.com", api_key, permission="none")
    kube.apply(secret("key", email="person@example.com", apiKey=api_key, accountId=account.id))
    faults["key"] = ({}, "PermissionDenied", "email and API key")
    kube.apply(*(instance(name, credentialsRef={"name": name}) for name in faults))

    for name, (_, reason, says) in faults.items():
        stalled = kube.wait_condition(INSTANCE, name, "Stalled", reason=reason)
        assert says in conditions(stalled)["Ready"]["message"], name
    asked = [entry.caller for entry in account.journal() if entry.operation in {"tokens.verify", "user.get"}]
    assert asked.count("powerless") == asked.count("read-only") == asked.count("person") == 1
    assert asked.count("owned") == 2  # not a user's token: then the account's own

    kube.apply(*(secret(name, apiToken=account.token, accountId=account.id) for name in faults))

    for name in faults:
        kube.wait_condition(INSTANCE, name, "Ready")


def test_an_account_without_ai_search_is_told_from_a_wrong_account_id(stage):
    kube, account = stage.kube, stage.account
    account.fail("instances.list", 404, 7003, times=None)
    kube.apply(instance("docs"))

    stalled = kube.wait_condition(INSTANCE, "docs", "Stalled", reason="RouteNotFound")

    assert "AI Search is available to the account" in conditions(stalled)["Ready"]["message"]
    stage.await_sweeps(3)
    assert stage.count("accounts.get") == 1
    account.clear_faults()
    kube.wait_condition(INSTANCE, "docs", "Ready")


def test_a_namespace_outside_of_the_list_may_not_use_the_operators_own_credentials(make_stage):
    stage = make_stage()
    kube, account = stage.kube, stage.account
    own = fresh_token(stage)
    account.add_token("own", own)
    kube.delete("Secret", DEFAULT_SECRET)
    stage.restart_with(account_id=account.id, api_token=own, credentials_namespaces="team-*,other")
    kube.apply(instance("docs"))

    refused = kube.wait_condition(INSTANCE, "docs", "Reconciling", reason="CredentialsNotShared")
    message = conditions(refused)["Ready"]["message"]
    assert f"Secret {kube.namespace}/{DEFAULT_SECRET} does not exist" in message
    assert "AISEARCH_CREDENTIALS_NAMESPACES" in message
    assert account.journal() == []

    kube.apply(secret(DEFAULT_SECRET, apiToken=account.token, accountId=account.id))
    kube.wait_condition(INSTANCE, "docs", "Ready")
    assert {entry.caller for entry in account.journal()} == {"token"}


def test_the_operators_own_email_and_key_serve_a_namespace_on_the_list(make_stage):
    stage = make_stage()
    kube, account = stage.kube, stage.account
    api_key = fresh_token(stage)
    account.add_key("own", "operator@example.com", api_key)
    kube.delete("Secret", DEFAULT_SECRET)
    listed = f"other,{kube.namespace[:8]}*"
    stage.restart_with(
        account_id=account.id, email="operator@example.com", api_key=api_key, credentials_namespaces=listed
    )

    kube.apply(instance("docs"))

    kube.wait_condition(INSTANCE, "docs", "Ready")
    assert {entry.caller for entry in account.journal()} == {"own"}


def test_the_operators_own_credentials_serve_a_namespace_without_a_secret(make_stage):
    stage = make_stage()
    kube, account = stage.kube, stage.account
    own = fresh_token(stage)
    account.add_token("own", own)
    kube.delete("Secret", DEFAULT_SECRET)
    stage.restart_with(account_id=account.id, api_token=own)
    account.configure(initial_job=False)
    kube.apply(instance("docs", type="r2", source="my-bucket"), sync_job("job", "docs"))

    kube.wait_condition(JOB, "job", "Complete")

    assert {entry.caller for entry in account.journal()} == {"own"}


def test_a_deletion_outlives_its_secret_and_without_credentials_it_ends_in_bounded_time_with_a_warning(make_stage):
    stage = make_stage(release_timeout=15, wait_retry=0.5)
    kube, account = stage.kube, stage.account
    account.configure(initial_job=False, job_duration=None)
    stage.operator.start()
    kube.apply(instance("remembered"), instance("forgotten"), instance("docs", type="r2", source="my-bucket"))
    for name in ("remembered", "forgotten", "docs"):
        kube.wait_condition(INSTANCE, name, "Ready")
    kube.apply(sync_job("forgotten-job", "docs"))
    job_id = kube.wait(JOB, "forgotten-job", running, "running")["status"]["jobId"]

    kube.delete("Secret", DEFAULT_SECRET)
    kube.delete(INSTANCE, "remembered")
    kube.wait_gone(INSTANCE, "remembered")
    assert account.instance("remembered") is None

    assert stage.operator.stop() == 0
    stage.operator.start()
    for kind, name in ((INSTANCE, "forgotten"), (JOB, "forgotten-job")):
        kube.delete(kind, name)
    for kind, name in ((INSTANCE, "forgotten"), (JOB, "forgotten-job")):
        kube.wait_condition(kind, name, "Reconciling", reason="CredentialsMissing")
    for kind, name in ((INSTANCE, "forgotten"), (JOB, "forgotten-job")):
        kube.wait_gone(kind, name)

    assert account.instance("forgotten") is not None
    kind, message = kube.wait_event("forgotten", "ReleasedUnconfirmed")
    assert kind == "Warning"
    assert f"default/forgotten of account {account.id}" in message
    kind, message = kube.wait_event("forgotten-job", "ReleasedUnconfirmed")
    assert kind == "Warning"
    assert f"Job {job_id} of instance default/docs" in message


def test_the_resources_of_a_deleted_namespace_go_with_their_secret_and_leave_nothing_at_cloudflare(
    make_stage, fake, tmp_path, kubectl
):
    stage = make_stage()
    account = stage.account
    doomed = f"doomed-{secrets.token_hex(4)}"
    kubectl("create", "namespace", doomed)
    kube = Kube(stage.plane.kubeconfig, doomed)
    try:
        account.configure(initial_job=False, job_duration=None)
        # With rights from outside, as in production: the namespace's own roles go with it.
        stage.operator = OperatorProcess(stage.plane.kubeconfig, (doomed,), fake.api_url, tmp_path / "operator.log")
        stage.operator.start()
        kube.apply(secret(DEFAULT_SECRET, apiToken=account.token, accountId=account.id))
        kube.apply(instance("docs", type="r2", source="my-bucket"), sync_job("job", "docs"))
        kube.wait(JOB, "job", running, "running")

        kubectl("delete", "namespace", doomed, "--wait=false")

        for kind, name in ((JOB, "job"), (INSTANCE, "docs")):
            kube.wait_gone(kind, name)
    finally:
        kube.close()
        kubectl("delete", "namespace", doomed, "--wait=false", "--ignore-not-found")
    assert account.instances() == []
