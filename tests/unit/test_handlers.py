"""What kopf is told: when a resource has changed, what it stores, and which handlers there are."""

from typing import Any

import kopf
import pytest

from aisearch_operator.handlers import GenerationDiffBase, NoProgress, settings_for
from aisearch_operator.resources.group import FINALIZER
from unit.builders import metadata


def stored(generation: int, **status: Any) -> kopf.Body:
    raw: Any = {"metadata": metadata("docs", generation=generation), "spec": {}, "status": status}
    return kopf.Body(raw)


@pytest.mark.parametrize(
    ("observed", "generation", "changed"), [(-1, 1, None), (1, 1, False), (1, 2, True), (3, 3, False), (2, 7, True)]
)
def test_a_resource_has_changed_when_its_generation_is_not_the_observed_one(observed, generation, changed):
    base = GenerationDiffBase()
    body = stored(generation, observedGeneration=observed)

    before = base.fetch(body=body)

    assert (None if before is None else before != base.build(body=body)) is changed


def test_a_resource_without_a_status_is_new():
    assert GenerationDiffBase().fetch(body=stored(1)) is None


def test_a_label_is_no_change():
    base = GenerationDiffBase()
    plain, labelled = stored(1), stored(1)
    labelled["metadata"]["labels"] = {"team": "search"}

    assert base.build(body=plain) == base.build(body=labelled)


def test_kopf_stores_nothing_in_the_resource():
    patch = kopf.Patch()
    body = stored(1)

    GenerationDiffBase().store(body=body, patch=patch, essence=kopf.BodyEssence({}))
    NoProgress().store(key="changed", record={}, body=body, patch=patch)
    NoProgress().touch(body=body, patch=patch, value="now")
    NoProgress().purge(key="changed", body=body, patch=patch)

    assert dict(patch) == {}


def test_kopf_is_set_up_for_one_operator_that_leaves_events_and_status_to_us():
    settings = settings_for(20, 60)

    assert settings.persistence.finalizer == FINALIZER
    assert settings.peering.standalone
    assert settings.scanning.disabled
    assert not settings.posting.enabled


@pytest.mark.parametrize("grace", [1, 500])
def test_kopf_waits_longer_for_its_end_than_the_longest_call_and_pass(grace):
    assert settings_for(grace, 60).queueing.exit_timeout >= max(grace, 75)


@pytest.mark.parametrize("selector", ["", "shard=a"])
def test_kopf_watches_what_the_label_selector_selects_of_both_kinds(selector):
    watched = settings_for(20, 60, selector).watching.label_selectors

    assert list(watched.values()) == ([selector, selector] if selector else [])
