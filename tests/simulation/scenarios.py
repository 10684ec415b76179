"""What is simulated, and what is read off: each scenario runs on a clock of its own that leaps."""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass, field

from aisearch_operator.cloudflare.budget import MARGIN
from harness.leaping_clock import run_on_a_leaping_clock
from simulation.account import LIMIT, WINDOW, SimulatedAccount
from simulation.operator import SimulatedOperator

__all__ = ["Result", "after_a_block", "create_all", "fleet", "rest", "saturated_deletions"]

SHARE = 0.6
"""The operator's part of the limit, as its settings have it."""


@dataclass
class Result:
    """What a scenario showed.

    Attributes
    ----------
    name
        What was simulated.
    figures
        Each figure with its unit in its name.
    missed
        The promises that were not kept.
    """

    name: str
    figures: dict[str, float]
    missed: list[str] = field(default_factory=list)

    def promise(self, what: str, *, kept: bool) -> None:
        """Note a promise that was not kept."""
        if not kept:
            self.missed.append(what)


def create_all(count: int, *, others: float = 0.0) -> Result:
    """Create so many instances in one account, while somebody else sends ``others`` requests per second."""

    async def play() -> Result:
        account = SimulatedAccount(asyncio.get_running_loop().time, others=others)
        operator = SimulatedOperator(account, share=SHARE)
        for number in range(count):
            operator.want(f"docs-{number}")
        operator.start()
        began = account.clock()
        await _until(lambda: len(operator.done) == count)
        seconds = account.clock() - began
        await operator.stop()
        # What the limit leaves beside the others and their margin counts, when that is less than the operator's part.
        rate = min(SHARE, 1 - MARGIN - others * WINDOW / LIMIT) * LIMIT / WINDOW
        result = Result(
            f"create {count} instances" + (f", others send {others:g} requests/s" if others else ""),
            {
                "seconds": seconds,
                "seconds the budget allows": count / rate,
                "ratio": seconds / (count / rate),
                "requests per instance": len(account.sent) / count,
                "most requests of the user in 5 min": account.most,
                "429 answers": len(account.refused),
            },
        )
        result.promise("converges within 1.1 of what the budget allows", kept=result.figures["ratio"] <= 1.1)
        result.promise("the limit is never passed", kept=not account.refused)
        return result

    return run_on_a_leaping_clock(play)


