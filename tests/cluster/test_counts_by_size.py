"""What N instances cost, counted: the minimum, at every N. `make bench` counts the same for thousands."""

import math
from collections import Counter

import pytest

from bench.writes import by_kind
from harness.kube import conditions, eventually, instance

KIND = "AISearchInstance"
PAGE = 100
ONCE = {"poll_interval": 600, "stats_interval": 600}
"""No look but the first: what is counted is what the resources themselves cause."""

SWEEPS = 4


def requests(stage, since=0):
    return dict(Counter(entry.operation for entry in stage.requests(since)))


def written(stage, since=0):
    return by_kind(stage.writes()[since:])


def await_all(stage, count, value):
    def settled(body):
        current = body["status"].get("observedGeneration") == body["metadata"]["generation"]
        ready = conditions(body).get("Ready", {}).get("status") == "True"
        return current and ready and body["spec"]["maxNumResults"] == value

    eventually(lambda: sum(map(settled, stage.kube.list_all(KIND))) == count, lambda: "not all are ready")


@pytest.mark.parametrize("count", [30, 110])
def test_n_instances_cost_n_requests_and_the_pages_read_and_the_fewest_writes(make_stage, count):
    stage = make_stage(**ONCE)
    stage.account.configure(max_instances=count + 1, settle_delay=0)
    names = [f"docs-{number}" for number in range(count)]
    pages = math.ceil(count / PAGE)
    stage.operator.start()

    stage.kube.apply(*(instance(name, maxNumResults=10, deletionPolicy="Delete") for name in names))
    await_all(stage, count, 10)
    assert requests(stage) == {"instances.create": count, "instances.list": 1}  # there was nothing to list yet
    assert written(stage) == {"finalizer": count, "status": count}

    asked, wrote = len(stage.requests()), len(stage.writes())
    for name in names:
        stage.kube.patch(KIND, name, {"spec": {"maxNumResults": 20}})
    await_all(stage, count, 20)
    assert requests(stage, asked) == {"instances.update": count}
    assert written(stage, wrote) == {"status": count}

    asked, wrote = len(stage.requests()), len(stage.writes())
    stage.restart_with(**ONCE)
    stage.kube.apply(instance("marker"))
    stage.kube.wait_condition(KIND, "marker", "Ready")
    # The marker's passes come after everybody else's, which were queued at the start.
    assert requests(stage, asked) == {"instances.list": pages, "instances.create": 1}
    assert {write.name for write in stage.writes()[wrote:]} <= {"marker"}
    stage.kube.delete(KIND, "marker")
    stage.kube.wait_gone(KIND, "marker")

    asked, wrote = len(stage.requests()), len(stage.writes())
    for name in names:
        stage.kube.delete(KIND, name)
    eventually(lambda: not stage.kube.list_all(KIND), lambda: "not all are gone")
    assert requests(stage, asked) == {"instances.delete": count}
    assert written(stage, wrote) == {"finalizer": count}


def test_a_sweep_costs_a_request_for_each_hundred_instances(make_stage):
    stage = make_stage(poll_interval=0.3, stats_interval=600)
    count = 110
    stage.account.configure(max_instances=count, settle_delay=0)
    for number in range(count):
        stage.dashboard.create_instance(f"docs-{number}")
    stage.operator.start()
    stage.kube.apply(instance("docs", instanceId="docs-0", adoptionPolicy="IfExists"))
    stage.kube.wait_condition(KIND, "docs", "Ready")
    before, wrote = len(stage.requests()), len(stage.writes())

    stage.await_sweeps(math.ceil(count / PAGE) * (SWEEPS + 1))

    listed = [entry.query["page"] for entry in stage.requests(before)]
    first = listed.index("1")
    assert listed[first : first + 2 * SWEEPS] == ["1", "2"] * SWEEPS
    assert {entry.operation for entry in stage.requests(before)} == {"instances.list"}
    assert stage.writes()[wrote:] == []
