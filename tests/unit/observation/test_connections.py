"""Connections: one client for each caller, and news of rotated Secrets."""

from collections.abc import AsyncIterator

import httpx
import pytest

from aisearch_operator.cloudflare import CloudflareClient, Credentials, RequestBudget, SearchNamespace
from aisearch_operator.cloudflare.errors import Retry
from aisearch_operator.kube.api import KubeUnavailable
from aisearch_operator.kube.credentials import CredentialError, CredentialSource
from aisearch_operator.observation.connections import Connections, SecretWatch
from unit.cloudflare.scripted_api import BASE_URL
from unit.fake_kube import FakeKube
from unit.observation.looking import HandCrankedPolls, Woken, instance_key

INTERVAL = 15.0
LINGER = 300.0
TOKEN = {"apiToken": "their-token", "accountId": "1" * 32}
ROTATED = {**TOKEN, "apiToken": "rotated"}


class Stage:
    """Connections for resources in one namespace, whose Secrets the test changes."""

    def __init__(self, linger: float = LINGER) -> None:
        self.kube = FakeKube()
        self.polls = HandCrankedPolls()
        self.woken = Woken()
        self.now = 0.0
        self.clients: list[CloudflareClient] = []
        source = CredentialSource(self.kube, None, max_age=INTERVAL, clock=lambda: self.now)
        self.connections = Connections(
            source, self._client, self.polls, interval=INTERVAL, linger=linger, wake=self.woken
        )

    def put(self, name: str, data: dict[str, str]) -> None:
        self.kube.secrets["team", name] = data

    def _client(self, credentials: Credentials) -> CloudflareClient:
        transport = httpx.MockTransport(lambda _: httpx.Response(503))
        self.clients.append(
            CloudflareClient(credentials, base_url=BASE_URL, budget=RequestBudget(), transport=transport)
        )
        return self.clients[-1]


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    made = Stage()
    made.put("mine", TOKEN)
    yield made
    await made.connections.close()


async def test_equal_credentials_share_one_client(stage):
    stage.put("copy", TOKEN)

    first = await stage.connections.resolve(instance_key("a"), "mine", None)
    second = await stage.connections.resolve(instance_key("b"), "copy", None)

    assert (first.client, first.caller) == (second.client, second.caller)
    assert (first.secret, second.secret) == ("mine", "copy")
    assert len(stage.clients) == 1


async def test_other_credentials_have_a_client_of_their_own(stage):
    stage.put("other", ROTATED)

    first = await stage.connections.resolve(instance_key("a"), "mine", None)
    second = await stage.connections.resolve(instance_key("b"), "other", None)

    assert first.caller != second.caller
    assert first.client is not second.client


@pytest.mark.parametrize(("wanted", "used"), [(None, "1" * 32), ("2" * 32, "2" * 32)])
async def test_the_account_of_the_resource_comes_before_that_of_the_credentials(stage, wanted, used):
    assert (await stage.connections.resolve(instance_key("a"), "mine", wanted)).account_id == used


async def test_a_rotated_secret_wakes_all_its_users_up_and_no_others(stage):
    stage.put("other", TOKEN)
    for name, secret in (("a", "mine"), ("b", "mine"), ("c", "other")):
        await stage.connections.resolve(instance_key(name), secret, None)
    await stage.polls.turn()
    before = stage.woken.drain()
    stage.put("mine", ROTATED)

    await stage.polls.turn()

    assert (before, stage.woken.drain()) == ([], ["a", "b"])


async def test_a_rotation_that_one_resource_came_upon_wakes_the_others_up(stage):
    for name in ("a", "b"):
        await stage.connections.resolve(instance_key(name), "mine", None)
    stage.put("mine", ROTATED)
    stage.now += INTERVAL
    await stage.connections.resolve(instance_key("a"), "mine", None)

    await stage.polls.turn()

    assert "b" in stage.woken.drain()


async def test_a_secret_that_comes_into_being_wakes_whoever_waits_for_it(stage):
    with pytest.raises(CredentialError):
        await stage.connections.resolve(instance_key("a"), "later", None)
    await stage.polls.turn()
    stage.put("later", TOKEN)

    await stage.polls.turn()

    assert stage.woken.drain() == ["a"]


async def test_a_rotated_secret_gives_another_caller(stage):
    before = await stage.connections.resolve(instance_key("a"), "mine", None)
    stage.put("mine", ROTATED)
    await stage.polls.turn()

    after = await stage.connections.resolve(instance_key("a"), "mine", None)

    assert before.caller != after.caller


