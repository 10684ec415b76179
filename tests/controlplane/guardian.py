"""Outlives the process that started a control plane, and ends what that one left behind.

Run as a script: reads ``+pid`` and ``-pid`` lines from standard input. At its end, which comes
also when the other side is killed by SIGKILL, the processes still on the list are killed and the
folder named by the argument, if any, is removed. A parent-death signal would not do instead:
Linux ties it to the thread that started the child, not to the process.
"""

import os
import shutil
import signal
import sys
import time
from pathlib import Path

_PATIENCE_SECONDS = 120


def main() -> None:
    """Wait for the end of standard input, then clean up."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    running: list[int] = []
    for line in sys.stdin:
        pid = int(line[1:])
        if line.startswith("+"):
            running.append(pid)
        else:
            running.remove(pid)
    for pid in reversed(running):
        try:
            os.killpg(pid, signal.SIGKILL)
        except ProcessLookupError:
            continue
    for directory in sys.argv[1:]:
        _remove(Path(directory))


def _remove(directory: Path) -> None:
    # A killed process may still write for a moment, and is not this one's child to wait for.
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while directory.exists() and time.monotonic() < deadline:
        shutil.rmtree(directory, ignore_errors=True)
        time.sleep(0.02)


if __name__ == "__main__":
    main()
