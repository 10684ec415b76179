"""Failovers and rolling restarts, again and again: each scenario of `harness.failover` so many times, in lanes."""

import secrets
import shutil
import sys
import tempfile
import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from controlplane.plane import ControlPlane
from fake_cloudflare import FakeCloudflare
from harness import failover
from harness.failover import FAULTS, MOMENTS, fail_over, roll
from harness.stage import Stage

__all__ = ["Failovers", "soak_failovers"]

RATE = 10.0
PROGRESS_SECONDS = 15.0

Scenario = Callable[[Stage, Path], None]


@dataclass
class Failovers:
    """What all failovers came to; the lanes write to it."""

    played: Counter[str] = field(default_factory=Counter)
    violations: list[str] = field(default_factory=list)

    def table(self) -> Iterator[str]:
        """Give the lines of the table at the end."""
        for name, count in sorted(self.played.items()):
            yield f"{name:<48}{count:>8}"
        yield f"{'violations':<48}{len(self.violations):>8}"


def soak_failovers(
    plane: ControlPlane, fake: FakeCloudflare, *, times: int, lanes: int, keep: Path | None = None
) -> Failovers:
    """Play each scenario so many times, and print how far it is.

    Parameters
    ----------
    lanes
        Scenarios at the same time.
    keep
        Folder for the replicas' logs where something went wrong.
    """
    scenarios = _scenarios()
    turns = iter([name for _ in range(times) for name in scenarios])
    found, lock, began = Failovers(), threading.Lock(), time.monotonic()

    def lane() -> None:
        while True:
            with lock:
                name = next(turns, None)
            if name is None:
                return
            problem = _play(plane, fake, scenarios[name], keep)
            with lock:
                found.played[name] += 1
                if problem:
                    found.violations.append(f"{name}: {problem}")
                    print(f"VIOLATION in {name}: {problem}", file=sys.stderr, flush=True)

    with ThreadPoolExecutor(lanes) as pool:
        running = [pool.submit(lane) for _ in range(lanes)]
        while wait(running, timeout=PROGRESS_SECONDS).not_done:
            done, total = found.played.total(), times * len(scenarios)
            print(
                f"{time.monotonic() - began:5.0f} s: failovers {done} of {total}, violations {len(found.violations)}",
                flush=True,
            )
        for future in running:
            future.result()
    return found


def _scenarios() -> dict[str, Scenario]:
    failing: dict[str, Scenario] = {
        f"{fault} during a {moment}": partial(fail_over, fault=fault, moment=moment)
        for fault in FAULTS
        for moment in MOMENTS
    }
    return {**failing, "rolling restart": roll}


def _play(plane: ControlPlane, fake: FakeCloudflare, scenario: Scenario, keep: Path | None) -> str | None:
    """Play once, in a namespace of its own; give what went wrong."""
    namespace = f"failover-{secrets.token_hex(4)}"
    plane.kubectl("create", "namespace", namespace)
    try:
        with tempfile.TemporaryDirectory(prefix="aisearch-failover-") as folder:
            stage = Stage.set(plane, fake, namespace, Path(folder), rate=RATE)
            try:
                scenario(stage, Path(folder))
            except Exception:
                if keep is not None:
                    shutil.copytree(folder, keep / namespace)
                raise
            finally:
                stage.strike()
    except Exception as error:
        return f"{_place(error)}: {type(error).__name__}: {error}"
    finally:
        plane.kubectl("delete", "namespace", namespace, "--wait=false")
    return None


def _place(error: Exception) -> str:
    """Say where the scenario found something wrong: an assertion often has no more to say."""
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if frame.filename == failover.__file__]
    return f"{frames[-1].name}, line {frames[-1].lineno}, {frames[-1].line}" if frames else "around the scenario"
