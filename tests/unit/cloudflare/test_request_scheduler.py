"""Requests that wait for their turn, on a clock that leaps: who goes when, who is recalled, who is forgotten."""

import asyncio
import math
import random
import time
from collections import Counter
from datetime import UTC, datetime

import pytest

from aisearch_operator.cloudflare.budget import Priority, RequestBudget
from aisearch_operator.cloudflare.errors import Cause, Retry
from aisearch_operator.cloudflare.scheduler import LONGEST_AWAY, RECALL_PATIENCE, RequestScheduler, requesting
from aisearch_operator.cloudflare.waiting_line import Requester
from harness.leaping_clock import on_a_leaping_clock

SHARE = 720
WINDOW = 300.0


class Crowd:
    """Requesters that come when they are recalled, or when they were told to ask again."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._start = self._loop.time()
        self.budget = RequestBudget(limit=1200, window=WINDOW, share=0.6, clock=self._loop.time)
        self.scheduler = RequestScheduler(self.budget)
        self.sent: dict[str, float] = {}
        self.passes: Counter[str] = Counter()
        self._asking: set[str] = set()
        self._awaited: dict[str, asyncio.Event] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def now(self) -> float:
        return self._loop.time() - self._start

    @property
    def present(self) -> int:
        """Count those who wait here, and would occupy a worker."""
        return len(self._asking)

    def come(self, key: str, priority: Priority) -> None:
        if key not in self._asking:
            self._asking.add(key)
            task = asyncio.create_task(self._ask(key, priority))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _ask(self, key: str, priority: Priority) -> None:
        self.passes[key] += 1
        again: float | None = None
        with requesting(Requester(key, key.split("/", maxsplit=1)[0], recall=lambda: self.come(key, priority))):
            try:
                await self.scheduler.turn(priority)
                self.sent[key] = self.now
                if key in self._awaited:
                    self._awaited[key].set()
            except Retry as error:
                again = error.after
        self._asking.discard(key)
        if again is not None:
            self._loop.call_later(again, self._come_again, key, priority)

    def _come_again(self, key: str, priority: Priority) -> None:
        if key not in self.sent:
            self.come(key, priority)

    async def saturate(self, count: int = 100, tenant: str = "bulk") -> None:
        """Let so many creations come, and wait until each has gone out or knows that it must wait."""
        for number in range(count):
            self.come(f"{tenant}/{number}", Priority.CREATE)
        await asyncio.sleep(0)
        await asyncio.sleep(0)

    async def wait_until(self, key: str) -> float:
        """Wait until a request has gone out, and give the time."""
        if key not in self.sent:
            await self._awaited.setdefault(key, asyncio.Event()).wait()
        return self.sent[key]


@on_a_leaping_clock
async def test_requests_go_out_at_once_while_the_budget_is_ample():
    crowd = Crowd()
    for number in range(20):
        crowd.come(f"team/{number}", Priority.CREATE)
    await asyncio.sleep(0)

    assert list(crowd.sent.values()) == [0.0] * 20


@on_a_leaping_clock
async def test_a_cancellation_overtakes_everything_that_waits():
    crowd = Crowd()
    await crowd.saturate(2000)
    for number in range(10):
        await asyncio.sleep(31.7)
        asked = crowd.now
        crowd.come(f"urgent/{number}", Priority.CANCEL)
        assert await crowd.wait_until(f"urgent/{number}") - asked < 1


@on_a_leaping_clock
async def test_a_namespace_with_few_resources_does_not_wait_for_one_with_many():
    crowd = Crowd()
    await crowd.saturate(2000, tenant="many")
    await asyncio.sleep(60)
    asked = crowd.now
    for number in range(3):
        crowd.come(f"few/{number}", Priority.CREATE)

    # Every second turn is theirs, and those that were near the front before them go first.
    assert await crowd.wait_until("few/2") - asked < 15 / crowd.budget.rate


@on_a_leaping_clock
async def test_within_a_namespace_nobody_overtakes_who_came_before():
    crowd = Crowd()
    await crowd.saturate(200)
    await asyncio.sleep(30)
    crowd.come("bulk/late", Priority.CREATE)
    await crowd.wait_until("bulk/late")

    order = list(crowd.sent)
    assert order[-1] == "bulk/late"
    assert len(order) == 201
    places = [int(key.split("/")[1]) for key in order[:-1]]
    assert all(abs(place - index) <= 6 for index, place in enumerate(places)), "only near the front"


@on_a_leaping_clock
async def test_who_waits_long_is_recalled_and_asks_few_times():
    crowd = Crowd()
    await crowd.saturate(500)
    await crowd.wait_until("bulk/499")

    assert max(crowd.passes.values()) <= 4
    assert sum(crowd.passes.values()) < 3 * 500


@on_a_leaping_clock
async def test_five_thousand_creations_use_the_share_up_and_never_more():
    crowd = Crowd()
    await crowd.saturate(5000)
    await crowd.wait_until("bulk/4999")

    times = sorted(crowd.sent.values())
    assert len(times) == 5000
    allowed = 5000 / SHARE * WINDOW
    assert times[-1] <= 1.1 * allowed
    windows = (sum(start <= time < start + WINDOW for time in times) for start in range(0, math.ceil(times[-1]), 20))
    assert max(windows) <= SHARE


@on_a_leaping_clock
async def test_under_saturation_cancellations_go_out_within_seconds():
    crowd = Crowd()
    await crowd.saturate(3000)
    chance = random.Random(7)
    latencies: list[float] = []
    for number in range(200):
        await asyncio.sleep(chance.expovariate(1 / 5))
        asked = crowd.now
        crowd.come(f"urgent/{number}", Priority.CANCEL)
        latencies.append(await crowd.wait_until(f"urgent/{number}") - asked)

    assert sorted(latencies)[197] < 5


@on_a_leaping_clock
async def test_the_least_urgent_gets_its_turn_within_the_patience():
    crowd = Crowd()
    await crowd.saturate(1000)
    crowd.come("statistics", Priority.STATISTICS)

    assert await crowd.wait_until("statistics") < crowd.budget.patience + 10 / crowd.budget.rate


@on_a_leaping_clock
async def test_who_does_not_come_costs_the_others_nothing_and_is_dropped():
    crowd = Crowd()
    absent = Requester("ghost", "bulk", recall=lambda: None)
    await crowd.saturate(60)
    with requesting(absent), pytest.raises(Retry):
        await crowd.scheduler.turn(Priority.CREATE)
    crowd.come("bulk/last", Priority.CREATE)

    sent = await crowd.wait_until("bulk/last")

    assert sent <= 61 / crowd.budget.rate
    await crowd.saturate(400, tenant="more")
    await asyncio.sleep(RECALL_PATIENCE + 60)
    waiting = {ticket.requester.key for ticket in crowd.scheduler._line.in_order()}
    assert "ghost" not in waiting
    assert waiting, "others must still wait, or this proves nothing"


@on_a_leaping_clock
async def test_a_request_that_is_cancelled_leaves_the_line():
    crowd = Crowd()
    await crowd.saturate(100)
    before = sum(crowd.scheduler.waiting.values())
    task = asyncio.create_task(crowd.scheduler.turn(Priority.CANCEL))
    await asyncio.sleep(0)
    urgent = sum(crowd.scheduler.waiting.values())
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

    assert (urgent, sum(crowd.scheduler.waiting.values())) == (before + 1, before) or urgent == before


@on_a_leaping_clock
async def test_without_a_requester_a_far_turn_is_refused_and_nothing_stays_behind():
    crowd = Crowd()
    await crowd.saturate(100)
    before = sum(crowd.scheduler.waiting.values())
    with pytest.raises(Retry) as caught:
        await crowd.scheduler.turn(Priority.UPDATE)

    assert caught.value.cause is Cause.REQUEST_BUDGET_EXHAUSTED
    assert sum(crowd.scheduler.waiting.values()) == before


@on_a_leaping_clock
async def test_what_is_not_wanted_any_more_when_its_turn_has_come_does_not_go_out_and_costs_nothing():
    crowd = Crowd()
    await crowd.saturate(100)
    wanted = [True]

    def check():
        if not wanted[0]:
            raise LookupError("not wanted any more")

    with requesting(Requester("deletion", "bulk", recall=lambda: None, check=check)):
        while crowd.budget.delay(Priority.CANCEL) == 0:
            await crowd.scheduler.turn(Priority.CANCEL)
        waiting = asyncio.create_task(crowd.scheduler.turn(Priority.CANCEL))
        await asyncio.sleep(0)
        wanted[0] = False
        left = crowd.budget.left
        with pytest.raises(LookupError):
            await waiting

    assert crowd.budget.left >= left
    assert crowd.scheduler.waiting[Priority.CANCEL] == 0


@on_a_leaping_clock
async def test_the_expected_time_is_told_and_stays_the_same_until_it_has_passed():
    crowd = Crowd()
    await crowd.saturate(400)
    asked = time.time()
    with requesting(Requester("patient", "bulk", recall=lambda: None)):
        with pytest.raises(Retry) as first:
            await crowd.scheduler.turn(Priority.CREATE)
        with pytest.raises(Retry) as second:
            await crowd.scheduler.turn(Priority.CREATE)

    assert str(first.value) == str(second.value)
    told = str(first.value).removesuffix(" UTC").split()[-1]
    seconds = (400 - 39) / crowd.budget.rate
    earliest, latest = asked + 0.95 * seconds, time.time() + 1.05 * seconds + 60
    minutes = range(int(earliest) // 60 * 60, int(latest) + 1, 60)
    assert told in {f"{datetime.fromtimestamp(minute, UTC):%H:%M}" for minute in minutes}
    assert second.value.after == pytest.approx(seconds, rel=0.05)


@on_a_leaping_clock
async def test_a_block_lets_nothing_out_and_no_burst_after_it():
    crowd = Crowd()
    await crowd.saturate(300)
    await asyncio.sleep(30)
    crowd.budget.observe(429, {})
    began = crowd.now
    crowd.come("urgent", Priority.CANCEL)
    with pytest.raises(Retry) as caught:
        await crowd.scheduler.turn(Priority.CREATE)
    assert caught.value.cause is Cause.RATE_LIMITED
    assert caught.value.after == pytest.approx(LONGEST_AWAY)
    await crowd.wait_until("bulk/299")

    after = sorted(time - began - WINDOW for time in crowd.sent.values() if time > began)
    assert after[0] >= 0
    assert all(index + 1 <= crowd.budget.rate * time + 1 for index, time in enumerate(after))
    assert crowd.sent["urgent"] - began - WINDOW < 5


@on_a_leaping_clock
async def test_nobody_is_recalled_before_the_turn_is_near():
    crowd = Crowd()
    for _ in range(20):
        await crowd.scheduler.turn(Priority.OBSERVE)  # the burst is used up, down to what statistics must leave
    crowd.come("/statistics", Priority.STATISTICS)
    await asyncio.sleep(0)

    await crowd.scheduler.turn(Priority.OBSERVE)
    await asyncio.sleep(0)

    assert crowd.passes["/statistics"] == 1


@on_a_leaping_clock
async def test_who_is_away_is_recalled_when_a_block_ends_though_nobody_takes_a_turn():
    crowd = Crowd()
    crowd.budget.observe(429, {"Retry-After": "30"})
    came = asyncio.Event()
    requester = Requester("patient", "", recall=came.set)

    with requesting(requester), pytest.raises(Retry):
        await crowd.scheduler.turn(Priority.CREATE)
    await came.wait()

    assert 30 < crowd.now < 40


@on_a_leaping_clock
async def test_those_who_wait_occupy_few_workers_and_let_no_turn_pass():
    crowd = Crowd()
    await crowd.saturate(300)

    present = []
    for _ in range(240):
        await asyncio.sleep(0.25)
        present.append(crowd.present)

    assert max(present[4:]) <= 2
    assert len(crowd.sent) >= 0.95 * (crowd.budget.rate * crowd.now + 0.6 * crowd.budget.size)
