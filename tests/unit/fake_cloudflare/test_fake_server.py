"""The server itself: accounts apart, journal, admin routes, state file, command line."""

import json
import os
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

import fake_cloudflare
from fake_cloudflare import AdminClient, AdminError, FakeCloudflare, JobPlan, Status

INSTANCES = "/namespaces/default/instances"


def test_nothing_of_one_account_shows_in_another(fake, account, api, docs, connect):
    other = fake.admin.create_account(rate=0)
    try:
        elsewhere = connect(other)
        account.inject(Status(status=500), times=None)
        account.configure(rate_limit=1)
        account.advance(1000)
        assert elsewhere("GET", INSTANCES).result == []
        assert elsewhere("GET", INSTANCES).headers["Ratelimit"] == '"default";r=1198;t=300'
        assert account.now() - other.now() > 900
        assert {entry.path for entry in other.journal()} == {INSTANCES}
        assert len(other.journal()) == 2
    finally:
        other.delete()


def test_the_journal_tells_what_was_asked_in_order(account, api):
    api("POST", INSTANCES, {"id": "docs"})
    mark = account.journal()[-1].seq
    api("GET", INSTANCES, per_page=5)
    api("GET", f"{INSTANCES}/absent")
    listed, got = account.journal(since=mark)
    assert (listed.operation, listed.method, listed.query) == ("instances.list", "GET", {"per_page": "5"})
    assert (got.operation, got.status, got.code, got.applied) == ("instances.get", 404, 7002, False)
    [created] = account.journal(operation="instances.create")
    assert (created.body, created.status, created.caller, created.applied) == ({"id": "docs"}, 201, "token", True)
    assert created.time == account.now()


def test_the_journal_holds_no_credential(account, api, connect):
    api("GET", INSTANCES)
    connect(account, {"Authorization": "Bearer wrong-token"})("GET", INSTANCES)
    account.add_key("ada", "ada@example.com", "the-key")
    connect(account, {"X-Auth-Email": "ada@example.com", "X-Auth-Key": "the-key"})("GET", INSTANCES)
    text = json.dumps([entry.model_dump() for entry in account.journal()])
    assert len(account.journal()) == 3
    for secret in (account.token, "wrong-token", "the-key"):
        assert secret not in text


def test_others_can_change_and_delete_an_instance(account, api, docs):
    account.patch_instance("docs", max_num_results=7, status="blocked")
    changed = api("GET", docs).result
    assert (changed["max_num_results"], changed["status"]) == (7, "blocked")
    assert changed["modified_by"] == "dashboard"
    account.delete_instance("docs")
    assert api("GET", docs).refused == (404, 7002)


def test_others_can_start_and_end_a_job(account, api, docs):
    account.configure(job_duration=None)
    mine = api("POST", f"{docs}/jobs").result["id"]
    account.advance(2)
    theirs = account.start_job("docs", plan=JobPlan(start_delay=0, duration=None))
    assert api("GET", f"{docs}/jobs/{mine}").result["end_reason"] == "new_job_has_started"
    account.advance(2)
    assert account.end_job("docs", theirs.id, "bucket_not_found").end_reason == "bucket_not_found"
    assert [job.source for job in account.jobs("docs")] == ["user", "schedule"]


def test_the_real_token_id_shows_only_behind_the_api(account, api, docs):
    api("PUT", docs, {"token_id": "tok"})
    assert account.instance("docs")["token_id"] == "tok"


def test_the_clock_can_run_fast(fake):
    fast = fake.admin.create_account(rate=1_000_000)
    try:
        began = fast.now()
        assert fast.now() - began > 100
        latest = fast.now()
        fast.set_rate(0)
        assert fast.now() > latest
        assert fast.now() == fast.now()
    finally:
        fast.delete()


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/accounts", {"id": "short"}),
        ("POST", "/accounts", {"colour": "red"}),
        ("POST", "/accounts", {"options": {"colour": "red"}}),
        ("GET", "/accounts/absent/journal", None),
    ],
)
def test_an_admin_mistake_is_refused_with_a_text(fake, http, method, path, body):
    response = http.request(method, f"{fake.url}/admin{path}", json=body)
    assert response.status_code in {400, 404}
    assert response.json()["error"]


