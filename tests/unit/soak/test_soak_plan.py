"""The plans of the soak: what a seed repeats, and what the rounds of a run have among them."""

from collections import Counter

from soak.actions import Apply, Delete, Inject, KillAt
from soak.plan import make_plan


def test_a_seed_and_a_number_give_the_same_plan_again():
    assert make_plan(7, 3) == make_plan(7, 3)


def test_another_number_or_seed_gives_another_plan():
    assert make_plan(7, 3).steps != make_plan(7, 4).steps
    assert make_plan(7, 3).steps != make_plan(8, 3).steps


def test_a_plan_knows_what_its_steps_leave():
    for number in range(50):
        plan = make_plan(1, number)
        applied, deleted = {}, set()
        for step in plan.steps:
            action = step.action.cause if isinstance(step.action, KillAt) else step.action
            if isinstance(action, Apply):
                applied[action.body["metadata"]["name"]] = action.body["spec"]
            elif isinstance(action, Delete):
                deleted.add(action.name)

        assert deleted == plan.gone_instances.keys() | plan.gone_jobs.keys()
        assert {name: spec for name, spec in applied.items() if name not in deleted} == plan.instances | plan.jobs


def test_the_rounds_of_a_run_meet_every_kind_of_action_and_fault():
    plans = [make_plan(1, number) for number in range(100)]
    actions = Counter(type(step.action).__name__ for plan in plans for step in plan.steps)
    faults = {step.action.fault.effect.kind for plan in plans for step in plan.steps if isinstance(step.action, Inject)}
    kills = {
        (step.action.operation, step.action.stage)
        for plan in plans
        for step in plan.steps
        if isinstance(step.action, KillAt)
    }

    assert len(actions) == 12
    assert faults == {"status", "delay", "drop", "broken"}
    assert len(kills) == 12
