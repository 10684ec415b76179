"""The client keeps to the budget: it waits a little, refuses beyond, and tells the budget what it learns."""

import pytest

from aisearch_operator.cloudflare import Cause, Priority, RequestBudget, Retry, Wait
from unit.cloudflare.scripted_api import NAMESPACE, ScriptedApi, complaint, failure, success

INSTANCE = {"id": "docs"}
WITHIN_ROUNDING = 0.01
BURST = 0.06 * 720
RATE = 0.94 * 720 / 300


class Clock:
    """Monotonic seconds that pass only when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 0.0
        self.slept: list[float] = []

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds


@pytest.fixture
def clock(monkeypatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("aisearch_operator.cloudflare.scheduler.sleep", clock.sleep)
    return clock


@pytest.fixture
def budget(clock) -> RequestBudget:
    return RequestBudget(clock=clock)


def exhaust(budget: RequestBudget, *, debt: int = 0) -> None:
    while budget.delay(Priority.CANCEL) == 0:
        budget.take(Priority.CANCEL)
    for _ in range(debt):
        budget.take(Priority.CANCEL)


async def test_a_request_within_the_budget_is_sent_at_once(connect, clock, budget):
    await connect(ScriptedApi(success(INSTANCE)), budget=budget).get_instance(NAMESPACE, "docs")
    assert clock.slept == []


async def test_a_request_waits_for_its_turn_when_that_is_near(connect, clock, budget):
    exhaust(budget)
    api = ScriptedApi(success(INSTANCE))
    await connect(api, budget=budget).delete_instance(NAMESPACE, "docs")
    assert clock.slept == [pytest.approx((1 - BURST % 1) / RATE, abs=WITHIN_ROUNDING)]
    assert len(api.requests) == 1


async def test_a_request_whose_turn_is_far_is_not_sent(connect, clock, budget):
    exhaust(budget, debt=9)
    due = (10 - BURST % 1) / RATE
    api = ScriptedApi(success(INSTANCE))
    with pytest.raises(Retry, match="not sent") as caught:
        await connect(api, budget=budget).delete_instance(NAMESPACE, "docs")
    assert caught.value.cause is Cause.REQUEST_BUDGET_EXHAUSTED
    assert caught.value.after == pytest.approx(due, abs=WITHIN_ROUNDING)
    assert caught.value.effect_unknown is False
    assert api.requests == []
    assert clock.slept == []


async def test_a_request_that_others_always_overtake_gives_up(connect, clock, budget, monkeypatch):
    exhaust(budget)

    async def overtaken(seconds: float) -> None:
        await clock.sleep(seconds)
        exhaust(budget)

    monkeypatch.setattr("aisearch_operator.cloudflare.scheduler.sleep", overtaken)
    api = ScriptedApi(success(INSTANCE))
    with pytest.raises(Retry):
        await connect(api, budget=budget).delete_instance(NAMESPACE, "docs")
    assert api.requests == []
    assert clock.now < 15


@pytest.mark.parametrize(
    ("name", "priority"),
    [("delete_instance", Priority.CANCEL), ("get_instance", Priority.OBSERVE), ("instance_stats", Priority.STATISTICS)],
)
async def test_each_operation_asks_with_its_priority(connect, clock, name, priority):
    asked = []

    class Asked(RequestBudget):
        def take(self, priority: Priority) -> None:
            asked.append(priority)

    client = connect(ScriptedApi(success(INSTANCE)), budget=Asked(clock=clock))
    await getattr(client, name)(NAMESPACE, "docs")
    assert asked == [priority]


async def test_a_caller_can_make_a_read_more_urgent(connect, clock, budget):
    while budget.delay(Priority.OBSERVE) == 0:
        budget.take(Priority.OBSERVE)
    client = connect(ScriptedApi(success(INSTANCE)), budget=budget)
    await client.get_instance(NAMESPACE, "docs", priority=Priority.CANCEL)
    assert clock.slept == []


@pytest.mark.parametrize(("headers", "seconds"), [({"retry_after": "40"}, 40), ({}, 300)])
async def test_the_users_rate_limit_stops_everything_until_it_is_over(connect, clock, budget, headers, seconds):
    api = ScriptedApi(failure(429, complaint(971, "throttled"), **headers))
    client = connect(api, budget=budget)
    for attempt in range(2):
        with pytest.raises(Retry) as caught:
            await client.delete_instance(NAMESPACE, "docs")
        assert caught.value.cause is Cause.RATE_LIMITED
        assert len(api.requests) == 1, f"attempt {attempt}"
    assert budget.blocked_for == seconds
    assert caught.value.after >= seconds
    assert caught.value.effect_unknown is False


@pytest.mark.parametrize("code", [7020, 7069])
async def test_a_limit_of_the_product_stops_nothing_else(connect, clock, budget, code):
    api = ScriptedApi(failure(429, complaint(code), retry_after="40"))
    with pytest.raises(Wait):
        await connect(api, budget=budget).create_job(NAMESPACE, "docs", "x")
    assert budget.blocked_for == 0


async def test_what_the_server_reports_as_left_is_heeded(connect, clock, budget):
    answer = success(INSTANCE, ratelimit='"default";r=120;t=90', ratelimit_policy='"default";q=1200;w=300')
    client = connect(ScriptedApi(answer), budget=budget)
    await client.get_instance(NAMESPACE, "docs")
    with pytest.raises(Retry) as caught:
        await client.get_instance(NAMESPACE, "docs")
    assert caught.value.cause is Cause.REQUEST_BUDGET_EXHAUSTED
    assert caught.value.after == pytest.approx(90, abs=WITHIN_ROUNDING)
