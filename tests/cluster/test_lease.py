"""The elector against the real API server: what it writes, what it leaves alone, and what it bears."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from aisearch_operator.domain.election import Claim
from aisearch_operator.kube.calls import Conflict
from aisearch_operator.kube.connection import connect
from aisearch_operator.kube.fence import unfenced
from aisearch_operator.kube.lease import Elector, LeaseTiming
from aisearch_operator.kube.lease_calls import LeaseCalls
from harness.kube import eventually
from harness.replicas import LEASE, LONG

QUICK = LeaseTiming(duration=30, renew_deadline=20, retry_period=0.05)
ON_THE_SECOND = datetime(2026, 1, 1, tzinfo=UTC)
"""Without a fraction, which the API server wants to read all the same."""


@pytest.fixture
async def place(make_stage, monkeypatch):
    stage = make_stage()
    stage.await_right("create", "leases", "coordination.k8s.io")
    kubeconfig = stage.plane.service_account_kubeconfig(stage.kube.namespace, LEASE)
    monkeypatch.setenv("KUBECONFIG", str(kubeconfig))
    calls = LeaseCalls(await connect(unfenced), stage.kube.namespace, LEASE, timeout=10.0)
    yield stage.kube, calls
    await calls.close()


async def test_the_lease_is_taken_renewed_given_back_and_taken_again_as_kubernetes_own_electors_do(place):
    kube, leases = place
    first, second = Elector(leases, "first", QUICK), Elector(leases, "second", QUICK)
    began = datetime.now(UTC) - timedelta(seconds=1)

    await first.acquire()
    taken = kube.get("Lease", LEASE)["spec"]
    assert (taken["holderIdentity"], taken["leaseDurationSeconds"], taken["leaseTransitions"]) == ("first", 30, 0)
    assert taken["acquireTime"] == taken["renewTime"]
    assert began < datetime.fromisoformat(taken["renewTime"]) <= datetime.now(UTC)

    kube.patch("Lease", LEASE, {"metadata": {"labels": {"kept": "yes"}, "annotations": {"kept": "too"}}})
    await first._attempt()  # meets the other version
    await first._attempt()
    renewed = kube.get("Lease", LEASE)
    assert renewed["spec"]["acquireTime"] == taken["acquireTime"] < renewed["spec"]["renewTime"]
    assert (renewed["metadata"]["labels"], renewed["metadata"]["annotations"]) == ({"kept": "yes"}, {"kept": "too"})

    await first.release()
    assert "holderIdentity" not in kube.get("Lease", LEASE)["spec"]
    await second.acquire()
    again = kube.get("Lease", LEASE)["spec"]
    assert (again["holderIdentity"], again["leaseTransitions"]) == ("second", 1)


async def test_a_lease_that_is_deleted_under_its_holder_is_made_again(place):
    kube, leases = place
    holder = Elector(leases, "holder", QUICK)
    await holder.acquire()

    kube.delete("Lease", LEASE)
    await holder._attempt()
    await holder._attempt()

    assert kube.get("Lease", LEASE)["spec"]["holderIdentity"] == "holder"


async def test_two_writes_of_one_version_do_not_both_succeed_and_times_need_no_fraction(place):
    kube, leases = place
    claim = Claim("one", 15, acquired=ON_THE_SECOND, renewed=ON_THE_SECOND)
    made = await leases.create(claim)
    assert (made.claim.holder, made.claim.duration) == ("one", 15)

    await leases.write(replace(claim, transitions=1), made.version)
    with pytest.raises(Conflict):
        await leases.write(Claim("two", 15, acquired=ON_THE_SECOND, renewed=None), made.version)
    with pytest.raises(Conflict):
        await leases.create(claim)
    kube.delete("Lease", LEASE)
    assert await leases.read() is None
    with pytest.raises(Conflict):
        await leases.write(claim, made.version)


async def test_a_replica_without_rights_waits_for_them_and_then_leads(make_stage):
    stage = make_stage(lease_name=LEASE, **LONG)
    stage.withdraw_rule("leases")
    operator = stage.operator.with_settings(lease_namespace=stage.kube.namespace)
    operator.start(wait=False)
    try:
        eventually(lambda: "The lease cannot be had" in operator.log, lambda: operator.log)
        stage.restore_rights()
        operator.wait_ready()
        assert operator.stop() == 0
    finally:
        operator.kill()
    assert operator.log.count("The lease cannot be had") == 1
