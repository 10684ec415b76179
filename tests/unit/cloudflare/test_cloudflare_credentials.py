"""Credentials: one scheme, the right headers, and nothing secret to be seen."""

import pytest

from aisearch_operator.cloudflare import Credentials

TOKEN = "v1.0-secret-token"
KEY = "0123456789abcdef-global-key"
EMAIL = "someone@example.com"


def test_a_token_goes_into_the_authorization_header():
    assert Credentials("acc0", api_token=TOKEN).headers() == {"Authorization": f"Bearer {TOKEN}"}


def test_email_and_key_go_into_the_headers_of_the_older_scheme():
    headers = Credentials("acc0", email=EMAIL, api_key=KEY).headers()
    assert headers == {"X-Auth-Email": EMAIL, "X-Auth-Key": KEY}


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"email": EMAIL},
        {"api_key": KEY},
        {"api_token": TOKEN, "email": EMAIL},
        {"api_token": TOKEN, "api_key": KEY},
        {"api_token": TOKEN, "email": EMAIL, "api_key": KEY},
    ],
)
def test_anything_but_exactly_one_scheme_is_refused(values):
    with pytest.raises(ValueError, match="api_token"):
        Credentials("acc0", **values)


@pytest.mark.parametrize("bad", ["", f"{TOKEN}\n", f" {TOKEN}", "tok\x00en-value", "tökèn-value"])
def test_a_value_that_no_header_can_carry_is_refused_by_its_name_and_not_shown(bad):
    with pytest.raises(ValueError, match="api_token") as caught:
        Credentials("acc0", api_token=bad)
    assert not bad or bad.strip() not in str(caught.value)


def test_an_empty_account_is_refused():
    with pytest.raises(ValueError, match="account_id"):
        Credentials("", api_token=TOKEN)


@pytest.mark.parametrize(
    "credentials", [Credentials("acc0", api_token=TOKEN), Credentials("acc0", email=EMAIL, api_key=KEY)]
)
def test_neither_repr_nor_str_shows_a_secret(credentials):
    for text in (repr(credentials), str(credentials), f"{credentials}"):
        assert "acc0" in text
        assert not any(secret in text for secret in (TOKEN, KEY, EMAIL))


def test_the_fingerprint_is_the_caller_whatever_the_account():
    assert Credentials("a", api_token=TOKEN).fingerprint == Credentials("b", api_token=TOKEN).fingerprint


def test_the_fingerprint_differs_between_callers_and_holds_no_secret():
    callers = [
        Credentials("a", api_token=TOKEN),
        Credentials("a", api_token="another-token"),
        Credentials("a", email=EMAIL, api_key=KEY),
        Credentials("a", email="other@example.com", api_key=KEY),
    ]
    fingerprints = {caller.fingerprint for caller in callers}
    assert len(fingerprints) == len(callers)
    assert all(len(fingerprint) == 16 for fingerprint in fingerprints)
