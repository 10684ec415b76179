"""Command line: ``python -m soak --minutes 10`` runs rounds until the time is up, and counts what was found."""

import argparse
import sys
from pathlib import Path

from soak.run import run


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="soak", description="Run random crash and fault rounds against the operator.")
    parser.add_argument("--minutes", type=float, default=10.0, help="for how long new rounds begin (%(default)s)")
    parser.add_argument("--seed", type=int, help="repeats the plans of an earlier run; made up when not given")
    parser.add_argument("--first", type=int, default=1, help="number of the first round (%(default)s)")
    parser.add_argument("--rounds", type=int, help="end after so many rounds, whatever the time")
    parser.add_argument("--lanes", type=int, default=3, help="rounds at the same time (%(default)s)")
    parser.add_argument("--failovers", type=int, default=0, help="of each kind, before the rounds (%(default)s)")
    parser.add_argument("--keep", type=Path, help="folder for the logs of rounds with violations")
    return parser.parse_args()


if __name__ == "__main__":
    arguments = _arguments()
    sys.exit(
        run(
            minutes=arguments.minutes,
            seed=arguments.seed,
            first=arguments.first,
            rounds=arguments.rounds,
            lanes=arguments.lanes,
            failovers=arguments.failovers,
            keep=arguments.keep,
        )
    )
