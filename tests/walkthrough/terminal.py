"""A terminal in which blocks of commands are typed one after the other."""

import os
import signal
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from walkthrough.page import Block

__all__ = ["CommandFailed", "Terminal"]

_INTERVAL = 0.05


class CommandFailed(AssertionError):
    """A command of a page failed, or took too long; the message ends with the terminal's content."""


class Terminal:
    """One shell: variables and the folder stay from block to block, as with a person.

    Parameters
    ----------
    folder
        Where the person is.
    environment
        All of the shell's environment.
    scratch
        A folder for the terminal's own files.
    """

    def __init__(self, folder: Path, environment: Mapping[str, str], scratch: Path) -> None:
        self._scratch = scratch
        self._screen = scratch / "screen"
        self._typed = 0
        with self._screen.open("wb") as screen:
            self._shell = subprocess.Popen(
                ["sh"],
                cwd=folder,
                env={**environment, "PS4": "$ "},
                stdin=subprocess.PIPE,
                stdout=screen,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def screen(self) -> str:
        """All that was entered and printed so far."""
        return self._screen.read_text(errors="replace")

    def enter(self, block: Block, patience: float) -> None:
        """Run a block, up to the first command that fails.

        Parameters
        ----------
        patience
            Seconds that the whole block may take.

        Raises
        ------
        CommandFailed
            A command failed, or the block took longer.
        """
        self._typed += 1
        script, done = (self._scratch / f"{self._typed}.{name}" for name in ("sh", "done"))
        script.write_text(block.text)
        assert self._shell.stdin is not None
        # No command reads what comes after it, and the shell ends with the first one that fails.
        self._shell.stdin.write(f"set -ex; . {script} </dev/null; {{ set +ex; }} 2>/dev/null; : >{done}\n".encode())
        self._shell.stdin.flush()
        deadline = time.monotonic() + patience
        while not done.exists():
            if self._shell.poll() is not None:
                raise CommandFailed(f"{block.page}:{block.line}: exit code {self._shell.returncode}\n{self.screen}")
            if time.monotonic() > deadline:
                raise CommandFailed(f"{block.page}:{block.line}: not done after {patience:.0f} s\n{self.screen}")
            time.sleep(_INTERVAL)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._shell.poll() is None:
            os.killpg(self._shell.pid, signal.SIGKILL)
        self._shell.communicate()
