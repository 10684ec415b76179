"""Credentials from Secrets: which one counts, what is wrong with it, and its rotation."""

import asyncio

import pytest

from aisearch_operator.cloudflare.credentials import Credentials
from aisearch_operator.domain.reasons import Reason
from aisearch_operator.kube.api import KubeUnavailable
from aisearch_operator.kube.credentials import CredentialError, CredentialSource, OwnCredentials, SecretRef
from unit.fake_kube import FakeKube

MAX_AGE = 15.0
OWN = Credentials("0" * 32, api_token="own-token")
TOKEN = {"apiToken": "their-token", "accountId": "1" * 32}
KEY = {"email": "a@b.example", "apiKey": "their-key", "accountId": "1" * 32}
NAMED = SecretRef("team", "mine")


class Stage:
    """A source of credentials under a clock that the test moves."""

    def __init__(self, own: OwnCredentials | None = None) -> None:
        self.kube = FakeKube()
        self.now = 0.0
        self.source = CredentialSource(self.kube, own, max_age=MAX_AGE, clock=lambda: self.now)

    def put(self, name: str, data: dict[str, str] | None) -> None:
        if data is None:
            self.kube.secrets.pop(("team", name), None)
        else:
            self.kube.secrets["team", name] = data


@pytest.fixture
def stage() -> Stage:
    return Stage()


@pytest.fixture
def stage_with_own() -> Stage:
    return Stage(OwnCredentials(OWN))


@pytest.mark.parametrize("data", [TOKEN, KEY])
async def test_the_secret_that_the_resource_names_counts(stage_with_own, data):
    stage_with_own.put("mine", data)
    stage_with_own.put("aisearch-credentials", {"apiToken": "another", "accountId": "2" * 32})

    resolved = await stage_with_own.source.resolve("team", "mine")

    assert resolved.secret == "mine"
    assert resolved.credentials == Credentials("1" * 32, **_renamed(data))


def _renamed(data: dict[str, str]) -> dict[str, str]:
    names = {"apiToken": "api_token", "email": "email", "apiKey": "api_key"}
    return {names[key]: value for key, value in data.items() if key in names}


async def test_without_a_name_the_secret_of_the_namespace_counts(stage_with_own):
    stage_with_own.put("aisearch-credentials", TOKEN)

    resolved = await stage_with_own.source.resolve("team", None)

    assert (resolved.secret, resolved.credentials.account_id) == ("aisearch-credentials", "1" * 32)


async def test_without_any_secret_the_operators_own_credentials_count(stage_with_own):
    resolved = await stage_with_own.source.resolve("team", None)

    assert (resolved.secret, resolved.credentials) == ("", OWN)


async def test_the_operators_own_credentials_never_stand_in_for_a_secret_that_is_named(stage_with_own):
    with pytest.raises(CredentialError) as caught:
        await stage_with_own.source.resolve("team", "mine")

    assert caught.value.reason is Reason.CREDENTIALS_MISSING
    assert str(caught.value) == "Secret team/mine does not exist. Create it with the keys apiToken and accountId"


async def test_without_any_credentials_the_message_names_the_secret_to_create(stage):
    with pytest.raises(CredentialError, match="Secret team/aisearch-credentials does not exist") as caught:
        await stage.source.resolve("team", None)

    assert caught.value.reason is Reason.CREDENTIALS_MISSING


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ({}, "Secret team/mine lacks the key accountId. Add it"),
        ({"apiToken": "t"}, "Secret team/mine lacks the key accountId. Add it"),
        ({"accountId": "1"}, "Secret team/mine lacks the key apiToken (or the keys email and apiKey). Add it"),
        ({"accountId": "1", "email": "a@b"}, "Secret team/mine has the key email but lacks apiKey. Add it"),
        ({"accountId": "1", "apiKey": "k"}, "Secret team/mine has the key apiKey but lacks email. Add it"),
    ],
)
async def test_a_secret_that_lacks_a_key_is_named_with_the_key_to_add(stage, data, message):
    stage.put("mine", data)

    with pytest.raises(CredentialError) as caught:
        await stage.source.resolve("team", "mine")

    assert (caught.value.reason, str(caught.value)) == (Reason.CREDENTIALS_INCOMPLETE, message)


@pytest.mark.parametrize(
    ("data", "key"),
    [
        ({"apiToken": "t", "accountId": ""}, "accountId"),
        ({"apiToken": " \n", "accountId": "1"}, "apiToken"),
        ({"apiToken": "", "email": "a@b", "apiKey": "k", "accountId": "1"}, "apiToken"),
        ({"accountId": "1", "email": "a@b", "apiKey": ""}, "apiKey"),
        ({"accountId": "1", "email": "", "apiKey": "k"}, "email"),
    ],
)
async def test_an_empty_value_is_named_with_its_key(stage, data, key):
    stage.put("mine", data)

    with pytest.raises(CredentialError) as caught:
        await stage.source.resolve("team", "mine")

    assert caught.value.reason is Reason.CREDENTIALS_INVALID
    assert str(caught.value) == f"Secret team/mine: the key {key} is empty. Give it a value"


@pytest.mark.parametrize(
    ("patterns", "served"),
    [
        ((), True),
        (("team",), True),
        (("other", "team"), True),
        (("te*",), True),
        (("t??m",), True),
        (("[a-t]eam",), True),
        (("other",), False),
        (("tea",), False),
        (("TEAM",), False),
        (("team-*",), False),
    ],
)
async def test_only_the_namespaces_of_the_list_may_use_the_operators_own_credentials(patterns, served):
    stage = Stage(OwnCredentials(OWN, patterns))

    if served:
        assert (await stage.source.resolve("team", None)).credentials == OWN
        return
    with pytest.raises(CredentialError) as caught:
        await stage.source.resolve("team", None)
    assert caught.value.reason is Reason.CREDENTIALS_NOT_SHARED
    assert "Secret team/aisearch-credentials does not exist" in str(caught.value)
    assert "AISEARCH_CREDENTIALS_NAMESPACES" in str(caught.value)


