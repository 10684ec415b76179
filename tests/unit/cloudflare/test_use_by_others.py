"""What others use of the same limit, told from counts that begin anew with each window."""

import pytest

from aisearch_operator.cloudflare.others import Others

QUOTA = 1200
WINDOW = 300.0


def test_a_steady_use_is_known_from_the_first_window_on():
    others = Others(WINDOW)

    seen = []
    for now in range(60, 1200, 7):
        began = now - now % WINDOW
        others.note(2.0 * (now - began), quota=QUOTA, began=began, now=now)
        seen.append(others.lately)

    assert seen == pytest.approx([0.5] * len(seen))


def test_a_few_requests_at_the_beginning_of_a_window_are_no_high_rate():
    others = Others(WINDOW)

    others.note(5, quota=QUOTA, began=0, now=1)

    assert others.lately < 0.05


def test_what_others_have_ceased_to_use_is_forgotten_within_a_window():
    others = Others(WINDOW)
    others.note(600, quota=QUOTA, began=0, now=299)

    others.note(0, quota=QUOTA, began=300, now=310)
    at_first = others.lately
    others.note(0, quota=QUOTA, began=300, now=599)

    assert at_first == pytest.approx(0.485, abs=0.01)
    assert others.lately < 0.01


def test_a_beginning_that_rounding_moves_begins_no_window():
    others = Others(WINDOW)
    others.note(300, quota=QUOTA, began=0.4, now=150)

    others.note(302, quota=QUOTA, began=-0.4, now=151)

    assert others.lately == pytest.approx(0.5, abs=0.01)
