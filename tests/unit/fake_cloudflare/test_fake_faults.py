"""Injected faults: which requests they meet, and whether the operation was carried out."""

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from fake_cloudflare import Broken, Delay, Drop, FakeAccount, Gate, Status

INSTANCES = "/namespaces/default/instances"


def names(account: FakeAccount) -> list[str]:
    return [item.id for item in account.instances()]


@pytest.mark.parametrize(("stage", "created"), [("before", []), ("after", ["new"])])
def test_a_status_replaces_the_answer_before_or_after_the_effect(account, api, stage, created):
    effect = Status(status=503, code=7017, message="unable_to_connect_to_ai_search", headers={"Retry-After": "7"})
    account.inject(effect, "instances.create", stage=stage)
    reply = api("POST", INSTANCES, {"id": "new"})
    assert reply.refused == (503, 7017)
    assert reply.headers["Retry-After"] == "7"
    assert names(account) == created
    entry = account.journal()[-1]
    assert (entry.status, entry.code, entry.applied) == (503, 7017, bool(created))
    assert entry.faults == [f"status {stage}"]


@pytest.mark.parametrize(("stage", "created"), [("before", []), ("after", ["new"])])
def test_a_drop_closes_the_connection_before_or_after_the_effect(account, api, stage, created):
    account.inject(Drop(), "instances.create", stage=stage)
    with pytest.raises(httpx.RemoteProtocolError):
        api("POST", INSTANCES, {"id": "new"})
    assert names(account) == created
    entry = account.journal()[-1]
    assert (entry.status, entry.answered) == (None, None)


def test_the_journal_tells_when_a_held_request_was_answered(account, api, docs):
    account.gate("door", "instances.get")
    with ThreadPoolExecutor(1) as pool:
        request = pool.submit(api, "GET", docs)
        account.wait_at_gate("door")
        assert account.journal()[-1].answered is None
        account.advance(60)
        account.release("door")
        request.result(timeout=60)
    entry = account.journal()[-1]
    assert entry.answered is not None
    assert entry.answered >= entry.time + 60


def test_a_truncated_body_ends_before_its_content_length(account, api, docs):
    account.inject(Broken(body="truncated"), "instances.get", stage="after")
    with pytest.raises(httpx.RemoteProtocolError, match="without sending complete message body"):
        api("GET", docs)


@pytest.mark.parametrize(
    ("body", "start", "kind"),
    [("garbage", b'{"success"', "application/json"), ("html", b"<html>", "text/html"), ("empty", b"", "application")],
)
def test_a_broken_body_comes_with_200(account, api, docs, body, start, kind):
    account.inject(Broken(body=body), "instances.get", stage="after")
    response = api.send("GET", docs)
    assert response.status_code == 200
    assert response.content.startswith(start)
    assert (response.content == b"") == (body == "empty")
    assert response.headers["Content-Type"].startswith(kind)
    with pytest.raises(ValueError, match=r"Expecting|decode"):
        response.json()


@pytest.mark.parametrize(("stage", "seen"), [("before", []), ("after", ["new"])])
def test_a_gate_holds_a_request_before_or_after_its_effect(account, api, stage, seen):
    account.inject(Gate(name="door"), "instances.create", stage=stage)
    with ThreadPoolExecutor(1) as pool:
        request = pool.submit(api, "POST", INSTANCES, {"id": "new"})
        account.wait_at_gate("door")
        held = names(account)
        assert account.release("door") == 1
        assert request.result(timeout=60).status == 201
    assert held == seen
    assert names(account) == ["new"]


def test_waiting_at_a_gate_that_nobody_reaches_times_out(account):
    with pytest.raises(TimeoutError, match="0 of 2 requests at gate 'door'"):
        account.wait_at_gate("door", count=2, timeout=0.01)


@pytest.mark.parametrize("stage", ["before", "after"])
def test_a_delay_holds_the_answer_for_real_seconds(account, api, docs, stage):
    account.inject(Delay(seconds=0.05), "instances.get", stage=stage)
    began = time.monotonic()
    assert api("GET", docs).status == 200
    assert time.monotonic() - began >= 0.05


def test_a_request_is_carried_out_although_its_caller_has_gone(account, api):
    account.inject(Gate(name="door"), "instances.create", stage="before")
    with pytest.raises(httpx.ReadTimeout):
        api.send("POST", INSTANCES, json={"id": "new"}, timeout=httpx.Timeout(5, read=0.05))
    account.wait_at_gate("door")
    account.release("door")
    assert names(account) == ["new"]


def test_a_fault_meets_the_nth_request_and_as_many_as_it_says(account, api, docs):
    account.inject(Status(status=500), "instances.get", nth=2, times=2)
    assert [api("GET", docs).status for _ in range(5)] == [200, 500, 500, 200, 200]
    assert account.faults() == []


def test_a_fault_without_a_number_stays_until_it_is_cleared(account, api, docs):
    account.inject(Status(status=500), "instances.get", times=None)
    assert [api("GET", docs).status for _ in range(3)] == [500, 500, 500]
    assert len(account.faults()) == 1
    account.clear_faults()
    assert api("GET", docs).status == 200


@pytest.mark.parametrize(
    ("match", "met"),
    [
        ({"operation": "instances.*"}, True),
        ({"operation": "jobs.*"}, False),
        ({"method": "GET"}, True),
        ({"method": "PUT"}, False),
        ({"path": "*/docs"}, True),
        ({"path": "/namespaces/other/*"}, False),
    ],
)
def test_a_fault_meets_only_what_it_matches(account, api, docs, match, met):
    account.inject(Status(status=500), **match)
    assert (api("GET", docs).status == 500) == met


def test_faults_add_up_in_the_order_of_their_injection(account, api, docs):
    account.inject(Gate(name="door"), "instances.get")
    account.inject(Status(status=500), "instances.get")
    with ThreadPoolExecutor(1) as pool:
        request = pool.submit(api, "GET", docs)
        account.wait_at_gate("door")
        account.release("door")
        assert request.result(timeout=60).status == 500
    assert account.journal()[-1].faults == ["gate before", "status before"]


async def test_an_async_caller_can_wait_at_a_gate(fake, account):
    headers = {"Authorization": f"Bearer {account.token}"}
    account.gate("door", "instances.list")
    async with httpx.AsyncClient(headers=headers, trust_env=False) as client:
        url = f"{fake.api_url}/accounts/{account.id}/ai-search{INSTANCES}"
        request = asyncio.create_task(client.get(url))
        await asyncio.to_thread(account.wait_at_gate, "door")
        assert not request.done()
        account.release("door")
        assert (await request).status_code == 200
