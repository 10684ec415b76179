"""An account of the fake that the live check asks, with a clock that moves while it waits."""

import io
from collections.abc import Iterator

import pytest
from rich.console import Console

from fake_cloudflare import FakeAccount, FakeCloudflare
from live_check.display import Display


@pytest.fixture(scope="session")
def fake() -> Iterator[FakeCloudflare]:
    with FakeCloudflare() as server:
        yield server


@pytest.fixture
def account(fake: FakeCloudflare) -> Iterator[FakeAccount]:
    made = fake.admin.create_account(rate=0)
    yield made
    made.delete()


@pytest.fixture
def output() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def display(output: io.StringIO) -> Display:
    return Display(Console(file=output, width=200))
