"""Events: told in order, and never in anybody's way."""

import logging

import pytest

from aisearch_operator.engine.store import ObjectKey
from aisearch_operator.kube.api import KubeUnavailable
from aisearch_operator.kube.events import Event, EventRecorder
from aisearch_operator.resources.group import INSTANCE_KIND
from unit.fake_kube import FakeKube

KEY = ObjectKey(INSTANCE_KIND, "team", "docs", "uid-docs")
CREATED = Event("Normal", "Created", "Created instance default/docs")
STALLED = Event("Warning", "InvalidSpec", "spec.x is wrong")


@pytest.fixture
def kube() -> FakeKube:
    return FakeKube()


async def test_events_are_recorded_in_order(kube):
    await EventRecorder(kube, per_minute=60).record(KEY, CREATED, STALLED)

    assert kube.events == [
        ("docs", "Normal", "Created", "Created instance default/docs"),
        ("docs", "Warning", "InvalidSpec", "spec.x is wrong"),
    ]


async def test_an_event_that_cannot_be_recorded_stops_nothing(kube, caplog):
    kube.fail("create_event", KubeUnavailable("The API server answered 403 Forbidden"))

    with caplog.at_level(logging.WARNING):
        await EventRecorder(kube, per_minute=60).record(KEY, CREATED, STALLED)

    assert [event[2] for event in kube.events] == ["InvalidSpec"]
    assert "The Event Created of AISearchInstance team/docs could not be recorded" in caplog.text


async def test_events_are_logged_by_their_weight(kube, caplog):
    with caplog.at_level(logging.INFO):
        await EventRecorder(kube, per_minute=60).record(KEY, CREATED, STALLED)

    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("INFO", "AISearchInstance team/docs: Created: Created instance default/docs"),
        ("WARNING", "AISearchInstance team/docs: InvalidSpec: spec.x is wrong"),
    ]


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


async def test_of_many_normal_events_as_many_are_created_as_a_person_reads_and_all_are_logged(kube, caplog):
    clock = Clock()
    recorder = EventRecorder(kube, per_minute=3, clock=clock)

    with caplog.at_level(logging.INFO):
        await recorder.record(KEY, *[CREATED] * 10)

    assert len(kube.events) == 3
    assert len(caplog.records) == 10
    clock.now += 20  # a third of a minute
    await recorder.record(KEY, *[CREATED] * 10)
    assert len(kube.events) == 4
    clock.now += 3600
    await recorder.record(KEY, *[CREATED] * 10)
    assert len(kube.events) == 7


async def test_every_warning_is_told_however_many_there_are(kube):
    recorder = EventRecorder(kube, per_minute=0)

    await recorder.record(KEY, *[CREATED, STALLED] * 5)

    assert [event[2] for event in kube.events] == ["InvalidSpec"] * 5
