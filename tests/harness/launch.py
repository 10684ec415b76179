"""Two ways to start the operator's process: as in production, and from one that has imported everything before.

An interpreter that imports the operator needs most of a second of the processor, which is half of what
a short test costs. The second way forks it from a server that has done so once for the whole test
process. It runs the same command from there on.
"""

import contextlib
import ctypes
import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from multiprocessing.context import ForkServerProcess
from pathlib import Path
from typing import Protocol

__all__ = ["Running", "end", "forked", "fresh", "program"]

SOURCE = Path(__file__).parents[2] / "operator"

_LIBC = ctypes.CDLL(None)
_PR_SET_PDEATHSIG = 1

_SERVER = multiprocessing.get_context("forkserver")
_SERVER.set_forkserver_preload(["aisearch_operator.cli"])


class Running(Protocol):
    """A process that was started; negative exit codes are signals, as in `subprocess`."""

    @property
    def pid(self) -> int: ...

    def poll(self) -> int | None:
        """Give the exit code, None while the process runs."""
        ...

    def wait(self, timeout: float | None = None) -> int | None:
        """Wait for the end and give the exit code; None, or `subprocess.TimeoutExpired`, when it takes longer."""
        ...


def fresh(environment: Mapping[str, str], log_file: Path) -> Running:
    """Start an interpreter, as a container does."""
    return program("aisearch_operator", "run", environment=environment, log_file=log_file)


def program(*arguments: str, environment: Mapping[str, str], log_file: Path) -> Running:
    """Start an interpreter with a module and its arguments."""
    with log_file.open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", *arguments],
            env={**environment, "PYTHONPATH": str(SOURCE)},
            stdout=log,
            stderr=log,
            process_group=0,  # Ctrl-C is for whoever started it: it decides when the operator ends
            preexec_fn=_die_with_parent,  # noqa: PLW1509 - it makes one system call, and takes no lock
        )


def forked(environment: Mapping[str, str], log_file: Path) -> Running:
    """Fork a process that has imported the operator."""
    process = _SERVER.Process(target=_operate, args=(dict(environment), str(log_file)))
    process.start()
    return _Forked(process)


class _Forked:
    """A process of `multiprocessing`, by the words of `subprocess`."""

    def __init__(self, process: ForkServerProcess) -> None:
        self._process = process

    @property
    def pid(self) -> int:
        assert self._process.pid is not None
        return self._process.pid

    def poll(self) -> int | None:
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int | None:
        self._process.join(timeout)
        return self._process.exitcode


def _operate(environment: dict[str, str], log_file: str) -> None:
    """Become what `aisearch-operator run` is."""
    _die_with_parent()
    os.setpgid(0, 0)
    log = os.open(log_file, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    for stream in (sys.stdout.fileno(), sys.stderr.fileno()):
        os.dup2(log, stream)
    os.environ.clear()
    os.environ.update(environment)
    tempfile.tempdir = None  # it is where the environment says, not where the server's was
    from aisearch_operator.cli import main

    main(["run"], prog_name="aisearch-operator")


def _die_with_parent() -> None:
    """Have the kernel end the operator when the test run is killed: nothing else would."""
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def end(process: Running, number: int) -> None:
    """Send a signal to a process that may have ended."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(process.pid, number)
