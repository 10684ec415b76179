"""What must hold of the benchmark's figures."""

import pytest

from bench.figures import Contender, Phase, exponent, ratio
from bench.targets import judge
from unit.bench.measured import MEBIBYTE, figures, results, run

TOO_LATE = "writes that came too late and were refused, all phases"


def missed(*runs):
    return [promise.what for promise in judge(results(*runs)) if not promise.kept]


@pytest.mark.parametrize(
    ("phase", "changes", "what"),
    [
        (Phase.CREATE, {"requests": {"instances.create": 1000, "instances.list": 10}}, None),
        (
            Phase.CREATE,
            {"requests": {"instances.create": 1000, "instances.list": 11}},
            "requests to create all, statistics left out",
        ),
        (Phase.CREATE, {"writes": {"finalizer": 1000, "status": 1000, "statistics": 3, "event": 1000}}, None),
        (Phase.CREATE, {"writes": {"finalizer": 1000, "status": 1001}}, "writes to create one, Events left out"),
        (Phase.REST, {"requests": {"instances.list": 10, "instances.stats": 90}}, None),
        (Phase.REST, {"requests": {"instances.list": 11}}, "requests at rest, statistics left out"),
        (Phase.REST, {"writes": {"statistics": 3}}, None),
        (Phase.REST, {"writes": {"status": 1}}, "writes at rest, statistics left out"),
        (Phase.RESTART, {"requests": {"instances.list": 10}}, None),
        (Phase.RESTART, {"requests": {"instances.list": 11}}, "requests of a restart"),
        (Phase.RESTART, {"writes": {"statistics": 1}}, "writes of a restart"),
        (Phase.EDIT, {"writes": {"status": 1001}}, "writes to edit one, Events left out"),
        (Phase.EDIT, {"writes": {"status": 1000, "refused": 5}}, None),
        (Phase.EDIT, {"writes": {"status": 1000, "refused": 6}}, TOO_LATE),
        (Phase.DELETE, {"writes": {"finalizer": 1000, "event": 1000}}, None),
        (Phase.DELETE, {"writes": {"finalizer": 1000, "status": 1}}, "writes to delete one, Events left out"),
        (Phase.EDIT, {"peak": 201 * MEBIBYTE}, "memory at its highest"),
    ],
)
def test_the_counts_of_one_run_are_held_against_the_minimum(phase, changes, what):
    assert missed(run(Contender.OPERATOR, 1000, figures(phase, **changes))) == ([what] if what else [])


def test_a_phase_of_more_than_one_interval_may_list_once_more_for_each():
    listed = {"instances.create": 1000, "instances.list": 30}

    assert missed(run(Contender.OPERATOR, 1000, figures(Phase.CREATE, requests=listed, lasted=45.0))) == []


@pytest.mark.parametrize(
    ("phase", "changes", "what"),
    [
        (Phase.CREATE, {"writes": {"finalizer": 1000}}, None),
        (Phase.CREATE, {"writes": {"finalizer": 1000, "event": 1}}, "writes to Kubernetes, all phases"),
        (Phase.CREATE, {"cpu": 5.1}, "seconds of the processor, all phases"),
        (Phase.CREATE, {"peak": 101 * MEBIBYTE}, "memory at its highest"),
        (Phase.CREATE, {"seconds": 10.6}, "seconds to create"),
        (Phase.CREATE, {"seconds": 10.4}, None),
        (Phase.REST, {"requests": {"instances.list": 10}}, None),
    ],
)
def test_the_operator_is_compared_with_the_baseline(phase, changes, what):
    theirs = figures(phase, writes={"status": 2000}, requests={"instances.get": 2000})

    found = missed(run(Contender.OPERATOR, 1000, figures(phase, **changes)), run(Contender.BASELINE, 1000, theirs))

    assert found == ([what] if what else [])


def test_requests_at_rest_are_at_most_a_tenth_of_the_baselines():
    ours = figures(Phase.REST, requests={"instances.stats": 201})
    theirs = figures(Phase.REST, requests={"instances.get": 2000}, writes={"status": 2000})

    found = missed(run(Contender.OPERATOR, 1000, ours), run(Contender.BASELINE, 1000, theirs))

    assert found == ["requests at rest"]


def test_a_hundred_instances_are_not_compared_what_a_process_costs_at_all_is_most_of_it():
    ours, theirs = figures(Phase.CREATE, cpu=9.0), figures(Phase.CREATE, writes={"status": 1})

    assert missed(run(Contender.OPERATOR, 100, ours), run(Contender.BASELINE, 100, theirs)) == []


def test_what_grows_faster_than_the_number_of_resources_is_missed():
    small, large = figures(Phase.EDIT, cpu=1.0, seconds=2.0), figures(Phase.EDIT, cpu=13.0, seconds=20.0)

    found = missed(run(Contender.OPERATOR, 1000, small), run(Contender.OPERATOR, 10000, large))

    assert found == ["growth of processor to edit from 1,000"]


def test_an_exponent_tells_how_a_value_grows():
    assert exponent(100, 3.0, 1000, 3.0) == 0.0
    assert exponent(100, 3.0, 1000, 30.0) == pytest.approx(1.0)
    assert exponent(100, 1.0, 1000, 100.0) == pytest.approx(2.0)
    assert exponent(100, 0.0, 1000, 100.0) is None
    assert ratio(1.0, 4.0) == 0.25
    assert ratio(1.0, 0.0) is None
