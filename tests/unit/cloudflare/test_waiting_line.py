"""The order in which requests are served: the more urgent first, tenants in turn, nobody twice."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aisearch_operator.cloudflare.budget import Priority
from aisearch_operator.cloudflare.waiting_line import Requester, WaitingLine

CREATE, UPDATE, CANCEL = Priority.CREATE, Priority.UPDATE, Priority.CANCEL


def line_of(*tickets: tuple[str, Priority]) -> WaitingLine:
    """Let requesters such as ``red/1`` join; what is before the slash is the tenant."""
    line = WaitingLine()
    for key, priority in tickets:
        line.join(requester(key), priority, now=0.0)
    return line


def requester(key: str) -> Requester:
    return Requester(key, tenant=key.split("/", maxsplit=1)[0], recall=lambda: None)


def order(line: WaitingLine) -> list[object]:
    return [ticket.requester.key for ticket in line.in_order()]


@pytest.mark.parametrize(
    ("tickets", "expected"),
    [
        pytest.param([], [], id="nobody"),
        pytest.param([("a/1", CREATE), ("a/2", CREATE)], ["a/1", "a/2"], id="as-they-came"),
        pytest.param([("a/1", UPDATE), ("a/2", CREATE), ("b/1", CANCEL)], ["b/1", "a/2", "a/1"], id="urgent-first"),
        pytest.param(
            [("a/1", CREATE), ("a/2", CREATE), ("a/3", CREATE), ("b/1", CREATE)],
            ["a/1", "b/1", "a/2", "a/3"],
            id="tenants-in-turn",
        ),
        pytest.param([("a/1", CREATE), ("a/2", CREATE), ("a/1", CREATE)], ["a/1", "a/2"], id="a-place-is-kept"),
        pytest.param([("a/1", CREATE), ("a/2", CREATE), ("a/1", CANCEL)], ["a/1", "a/2"], id="one-place-each"),
        pytest.param([("a/1", CANCEL), ("a/2", CREATE), ("a/1", CREATE)], ["a/2", "a/1"], id="a-new-wish-a-new-place"),
    ],
)
def test_the_order_of_service(tickets, expected):
    assert order(line_of(*tickets)) == expected


def test_a_tenant_that_was_served_goes_behind_the_others():
    line = line_of(("a/1", CREATE), ("a/2", CREATE), ("b/1", CREATE), ("b/2", CREATE))

    line.serve(next(line.in_order()))

    assert order(line) == ["b/1", "a/2", "b/2"]


def test_who_leaves_gives_up_the_place():
    line = line_of(("a/1", CREATE), ("a/2", CREATE), ("b/1", CREATE))

    line.leave("a/1")
    line.leave("unknown")

    assert order(line) == ["a/2", "b/1"]
    assert len(line) == 2
    assert line.waiting[CREATE] == 2


steps = st.lists(
    st.tuples(
        st.sampled_from(["join", "leave", "serve"]),
        st.tuples(st.sampled_from("abc"), st.integers(0, 6)).map("{0[0]}/{0[1]}".format),
        st.sampled_from(Priority),
    ),
    max_size=60,
)


@given(steps)
def test_the_count_of_those_ahead_is_the_position_in_the_order(steps):
    line = WaitingLine()
    for step, key, priority in steps:
        if step == "join":
            line.join(requester(key), priority, now=0.0)
        elif step == "leave":
            line.leave(key)
        elif (following := next(line.in_order(), None)) is not None:
            line.serve(following)
    tickets = list(line.in_order())
    assert [line.ahead_of(ticket) for ticket in tickets] == list(range(len(tickets)))
    assert len(line) == len(tickets) == line.waiting.total()
    for priority in Priority:
        assert line.first(priority) is next((ticket for ticket in tickets if ticket.priority is priority), None)


@given(st.lists(st.sampled_from("abc"), min_size=1, max_size=40))
def test_no_tenant_waits_longer_than_one_turn_of_each_other(tenants):
    line = line_of(*((f"{tenant}/{number}", CREATE) for number, tenant in enumerate(tenants)))
    served: list[str] = []
    while (ticket := next(line.in_order(), None)) is not None:
        line.serve(ticket)
        served.append(ticket.requester.tenant)
    for tenant in set(tenants):
        turns = [index for index, name in enumerate(served) if name == tenant]
        assert all(later - earlier <= len(set(tenants)) for earlier, later in pairwise(turns))
