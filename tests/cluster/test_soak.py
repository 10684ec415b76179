"""A very short soak: that it can be run, and what it would find first."""

from soak.run import soak

SEED = 20
STEPS = 10


def test_a_short_soak_finds_no_violation(control_plane, fake):
    tally = soak(control_plane, fake, minutes=1, seed=SEED, rounds=1, steps=STEPS)

    assert tally.violations == []
    (outcome,) = tally.rounds
    assert outcome.resources > 0
    assert sum(outcome.did.values()) >= STEPS / 2
