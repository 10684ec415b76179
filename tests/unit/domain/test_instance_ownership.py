"""Whose an instance is: refused, adopted, recognized as ours, or moved."""

import pytest

from aisearch_operator.domain.instance_plan import (
    Create,
    Keep,
    Memory,
    Move,
    Refuse,
    Update,
    is_ours,
    plan,
)
from unit.builders import ago, desired, managing, wire_instance

NOBODYS = Memory()


def test_somebody_elses_instance_is_refused():
    older = wire_instance(created=ago(3600), chunk_size=512)

    assert plan(desired({"chunk_size": 512}), older, NOBODYS) == Refuse()


def test_an_instance_is_adopted_when_the_spec_allows_it():
    decision = plan(
        desired({"chunk_size": 512}, may_adopt=True), wire_instance(created=ago(3600), chunk_size=1), NOBODYS
    )

    assert isinstance(decision, Update)
    assert (decision.body, decision.adopted, decision.cause) == ({"chunk_size": 512}, True, "spec")


def test_an_adopted_instance_that_is_as_wanted_is_kept():
    older = wire_instance(created=ago(3600), chunk_size=512)

    assert plan(desired({"chunk_size": 512}, may_adopt=True), older, NOBODYS) == Keep((), adopted=True)


def test_adoption_changes_the_instance_although_drift_is_only_reported():
    wanted = desired({"chunk_size": 512}, may_adopt=True, repairs_drift=False)

    assert isinstance(plan(wanted, wire_instance(created=ago(3600), chunk_size=1), NOBODYS), Update)


def test_what_an_unfinished_pass_created_is_ours_and_gets_what_was_still_to_be_sent():
    wanted = desired({"chunk_size": 512, "system_prompt_ai_search": "p"})

    decision = plan(wanted, wire_instance(chunk_size=512), NOBODYS)

    assert isinstance(decision, Update)
    assert (decision.body, decision.adopted) == ({"system_prompt_ai_search": "p"}, False)


@pytest.mark.parametrize(
    ("seen", "ours"),
    [
        (wire_instance(created=ago(60), chunk_size=512), True),
        (wire_instance(created=ago(0), chunk_size=512, paused=True), True),
        (wire_instance(created=ago(0), chunk_size=512, chunk=True), True),
        (wire_instance(created=ago(61), chunk_size=512), False),
        (wire_instance(created=ago(0), chunk_size=256), False),
        (wire_instance(created=ago(0)), False),
        (wire_instance("other", created=ago(0), chunk_size=512), False),
        (wire_instance(created=None, chunk_size=512), False),
    ],
)
def test_an_instance_is_ours_when_it_is_younger_than_the_resource_and_exactly_what_a_create_sends(seen, ours):
    wanted = desired({"chunk_size": 512, "chunk": False, "paused": False}, created=ago(60))

    assert is_ours(wanted, seen) is ours


@pytest.mark.parametrize("observed", [None, wire_instance()], ids=["absent there", "present there"])
def test_another_search_namespace_moves_the_instance(observed):
    wanted = desired({"chunk_size": 512}, search_namespace="archive")

    assert plan(wanted, observed, managing(search_namespace="default")) == Move("default")


def test_a_resource_that_manages_nothing_yet_moves_nothing():
    assert isinstance(plan(desired(search_namespace="archive"), None, NOBODYS), Create)
