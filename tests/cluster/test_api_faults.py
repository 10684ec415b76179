"""The API in trouble: resources say what is wrong, recover by themselves, and keep silent while it asks for silence."""

import pytest

from fake_cloudflare.faults import Broken, Delay, Status
from harness.kube import eventually, instance, sync_job

TROUBLES = {
    # What nobody answered is carried out all the same, and soon found: the trouble passes by itself.
    "silence": (Delay(seconds=3.0), "ConnectionFailed", "No answer of Cloudflare arrived"),
    "failure": (Status(status=500, code=7001), "ApiUnavailable", "Cloudflare answered 500"),
    "unreachable": (
        Status(status=503, code=7017, message="unable_to_connect_to_ai_search"),
        "ApiUnavailable",
        "unable_to_connect_to_ai_search",
    ),
    "garbage": (Broken(body="garbage"), "InvalidResponse", "not the JSON of the API"),
    "page": (Broken(body="html"), "InvalidResponse", "no proxy answers in between"),
    "half": (Broken(body="truncated"), "InvalidResponse", "broke off"),
    "nothing": (Broken(body="empty"), "InvalidResponse", "not the JSON of the API"),
}
"""By a name that is also that of an instance and its search namespace: fault, reason, part of the message."""

SETTLE = 5.0
"""Seconds; longer than a request that nobody waits for any more takes to be carried out."""

BLOCK = 10.0
"""Seconds in which the API refuses everything."""

BLOCKED = 971
"""The code of the refusal."""

UNDER_WAY = 3.0
"""Seconds in which requests may still arrive that were sent before the refusal was heard."""


@pytest.fixture
def stage(make_stage):
    """A stage in which each kind of trouble has a search namespace, and answers are not waited for long."""
    made = make_stage(answer_timeout=0.5, create_timeout=0.5, settle_time=SETTLE)
    made.account.configure(initial_job=False, job_duration=None)
    for name in TROUBLES:
        made.dashboard.create_namespace(name)
    made.operator.start()
    return made


def trouble(stage, operation):
    """Let every request of an operation meet the trouble of its search namespace until `recover`, and mark the time."""
    mark = stage.audit_mark()
    for name, (effect, _, _) in TROUBLES.items():
        stage.account.inject(effect, operation, path=f"/namespaces/{name}/*", times=None)
    return mark


def await_reasons(stage, mark, kind, suffix=""):
    """Wait until each resource has told its trouble, as something that passes, since `trouble`."""
    for name, (_, reason, message) in TROUBLES.items():
        told = await_reason(stage, mark, kind, name + suffix, reason)
        assert message in told["Reconciling"]["message"], told
        assert (told["Ready"]["status"], told["Stalled"]["status"]) == ("False", "False"), told


def await_reason(stage, mark, kind, name, reason):
    """Wait until a resource has been Reconciling for this reason, and give the conditions that it had then."""

    def matching():
        told = [(each["Reconciling"], each) for each in stage.told(kind, name, mark)]
        return [each for working, each in told if (working["status"], working["reason"]) == ("True", reason)]

    eventually(
        lambda: bool(matching()),
        lambda: f"{kind} {name} has not told {reason}, but {stage.told(kind, name, mark)}",
    )
    return matching()[0]


def recover(stage, kind, suffix="", condition="Ready", status="True"):
    """End the trouble, and wait until each resource is well."""
    stage.account.clear_faults()
    for name in TROUBLES:
        stage.kube.wait_condition(kind, name + suffix, condition, status=status)


def carried_out(stage, operation, name):
    journal = stage.account.journal(operation=operation)
    return [entry for entry in journal if entry.applied and entry.path.startswith(f"/namespaces/{name}/")]


def in_namespaces(suffix="", **spec):
    return [instance(name + suffix, searchNamespace=name, **spec) for name in TROUBLES]


