"""Fixtures of the cluster tests: the fake Cloudflare, and a stage for each test."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from controlplane.plane import ControlPlane
from fake_cloudflare import FakeCloudflare
from harness.audit_review import CLUSTER_WIDE
from harness.stage import Stage

__all__ = ["fake", "make_stage", "stage"]

RATE = 20.0
"""How much faster Cloudflare's clock runs: a job of 30 s takes 1.5 s, the cooldown of 35 s less than 2 s."""


@pytest.fixture(scope="session")
def fake() -> Iterator[FakeCloudflare]:
    """Give the fake Cloudflare of this test process."""
    with FakeCloudflare() as server:
        yield server


@pytest.fixture
def make_stage(
    pytestconfig: pytest.Config, control_plane: ControlPlane, fake: FakeCloudflare, namespace: str, tmp_path: Path
) -> Iterator[Callable[..., Stage]]:
    """Give what sets the stage, for tests that choose the operator's settings or the clock's rate."""
    stages: list[Stage] = []
    cluster_wide = pytestconfig.getoption(CLUSTER_WIDE)

    def make(*, rate: float = RATE, **settings: Any) -> Stage:
        stages.append(
            Stage.set(control_plane, fake, namespace, tmp_path, rate=rate, cluster_wide=cluster_wide, **settings)
        )
        return stages[-1]

    yield make
    for made in stages:
        made.strike()


@pytest.fixture
def stage(make_stage: Callable[..., Stage]) -> Stage:
    """Give a stage whose operator runs."""
    made = make_stage()
    made.operator.start()
    return made
