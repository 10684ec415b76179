"""A refusal by the API: what is wrong with the credentials, asked once."""

import asyncio
from collections.abc import Mapping

import httpx
import pytest

from aisearch_operator.cloudflare import CloudflareClient, Credentials, RequestBudget
from aisearch_operator.cloudflare.diagnosis import VALIDITY, DiagnosingExchange
from aisearch_operator.cloudflare.errors import Cause, CloudflareError, NotFound, Terminal, Unauthorized
from aisearch_operator.cloudflare.exchange import Exchange, Timeouts
from aisearch_operator.cloudflare.routes import LIST_INSTANCES
from unit.cloudflare.scripted_api import BASE_URL, NAMESPACE, ScriptedApi, complaint, failure, success

DENIED = failure(401, complaint(10000, "Authentication error"))
UNKNOWN = failure(401, complaint(1000, "Invalid API Token"))
HIDDEN = failure(403, complaint(9109, "Unauthorized to access requested resource"))
NO_ROUTE = failure(404, complaint(7003, "Could not route to this path"))
ACTIVE = success({"status": "active"})
SEEN = success({"id": "acc0"})
AWAY = failure(503, complaint(7017))
KEY = Credentials("acc0", email="a@b.example", api_key="k-1234567890")

VERIFY_USER, VERIFY_ACCOUNT, ACCOUNT, USER = (
    "/user/tokens/verify",
    "/accounts/acc0/tokens/verify",
    "/accounts/acc0",
    "/user",
)


class Refusing:
    """An API whose AI Search refuses, and whose general routes answer what a test says."""

    def __init__(self, refusal: httpx.Response, general: Mapping[str, httpx.Response]) -> None:
        self.refusal: httpx.Response | None = refusal
        self.general = dict(general)
        self.scripted = ScriptedApi(self._answer)

    def client(self, credentials: Credentials | None = None) -> CloudflareClient:
        return self.scripted.client(credentials)

    @property
    def questions(self) -> list[str]:
        """The paths of the general routes that were asked, in their order."""
        return [path for path in map(_path, self.scripted.requests) if "/ai-search/" not in path]

    def _answer(self, request: httpx.Request) -> httpx.Response:
        if "/ai-search/" in _path(request):
            return self.refusal or success({"id": "docs"})
        return self.general[_path(request)]


def _path(request: httpx.Request) -> str:
    return request.url.path.removeprefix("/client/v4")


async def refused(client: CloudflareClient) -> CloudflareError:
    with pytest.raises(CloudflareError) as caught:
        await client.get_instance(NAMESPACE, "docs")
    return caught.value


@pytest.mark.parametrize("refusal", [DENIED, failure(403, complaint(10000)), failure(403), failure(401)])
@pytest.mark.parametrize(
    ("general", "cause", "says"),
    [
        ({VERIFY_USER: UNKNOWN, VERIFY_ACCOUNT: UNKNOWN}, Cause.CREDENTIALS_REJECTED, "unknown or revoked"),
        ({VERIFY_USER: success({"status": "expired"})}, Cause.CREDENTIALS_REJECTED, "the API token is expired"),
        (
            {VERIFY_USER: UNKNOWN, VERIFY_ACCOUNT: success({"status": "disabled"})},
            Cause.CREDENTIALS_REJECTED,
            "the API token is disabled",
        ),
        ({VERIFY_USER: ACTIVE, ACCOUNT: SEEN}, Cause.PERMISSION_DENIED, "may not use AI Search in this account"),
        ({VERIFY_USER: UNKNOWN, VERIFY_ACCOUNT: ACTIVE}, Cause.PERMISSION_DENIED, "may not use AI Search"),
        ({VERIFY_USER: ACTIVE, ACCOUNT: HIDDEN}, Cause.ACCOUNT_NOT_ACCESSIBLE, "cannot see this account"),
        ({VERIFY_USER: ACTIVE, ACCOUNT: NO_ROUTE}, Cause.ACCOUNT_NOT_ACCESSIBLE, "cannot see this account"),
    ],
)
async def test_a_refused_token_is_told_from_one_without_the_permission_and_from_a_wrong_account(
    refusal, general, cause, says
):
    api = Refusing(refusal, general)

    error = await refused(api.client())

    assert isinstance(error, Unauthorized)
    assert error.cause is cause
    assert says in str(error)
    assert str(error).endswith(cause.advice)
    assert str(error).startswith(f"Cloudflare answered {refusal.status_code}")
    assert api.questions == list(general)


@pytest.mark.parametrize(
    ("general", "cause"),
    [
        ({USER: DENIED}, Cause.CREDENTIALS_REJECTED),
        ({USER: SEEN, ACCOUNT: SEEN}, Cause.PERMISSION_DENIED),
        ({USER: SEEN, ACCOUNT: HIDDEN}, Cause.ACCOUNT_NOT_ACCESSIBLE),
    ],
)
async def test_the_same_is_told_of_an_email_with_a_key(general, cause):
    api = Refusing(DENIED, general)

    error = await refused(api.client(KEY))

    assert error.cause is cause
    assert "email and API key" in str(error)
    assert api.questions == list(general)