async def test_a_namespace_outside_of_the_list_has_its_own_secret_all_the_same():
    stage = Stage(OwnCredentials(OWN, ("other",)))
    stage.put("aisearch-credentials", TOKEN)

    assert (await stage.source.resolve("team", None)).secret == "aisearch-credentials"


async def test_a_value_that_no_header_can_carry_is_named_and_not_shown(stage):
    stage.put("mine", {"accountId": "1", "apiToken": "secret value"})

    with pytest.raises(CredentialError, match="Secret team/mine: api_token") as caught:
        await stage.source.resolve("team", "mine")

    assert "secret value" not in str(caught.value)


async def test_white_space_around_a_value_does_no_harm(stage):
    stage.put("mine", {"accountId": " 1\n", "apiToken": "t\n"})

    assert (await stage.source.resolve("team", "mine")).credentials == Credentials("1", api_token="t")


async def test_many_resources_with_one_secret_read_it_once(stage):
    stage.put("mine", TOKEN)

    await asyncio.gather(*(stage.source.resolve("team", "mine") for _ in range(100)))

    assert stage.kube.secret_reads == [("team", "mine")]


async def test_a_missing_secret_is_not_asked_for_by_each_resource(stage_with_own):
    for _ in range(3):
        await stage_with_own.source.resolve("team", None)

    assert len(stage_with_own.kube.secret_reads) == 1


async def test_a_secret_is_read_again_after_its_age(stage):
    stage.put("mine", TOKEN)
    await stage.source.resolve("team", "mine")
    stage.put("mine", {**TOKEN, "apiToken": "rotated"})

    stage.now = MAX_AGE - 0.1
    early = await stage.source.resolve("team", "mine")
    stage.now = MAX_AGE
    late = await stage.source.resolve("team", "mine")

    assert (early.credentials.api_token, late.credentials.api_token) == ("their-token", "rotated")


async def test_a_secret_that_cannot_be_read_now_is_no_missing_secret(stage_with_own):
    stage_with_own.put("aisearch-credentials", TOKEN)
    stage_with_own.kube.fail("read_secret", KubeUnavailable("The API server answered 500"))

    with pytest.raises(KubeUnavailable):
        await stage_with_own.source.resolve("team", None)
    assert (await stage_with_own.source.resolve("team", None)).secret == "aisearch-credentials"


@pytest.mark.parametrize("now", [None, {}, {"accountId": "1", "apiToken": ""}], ids=["gone", "emptied", "broken"])
@pytest.mark.parametrize("name", ["mine", None])
async def test_a_deletion_makes_do_with_what_an_unusable_secret_held_last(name, now):
    stage = Stage(OwnCredentials(OWN))
    stage.put(name or "aisearch-credentials", TOKEN)
    await stage.source.resolve("team", name)
    stage.put(name or "aisearch-credentials", now)
    stage.now = MAX_AGE

    resolved = await stage.source.resolve("team", name, last_known=True)

    assert resolved.credentials.api_token == "their-token"


async def test_a_deletion_uses_what_the_secret_holds_now_when_that_is_usable(stage):
    stage.put("mine", TOKEN)
    await stage.source.resolve("team", "mine")
    stage.put("mine", {**TOKEN, "apiToken": "rotated"})
    stage.now = MAX_AGE

    resolved = await stage.source.resolve("team", "mine", last_known=True)

    assert resolved.credentials.api_token == "rotated"


async def test_nothing_but_a_deletion_goes_on_with_a_secret_that_is_gone(stage):
    stage.put("mine", TOKEN)
    await stage.source.resolve("team", "mine")
    stage.put("mine", None)
    stage.now = MAX_AGE

    with pytest.raises(CredentialError):
        await stage.source.resolve("team", "mine")


async def test_a_secret_that_was_never_usable_does_not_help_a_deletion(stage):
    with pytest.raises(CredentialError):
        await stage.source.resolve("team", "mine", last_known=True)


async def test_a_look_reads_the_secret_whatever_its_age(stage):
    stage.put("mine", TOKEN)
    await stage.source.resolve("team", "mine")

    await stage.source.look(NAMED)

    assert len(stage.kube.secret_reads) == 2


async def test_the_version_of_a_secret_grows_with_each_change_that_anybody_sees(stage):
    versions = [stage.source.version(NAMED)]
    for data in (TOKEN, TOKEN, {**TOKEN, "apiToken": "rotated"}, None, None, TOKEN):
        stage.put("mine", data)
        await stage.source.look(NAMED)
        versions.append(stage.source.version(NAMED))

    assert versions == [0, 0, 0, 1, 2, 2, 3]


async def test_a_rotation_that_a_resource_came_upon_first_counts_all_the_same(stage):
    stage.put("mine", TOKEN)
    await stage.source.resolve("team", "mine")
    before = stage.source.version(NAMED)
    stage.put("mine", {**TOKEN, "apiToken": "rotated"})
    stage.now = MAX_AGE

    await stage.source.resolve("team", "mine")

    assert stage.source.version(NAMED) > before


async def test_the_first_look_at_a_missing_secret_is_no_change(stage):
    await stage.source.look(NAMED)

    assert stage.source.version(NAMED) == 0
