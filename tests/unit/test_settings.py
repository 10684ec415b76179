"""The operator's settings: from the environment, within their ranges, each documented."""

import ast
import inspect
import textwrap

import pytest
from pydantic import ValidationError

from aisearch_operator.cloudflare.budget import RequestBudget
from aisearch_operator.settings import Settings


@pytest.fixture(autouse=True)
def _empty_environment(monkeypatch):
    for name in Settings.model_fields:
        monkeypatch.delenv(f"AISEARCH_{name.upper()}", raising=False)


def documented() -> dict[str, str]:
    """Give the text below each field of the class."""
    body = ast.parse(textwrap.dedent(inspect.getsource(Settings))).body[0]
    assert isinstance(body, ast.ClassDef)
    return {
        field.target.id: text.value.value
        for field, text in zip(body.body, body.body[1:], strict=False)
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
        if isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant) and isinstance(text.value.value, str)
    }


@pytest.mark.parametrize("name", sorted(Settings.model_fields))
def test_every_setting_is_documented(name):
    assert len(documented()[name]) > 20


@pytest.mark.parametrize(
    "name",
    [name for name, field in Settings.model_fields.items() if field.annotation is float and name != "budget_share"],
)
def test_every_duration_names_its_unit(name):
    assert "seconds" in documented()[name].lower()


def test_the_defaults_need_no_environment():
    assert str(Settings().api_url) == "https://api.cloudflare.com/client/v4"


def test_settings_come_from_the_environment(monkeypatch):
    monkeypatch.setenv("AISEARCH_POLL_INTERVAL", "30")
    monkeypatch.setenv("AISEARCH_NAMESPACES", "team, other,,")

    settings = Settings()

    assert settings.poll_interval == 30
    assert settings.namespaces == ("team", "other")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("api_url", "ftp://example.com"),
        ("workers", "0"),
        ("budget_share", "1.1"),
        ("poll_interval", "0"),
        ("job_cooldown", "-1"),
        ("log_level", "CHATTY"),
    ],
)
def test_a_bad_value_is_refused_with_the_name_of_the_setting(monkeypatch, name, value):
    monkeypatch.setenv(f"AISEARCH_{name.upper()}", value)

    with pytest.raises(ValidationError) as caught:
        Settings()
    assert caught.value.errors()[0]["loc"] == (name,)


def test_the_token_is_never_shown(monkeypatch):
    monkeypatch.setenv("AISEARCH_API_TOKEN", "own-secret-token\n")
    monkeypatch.setenv("AISEARCH_ACCOUNT_ID", "1")

    settings = Settings()

    assert settings.api_token.get_secret_value() == "own-secret-token"
    assert "own-secret-token" not in f"{settings!r} {settings} {settings.model_dump_json()}"


TOKEN = {"api_token": "t", "account_id": "1"}
KEY = {"email": "a@b.example", "api_key": "k", "account_id": "1"}


@pytest.mark.parametrize("values", [{}, TOKEN, KEY])
def test_the_operators_own_credentials_are_a_token_or_an_email_with_a_key_or_none(values):
    settings = Settings.model_validate(values)

    assert settings.account_id == values.get("account_id", "")


@pytest.mark.parametrize(
    ("values", "names"),
    [
        ({**TOKEN, **KEY}, "AISEARCH_API_TOKEN excludes AISEARCH_EMAIL"),
        ({**TOKEN, "email": "a@b.example"}, "AISEARCH_API_TOKEN excludes AISEARCH_EMAIL"),
        ({**KEY, "api_key": " "}, "AISEARCH_EMAIL and AISEARCH_API_KEY belong together"),
        ({**KEY, "email": ""}, "AISEARCH_EMAIL and AISEARCH_API_KEY belong together"),
        ({**KEY, "account_id": ""}, "AISEARCH_ACCOUNT_ID and"),
        ({"api_token": "t"}, "AISEARCH_ACCOUNT_ID and"),
        ({"account_id": "1"}, "AISEARCH_ACCOUNT_ID and"),
    ],
)
def test_half_of_the_operators_own_credentials_is_refused(values, names):
    with pytest.raises(ValidationError, match=names):
        Settings.model_validate(values)


def test_a_running_operators_settings_do_not_change():
    with pytest.raises(ValidationError):
        setattr(Settings(), "workers", 3)  # noqa: B010 - mypy knows already that this is refused


@pytest.mark.parametrize(
    ("name", "value"),
    [("lease_retry_period", "10"), ("lease_renew_deadline", "15"), ("lease_duration", "10"), ("lease_duration", "1")],
)
def test_an_election_in_which_the_holder_gives_up_too_late_or_never_tries_again_is_refused(monkeypatch, name, value):
    monkeypatch.setenv(f"AISEARCH_{name.upper()}", value)

    with pytest.raises(
        ValidationError, match="AISEARCH_LEASE_RETRY_PERIOD must be below AISEARCH_LEASE_RENEW_DEADLINE"
    ):
        Settings()


@pytest.mark.parametrize("name", ["Operator", "-a", "a_b", "a/b"])
def test_a_lease_that_no_object_can_be_named_like_is_refused(monkeypatch, name):
    monkeypatch.setenv("AISEARCH_LEASE_NAME", name)

    with pytest.raises(ValidationError):
        Settings()


def test_shards_divide_the_share_of_the_request_budget():
    assert Settings(budget_share=0.6, budget_shards=3).own_budget_share == pytest.approx(0.2)


@pytest.mark.parametrize("shards", [37, 1000])
def test_a_request_budget_that_is_divided_too_often_is_refused_by_the_names_of_its_parts(shards):
    with pytest.raises(ValidationError, match="AISEARCH_BUDGET_SHARE / AISEARCH_BUDGET_SHARDS must be at least 20"):
        Settings(budget_shards=shards)


def test_every_budget_that_is_accepted_can_be_made():
    settings = Settings(budget_shards=36)

    RequestBudget(limit=settings.budget_limit, window=settings.budget_window, share=settings.own_budget_share)


def test_a_label_selector_may_hold_commas(monkeypatch):
    monkeypatch.setenv("AISEARCH_LABEL_SELECTOR", "shard notin (a, b),!legacy\n")

    assert Settings().label_selector == "shard notin (a, b),!legacy"
