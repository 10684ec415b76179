"""Runs kubectl and helm as a person in the project's folder would: the command is shown, then what it said."""

import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from controlplane import ControlPlane
from controlplane.tools import helm, kubectl
from demo.display import Display
from demo.errors import DemoError

ROOT = Path(__file__).parents[2]
PROGRAMS = {"kubectl": kubectl, "helm": helm}
INTERVAL = 0.2
"""Real seconds between two looks at what goes on meanwhile."""


def run(
    plane: ControlPlane,
    display: Display,
    *arguments: str,
    program: str = "kubectl",
    shown: str | None = None,
    meanwhile: Callable[[], None] = lambda: None,
) -> None:
    """Run one of the two as the cluster's administrator.

    Parameters
    ----------
    program
        ``kubectl`` or ``helm``.
    shown
        The command line as it is shown, when the real one holds a secret.
    meanwhile
        Called every `INTERVAL` while it runs, and once more after it.

    Raises
    ------
    DemoError
        It failed; the message holds what it said.
    """
    line = shown or " ".join((program, *arguments))
    display.command(line)
    with tempfile.TemporaryFile("w+") as output:
        process = subprocess.Popen(
            [str(PROGRAMS[program]()), *arguments],
            cwd=ROOT,
            env=plane.env(),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
        try:
            while process.poll() is None:
                meanwhile()
                time.sleep(INTERVAL)
        finally:
            process.kill()
            process.wait()
        meanwhile()
        output.seek(0)
        said = output.read()
    if process.returncode:
        msg = f"{line} failed: {said.strip()}"
        raise DemoError(msg)
    display.say(said)
