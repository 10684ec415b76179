"""The processes of a control plane, or beside one: started apart from the terminal, guarded, stopped for certain."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from controlplane.errors import ControlPlaneError

_GUARDIAN = Path(__file__).with_name("guardian.py")
_GUARDIAN_ENDS_WITHIN_SECONDS = 300
_LOG_TAIL = 15


class Guardian:
    """A small process that cleans up when this one ends, however it ends.

    Parameters
    ----------
    directory
        The folder to remove at the end; ``None`` removes none.
    """

    def __init__(self, directory: Path | None) -> None:
        self._process = subprocess.Popen(
            # Isolated and without site-packages: it starts in a few milliseconds.
            [sys.executable, "-I", "-S", str(_GUARDIAN), *([str(directory)] if directory else [])],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )

    def watch(self, pid: int) -> None:
        """Have this process group killed if this process ends before ``release``."""
        self._tell(f"+{pid}\n")

    def release(self, pid: int) -> None:
        """Forget a process group that has ended."""
        self._tell(f"-{pid}\n")

    def dismiss(self) -> None:
        """Let the guardian clean up and end; return when it has."""
        self._process.communicate(timeout=_GUARDIAN_ENDS_WITHIN_SECONDS)

    def _tell(self, line: str) -> None:
        if self._process.stdin is not None:
            self._process.stdin.write(line.encode())
            self._process.stdin.flush()


class Component:
    """One running program, with its log in a file.

    Parameters
    ----------
    program
        The executable.
    arguments
        Its command line.
    directory
        Its working directory, its ``$HOME``, and where ``<name>.log`` is written.
    guardian
        Who ends it if nobody else does.
    name
        The component's; the program's file name by default.
    environment
        What it needs beside ``PATH`` and ``HOME``, or in place of them.
    """

    def __init__(
        self,
        program: Path,
        arguments: Sequence[str],
        *,
        directory: Path,
        guardian: Guardian,
        name: str | None = None,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.name = name or program.name
        self.log = directory / f"{self.name}.log"
        self._guardian = guardian
        with self.log.open("wb") as output:
            self._process = subprocess.Popen(
                [str(program), *arguments],
                cwd=directory,
                # Nothing of the user's environment: no proxy, no feature gate, no Kubernetes setting. Memory is
                # given for time: Go's collector waits until the heap is five times what lives.
                env={"PATH": os.defpath, "HOME": str(directory), "GOGC": "400", **(environment or {})},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        guardian.watch(self._process.pid)

    @property
    def pid(self) -> int:
        """The process id, which is also its process group's."""
        return self._process.pid

    def check(self) -> None:
        """Raise a `ControlPlaneError` with the end of the log if the program has ended."""
        code = self._process.poll()
        if code is not None:
            raise ControlPlaneError(f"{self.name} ended with exit code {code}; the end of its log:\n{self.log_tail()}")

    def log_tail(self) -> str:
        """Return the last lines of the log."""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-_LOG_TAIL:])

    def stop(self, grace: float) -> None:
        """End the program: SIGTERM, and SIGKILL when ``grace`` seconds were not enough."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(timeout=grace)
            except subprocess.TimeoutExpired:
                os.killpg(self._process.pid, signal.SIGKILL)
                self._process.wait()
        self._guardian.release(self._process.pid)
