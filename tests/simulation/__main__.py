"""Command line: ``python -m simulation`` plays large accounts on a leaping clock and prints what came of it."""

import argparse
import logging
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench.machine import this_machine
from simulation import saturation, scenarios
from simulation.plots import pictures
from simulation.results import FILE, Result, Results
from simulation.tables import number

HALF = 2.0
"""Requests per second: half of the limit."""

FLEET = 1000
"""Instances of each account of the fleet; 5,000 take some minutes."""


def main() -> int:
    """Play what was asked for, and return the exit code: 1 when a promise was not kept."""
    parser = argparse.ArgumentParser(prog="simulation", description=__doc__)
    parser.add_argument("names", nargs="*", help=f"of {', '.join(_scenarios(FLEET))}; all when none is given")
    parser.add_argument("--fleet", type=int, default=FLEET, help="instances in each of 20 accounts (%(default)s)")
    parser.add_argument("--out", type=Path, help="where to keep the results; those of other scenarios stay")
    arguments = parser.parse_args()
    known = _scenarios(arguments.fleet)
    names = arguments.names or list(known)
    if unknown := sorted(set(names) - set(known)):
        parser.error(f"there is no scenario {', '.join(unknown)}: choose from {', '.join(known)}")
    logging.disable(logging.WARNING)  # waits and blocks are what is played
    console, missed = Console(highlight=False), 0
    for name in names:
        with console.status(f"{name}: the clock leaps"):
            began = time.process_time()
            result = known[name]()
            result = result.model_copy(update={"played": round(time.process_time() - began, 1)})
        console.print(_table(result))
        missed += len(result.missed)
        if arguments.out is not None:
            _keep(arguments.out, name, result)
    return 1 if missed else 0


def _scenarios(fleet: int) -> dict[str, Callable[[], Result]]:
    return {
        "create": partial(scenarios.create_all, 5000),
        "others": partial(scenarios.create_all, 5000, others=HALF),
        "urgent": partial(saturation.urgent, 5000, 300),
        "urgent-others": partial(saturation.urgent, 5000, 300, others=HALF),
        "block": partial(scenarios.after_a_block, 2000),
        "rest": partial(scenarios.rest, 5000, 50),
        "fleet": partial(saturation.fleet, 20, fleet, 4),
    }


def _keep(folder: Path, name: str, result: Result) -> None:
    """Write what there is so far: a long simulation that is stopped was not for nothing."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / FILE
    earlier = Results.model_validate_json(file.read_text()).results if file.exists() else {}
    order = _scenarios(FLEET)
    results = Results(
        began=datetime.now(UTC),
        machine=this_machine(),
        seed=saturation.SEED,
        results={each: kept for each in order if (kept := (earlier | {name: result}).get(each))},
    )
    file.write_text(results.model_dump_json(indent=1) + "\n")
    for picture, drawn in pictures(results).items():
        (folder / picture).write_text(drawn)


def _table(result: Result) -> Table:
    caption = f"played in {result.played:.0f} s of the processor"
    table = Table(title=result.title, title_justify="left", caption=caption, caption_justify="left")
    table.add_column("figure")
    table.add_column("value", justify="right")
    for figure, value in result.figures.items():
        table.add_row(figure, number(value))
    for promise in result.promises:
        colour, mark = ("green", "kept") if promise.kept else ("red", "missed")
        table.add_row(f"[{colour}]{mark}: {promise.what}, {promise.wanted}[/]", promise.found)
    return table


if __name__ == "__main__":
    sys.exit(main())
