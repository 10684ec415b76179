"""Rounds in parallel lanes until the time is up, a line now and then, and the table at the end."""

import itertools
import secrets
import shutil
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path

from controlplane.plane import ControlPlane
from fake_cloudflare import FakeCloudflare
from soak.failover import soak_failovers
from soak.plan import Plan, make_plan
from soak.round import Outcome, play

__all__ = ["run", "soak"]

CRDS = Path(__file__).parents[2] / "crds"
PROGRESS_SECONDS = 15.0


class Tally:
    """What all rounds came to; the lanes write to it."""

    def __init__(self) -> None:
        self.rounds: list[Outcome] = []
        self._lock = threading.Lock()

    def add(self, outcome: Outcome) -> None:
        with self._lock:
            self.rounds.append(outcome)

    @property
    def violations(self) -> list[tuple[str, str]]:
        """Seed of the round, and sentence."""
        return [(outcome.seed, text) for outcome in self.rounds for text in outcome.violations]

    def line(self) -> str:
        """Give the progress in one line."""
        did = self._did()
        faults = sum(count for name, count in did.items() if name.startswith("fault"))
        kills = sum(did[name] for name in ("Kill", "KillAt", "Terminate"))
        resources = sum(outcome.resources for outcome in self.rounds)
        return (
            f"rounds {len(self.rounds)}, resources {resources}, faults {faults}, kills and stops {kills}, "
            f"violations {len(self.violations)}"
        )

    def table(self) -> Iterator[str]:
        """Give the lines of the table at the end."""
        yield f"{'rounds':<48}{len(self.rounds):>8}"
        yield f"{'resources':<48}{sum(outcome.resources for outcome in self.rounds):>8}"
        met: Counter[str] = sum((outcome.met for outcome in self.rounds), Counter())
        for name, count in sorted((self._did() + Counter({f"met: {k}": v for k, v in met.items()})).items()):
            yield f"{name:<48}{count:>8}"
        yield f"{'violations':<48}{len(self.violations):>8}"

    def _did(self) -> Counter[str]:
        with self._lock:
            return sum((outcome.did for outcome in self.rounds), Counter())


def run(
    *,
    minutes: float,
    seed: int | None,
    first: int = 1,
    rounds: int | None = None,
    lanes: int = 3,
    failovers: int = 0,
    keep: Path | None = None,
) -> int:
    """Start a control plane and a fake of Cloudflare, soak, print the tables; give the exit code."""
    chosen = secrets.randbelow(1_000_000) if seed is None else seed
    print(f"seed {chosen}: repeat with --seed {chosen}", flush=True)
    with ControlPlane.start() as plane, FakeCloudflare() as fake:
        plane.install_crds(CRDS)
        failed = soak_failovers(plane, fake, times=failovers, lanes=lanes, keep=keep)
        tally = soak(plane, fake, minutes=minutes, seed=chosen, first=first, rounds=rounds, lanes=lanes, keep=keep)
    for line in (*failed.table(), *tally.table()):
        print(line)
    for where, text in tally.violations:
        print(f"round {where}: {text}")
    for text in failed.violations:
        print(text)
    nothing_done = not tally.rounds and not failed.played
    return 1 if tally.violations or failed.violations or nothing_done else 0


def soak(
    plane: ControlPlane,
    fake: FakeCloudflare,
    *,
    minutes: float,
    seed: int,
    first: int = 1,
    rounds: int | None = None,
    lanes: int = 1,
    keep: Path | None = None,
    steps: int | None = None,
) -> Tally:
    """Play rounds until the time is up or Ctrl-C; a round that has begun is played to its end.

    Parameters
    ----------
    first, rounds
        The number of the first round, and how many there are; without an end when that is not given.
    lanes
        Rounds at the same time.
    keep
        Folder for the operator's log of rounds with violations.
    steps
        Of each round, see `make_plan`.
    """
    tally = Tally()
    numbers = itertools.count(first) if rounds is None else iter(range(first, first + rounds))
    began = time.monotonic()
    until = began + minutes * 60
    lock, interrupted = threading.Lock(), threading.Event()

    def lane() -> None:
        while time.monotonic() < until and not interrupted.is_set():
            with lock:
                number = next(numbers, None)
            if number is None:
                return
            outcome = _round(plane, fake, make_plan(seed, number, steps=steps), keep)
            tally.add(outcome)
            for text in outcome.violations:
                print(f"VIOLATION in round {outcome.seed}: {text}", file=sys.stderr, flush=True)

    with ThreadPoolExecutor(lanes) as pool:
        running = [pool.submit(lane) for _ in range(lanes)]
        try:
            while wait(running, timeout=PROGRESS_SECONDS).not_done:
                print(f"{time.monotonic() - began:5.0f} s: {tally.line()}", flush=True)
        except KeyboardInterrupt:
            interrupted.set()
            print("the rounds under way are played to their end", file=sys.stderr, flush=True)
        for future in running:
            future.result()
    return tally


def _round(plane: ControlPlane, fake: FakeCloudflare, plan: Plan, keep: Path | None) -> Outcome:
    label = plan.seed.replace("/", "-")
    namespace = f"soak-{label}-{secrets.token_hex(2)}"
    plane.kubectl("create", "namespace", namespace)
    with tempfile.TemporaryDirectory(prefix="aisearch-soak-") as folder:
        try:
            outcome = play(plane, fake, namespace, Path(folder), plan)
            if outcome.violations and keep is not None:
                keep.mkdir(parents=True, exist_ok=True)
                shutil.copy(Path(folder) / "operator.log", keep / f"round-{label}.log")
        finally:
            plane.kubectl("delete", "namespace", namespace, "--wait=false")
    return outcome
