"""One account that is used as far as its limit goes: each scenario runs on a clock of its own that leaps."""

import asyncio
from collections.abc import Callable, Iterable

from aisearch_operator.cloudflare.budget import MARGIN
from harness.leaping_clock import run_on_a_leaping_clock
from simulation.account import SimulatedAccount
from simulation.limit import LIMIT, WINDOW, UserLimit
from simulation.model import Demand
from simulation.operator import SETTINGS, SimulatedOperator
from simulation.results import Promise, Result, thinned

__all__ = [
    "SHARE",
    "after_a_block",
    "allowed_rate",
    "create_all",
    "new_account",
    "rest",
    "until",
    "within_the_limit",
]

SHARE = SETTINGS.budget_share
SLOWEST = 1.1
"""How much longer than the budget allows creations may take."""


def create_all(count: int, *, others: float = 0.0) -> Result:
    """Create so many instances in one account, while somebody else sends ``others`` requests per second."""

    async def play() -> Result:
        account = new_account(others=others)
        operator = SimulatedOperator(account)
        for number in range(count):
            operator.create(account.name, f"docs-{number}")
        operator.start()
        await until(lambda: len(operator.done) == count)
        seconds = max(operator.done.values())
        await operator.stop()
        allowed = count / allowed_rate(others)
        rates = {
            "share of the limit used": len(account.sent) / seconds / (LIMIT / WINDOW),
            "most of our requests in any 5 min": account.limit.most_ours,
        }
        return Result(
            title=f"{count:,} instances are created" + (", others use half of the limit" if others else ""),
            figures={
                "seconds": seconds,
                "seconds that the budget allows": allowed,
                "requests per instance": len(account.sent) / count,
                **rates,
                "most requests of the user in any 5 min": account.limit.most,
            },
            promises=(
                Promise.at_most("time, in units of what the budget allows", SLOWEST, seconds / allowed),
                *within_the_limit(account),
            ),
            curves={
                "created": growth(operator.done.values()),
                "what the budget allows": ((0.0, 0.0), (round(allowed), float(count))),
            },
        )

    return run_on_a_leaping_clock(play)


def after_a_block(count: int) -> Result:
    """Have the account blocked in the middle of its creations."""

    async def play() -> Result:
        account = new_account()
        operator = SimulatedOperator(account)
        for number in range(count):
            operator.create(account.name, f"docs-{number}")
        operator.start()
        await asyncio.sleep(60)
        account.limit.block()
        await until(lambda: bool(account.limit.refused))
        heard = account.limit.refused[0]
        await until(lambda: len(operator.done) == count)
        await operator.stop()
        during = [time for time, _ in account.sent if heard + 1 < time < heard + WINDOW]
        after = [time - heard - WINDOW for time, _ in account.sent if time >= heard + WINDOW]
        minute, share = LIMIT * SHARE / WINDOW * 60, LIMIT * SHARE
        return Result(
            title=f"A block of 5 minutes while {count:,} instances are created",
            figures={
                "seconds from the end of the block to the first request": min(after),
                "requests in the first minute after it": sum(time < 60 for time in after),
            },
            promises=(
                Promise.at_most("requests during the block", 0, len(during)),
                Promise.at_most("requests in the first minute after it", minute, sum(time < 60 for time in after)),
                Promise.at_most("requests in the first 5 minutes after it", share, sum(time < 300 for time in after)),
            ),
        )

    return run_on_a_leaping_clock(play)


def rest(count: int, jobs: int, *, minutes: float = 60) -> Result:
    """Watch an account in which nothing happens, but that some sync jobs run."""

    async def play() -> Result:
        account = new_account()
        operator = SimulatedOperator(account)
        names = [f"docs-{number}" for number in range(count)]
        account.have(*names)
        for name in names:
            operator.create(account.name, name)
        for name in names[:jobs]:
            operator.sync(account.name, name)
        operator.start()
        await until(lambda: len(operator.done) == count + jobs)
        await asyncio.sleep(900)  # until the first lists are no change any more
        before = len(account.sent)
        await asyncio.sleep(minutes * 60)
        quiet = [operation for _, operation in account.sent[before:]]
        await operator.stop()
        by_model = Demand(instances=count, jobs=jobs)
        return Result(
            title=f"{count:,} instances at rest, {jobs:,} with a running sync job",
            figures={
                "requests a minute": len(quiet) / minutes,
                "requests a minute by the model": by_model.requests,
                "share of the limit used": len(quiet) / minutes / (LIMIT / WINDOW * 60),
                "lists of instances a minute": quiet.count("GET instances") / minutes,
                "lists of jobs a minute": quiet.count("GET jobs") / minutes,
                "statistics a minute": quiet.count("GET statistics") / minutes,
            },
            promises=(
                Promise.at_most("requests, in units of the model's", 1.1, len(quiet) / minutes / by_model.requests),
            ),
        )

    return run_on_a_leaping_clock(play)


def new_account(name: str = "acc0", *, others: float = 0.0) -> SimulatedAccount:
    """Make an account of the loop that runs."""
    return SimulatedAccount(name, UserLimit(asyncio.get_running_loop().time, others))


def allowed_rate(others: float = 0.0) -> float:
    """Give the requests per second that the limit leaves beside others and their margin, if they take ours."""
    return min(SHARE, 1 - MARGIN - others * WINDOW / LIMIT) * LIMIT / WINDOW


def within_the_limit(*accounts: SimulatedAccount) -> tuple[Promise, ...]:
    """Judge whether the limit was passed."""
    return (
        Promise.at_most("requests of a user in any 5 minutes", LIMIT, max(each.limit.most for each in accounts)),
        Promise.at_most("answers that the limit is exceeded", 0, sum(len(each.limit.refused) for each in accounts)),
    )


def growth(times: Iterable[float]) -> tuple[tuple[float, float], ...]:
    """Count what was done until when."""
    return thinned([(time, number) for number, time in enumerate(sorted(times), start=1)])


async def until(done: Callable[[], bool], *, step: float = 1.0) -> None:
    """Wait for something on the clock that leaps."""
    while not done():  # noqa: ASYNC110 - on a clock that leaps
        await asyncio.sleep(step)
