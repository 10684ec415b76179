"""One fake server for all tests here; each test has an account of its own, whose clock stands still."""

from collections.abc import Callable, Iterator
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

    def __init__(self, http: httpx.Client, url: str, headers: dict[str, str]) -> None:
        self._http = http
        self._url = url
        self._headers = headers

    def __call__(self, method: str, path: str, body: Any = None, **query: Any) -> Reply:
        response = self.send(method, path, json=body, params=query)
        return Reply(response.status_code, response.json(), response.headers)

    def send(self, method: str, path: str, **arguments: Any) -> httpx.Response:
        """Send a request and return the answer as it came."""
        return self._http.request(method, self._url + path, headers=self._headers, **arguments)


@pytest.fixture(scope="session")
def fake() -> Iterator[FakeCloudflare]:
    with FakeCloudflare() as server:
        yield server


@pytest.fixture
def account(fake: FakeCloudflare) -> Iterator[FakeAccount]:
    made = fake.admin.create_account(rate=0, initial_job=False)
    yield made
    made.delete()


@pytest.fixture(scope="session")
def http() -> Iterator[httpx.Client]:
    with httpx.Client(timeout=60, trust_env=False) as client:
        yield client


@pytest.fixture
def connect(fake: FakeCloudflare, http: httpx.Client) -> Callable[..., Api]:
    """Give a function that returns the API of an account: with its first token, or with other headers."""

    def connect(account: FakeAccount, headers: dict[str, str] | None = None) -> Api:
        if headers is None:
            headers = {"Authorization": f"Bearer {account.token}"}
        return Api(http, f"{fake.api_url}/accounts/{account.id}/ai-search", headers)

    return connect


@pytest.fixture
def api(connect: Callable[..., Api], account: FakeAccount) -> Api:
    return connect(account)


@pytest.fixture
def docs(api: Api) -> str:
    """Path of an r2 instance that exists."""
    assert api("POST", "/namespaces/default/instances", {"id": "docs", "source": "bucket"}).status == 201
    return "/namespaces/default/instances/docs"