def test_an_instance_tells_every_trouble_of_the_api_and_recovers(stage):
    kind = "AISearchInstance"
    mark = trouble(stage, "instances.list")
    stage.kube.apply(*in_namespaces(maxNumResults=1))
    await_reasons(stage, mark, kind)
    recover(stage, kind)

    mark = trouble(stage, "instances.create")
    stage.kube.apply(*in_namespaces("-2"))
    await_reasons(stage, mark, kind, "-2")
    recover(stage, kind, "-2")
    for name in TROUBLES:
        assert len(carried_out(stage, "instances.create", name)) == 2, name

    mark = trouble(stage, "instances.update")
    stage.kube.apply(*in_namespaces(maxNumResults=2))
    await_reasons(stage, mark, kind)
    recover(stage, kind)
    for name in TROUBLES:
        assert stage.account.instance(name, name)["max_num_results"] == 2, name

    mark = trouble(stage, "instances.delete")
    for name in TROUBLES:
        stage.kube.delete(kind, name)
    await_reasons(stage, mark, kind)
    stage.account.clear_faults()
    for name in TROUBLES:
        stage.kube.wait_gone(kind, name)
    assert {found.id for found in stage.account.instances()} == {f"{name}-2" for name in TROUBLES}


def test_a_sync_job_tells_every_trouble_of_the_api_and_recovers(stage):
    kind = "AISearchSyncJob"
    stage.kube.apply(*in_namespaces(type="r2", source="documents"))
    for name in TROUBLES:
        stage.kube.wait_condition("AISearchInstance", name, "Ready")
    running = {"condition": "Ready", "status": "Unknown"}

    mark = trouble(stage, "jobs.list")
    stage.kube.apply(*(sync_job(name, name) for name in TROUBLES))
    await_reasons(stage, mark, kind)
    recover(stage, kind, **running)

    mark = trouble(stage, "jobs.cancel")
    stage.kube.apply(*(sync_job(name, name, cancel=True) for name in TROUBLES))
    await_reasons(stage, mark, kind)
    recover(stage, kind, condition="Failed")

    mark = trouble(stage, "jobs.create")
    stage.kube.apply(*(sync_job(f"{name}-2", name) for name in TROUBLES))
    await_reasons(stage, mark, kind, "-2")
    recover(stage, kind, "-2", **running)
    for name in TROUBLES:
        assert len(carried_out(stage, "jobs.create", name)) == 2, name
        assert [job.end_reason for job in stage.account.jobs(name, name)] == ["cancelled", None], name

    mark = trouble(stage, "jobs.cancel")
    for name in TROUBLES:
        stage.kube.delete(kind, f"{name}-2")
    await_reasons(stage, mark, kind, "-2")
    stage.account.clear_faults()
    for name in TROUBLES:
        stage.kube.wait_gone(kind, f"{name}-2")
        assert [job.end_reason for job in stage.account.jobs(name, name)] == ["cancelled", "cancelled"], name


def refuse_with_time(stage):
    limit = Status(status=429, code=BLOCKED, message="rate limited", headers={"Retry-After": str(int(BLOCK))})
    stage.account.inject(limit, "instances.update")


def refuse_without_time(stage):
    stage.account.inject(Status(status=429, code=BLOCKED, message="rate limited"), "instances.update")


def block_the_user(stage):
    """Have every request exceed the limit, and the API refuse everything for a time then."""
    stage.account.configure(rate_limit=0, rate_block=BLOCK)
    eventually(lambda: any(entry.code == BLOCKED for entry in stage.requests()), lambda: "no request exceeds the limit")


@pytest.mark.parametrize("refuse", [refuse_with_time, refuse_without_time, block_the_user])
def test_nothing_is_sent_while_the_api_asks_for_silence(make_stage, refuse):
    stage = make_stage(rate=1.0, budget_window=BLOCK)
    stage.operator.start()
    stage.kube.apply(instance("docs", maxNumResults=1))
    stage.kube.wait_condition("AISearchInstance", "docs", "Ready")

    mark = stage.audit_mark()
    refuse(stage)
    stage.kube.apply(instance("docs", maxNumResults=2))
    told = await_reason(stage, mark, "AISearchInstance", "docs", "RateLimited")
    stage.account.configure(rate_limit=10_000)  # no request shall exceed it any more
    assert "calls go on when it resets" in told["Reconciling"]["message"]
    stage.kube.wait_condition("AISearchInstance", "docs", "Ready")

    assert stage.account.instance("docs")["max_num_results"] == 2
    journal = stage.requests()
    heard = min(entry.time for entry in journal if entry.code == BLOCKED)
    assert [entry.operation for entry in journal if heard + UNDER_WAY < entry.time < heard + BLOCK - UNDER_WAY] == []