def saturated_deletions(count: int, deletions: int) -> Result:
    """Delete instances one by one, at random moments, while ``count`` others are being created."""

    async def play() -> Result:
        account = SimulatedAccount(asyncio.get_running_loop().time)
        operator = SimulatedOperator(account, share=SHARE)
        chance = random.Random(1)
        for number in range(deletions):
            account.instances[f"old-{number}"] = {"id": f"old-{number}", "namespace": "default", "status": "active"}
            operator.want(f"old-{number}")
        operator.start()
        await _until(lambda: len(operator.done) == deletions)
        for number in range(count):
            operator.want(f"docs-{number}", namespace="bulk")
        await asyncio.sleep(120)
        latencies = []
        for number in range(deletions):
            await asyncio.sleep(chance.expovariate(1 / 5))
            asked = account.clock()
            operator.want(f"old-{number}", exists=False)
            await _until(lambda name=f"old-{number}": name not in account.instances, step=0.05)  # type: ignore[misc]
            latencies.append(account.clock() - asked)
        busy = sum(name.startswith("docs") for name in operator.done) < count
        await operator.stop()
        latencies.sort()
        result = Result(
            f"{deletions} deletions while {count} instances are created",
            {
                "median latency, s": latencies[len(latencies) // 2],
                "99th percentile, s": latencies[len(latencies) * 99 // 100],
                "429 answers": len(account.refused),
            },
        )
        result.promise(
            "a deletion goes out within 5 s at the 99th percentile", kept=result.figures["99th percentile, s"] <= 5
        )
        result.promise("everything else is saturated meanwhile", kept=busy)
        return result

    return run_on_a_leaping_clock(play)


def after_a_block(count: int) -> Result:
    """Have the account blocked in the middle of its creations."""

    async def play() -> Result:
        account = SimulatedAccount(asyncio.get_running_loop().time)
        operator = SimulatedOperator(account, share=SHARE)
        for number in range(count):
            operator.want(f"docs-{number}")
        operator.start()
        await asyncio.sleep(60)
        account.block()
        await _until(lambda: bool(account.refused))
        heard = account.refused[0]
        await _until(lambda: len(operator.done) == count)
        await operator.stop()
        during = [time for time, _ in account.sent if heard + 1 < time < heard + WINDOW]
        after = sorted(time - heard - WINDOW for time, _ in account.sent if time >= heard + WINDOW)
        first_minute = sum(time < 60 for time in after)
        result = Result(
            f"a block of 5 minutes while {count} instances are created",
            {
                "requests during the block": len(during),
                "requests in the first minute after it": first_minute,
                "requests a minute in the long run": LIMIT * SHARE / WINDOW * 60,
            },
        )
        result.promise("no request during the block", kept=not during)
        result.promise("no burst after it", kept=first_minute <= LIMIT * SHARE / WINDOW * 60 + 1)
        return result

    return run_on_a_leaping_clock(play)


def rest(count: int, *, minutes: float = 60) -> Result:
    """Watch an account in which nothing happens."""

    async def play() -> Result:
        account = SimulatedAccount(asyncio.get_running_loop().time)
        operator = SimulatedOperator(account, share=SHARE)
        for number in range(count):
            account.instances[f"docs-{number}"] = {"id": f"docs-{number}", "namespace": "default", "status": "active"}
            operator.want(f"docs-{number}")
        operator.start()
        await _until(lambda: len(operator.done) == count)
        await asyncio.sleep(600)  # until the first lists are no change any more
        before = len(account.sent)
        await asyncio.sleep(minutes * 60)
        quiet = account.sent[before:]
        await operator.stop()
        lists = sum(what == "GET instance" for _, what in quiet)
        return Result(
            f"{count} instances at rest",
            {
                "requests a minute": len(quiet) / minutes,
                "part of the user's limit": len(quiet) / minutes / (LIMIT / WINDOW * 60),
                "lists a minute": lists / minutes,
                "statistics a minute": (len(quiet) - lists) / minutes,
            },
        )

    return run_on_a_leaping_clock(play)


def fleet(accounts: int, per_account: int, shards: int) -> Result:
    """Create the instances of many accounts by several processes that share each account's budget."""

    async def play() -> tuple[float, float, int, int]:
        account = SimulatedAccount(asyncio.get_running_loop().time)
        operators = [SimulatedOperator(account, share=SHARE / shards) for _ in range(shards)]
        for number in range(per_account):
            operators[number % shards].want(f"docs-{number}", namespace=f"team-{number % (4 * shards)}")
        for operator in operators:
            operator.start()
        began = account.clock()
        await _until(lambda: sum(len(operator.done) for operator in operators) == per_account)
        seconds = account.clock() - began
        for operator in operators:
            await operator.stop()
        return seconds, len(account.sent) / per_account, account.most, len(account.refused)

    # Accounts have nothing in common but the processes that serve them, and budgets are the accounts'.
    runs = [run_on_a_leaping_clock(play) for _ in range(accounts)]
    allowed = per_account / (LIMIT * SHARE / WINDOW)
    result = Result(
        f"create {accounts * per_account} instances: {accounts} accounts, {shards} shards",
        {
            "seconds": max(run[0] for run in runs),
            "seconds the budget allows": allowed,
            "ratio": max(run[0] for run in runs) / allowed,
            "requests per instance": max(run[1] for run in runs),
            "most requests of a user in 5 min": max(run[2] for run in runs),
            "429 answers": sum(run[3] for run in runs),
        },
    )
    result.promise("the limit is never passed", kept=result.figures["429 answers"] == 0)
    return result


async def _until(done: Callable[[], bool], *, step: float = 1.0) -> None:
    while not done():  # noqa: ASYNC110 - on a clock that leaps
        await asyncio.sleep(step)
