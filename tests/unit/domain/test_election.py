"""What a replica does about the lease: by what it has seen of it, for how long, and whether it leads itself."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from aisearch_operator.domain.election import Claim, Lease, Lost, Sighting, Wait, Write, next_step, released, see

WALL = datetime(2026, 1, 1, tzinfo=UTC)
EARLIER = WALL - timedelta(days=1)
ME, OTHER = "replica-a_1", "replica-b_2"
DURATION = 15
HELD = Claim(OTHER, DURATION, acquired=EARLIER, renewed=EARLIER, transitions=3)
MINE = replace(HELD, holder=ME)
FREE = released(HELD)
TAKEN = Claim(ME, DURATION, acquired=WALL, renewed=WALL, transitions=4)


def step(claim, *, version="7", since=100.0, holding=False, now=100.0):
    return next_step(
        Sighting(claim, version, since), identity=ME, duration=DURATION, holding=holding, now=now, wall=WALL
    )


@pytest.mark.parametrize(
    ("claim", "expected"),
    [
        pytest.param(HELD, Wait(OTHER, 15.0), id="just seen"),
        pytest.param(replace(HELD, duration=40), Wait(OTHER, 40.0), id="the holder's duration counts"),
        pytest.param(replace(HELD, duration=0), Wait(OTHER, 15.0), id="the holder names none"),
        pytest.param(replace(HELD, renewed=None, acquired=None), Wait(OTHER, 15.0), id="by hand, without times"),
        pytest.param(replace(HELD, renewed=EARLIER.replace(year=1999)), Wait(OTHER, 15.0), id="its clock is behind"),
        pytest.param(replace(HELD, renewed=EARLIER.replace(year=2099)), Wait(OTHER, 15.0), id="its clock is ahead"),
    ],
)
def test_a_candidate_waits_from_when_it_saw_the_lease_whatever_times_it_names(claim, expected):
    assert step(claim) == expected


@pytest.mark.parametrize(("now", "seconds"), [(100.0, 15.0), (107.5, 7.5), (114.9, pytest.approx(0.1))])
def test_the_wait_is_what_is_left_of_the_duration(now, seconds):
    assert step(HELD, now=now) == Wait(OTHER, seconds)


@pytest.mark.parametrize("now", [115.0, 1000.0])
def test_a_candidate_takes_a_lease_that_it_has_seen_unchanged_for_its_duration(now):
    assert step(HELD, now=now) == Write(TAKEN, "7")


def test_a_candidate_takes_a_lease_that_was_given_back_at_once():
    assert step(FREE) == Write(TAKEN, "7")


def test_the_first_candidate_makes_the_lease():
    assert step(None, version=None) == Write(replace(TAKEN, transitions=0), None)


@pytest.mark.parametrize("holding", [True, False])
def test_a_lease_that_carries_the_own_name_is_renewed_whether_its_write_was_heard_of_or_not(holding):
    assert step(MINE, holding=holding) == Write(replace(MINE, renewed=WALL), "7")


@pytest.mark.parametrize("now", [100.0, 1000.0])
def test_a_leader_that_meets_another_name_has_lost_even_when_that_lease_has_expired(now):
    assert step(HELD, holding=True, now=now) == Lost(OTHER)


def test_a_leader_takes_back_a_lease_that_somebody_emptied_by_hand():
    assert step(FREE, holding=True) == Write(TAKEN, "7")


def test_a_leader_makes_a_deleted_lease_again_at_once():
    assert step(MINE, version=None, holding=True) == Write(replace(MINE, renewed=WALL), None)


@pytest.mark.parametrize("claim", [HELD, FREE, MINE], ids=["held", "given-back", "own-by-an-unheard-write"])
def test_a_candidate_makes_a_deleted_lease_only_when_any_holder_has_given_up(claim):
    assert step(claim, version=None, now=114.0) == Wait("", 1.0)
    written = step(claim, version=None, now=115.0)
    assert isinstance(written, Write)
    assert (written.claim.holder, written.version) == (ME, None)


def test_a_renewal_begins_the_wait_anew():
    before = see(None, Lease(HELD, "7"), 100.0)

    renewed = replace(HELD, renewed=WALL)

    assert see(before, Lease(renewed, "8"), 110.0) == Sighting(renewed, "8", 110.0)


def test_a_write_that_is_no_renewal_does_not_begin_the_wait_anew():
    before = see(None, Lease(HELD, "7"), 100.0)

    assert see(before, Lease(HELD, "8"), 110.0) == Sighting(HELD, "8", 100.0)


def test_a_deletion_begins_the_wait_anew_for_what_happened_before_it_was_not_seen():
    before = see(None, Lease(HELD, "7"), 100.0)

    deleted = see(before, None, 110.0)

    assert deleted == Sighting(HELD, None, 110.0)
    assert see(deleted, None, 112.0) == deleted


def test_a_lease_that_never_was_is_seen_as_none():
    assert see(None, None, 100.0) == Sighting(None, None, 100.0)
