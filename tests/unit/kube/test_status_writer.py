"""The status writer: only what changed, on the version that is there."""

import pytest

from aisearch_operator.engine.store import Known, Store
from aisearch_operator.kube.api import Conflict, KubeUnavailable
from aisearch_operator.kube.status_writer import ATTEMPTS, StatusWriter, merge_patch
from aisearch_operator.resources.group import INSTANCE_KIND
from aisearch_operator.telemetry.metrics import Metrics
from unit.builders import metadata
from unit.fake_kube import FakeKube


class Stage:
    """One stored instance, and the writer for it."""

    def __init__(self) -> None:
        self.kube = FakeKube()
        self.store = Store()
        self.writer = StatusWriter(self.kube, self.store, Metrics())
        self.body = {"metadata": metadata("docs"), "spec": {}, "status": {"state": "waiting", "paused": False}}
        self.known: Known = self.store.put(INSTANCE_KIND, self.kube.store(INSTANCE_KIND, self.body))

    def somebody_labels_it(self) -> None:
        self.body["metadata"]["labels"] = {"team": "search"}
        self.kube.store(INSTANCE_KIND, self.body)

    def latest(self) -> Known:
        known = self.store.get(self.known.key)
        assert known is not None
        return known


@pytest.fixture
def stage() -> Stage:
    return Stage()


@pytest.mark.parametrize(
    ("before", "after", "patch"),
    [
        ({}, {}, {}),
        ({"a": 1}, {"a": 1}, {}),
        ({"a": 1}, {"a": 2}, {"a": 2}),
        ({}, {"a": {"b": 1}}, {"a": {"b": 1}}),
        ({"a": 1}, {}, {"a": None}),
        ({"a": {"b": 1, "c": 2}}, {"a": {"b": 1, "c": 3}}, {"a": {"c": 3}}),
        ({"a": {"b": 1, "c": 2}}, {"a": {"b": 1}}, {"a": {"c": None}}),
        ({"a": {"b": 1}}, {"a": {"b": 1}}, {}),
        ({"a": {"b": 1}}, {"a": 7}, {"a": 7}),
        ({"a": 7}, {"a": {"b": 1}}, {"a": {"b": 1}}),
        ({"a": [1, 2]}, {"a": [2, 1]}, {"a": [2, 1]}),
        ({"a": [{"b": 1}]}, {"a": [{"b": 1}]}, {}),
    ],
)
def test_a_merge_patch_holds_what_changed_and_null_for_what_went(before, after, patch):
    assert merge_patch(before, after) == patch


async def test_only_what_changed_is_sent(stage):
    await stage.writer.write(stage.known, {"state": "active", "paused": False})

    assert stage.kube.patches == [("docs", {"state": "active"})]


async def test_a_status_that_is_as_wanted_is_not_written(stage):
    await stage.writer.write(stage.known, {"state": "waiting", "paused": False})

    assert stage.kube.patches == []


async def test_a_write_is_known_before_the_watch_tells_of_it(stage):
    await stage.writer.write(stage.known, {"state": "active"})
    await stage.writer.write(stage.latest(), {"state": "active"})

    assert len(stage.kube.patches) == 1


async def test_a_write_that_was_overtaken_lands_on_the_newer_object(stage):
    stage.somebody_labels_it()

    await stage.writer.write(stage.known, {"state": "active", "paused": False})

    assert stage.kube.patches == [("docs", {"state": "active"})]
    assert stage.latest().body["metadata"]["labels"] == {"team": "search"}
    assert stage.latest().body["status"] == {"state": "active", "paused": False}


async def test_an_object_that_has_the_status_by_now_is_not_written(stage):
    store_of_another_pass = Store()
    store_of_another_pass.put(INSTANCE_KIND, stage.known.body)
    writer_of_another_pass = StatusWriter(stage.kube, store_of_another_pass, Metrics())
    await writer_of_another_pass.write(stage.known, {"state": "active", "paused": False})

    await stage.writer.write(stage.known, {"state": "active", "paused": False})

    assert len(stage.kube.patches) == 1


async def test_a_write_that_is_overtaken_again_and_again_is_given_up(stage):
    stage.kube.fail("patch_status", *[Conflict("409")] * ATTEMPTS)

    with pytest.raises(KubeUnavailable, match=f"{ATTEMPTS} other writes"):
        await stage.writer.write(stage.known, {"state": "active"})


async def test_an_object_that_is_gone_is_dropped(stage):
    stage.kube.remove(INSTANCE_KIND, "team", "docs")

    await stage.writer.write(stage.known, {"state": "active"})

    assert stage.store.get(stage.known.key) is None


async def test_a_later_object_of_the_same_name_is_never_written(stage):
    stage.kube.store(INSTANCE_KIND, {"metadata": metadata("docs", uid="another"), "spec": {}, "status": {}})

    await stage.writer.write(stage.known, {"state": "active"})

    assert stage.kube.read(INSTANCE_KIND, "team", "docs")["status"] == {}
    assert stage.store.get(stage.known.key) is None


async def test_an_object_that_goes_while_it_is_read_again_is_dropped(stage):
    stage.kube.remove(INSTANCE_KIND, "team", "docs")
    stage.kube.fail("patch_status", Conflict("409"))

    await stage.writer.write(stage.known, {"state": "active"})

    assert stage.store.get(stage.known.key) is None


async def test_an_api_server_that_does_not_answer_is_reported(stage):
    stage.kube.fail("patch_status", KubeUnavailable("The API server cannot be reached: TimeoutError"))

    with pytest.raises(KubeUnavailable):
        await stage.writer.write(stage.known, {"state": "active"})
    assert stage.latest() is stage.known


async def test_a_refresh_shows_what_the_watch_holds_back(stage):
    stage.somebody_labels_it()

    known = await stage.writer.refresh(stage.known.key)

    assert known is stage.latest()
    assert known.body["metadata"]["labels"] == {"team": "search"}


async def test_a_refresh_of_what_is_gone_drops_it(stage):
    stage.kube.remove(INSTANCE_KIND, "team", "docs")

    assert await stage.writer.refresh(stage.known.key) is None
    assert len(stage.store) == 0


async def test_nothing_is_written_to_an_object_that_was_dropped(stage):
    stage.store.drop(stage.known.key)

    await stage.writer.write(stage.known, {"state": "active"})

    assert stage.kube.patches == []


async def test_a_refresh_does_not_bring_back_what_was_dropped(stage):
    stage.store.drop(stage.known.key)

    assert await stage.writer.refresh(stage.known.key) is None
    assert len(stage.store) == 0
