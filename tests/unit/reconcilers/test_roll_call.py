"""The roll call: what left unseen is forgotten, and nothing else."""

from typing import Any

import pytest

from aisearch_operator.engine.store import ObjectKey, Store
from aisearch_operator.engine.workqueue import Again
from aisearch_operator.kube.api import KubeUnavailable, ObjectRef
from aisearch_operator.reconcilers.roll_call import INTERVAL, RollCall
from aisearch_operator.resources.group import INSTANCE_KIND, SYNC_JOB_KIND
from unit.builders import metadata
from unit.fake_kube import FakeKube


class Stage(FakeKube):
    """An API server that lists some names, and a dispatcher that notes who departs."""

    def __init__(self) -> None:
        super().__init__()
        self.known = Store()
        self.selected: set[str] = set()
        self.departed: list[str] = []
        dispatcher: Any = self
        self.roll_call = RollCall(self, self.known, dispatcher, ["team"])

    def put(self, kind: str, name: str) -> None:
        self.known.put(kind, {"metadata": metadata(name), "spec": {"instanceRef": {"name": "docs"}}})

    async def list_refs(self, kind: str, plural: str, namespace: str | None) -> list[ObjectRef]:
        self._meet_failure("list_refs")
        assert namespace == "team"
        self.put(kind, f"new-{plural}")  # the watch tells of it while the list is under way
        return [ObjectRef(kind, plural, "team", name, f"uid-{name}") for name in sorted(self.selected)]

    def depart(self, key: ObjectKey) -> None:
        self.departed.append(key.name)


@pytest.fixture
def stage() -> Stage:
    made = Stage()
    for kind, name in ((INSTANCE_KIND, "docs"), (INSTANCE_KIND, "blog"), (SYNC_JOB_KIND, "nightly")):
        made.put(kind, name)
    return made


async def test_what_is_not_selected_any_more_is_forgotten_and_what_is_new_is_not(stage):
    stage.selected = {"docs", "nightly"}

    assert await stage.roll_call.poll() == Again(INTERVAL)

    assert stage.departed == ["blog"]


async def test_an_api_server_that_does_not_answer_proves_nothing(stage):
    stage.fail("list_refs", KubeUnavailable("The API server cannot be reached"))

    assert await stage.roll_call.poll() == Again()

    assert stage.departed == []
