"""The request budget under a clock that the test moves: shares, blocks, reserves, starvation."""

from collections import deque

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from aisearch_operator.cloudflare.budget import LONGEST_BLOCK, MARGIN, Priority, RequestBudget

TWO_ROUNDINGS = 0.002


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Caller:
    """Sends as soon as the budget lets it, and notes when."""

    def __init__(self, **options: float) -> None:
        self.clock = Clock()
        self.budget = RequestBudget(clock=self.clock, **options)  # type: ignore[arg-type]
        self.sent: list[float] = []

    def try_to_send(self, priority: Priority) -> float:
        """Send when it is allowed, and give the delay."""
        delay = self.budget.delay(priority)
        if delay == 0:
            self.budget.take(priority)
            self.sent.append(self.clock.now)
        return delay

    def send(self, priority: Priority) -> None:
        """Wait as long as the budget says, then send."""
        while delay := self.try_to_send(priority):
            self.clock.now += delay

    def burst(self, priority: Priority) -> int:
        """Send all that goes out right now, and count it."""
        before = len(self.sent)
        while self.try_to_send(priority) == 0:
            pass
        return len(self.sent) - before


def most_in_any_window(times: list[float], window: float) -> int:
    most, inside = 0, deque[float]()
    for time in times:
        inside.append(time)
        while inside[0] <= time - window:
            inside.popleft()
        most = max(most, len(inside))
    return most


def blocked(retry_after: float | None = None) -> dict[str, str]:
    return {} if retry_after is None else {"Retry-After": str(retry_after)}


shares = st.tuples(st.integers(20, 400), st.floats(0.1, 1.0), st.floats(1.0, 600.0)).filter(
    lambda options: options[0] * options[1] >= 20
)
priorities = st.sampled_from(Priority)


@settings(max_examples=60, deadline=None)
@given(shares, st.lists(st.tuples(priorities, st.floats(0, 1)), min_size=1, max_size=60))
def test_no_window_sees_more_than_the_share(options, demand):
    limit, share, window = options
    caller = Caller(limit=limit, share=share, window=window)
    for priority, pause in demand:
        caller.clock.now += pause * window / 10
        caller.burst(priority)
        caller.send(priority)
    assert most_in_any_window(caller.sent, window) <= limit * share


def test_the_whole_share_is_used_when_there_is_demand():
    caller = Caller()
    while caller.clock.now < 300:
        caller.send(Priority.CANCEL)
    assert 0.99 * 720 <= most_in_any_window(caller.sent, 300) <= 720


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.one_of(
            st.tuples(st.just("send"), priorities),
            st.tuples(st.just("pass"), st.floats(0, 100)),
            st.tuples(st.just("block"), st.one_of(st.none(), st.integers(0, 500))),
        ),
        max_size=60,
    )
)
def test_nothing_goes_out_while_the_server_blocks(steps):
    caller = Caller()
    blocked_until = 0.0
    for step, value in steps:
        if step == "pass":
            caller.clock.now += value
        elif step == "block":
            caller.budget.observe(429, blocked(value))
            blocked_until = max(blocked_until, caller.clock.now + (300 if value is None else value))
        else:
            caller.try_to_send(Priority(value))
        assert caller.budget.blocked_for == pytest.approx(max(0.0, blocked_until - caller.clock.now))
        if caller.clock.now < blocked_until:
            assert all(caller.budget.delay(p) >= blocked_until - caller.clock.now for p in Priority)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 400), st.floats(0, 60), priorities)
def test_after_a_block_there_is_no_burst(used, beyond, priority):
    caller = Caller()
    for _ in range(used):
        caller.try_to_send(Priority.CANCEL)
    caller.budget.observe(429, blocked(30))
    end = caller.clock.now + 30
    caller.sent.clear()
    while caller.clock.now < end + beyond:
        caller.send(priority)
    refill = 720 * 0.94 / 300
    for index, time in enumerate(caller.sent):
        assert index + 1 <= refill * (time - end) + 1e-6


@settings(max_examples=40, deadline=None)
@given(shares, priorities)
def test_nothing_starves_however_much_of_the_others_goes_first(options, starved):
    limit, share, window = options
    caller = Caller(limit=limit, share=share, window=window)
    refill = limit * share * 0.75 / window
    longest = caller.budget.patience + (len(Priority) + 1) / refill
    tick = min(1.0, 1 / refill) / 3
    others = [priority for priority in Priority if priority is not starved]
    caller.burst(Priority.CANCEL)
    waited_since = caller.clock.now
    for _ in range(600):
        for priority in others:
            caller.burst(priority)
        if caller.try_to_send(starved) == 0:
            waited_since = caller.clock.now
        assert caller.clock.now - waited_since <= longest + tick
        caller.clock.now += tick


@pytest.mark.parametrize(
    ("share", "patience"),
    [(0.6, 60), (0.3, 89), (0.15, 179), (0.02, 300)],
    ids=["the default", "one of two shards", "one of four", "the smallest"],
)
def test_who_has_a_small_share_gives_the_least_urgent_a_hundredth_of_it(share, patience):
    assert RequestBudget(limit=1200, window=300, share=share).patience == pytest.approx(patience, abs=1)


def test_each_priority_leaves_a_reserve_for_the_more_urgent():
    caller = Caller()
    sent = [caller.burst(priority) for priority in sorted(Priority, reverse=True)]
    assert sent == [17, 4, 4, 3, 15]  # of 43


