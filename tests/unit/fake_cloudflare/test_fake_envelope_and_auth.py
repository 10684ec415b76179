"""The fake against the fact sheet: envelope, routes, authentication and rate limit."""

import re
from email.utils import parsedate_to_datetime

import pytest

INSTANCES = "/namespaces/default/instances"


def test_a_list_tells_count_page_per_page_and_total(api, docs):
    """1.3: result_info is on lists, with all four members."""
    reply = api("GET", INSTANCES)
    assert reply.info == {"count": 1, "page": 1, "per_page": 20, "total_count": 1}
    assert set(reply.body) == {"success", "result", "result_info"}
    assert set(api("GET", docs).body) == {"success", "result"}


def test_an_error_has_code_message_and_an_empty_result(api):
    """1.3: the error envelope."""
    reply = api("GET", f"{INSTANCES}/absent")
    assert reply.status == 404
    assert reply.body == {
        "success": False,
        "errors": [{"code": 7002, "message": "ai_search_not_found"}],
        "result": {},
    }


def test_a_validation_error_names_every_field_at_fault(api):
    """1.3, 4.4: 400 with code 7001 and a path for each field."""
    body = {"id": "docs", "max_num_results": 51, "retrieval_options": {"keyword_match_mode": "xor"}}
    reply = api("POST", INSTANCES, body)
    assert reply.refused == (400, 7001)
    assert sorted(reply.paths) == [["max_num_results"], ["retrieval_options", "keyword_match_mode"]]


def test_a_body_that_is_not_json_is_refused(api):
    """4.4: validation."""
    response = api.send("POST", INSTANCES, content=b"{id: docs}")
    assert (response.status_code, response.json()["errors"][0]["code"]) == (400, 7001)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/tokens"),
        ("POST", INSTANCES + "/docs/search"),
        ("DELETE", INSTANCES + "/docs/jobs/1"),
        ("GET", INSTANCES + "/docs/items"),
        ("POST", "/namespaces/default"),
    ],
)
def test_a_route_that_is_not_served_answers_7003(api, docs, method, path):
    """4.3: 7003, the generic invalid route."""
    assert api(method, path).refused == (404, 7003)


def test_an_account_id_that_is_none_answers_7003(fake, account, http):
    """4.3: 7003, bad account id."""
    headers = {"Authorization": f"Bearer {account.token}"}
    response = http.get(f"{fake.api_url}/accounts/not-an-id/ai-search/namespaces", headers=headers)
    assert (response.status_code, response.json()["errors"][0]["code"]) == (404, 7003)


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer unknown"},
        {"Authorization": "Basic dG9rZW4="},
        {"X-Auth-Email": "ada@example.com"},
        {"X-Auth-Email": "ada@example.com", "X-Auth-Key": "wrong"},
    ],
)
def test_an_unknown_credential_is_refused(account, connect, headers):
    """4.3, 5.1: 401 with code 10000."""
    account.add_key("ada", "ada@example.com", "key")
    reply = connect(account, headers)("GET", INSTANCES)
    assert reply.refused == (401, 10000)
    assert reply.body["errors"][0]["message"] == "Authentication error"


def test_an_email_with_its_global_key_is_accepted(account, connect):
    """5.1: the older scheme."""
    account.add_key("ada", "ada@example.com", "key")
    api = connect(account, {"X-Auth-Email": "ada@example.com", "X-Auth-Key": "key"})
    assert api("GET", INSTANCES).status == 200
    assert account.journal()[-1].caller == "ada"


@pytest.mark.parametrize("status", [401, 403])
def test_a_token_without_the_permission_is_refused_as_it_is_set_up(account, connect, status):
    """5.1: 401/10000, in other v4 APIs 403/10000."""
    account.add_token("reader", "read-only-token", permission="none", denial=status)
    api = connect(account, {"Authorization": "Bearer read-only-token"})
    assert api("GET", INSTANCES).refused == (status, 10000)


def test_a_token_of_another_account_is_refused(fake, account, connect):
    """5.1: a token acts in its own account."""
    other = fake.admin.create_account()
    try:
        api = connect(account, {"Authorization": f"Bearer {other.token}"})
        assert api("GET", INSTANCES).refused == (401, 10000)
    finally:
        other.delete()


def test_a_revoked_token_is_refused_and_its_successor_accepted(account, api, connect):
    """5.1: rotation."""
    account.revoke()
    assert api("GET", INSTANCES).refused == (401, 10000)
    account.add_token("token", "successor")
    assert connect(account, {"Authorization": "Bearer successor"})("GET", INSTANCES).status == 200


def test_every_answer_tells_what_is_left_of_the_limit(account, api):
    """4.2: Ratelimit and Ratelimit-Policy, on refusals too."""
    reply = api("GET", INSTANCES)
    assert reply.headers["Ratelimit"] == '"default";r=1199;t=300'
    assert reply.headers["Ratelimit-Policy"] == '"default";q=1200;w=300'
    account.advance(100)
    assert api("GET", f"{INSTANCES}/absent").headers["Ratelimit"] == '"default";r=1198;t=200'
    account.advance(200)
    assert api("GET", INSTANCES).headers["Ratelimit"] == '"default";r=1199;t=300'


def test_exceeding_the_limit_blocks_everything_for_five_minutes(account, api):
    """4.2: 429 with Retry-After until 300 s have passed."""
    account.configure(rate_limit=2)
    assert [api("GET", INSTANCES).status for _ in range(3)] == [200, 200, 429]
    account.advance(299)
    reply = api("GET", INSTANCES)
    assert (reply.status, reply.headers["Retry-After"]) == (429, "1")
    assert not account.journal()[-1].applied
    account.advance(1)
    assert api("GET", INSTANCES).status == 200


def test_a_block_can_be_made_short(account, api):
    account.configure(rate_limit=1, rate_block=3)
    assert [api("GET", INSTANCES).status for _ in range(2)] == [200, 429]
    assert api("GET", INSTANCES).headers["Retry-After"] == "3"
    account.advance(3)
    assert api("GET", INSTANCES).status == 200


def test_the_limit_is_counted_for_each_user(account, api, connect):
    """4.2: per user, not per account."""
    account.configure(rate_limit=1)
    account.add_token("second", "second-token")
    assert [api("GET", INSTANCES).status for _ in range(2)] == [200, 429]
    assert connect(account, {"Authorization": "Bearer second-token"})("GET", INSTANCES).status == 200


def test_the_limit_can_be_lifted(account, api):
    account.configure(rate_limit=None)
    assert "Ratelimit" not in api("GET", INSTANCES).headers


def test_the_date_header_is_the_clock_of_the_account(account, api):
    """3.3: a cooldown can be measured by the Date header."""
    before = parsedate_to_datetime(api("GET", INSTANCES).headers["Date"]).timestamp()
    account.advance(3600)
    after = parsedate_to_datetime(api("GET", INSTANCES).headers["Date"]).timestamp()
    assert after - before == 3600
    assert int(account.now()) == after


def test_every_answer_has_a_ray_id(api):
    assert re.fullmatch(r"[0-9a-f]{16}-FAKE", api("GET", INSTANCES).headers["CF-Ray"])
