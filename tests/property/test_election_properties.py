"""The election under random networks, clocks, freezes and crashes: never two at once, and soon one again."""

from hypothesis import given
from hypothesis import strategies as st

from aisearch_operator.kube.lease import LeaseTiming
from property.election_world import Trip, World

TIMING = LeaseTiming(duration=15, renew_deadline=10, retry_period=2)
TROUBLE = 120.0
"""Seconds for which things go wrong."""

rates = st.floats(0.9, 1.15)
"""Clocks run at different speeds, within what the deadline leaves room for: 10 / 0.9 < 15 / 1.15."""

moments = st.floats(0.0, TROUBLE)
delays = st.one_of(st.floats(0.0, 0.1), st.floats(0.0, 40.0))
trips = st.builds(Trip, out=delays, back=delays, lost=st.sampled_from([None, None, None, "request", "answer"]))
freezes = st.lists(st.tuples(moments, st.floats(0.1, 60.0)).map(lambda pair: (pair[0], sum(pair))), max_size=3)


@st.composite
def worlds(draw: st.DrawFn) -> World:
    world = World(TIMING)
    for _ in range(draw(st.integers(2, 4))):
        machine = world.machine(
            rate=draw(rates),
            offset=draw(st.floats(-1e6, 1e6)),
            freezes=draw(freezes),
            trips=draw(st.lists(trips, max_size=40)),
        )
        world.at(draw(moments), machine.start)
        for moment in draw(st.lists(moments, max_size=2)):
            world.at(moment, machine.kill)
            world.at(moment + draw(st.floats(0.0, 30.0)), machine.start)
    for moment in draw(st.lists(moments, max_size=4)):
        world.at(moment, world.server.label)
    return world


@given(worlds())
def test_two_replicas_never_may_act_at_once_and_one_does_soon_after_the_trouble(world):
    world.run(until=TROUBLE + 200.0)  # beyond the longest freeze and all trips

    assert [machine.may_act for machine in world.machines].count(True) == 1


@given(worlds(), st.floats(0.0, 50.0))
def test_a_deletion_of_the_lease_lets_no_second_replica_act_that_knew_it(world, moment):
    def delete():
        world.restarts = False  # a process that knows of no lease makes one
        electors = [machine.elector for machine in world.machines if machine.elector is not None]
        if all(elector._seen is not None and elector._seen.claim is not None for elector in electors):
            world.server.lease = None

    world.at(TROUBLE + 30.0 + moment, delete)  # after the last start
    world.run(until=TROUBLE + 200.0)


def pair(**properties):
    world = World(TIMING)
    leader, standby = world.machine(**properties), world.machine()
    world.at(0.0, leader.start)
    world.at(1.0, standby.start)
    world.run(until=30.0)
    assert [leader.may_act, standby.may_act] == [True, False]
    return world, leader, standby


def test_the_standby_leads_within_the_duration_and_a_look_after_the_leader_died():
    world, leader, standby = pair()

    leader.kill()
    world.run(until=30.0 + TIMING.duration + TIMING.retry_period)

    assert standby.may_act


def test_the_standby_leads_after_one_look_when_the_leader_gave_the_lease_back():
    world, leader, standby = pair()

    leader.stop()
    world.run(until=30.0 + TIMING.retry_period + 0.1)

    assert standby.may_act
    assert not leader.may_act


def test_a_leader_stays_the_leader_while_all_is_well():
    world, leader, standby = pair()

    world.run(until=10_000.0)

    assert leader.may_act
    assert len(leader.acquired) == 1
    assert standby.acquired == []


def test_a_leader_survives_a_silence_that_ends_before_its_deadline():
    world, leader, standby = pair()
    leader.trips = [Trip(lost="request")]

    world.run(until=100.0)

    assert leader.may_act
    assert standby.acquired == []


def test_a_leader_whose_renewal_was_not_answered_goes_on_with_it():
    world, leader, standby = pair()
    leader.trips = [Trip(lost="answer")]

    world.run(until=100.0)

    assert leader.may_act
    assert len(leader.acquired) == 1
    assert standby.acquired == []


def test_a_leader_that_was_frozen_for_longer_than_its_lease_may_not_act_when_it_wakes_up():
    world, leader, standby = pair(freezes=[(31.0, 60.0)])

    world.run(until=59.9)
    assert standby.may_act
    world.run(until=60.0)
    assert not leader.may_act
    world.run(until=100.0)

    assert standby.may_act
