"""The fake against the fact sheet: what tokens may do, and how they are verified."""

from dataclasses import dataclass
from typing import Any

import pytest

INSTANCES = "/namespaces/default/instances"


@dataclass(frozen=True)
class Verifier:
    """Asks the two routes that verify a token."""

    http: Any
    url: str

    def __call__(self, token, account_id=None):
        path = "/user" if account_id is None else f"/accounts/{account_id}"
        answer = self.http.get(f"{self.url}{path}/tokens/verify", headers={"Authorization": f"Bearer {token}"})
        body = answer.json()
        return body["result"]["status"] if body["success"] else (answer.status_code, body["errors"][0]["code"])


@pytest.fixture
def verify(fake, http):
    return Verifier(http, fake.api_url)


def test_a_token_of_a_user_is_verified_below_user_only(account, verify):
    """5.2: using the wrong one of the two fails."""
    assert verify(account.token) == "active"
    assert verify(account.token, account.id) == (401, 1000)


def test_a_token_of_the_account_is_verified_below_the_account_only(account, verify):
    """5.2: account-owned tokens."""
    account.add_token("ci", "owned-by-the-account", owner="account")
    assert verify("owned-by-the-account", account.id) == "active"
    assert verify("owned-by-the-account", "0" * 32) == (401, 1000)
    assert verify("owned-by-the-account") == (401, 1000)


def test_an_unknown_token_cannot_be_verified(account, verify):
    assert verify("unknown") == (401, 1000)
    assert verify("unknown", account.id) == (401, 1000)


@pytest.mark.parametrize("status", ["disabled", "expired"])
def test_a_token_that_is_not_active_says_so_and_may_do_nothing(account, connect, verify, status):
    """5.2: active, disabled or expired."""
    account.add_token("old", "old-token", status=status)
    assert verify("old-token") == status
    assert connect(account, {"Authorization": "Bearer old-token"})("GET", INSTANCES).refused == (401, 10000)


def test_a_verified_token_may_lack_the_permission(account, connect, verify):
    """5.2: neither route proves AI Search permission."""
    account.add_token("dns", "dns-token", permission="none")
    assert verify("dns-token") == "active"
    assert connect(account, {"Authorization": "Bearer dns-token"})("GET", INSTANCES).refused == (401, 10000)


def test_a_token_may_only_read(account, connect):
    """5.1: "Auto Rag Read"."""
    account.add_token("viewer", "viewer-token", permission="read")
    api = connect(account, {"Authorization": "Bearer viewer-token"})
    assert api("GET", INSTANCES).status == 200
    assert api("POST", INSTANCES, {"id": "docs"}).refused == (401, 10000)


def test_a_fresh_token_is_denied_for_a_while(account, connect):
    """4.4: 403s for some seconds."""
    account.add_token("fresh", "fresh-token", settles_in=5)
    api = connect(account, {"Authorization": "Bearer fresh-token"})
    assert api("GET", INSTANCES).refused == (403, 10000)
    account.advance(5)
    assert api("GET", INSTANCES).status == 200


@pytest.mark.parametrize(("status", "code"), [(401, 10000), (403, 10000), (404, 7003)])
def test_an_account_of_somebody_else_is_refused_as_it_is_set_up(fake, http, account, status, code):
    """4.3: 7003 is a bad account id; sources do not say what a well-formed one gets."""
    account.configure(foreign_account=status)
    headers = {"Authorization": f"Bearer {account.token}"}
    answer = http.get(f"{fake.api_url}/accounts/{'0' * 32}/ai-search/namespaces", headers=headers)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (status, code)


def test_a_verification_counts_against_the_limit_and_is_in_the_journal(account, verify):
    """4.2: the limit is of the user, whatever the call."""
    account.configure(rate_limit=1)
    assert verify(account.token) == "active"
    assert verify(account.token) == (429, 971)
    assert [entry.path for entry in account.journal(operation="tokens.verify")] == ["/user/tokens/verify"] * 2


def test_a_fault_can_meet_a_verification(account, verify):
    account.fail("tokens.verify", 500)
    assert verify(account.token) == (500, 7001)
    assert verify(account.token) == "active"


@pytest.fixture
def read(fake, http):
    def read(token, path):
        answer = http.get(f"{fake.api_url}{path}", headers={"Authorization": f"Bearer {token}"})
        return answer.status_code if answer.is_success else (answer.status_code, answer.json()["errors"][0]["code"])

    return read


def test_an_account_shows_itself_to_those_who_may_see_it(account, read):
    """Account Settings: Read is a permission of its own."""
    account.add_token("dns", "dns-token", permission="none")
    account.add_token("blind", "blind-token", sees_account=False)
    assert read("dns-token", f"/accounts/{account.id}") == 200
    assert read("blind-token", f"/accounts/{account.id}") == (403, 9109)
    assert read("dns-token", f"/accounts/{'0' * 32}") == (403, 9109)
    assert read("dns-token", "/accounts/not-an-id") == (404, 7003)
    assert read("unknown", f"/accounts/{account.id}") == (401, 1000)


def test_a_global_key_shows_its_user_and_a_token_does_not(fake, http, account, read):
    """workers-sdk pull request 13858: 9109 for an account-owned token."""
    account.add_key("ada", "ada@example.com", "key", permission="none")
    headers = {"X-Auth-Email": "ada@example.com", "X-Auth-Key": "key"}
    assert http.get(f"{fake.api_url}/user", headers=headers).status_code == 200
    assert read(account.token, "/user") == (403, 9109)