def test_a_delay_that_is_waited_for_is_enough():
    caller = Caller()
    for priority in Priority:
        caller.burst(priority)
        caller.clock.now += caller.budget.delay(priority)
        assert caller.budget.delay(priority) == 0


def test_a_429_without_retry_after_blocks_for_the_window():
    caller = Caller()
    caller.budget.observe(429, {})
    assert caller.budget.blocked_for == 300


def test_an_absurd_retry_after_is_bounded():
    caller = Caller()
    caller.budget.observe(429, blocked(1e9))
    assert caller.budget.blocked_for == LONGEST_BLOCK


def test_a_shorter_retry_after_does_not_end_a_block_early():
    caller = Caller()
    caller.budget.observe(429, blocked(200))
    caller.budget.observe(429, blocked(1))
    assert caller.budget.blocked_for == 200


def test_the_limit_of_a_product_does_not_block():
    caller = Caller()
    caller.budget.observe(429, blocked(200), product_limit=True)
    assert caller.try_to_send(Priority.STATISTICS) == 0


def test_others_keep_a_margin_when_the_server_reports_little():
    caller = Caller()
    caller.budget.observe(200, {"Ratelimit": '"default";r=130;t=100', "Ratelimit-Policy": '"default";q=1200;w=300'})
    assert caller.burst(Priority.CANCEL) == 10
    assert caller.budget.delay(Priority.CANCEL) == pytest.approx(100, abs=TWO_ROUNDINGS)
    caller.clock.now += 100.01
    assert caller.try_to_send(Priority.CANCEL) == 0


def test_the_lower_priorities_leave_the_servers_rest_to_the_more_urgent():
    caller = Caller()
    caller.budget.observe(200, {"Ratelimit": '"default";r=140;t=100', "Ratelimit-Policy": '"default";q=1200;w=300'})
    assert caller.budget.delay(Priority.STATISTICS) > 0
    assert caller.budget.delay(Priority.CANCEL) == 0


def test_what_the_server_reports_never_allows_more_than_the_share():
    caller = Caller()
    caller.budget.observe(200, {"Ratelimit": '"default";r=1200;t=1', "Ratelimit-Policy": '"default";q=1200;w=300'})
    assert caller.burst(Priority.CANCEL) == 43


def test_without_a_policy_the_most_that_was_left_stands_for_the_quota():
    caller = Caller()
    caller.budget.observe(200, {"Ratelimit": '"default";r=100;t=60'})
    caller.budget.observe(200, {"Ratelimit": '"default";r=45;t=50'})
    assert caller.burst(Priority.CANCEL) == 35


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 100), st.integers(0, 60))
def test_what_others_use_of_their_part_is_not_kept_for_them_again(used_by_others, ours):
    caller = Caller(limit=100, share=0.6)
    for _ in range(ours):
        caller.budget.take(Priority.CANCEL)
    caller.clock.now += 299  # the window is the same
    bucket = int(caller.budget.left)
    left = max(0, 100 - used_by_others - ours)
    caller.budget.observe(200, {"Ratelimit": f'"default";r={left};t=1', "Ratelimit-Policy": '"default";q=100;w=300'})

    allowed = max(0, min(60 - ours, 90 - ours - used_by_others))
    assert caller.burst(Priority.CANCEL) == min(bucket, allowed)


def test_a_caller_that_shares_with_nobody_leaves_no_margin():
    caller = Caller(limit=100, share=1)
    caller.budget.observe(200, {"Ratelimit": '"default";r=5;t=1', "Ratelimit-Policy": '"default";q=100;w=300'})
    assert caller.burst(Priority.CANCEL) == 5


@pytest.mark.parametrize(
    "options", [{"share": 0}, {"share": 1.1}, {"window": 0}, {"limit": 10}, {"limit": 100, "share": 0.1}]
)
def test_numbers_that_make_no_sense_are_refused(options):
    with pytest.raises(ValueError, match=r"share|window"):
        RequestBudget(**options)


def test_what_is_left_shrinks_with_requests_and_with_what_others_use_and_is_0_in_a_block():
    caller = Caller()
    size = caller.budget.size
    assert caller.budget.left == size

    caller.send(Priority.CANCEL)
    assert caller.budget.left == size - 1
    for remaining in (MARGIN * 1200 + 5, MARGIN * 1200 - 20):
        others = {"Ratelimit": f'"default";r={remaining};t=60', "Ratelimit-Policy": '"default";q=1200;w=300'}
        caller.budget.observe(200, others)
        assert caller.budget.left == pytest.approx(remaining - MARGIN * 1200)

    caller.clock.now += 61
    assert caller.budget.left == size
    caller.budget.observe(429, {})
    assert caller.budget.left == 0


def test_beside_others_who_use_half_of_the_limit_it_neither_passes_the_limit_nor_stands_still():
    caller, others = Caller(), 2.0
    cancel_delays = []
    while caller.clock.now < 1500:
        caller.send(Priority.CREATE)
        now = caller.clock.now
        began = now - now % 300
        used = round(others * (now - began)) + sum(time >= began for time in caller.sent)
        policy = {"Ratelimit": f'"default";r={1200 - used};t={300 - now % 300:.0f}'}
        caller.budget.observe(200, policy | {"Ratelimit-Policy": '"default";q=1200;w=300'})
        cancel_delays.append(caller.budget.delay(Priority.CANCEL))

    assert most_in_any_window(caller.sent, 300) + others * 300 <= 1200 * (1 - MARGIN) + 30
    assert max(cancel_delays) < 1
    assert len(caller.sent) > 1500 * 1.6 / 1.1
