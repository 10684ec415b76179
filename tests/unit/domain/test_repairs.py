"""Repairs that are undone: three at once, then with pauses that grow to an hour."""

from itertools import pairwise

from aisearch_operator.domain.repairs import LONGEST_PAUSE, Repairs

PAUSED = frozenset({"paused"})
SWEEP = 60.0


def undone_at_each_sweep(hours: float) -> list[float]:
    """Give the times of the repairs when the same field is changed back before each sweep."""
    repairs, times = Repairs(), []
    for sweep in range(int(hours * 3600 / SWEEP)):
        now = sweep * SWEEP
        if repairs.wait(PAUSED, now) == 0:
            repairs = repairs.repaired(PAUSED, now)
            times.append(now)
    return times


def test_the_first_repairs_are_made_at_once_and_the_others_later_and_later():
    times = undone_at_each_sweep(24)

    pauses = [later - earlier for earlier, later in pairwise(times)]
    assert pauses[:5] == [60, 60, 120, 240, 480]
    assert pauses == sorted(pauses)
    assert max(pauses) == LONGEST_PAUSE
    assert len(times) < 34


def test_a_repair_that_lasted_starts_anew():
    repairs = Repairs(PAUSED, count=4, at=0.0)

    assert repairs.wait(PAUSED, 1.0) == 239.0
    assert repairs.wait(PAUSED, 2 * 240 + 600) == 0
    assert repairs.repaired(PAUSED, 2 * 240 + 600).count == 1


def test_other_fields_do_not_wait():
    repairs = Repairs(PAUSED, count=9, at=0.0)

    assert repairs.wait(frozenset({"cache"}), 1.0) == 0
    assert repairs.wait(frozenset({"cache", "paused"}), 1.0) > 0


def test_a_repair_that_never_lasts_never_waits_more_than_the_longest_pause():
    assert Repairs(PAUSED, count=10_000, at=0.0).wait(PAUSED, 0.0) == LONGEST_PAUSE
