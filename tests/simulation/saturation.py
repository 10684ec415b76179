"""Where all want more than the limit allows: urgent requests in a saturated account, and a fleet of accounts."""

import asyncio
import random
from collections.abc import Sequence
from itertools import cycle

from harness.leaping_clock import run_on_a_leaping_clock
from simulation.account import SimulatedAccount
from simulation.limit import LIMIT, WINDOW
from simulation.operator import SimulatedOperator
from simulation.results import Promise, Result
from simulation.scenarios import SHARE, SLOWEST, allowed_rate, new_account, until, within_the_limit
from simulation.urgent import Ending, Kind, Latencies

__all__ = ["SEED", "fleet", "urgent"]

SEED = 1

BETWEEN = 5.0
"""Seconds between two deletions or cancellations in an account, on average."""

REQUESTS_OF_AN_ENDING = 3
"""To look, and to delete or to cancel; at a job, to see it end."""

TEAMS = 4
"""Kubernetes namespaces of an account for each shard."""


def urgent(count: int, endings: int, *, others: float = 0.0) -> Result:
    """Delete instances and sync jobs, and cancel jobs, at random moments while ``count`` instances are created."""

    async def play() -> Result:
        account = new_account(others=others)
        operator, chance = SimulatedOperator(account), random.Random(SEED)
        kinds = cycle(Kind)
        asked = [Ending.prepared(next(kinds), operator, account, f"old-{it}", "team") for it in range(endings)]
        operator.start()
        await until(lambda: all(each.runs for each in asked))
        existing = len(operator.done)
        for number in range(count):
            operator.create(account.name, f"docs-{number}", namespace="bulk")
        await asyncio.sleep(120)
        chance.shuffle(asked)
        for each in asked:
            await asyncio.sleep(chance.expovariate(1 / BETWEEN))
            each.ask()
        created = len(operator.done) - existing
        await until(lambda: all(each.latency is not None for each in asked))
        await operator.stop()
        latencies = Latencies(asked)
        return Result(
            title=f"{endings:,} deletions and cancellations while {count:,} instances are created"
            + (", others use half of the limit" if others else ""),
            figures={
                **latencies.figures,
                "instances that still waited at the last of them": count - created,
                "most requests of the user in any 5 min": account.limit.most,
            },
            promises=(
                *latencies.promises,
                *within_the_limit(account),
                Promise.at_most("instances created when the last was asked for", count - 1, created),
            ),
            curves=latencies.curves,
        )

    return run_on_a_leaping_clock(play)


def fleet(accounts: int, per_account: int, shards: int, *, endings: int = 15, minutes: float = 15) -> Result:
    """Create the instances of many accounts by several processes; each serves a part of every account.

    A process has one work queue and one poll queue for all accounts. That, and its processor, is where they meet:
    limits and budgets are the accounts'.
    """

    async def play() -> Result:
        users = [new_account(f"acc{number}") for number in range(accounts)]
        processes = [SimulatedOperator(*users, share=SHARE / shards) for _ in range(shards)]
        chance, clock = random.Random(SEED), users[0].limit.clock
        asked = _prepared(users, processes, endings)
        for process in processes:
            process.start()
        await until(lambda: all(each.runs for each in asked))
        await asyncio.sleep(WINDOW)
        began, existing = clock(), sum(len(process.done) for process in processes)
        while_creating = _Use(users)
        for number in range(per_account):
            for user in users:
                namespace = f"{user.name}-team-{number % (TEAMS * shards)}"
                processes[number % shards].create(user.name, f"docs-{number}", namespace=namespace)
        allowed = (per_account + REQUESTS_OF_AN_ENDING * endings) / allowed_rate()
        waits = await _end_at_random(asked, processes, chance, began, allowed)
        wanted = existing + accounts * per_account
        await until(lambda: sum(len(process.done) for process in processes) == wanted)
        seconds, used = clock() - began, while_creating.shares()
        most = max(user.limit.most_ours for user in users)
        await until(lambda: all(each.latency is not None for each in asked))
        await asyncio.sleep(600)  # until the first lists are no change any more
        at_rest = _Use(users)
        await asyncio.sleep(minutes * 60)
        quiet, latencies = at_rest.shares(), Latencies(asked)
        for process in processes:
            await process.stop()
        return Result(
            title=f"{accounts * per_account:,} instances in {accounts} accounts are created by {shards} shards",
            figures={
                "seconds": seconds,
                "seconds that the budget allows": allowed,
                **latencies.figures,
                "longest wait for a worker, s": max(waits),
                "share of an account's limit used meanwhile, mean": sum(used) / len(used),
                "share of an account's limit used meanwhile, most": max(used),
                "most requests of a user in any 5 min": most,
                "share of an account's limit used at rest, mean": sum(quiet) / len(quiet),
                "share of an account's limit used at rest, most": max(quiet),
            },
            promises=(
                Promise.at_most("time, in units of what the budget allows", SLOWEST, seconds / allowed),
                *latencies.promises,
                *within_the_limit(*users),
            ),
            curves=latencies.curves,
        )

    return run_on_a_leaping_clock(play)


class _Use:
    """How much of each account's limit the operator uses from now on."""

    def __init__(self, users: Sequence[SimulatedAccount]) -> None:
        self._users = users
        self._began = users[0].limit.clock()
        self._sent = [len(user.sent) for user in users]

    def shares(self) -> list[float]:
        """Give the part of the limit for each account."""
        allowed = (self._users[0].limit.clock() - self._began) * LIMIT / WINDOW
        return [(len(user.sent) - before) / allowed for user, before in zip(self._users, self._sent, strict=True)]


def _prepared(users: Sequence[SimulatedAccount], processes: Sequence[SimulatedOperator], endings: int) -> list[Ending]:
    """Let each account have something to end in each of its Kubernetes namespaces."""
    kinds, teams = cycle(Kind), TEAMS * len(processes)
    return [
        Ending.prepared(
            next(kinds), processes[number % len(processes)], user, f"old-{number}", f"{user.name}-team-{number % teams}"
        )
        for user in users
        for number in range(endings)
    ]


async def _end_at_random(
    asked: list[Ending],
    processes: Sequence[SimulatedOperator],
    chance: random.Random,
    began: float,
    seconds: float,
) -> list[float]:
    """Have everything ended at random moments, and give how long others waited for a worker at each."""
    moments = sorted(began + chance.uniform(0.1, 0.9) * seconds for _ in asked)
    chance.shuffle(asked)
    waits = list[float]()
    for moment, each in zip(moments, asked, strict=True):
        await asyncio.sleep(max(0.0, moment - each.account.limit.clock()))
        waits += [process.queue.load().longest_wait for process in processes]
        each.ask()
    return waits
