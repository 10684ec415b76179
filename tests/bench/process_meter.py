"""What a process has used: seconds of the processor and memory, read from /proc (proc(5))."""

import contextlib
import os
import re
from dataclasses import dataclass
from pathlib import Path

__all__ = ["ProcessMeter"]

TICKS = os.sysconf("SC_CLK_TCK")
RESET_PEAK = "5"
"""Written to ``clear_refs``, it sets the highest memory so far back to what is in use."""


@dataclass(frozen=True, slots=True)
class ProcessMeter:
    """Looks at one process, all its threads included."""

    pid: int

    @property
    def cpu(self) -> float:
        """Seconds of the processor since the process began, in user and kernel mode, to 10 ms."""
        # The name of the program may hold anything, so that fields count from its closing bracket.
        fields = (self._folder / "stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / TICKS

    @property
    def memory(self) -> int:
        """Bytes of memory in use now: VmRSS."""
        return self._status("VmRSS")

    @property
    def peak(self) -> int:
        """The most bytes of memory in use since the process began, or since `reset_peak`: VmHWM."""
        return self._status("VmHWM")

    def reset_peak(self) -> None:
        """Measure the peak from here on; where the kernel forbids it, it stays that of the whole life."""
        with contextlib.suppress(PermissionError):
            (self._folder / "clear_refs").write_text(RESET_PEAK)

    @property
    def _folder(self) -> Path:
        return Path("/proc") / str(self.pid)

    def _status(self, field: str) -> int:
        found = re.search(rf"^{field}:\s+(\d+) kB$", (self._folder / "status").read_text(), re.MULTILINE)
        if found is None:
            msg = f"process {self.pid} has no {field}"
            raise ProcessLookupError(msg)
        return int(found[1]) * 1024
