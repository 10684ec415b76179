"""One fake server for all tests here; each test has an account of its own, whose clock stands still."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest

from fake_cloudflare import FakeAccount, FakeCloudflare


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer of the API, taken out of its envelope."""

    status: int
    body: dict[str, Any]
    headers: httpx.Headers

    @property
    def result(self) -> Any:
        assert self.body["success"], self.body
        return self.body["result"]

    @property
    def info(self) -> dict[str, int]:
        found: dict[str, int] = self.body["result_info"]
        return found

    @property
    def refused(self) -> tuple[int, int]:
        """HTTP status and code of the first error."""
        assert not self.body["success"], self.body
        return self.status, self.body["errors"][0]["code"]

    @property
    def paths(self) -> list[list[str | int]]:
        """The field at fault of each validation error."""
        return [error["path"] for error in self.body["errors"]]


class Api:
    """Raw HTTP against one account, below /ai-search."""

    def __init__(self, url: str, headers: dict[str, str]) -> None:
        self.http = httpx.Client(base_url=url, headers=headers, timeout=5, trust_env=False)

    def __call__(self, method: str, path: str, body: Any = None, **query: Any) -> Reply:
        response = self.http.request(method, path, json=body, params=query)
        return Reply(response.status_code, response.json(), response.headers)


@pytest.fixture(scope="session")
def fake() -> Iterator[FakeCloudflare]:
    with FakeCloudflare() as server:
        yield server


@pytest.fixture
def account(fake: FakeCloudflare) -> Iterator[FakeAccount]:
    made = fake.admin.create_account(rate=0, initial_job=False)
    yield made
    made.delete()


@pytest.fixture
def connect(fake: FakeCloudflare) -> Iterator[Any]:
    """Give a function that makes clients: of an account with its first token, or with other headers."""
    opened: list[Api] = []

    def connect(account: FakeAccount, headers: dict[str, str] | None = None) -> Api:
        if headers is None:
            headers = {"Authorization": f"Bearer {account.token}"}
        api = Api(f"{fake.api_url}/accounts/{account.id}/ai-search", headers)
        opened.append(api)
        return api

    yield connect
    for api in opened:
        api.http.close()


@pytest.fixture
def api(connect: Any, account: FakeAccount) -> Api:
    made: Api = connect(account)
    return made


@pytest.fixture
def docs(api: Api) -> str:
    """Path of an r2 instance that exists."""
    assert api("POST", "/namespaces/default/instances", {"id": "docs", "source": "bucket"}).status == 201
    return "/namespaces/default/instances/docs"
