"""What the probes say, by role and by the state of the parts."""

import pytest

from aisearch_operator.telemetry.health import Health, Role, Stuck

STUCK = Stuck("nothing arrives", 200.0)


@pytest.mark.parametrize(
    ("role", "done", "stuck", "reason"),
    [
        (Role.STARTING, False, None, "the operator starts"),
        (Role.STARTING, True, None, "the operator starts"),
        (Role.STANDBY, False, None, None),
        (Role.STANDBY, False, STUCK, "watch: nothing arrives"),
        (Role.LEADER, False, None, "waits for the first list"),
        (Role.LEADER, True, None, None),
        (Role.LEADER, True, STUCK, "watch: nothing arrives"),
    ],
)
def test_a_process_is_ready_when_it_does_the_part_of_its_role(role, done, stuck, reason):
    health = Health()
    health.role = role
    health.need("the first list", lambda: done)
    health.check("watch", lambda: stuck)

    assert health.not_ready() == reason


def test_only_the_parts_that_are_stuck_are_named():
    health = Health()
    health.check("watch", lambda: STUCK)
    health.check("queue", lambda: None)

    assert health.stuck() == {"watch": STUCK}


def test_a_check_looks_anew_at_each_probe():
    health, found = Health(), [None, STUCK, None]
    health.check("watch", lambda: found.pop(0))

    assert [bool(health.stuck()) for _ in range(3)] == [False, True, False]
