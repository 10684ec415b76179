"""Command line: ``python -m bench --sizes 100 1000`` measures both operators at each size, and writes what it found."""

import argparse
import asyncio
import signal
import sys
from collections import defaultdict
from datetime import UTC, datetime
from pathlib import Path

from bench.display import Display
from bench.figures import Contender, Results, Run
from bench.machine import this_machine
from bench.phases import play
from bench.plots import pictures
from bench.site import Conditions, Site
from controlplane import ControlPlaneError

FILE = "results.json"
INTERRUPTED = 130


def main() -> int:
    """Run the benchmark, and return the exit code: 1 when a run did not get to its end."""
    arguments = _arguments()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    conditions = Conditions(arguments.interval, arguments.job_interval, real_limits=arguments.real_limits)
    began, runs = datetime.now(UTC), list[Run]()
    try:
        with Display() as display:
            for size in sorted(set(arguments.sizes)):
                tries = defaultdict[Contender, list[Run]](list)
                for contender in _contenders(arguments, size) * arguments.repeat:
                    tries[contender].append(_run(contender, size, conditions, display))
                    middle = [Run.middle(found) for found in tries.values()]
                    _keep(arguments.out, _results(began, conditions, [*runs, *middle]))
                runs += middle
            display.results(_results(began, conditions, runs))
            display.say(f"Written to {arguments.out}/")
    except KeyboardInterrupt:
        print("\nStopped, and everything removed.", flush=True)
        return INTERRUPTED
    except (ControlPlaneError, OSError) as error:
        print(f"\nerror: {error}", file=sys.stderr)
        return 1
    return 1 if any(run.trouble for run in runs) else 0


def _contenders(arguments: argparse.Namespace, size: int) -> list[Contender]:
    if arguments.only:
        return [Contender(arguments.only)]
    return list(Contender) if size <= arguments.baseline_up_to else [Contender.OPERATOR]


def _run(contender: Contender, size: int, conditions: Conditions, display: Display) -> Run:
    display.begin_run(contender, size)
    with Site.built(contender, size, conditions) as site:
        run = asyncio.run(play(site, size, conditions, display))
    display.end_run(run)
    return run


def _results(began: datetime, conditions: Conditions, runs: list[Run]) -> Results:
    return Results(
        began=began,
        machine=this_machine(),
        interval=conditions.interval,
        job_interval=conditions.job_interval,
        real_limits=conditions.real_limits,
        runs=tuple(runs),
    )


def _keep(folder: Path, results: Results) -> None:
    """Write what there is so far: a long benchmark that is stopped was not for nothing."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / FILE).write_text(results.model_dump_json(indent=1) + "\n")
    for name, picture in pictures(results).items():
        (folder / name).write_text(picture)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[100, 1000, 5000], help="instances (100 1000 5000)")
    parser.add_argument("--interval", type=float, default=20.0, help="seconds between two looks (%(default)s)")
    parser.add_argument("--job-interval", type=float, default=10.0, help="the same for sync jobs (%(default)s)")
    parser.add_argument(
        "--repeat", type=int, default=1, help="runs of each; the middle one of each phase counts (%(default)s)"
    )
    parser.add_argument("--real-limits", action="store_true", help="1,200 requests in 5 minutes, as at Cloudflare")
    parser.add_argument("--only", choices=list(Contender), help="leave the other one out")
    parser.add_argument(
        "--baseline-up-to",
        type=int,
        default=1000,
        help="most instances at which the baseline is measured as well, which takes long with thousands (%(default)s)",
    )
    parser.add_argument("--out", type=Path, default=Path("build/bench"), help="where to write (%(default)s)")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
