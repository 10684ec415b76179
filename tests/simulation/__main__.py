"""Command line: ``python -m simulation`` plays large accounts on a leaping clock and prints what came of it."""

import argparse
import logging
import sys
import time
from collections.abc import Callable

from rich.console import Console
from rich.table import Table

from simulation import scenarios
from simulation.scenarios import Result

SCENARIOS: dict[str, Callable[[], Result]] = {
    "create": lambda: scenarios.create_all(5000),
    "others": lambda: scenarios.create_all(5000, others=2.0),
    "deletions": lambda: scenarios.saturated_deletions(5000, 300),
    "block": lambda: scenarios.after_a_block(2000),
    "rest": lambda: scenarios.rest(5000),
    "fleet": lambda: scenarios.fleet(20, 5000, 4),
}


def main() -> int:
    parser = argparse.ArgumentParser(prog="simulation", description="Play large accounts on a clock that leaps.")
    parser.add_argument("names", nargs="*", help=f"of {', '.join(SCENARIOS)}; all when none is given")
    names = parser.parse_args().names or list(SCENARIOS)
    if unknown := sorted(set(names) - set(SCENARIOS)):
        parser.error(f"there is no scenario {', '.join(unknown)}: choose from {', '.join(SCENARIOS)}")
    logging.disable(logging.WARNING)  # waits and blocks are what is played
    console, missed = Console(), 0
    for name in names:
        with console.status(f"{name}: the clock leaps"):
            began = time.monotonic()
            result = SCENARIOS[name]()
        console.print(_table(result, time.monotonic() - began))
        missed += len(result.missed)
    return 1 if missed else 0


def _table(result: Result, seconds: float) -> Table:
    table = Table(title=result.name, title_justify="left", caption=f"played in {seconds:.0f} s", caption_justify="left")
    table.add_column("figure")
    table.add_column("value", justify="right")
    for figure, value in result.figures.items():
        table.add_row(figure, f"{value:,.0f}" if value >= 1000 or value == int(value) else f"{value:.3g}")
    for promise in result.missed:
        table.add_row(f"[red]missed: {promise}[/]", "")
    return table


if __name__ == "__main__":
    sys.exit(main())