@pytest.mark.parametrize(
    ("refusal", "kind", "cause"),
    [
        (NO_ROUTE, Terminal, Cause.ROUTE_NOT_FOUND),
        (failure(404, complaint(1234, "not_found")), NotFound, Cause.RESOURCE_NOT_FOUND),
    ],
)
async def test_a_path_that_does_not_exist_is_the_accounts_fault_only_when_the_account_cannot_be_seen(
    refusal, kind, cause
):
    seen, hidden = Refusing(refusal, {ACCOUNT: SEEN}), Refusing(refusal, {ACCOUNT: NO_ROUTE})

    error = await refused(seen.client())
    assert isinstance(error, kind)
    assert error.cause is cause

    error = await refused(hidden.client())
    assert isinstance(error, Unauthorized)
    assert error.cause is Cause.ACCOUNT_NOT_ACCESSIBLE


@pytest.mark.parametrize("code", [7002, 7063])
async def test_an_instance_that_does_not_exist_raises_no_question(code):
    api = Refusing(failure(404, complaint(code)), {})

    assert isinstance(await refused(api.client()), NotFound)
    assert api.questions == []


async def test_a_refusal_that_lasts_is_looked_into_once_however_many_are_refused():
    api = Refusing(DENIED, {VERIFY_USER: ACTIVE, ACCOUNT: SEEN})
    client = api.client()

    errors = await asyncio.gather(*(refused(client) for _ in range(5)))
    errors.append(await refused(client))

    assert {(error.cause, str(error)) for error in errors} == {(Cause.PERMISSION_DENIED, str(errors[0]))}
    assert api.questions == [VERIFY_USER, ACCOUNT]


async def test_a_write_that_is_refused_while_reads_are_not_is_looked_into_once():
    api = Refusing(DENIED, {VERIFY_USER: ACTIVE, ACCOUNT: SEEN})
    client = api.client()

    for _ in range(3):
        api.refusal = None
        await client.get_instance(NAMESPACE, "docs")
        api.refusal = DENIED
        with pytest.raises(Unauthorized, match="may not change AI Search"):
            await client.delete_instance(NAMESPACE, "docs")

    assert api.questions == [VERIFY_USER, ACCOUNT]


async def test_after_a_success_the_next_refusal_is_a_new_one():
    api = Refusing(DENIED, {VERIFY_USER: ACTIVE, ACCOUNT: SEEN})
    client = api.client()
    await refused(client)

    api.refusal = None
    await client.get_instance(NAMESPACE, "docs")
    api.refusal = DENIED
    api.general = {VERIFY_USER: UNKNOWN, VERIFY_ACCOUNT: UNKNOWN}

    assert (await refused(client)).cause is Cause.CREDENTIALS_REJECTED


async def test_a_refusal_is_looked_into_again_after_a_long_time():
    now = 1000.0
    api = Refusing(DENIED, {VERIFY_USER: ACTIVE, ACCOUNT: SEEN})
    credentials = Credentials("acc0", api_token="tok-1234567890")
    exchange = Exchange(
        credentials,
        base_url=BASE_URL,
        budget=RequestBudget(),
        timeouts=Timeouts(),
        transport=httpx.MockTransport(api.scripted),
        user_agent="test",
        on_request=None,
    )
    diagnosing = DiagnosingExchange(exchange, credentials, clock=lambda: now)

    async def cause() -> Cause:
        with pytest.raises(Unauthorized) as caught:
            await diagnosing.call(LIST_INSTANCES, {"account": "acc0", "namespace": "default"})
        return caught.value.cause

    assert await cause() is Cause.PERMISSION_DENIED
    api.general = {VERIFY_USER: UNKNOWN, VERIFY_ACCOUNT: UNKNOWN}
    now += VALIDITY - 1
    assert await cause() is Cause.PERMISSION_DENIED
    now += 2
    assert await cause() is Cause.CREDENTIALS_REJECTED


async def test_without_an_answer_the_refusal_stands_as_it_came_and_the_next_one_asks_again():
    api = Refusing(DENIED, {VERIFY_USER: AWAY, ACCOUNT: SEEN})
    client = api.client()

    error = await refused(client)
    assert error.cause is Cause.CREDENTIALS_REJECTED
    assert "Authentication error" in str(error)

    api.general[VERIFY_USER] = ACTIVE
    assert (await refused(client)).cause is Cause.PERMISSION_DENIED


async def test_no_secret_is_in_what_is_found(caplog):
    caplog.set_level("DEBUG")
    for credentials, general in ((None, {VERIFY_USER: UNKNOWN, VERIFY_ACCOUNT: UNKNOWN}), (KEY, {USER: DENIED})):
        error = await refused(Refusing(DENIED, general).client(credentials))

        assert error.__cause__ is None
        for secret in (*KEY.secrets, "tok-1234567890"):
            assert secret not in f"{error!r} {caplog.text}"