def test_an_account_is_made_once(fake, account):
    with pytest.raises(AdminError, match="exists already"):
        fake.admin.create_account(account_id=account.id)


def test_a_secret_belongs_to_one_caller(fake, account):
    before = fake.admin.accounts()
    with pytest.raises(AdminError, match="belongs to another caller"):
        fake.admin.create_account(token=account.token)
    assert fake.admin.accounts() == before


def test_a_patch_behind_the_api_is_validated(account, docs):
    with pytest.raises(AdminError, match="valid integer"):
        account.patch_instance("docs", max_num_results="many")


def test_a_port_that_is_taken_is_reported(fake):
    taken = int(fake.url.rpartition(":")[2])
    with pytest.raises(OSError, match="address already in use"):
        FakeCloudflare(port=taken).start()


async def test_the_server_is_an_async_context_manager_too():
    async with FakeCloudflare() as server:
        assert server.admin.accounts() == []


def test_a_server_stops_although_a_request_is_held(http):
    with FakeCloudflare() as server:
        held = server.admin.create_account()
        held.gate("door", "namespaces.list")
        url = f"{server.api_url}/accounts/{held.id}/ai-search/namespaces"
        headers = {"Authorization": f"Bearer {held.token}"}
        with pytest.raises(httpx.ReadTimeout):
            http.get(url, headers=headers, timeout=httpx.Timeout(5, read=0.05))
        held.wait_at_gate("door")


def test_the_state_file_carries_accounts_over_a_restart(tmp_path, http):
    state = tmp_path / "state.json"
    with FakeCloudflare(state=state) as server:
        made = server.admin.create_account(rate=0, cooldown=7)
        url = f"/accounts/{made.id}/ai-search{INSTANCES}"
        headers = {"Authorization": f"Bearer {made.token}"}
        body = {"id": "docs", "source": "bucket"}
        assert http.post(server.api_url + url, json=body, headers=headers).status_code == 201
        before, jobs = made.now(), made.jobs("docs")
    assert made.token not in state.read_text()
    with FakeCloudflare(state=state) as server:
        again = server.admin.account(made.id, made.token)
        found = http.get(server.api_url + url, headers=headers).json()["result"]
        assert [item["id"] for item in found] == ["docs"]
        assert (again.now(), again.jobs("docs")) == (before, jobs)
    assert [path.name for path in tmp_path.iterdir()] == ["state.json"]


def test_a_file_that_holds_no_state_is_reported(tmp_path):
    state = tmp_path / "state.json"
    state.write_text('[{"id": 1}]')
    with pytest.raises(ValueError, match=r"state\.json is not a state file of this version; remove it"):
        FakeCloudflare(state=state).start()
    assert state.read_text() == '[{"id": 1}]'


def test_the_command_line_prints_one_url_and_serves_its_account():
    tests = Path(fake_cloudflare.__file__).parent.parent
    account_id = "f" * 32
    command = [sys.executable, "-m", "fake_cloudflare", "--account", account_id, "--token", "t", "--rate", "0"]
    with subprocess.Popen(
        [*command, "--no-initial-job"],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env=os.environ | {"PYTHONPATH": str(tests)},
    ) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().strip()
            headers = {"Authorization": "Bearer t"}
            with httpx.Client(base_url=url, headers=headers, trust_env=False) as client:
                path = f"/client/v4/accounts/{account_id}/ai-search{INSTANCES}"
                assert client.post(path, json={"id": "docs", "source": "bucket"}).status_code == 201
            with AdminClient(url) as admin:
                served = admin.account(account_id, "t")
                assert served.jobs("docs") == []
                assert served.now() == served.now()
        finally:
            process.terminate()
        rest, _ = process.communicate(timeout=300)
    assert rest == ""
    assert process.returncode == 0
