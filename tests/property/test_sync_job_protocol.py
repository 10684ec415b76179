"""The sync job protocol on random walks through a model of the API: one job per attempt, whoever interferes."""

import random
from collections.abc import Iterator
from typing import Any

import pytest

from property.job_world import Move, Setup, World

WALKS = 50
"""Walks for each seed; raise it to look further."""

ROUNDS = 25

SPECS: tuple[dict[str, Any], ...] = (
    {},
    {"backoffLimit": 3},
    {"backoffLimit": 3, "concurrencyPolicy": "Replace"},
    {"backoffLimit": 1, "runId": "a"},
    {"concurrencyPolicy": "Replace"},
    {"backoffLimit": 3, "activeDeadlineSeconds": 60},
    {"backoffLimit": 5, "activeDeadlineSeconds": 150},
)

EDITS: tuple[dict[str, Any], ...] = (
    {"concurrencyPolicy": "Replace"},
    {"concurrencyPolicy": "Wait"},
    {"backoffLimit": 0},
    {"backoffLimit": 5},
    {"activeDeadlineSeconds": 20},
    {"activeDeadlineSeconds": None},
    {"runId": "b"},
    {"cancel": False},
)

ENDS = (None, "", "bucket_not_found", "bucket_not_found", "new_job_has_started")


@pytest.mark.parametrize("seed", range(10))
def test_whatever_interferes_every_rule_of_the_protocol_holds(seed: int) -> None:
    for walk in range(WALKS):
        dice = random.Random(f"{seed}/{walk}")
        setup = Setup(
            lag=dice.choice((0, 10)),
            cancel_word=dice.choice(("cancelled", "stopped_by_user")),
            cancels_at_once=dice.random() < 0.7,
        )
        moves: list[Move] = []
        try:
            world = World(setup)
            for move in _moves(dice, world):
                moves.append(move)
                world.make(move)
        except AssertionError as error:
            trace = "\n".join(map(str, _shortened(setup, moves, str(error))))
            pytest.fail(f"{error}\nseed {seed}, walk {walk}, {setup}, shortened:\n{trace}", pytrace=False)


def _moves(dice: random.Random, world: World) -> Iterator[Move]:
    """Choose the moves of a walk: most of them passes, and often those that bring the jobs forward."""
    for _ in range(dice.choice((1, 2, 2, 3))):
        yield Move("create", (dice.choice(SPECS),))
    for _ in range(ROUNDS):
        yield from _interference(dice, world)
        for _ in range(dice.choice((1, 2, 3))):
            yield _pass(dice, world)
    yield Move("let_all_end")


def _interference(dice: random.Random, world: World) -> Iterator[Move]:
    number = dice.randrange(world.size)
    kind = dice.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]
    match kind:
        case "all goes well":
            for each in range(world.size):
                yield Move("reconcile", (each,))
            yield Move("pending_jobs_start")
            yield Move("time_passes", (dice.choice((10, 36, 70)),))
        case "create" if world.size < 4:
            yield Move(kind, (dice.choice(SPECS),))
        case "edit":
            yield Move(kind, (number, dice.choice(EDITS)))
        case "time_passes":
            yield Move(kind, (dice.choice((1, 10, 29, 31, 36, 120, 700)),))
        case "running_jobs_end":
            yield Move(kind, (dice.choice(ENDS),))
        case "our_clock_jumps":
            yield Move(kind, (dice.choice((-5, 0, 5)),))
        case "toggle_suspend" | "run_again" | "cancel" | "delete":
            yield Move(kind, (number,))
        case "create":
            pass
        case _:
            yield Move(kind)


WEIGHTS = {
    "all goes well": 8,
    "some_passes_go_well": 2,
    "time_passes": 6,
    "pending_jobs_start": 3,
    "running_jobs_end": 6,
    "toggle_suspend": 4,
    "edit": 3,
    "run_again": 3,
    "the_schedule_starts_a_job": 2,
    "cloudflare_forgets_a_job": 1,
    "somebody_cancels_at_cloudflare": 1,
    "our_clock_jumps": 1,
    "create": 1,
    "cancel": 1,
    "delete": 1.2,
}
"""How often each happens in a round; `World` has what they do. What ends a resource is rare, as much ends with it."""


def _pass(dice: random.Random, world: World) -> Move:
    fault = dice.choices(("answered", "lost", "answer lost"), (7, 1, 2))[0]
    fate = dice.choices(("written", "not written", "killed"), (7, 1, 2))[0]
    return Move("reconcile", (dice.randrange(world.size), fault, fate))


def _shortened(setup: Setup, moves: list[Move], error: str) -> list[Move]:
    """Leave out what the failure does not need."""
    for position in reversed(range(len(moves))):
        fewer = moves[:position] + moves[position + 1 :]
        if _failure(setup, fewer) == error:
            moves = fewer
    return moves


def _failure(setup: Setup, moves: list[Move]) -> str | None:
    world = World(setup)
    try:
        for move in moves:
            world.make(move)
    except AssertionError as error:
        return str(error)
    except IndexError:  # the resource was not created
        return None
    return None