async def test_a_secret_that_nobody_uses_is_not_read(stage):
    await stage.connections.resolve(instance_key("a"), "mine", None)
    stage.connections.forget(instance_key("a"))
    reads = len(stage.kube.secret_reads)

    await stage.polls.turn()

    assert len(stage.kube.secret_reads) == reads
    assert not any(isinstance(watch, SecretWatch) for watch in stage.polls.queued)


async def test_a_resource_that_names_another_secret_hears_of_the_old_one_no_more(stage):
    stage.put("other", TOKEN)
    await stage.connections.resolve(instance_key("a"), "mine", None)
    await stage.connections.resolve(instance_key("a"), "other", None)
    await stage.polls.turn()
    stage.put("mine", ROTATED)

    await stage.polls.turn()

    assert stage.woken.drain() == []


async def test_an_api_server_that_is_away_for_a_while_does_not_end_the_watch(stage):
    await stage.connections.resolve(instance_key("a"), "mine", None)
    stage.kube.fail("read_secret", KubeUnavailable("The API server answered 500"))
    await stage.polls.turn()
    stage.put("mine", ROTATED)

    await stage.polls.turn()

    assert stage.woken.drain() == ["a"]


async def is_open(client: CloudflareClient) -> bool:
    """Tell whether a client still sends requests; the API answers none of them well."""
    with pytest.raises(Retry) as caught:
        await client.get_instance(SearchNamespace("acc0"), "docs")
    return "not in use any more" not in str(caught.value)


@pytest.fixture
async def hasty_stage() -> AsyncIterator[Stage]:
    """Give a stage on which an unused client is closed at the next look."""
    made = Stage(linger=0)
    made.put("mine", TOKEN)
    yield made
    await made.connections.close()


async def test_the_client_of_rotated_credentials_is_closed_when_the_last_resource_has_turned_away(hasty_stage):
    stage = hasty_stage
    first, second = instance_key("a"), instance_key("b")
    for key in (first, second):
        await stage.connections.resolve(key, "mine", None)
    stage.put("mine", ROTATED)
    await stage.polls.turn()

    await stage.connections.resolve(first, "mine", None)
    await stage.polls.turn()
    assert await is_open(stage.clients[0])

    await stage.connections.resolve(second, "mine", None)
    await stage.polls.turn()
    assert [await is_open(client) for client in stage.clients] == [False, True]


async def test_the_client_of_a_resource_that_is_gone_is_closed_and_made_anew_for_the_next(hasty_stage):
    stage = hasty_stage
    await stage.connections.resolve(instance_key("a"), "mine", None)
    stage.connections.forget(instance_key("a"))
    await stage.polls.turn()

    connection = await stage.connections.resolve(instance_key("b"), "mine", None)

    assert not await is_open(stage.clients[0])
    assert connection.client is stage.clients[1]


async def test_a_client_that_is_used_again_in_time_stays_open(hasty_stage):
    stage = hasty_stage
    await stage.connections.resolve(instance_key("a"), "mine", None)
    stage.connections.forget(instance_key("a"))
    connection = await stage.connections.resolve(instance_key("b"), "mine", None)

    await stage.polls.turn()

    assert connection.client is stage.clients[0]
    assert await is_open(stage.clients[0])


async def test_a_client_lingers_after_its_last_request_for_those_who_still_hold_it(stage):
    connection = await stage.connections.resolve(instance_key("a"), "mine", None)
    stage.connections.forget(instance_key("a"))

    await stage.polls.turn()

    again = stage.polls.answers[-1]
    assert again is not None
    assert again.after == pytest.approx(LINGER, abs=5)
    assert await is_open(connection.client)


async def test_nothing_is_kept_of_a_secret_that_nobody_uses_any_more(stage):
    await stage.connections.resolve(instance_key("a"), "mine", None)
    stage.connections.forget(instance_key("a"))
    del stage.kube.secrets["team", "mine"]

    with pytest.raises(CredentialError):
        await stage.connections.resolve(instance_key("a"), "mine", None, last_known=True)


async def test_only_callers_that_a_resource_uses_are_told_of(stage):
    stage.put("other", ROTATED)
    await stage.connections.resolve(instance_key("a"), "mine", None)
    await stage.connections.resolve(instance_key("b"), "other", None)
    assert len(list(stage.connections.standings())) == 2

    stage.connections.forget(instance_key("b"))

    assert len(list(stage.connections.standings())) == 1
