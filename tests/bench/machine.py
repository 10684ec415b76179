"""Says on which machine and with which versions was measured."""

import os
import platform
import re
from importlib.metadata import version
from pathlib import Path

from bench.figures import Machine

__all__ = ["this_machine"]

PACKAGES = ("aisearch-operator", "aiohttp", "httpx", "kopf", "kubernetes", "pydantic")


def this_machine() -> Machine:
    """Describe the machine, without a name of it."""
    processor = re.search(r"^model name\s*: (.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return Machine(
        cores=len(os.sched_getaffinity(0)),
        processor=processor[1].strip() if processor else platform.machine(),
        memory=os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"),
        system=f"{platform.system()} {platform.release()}",
        python=platform.python_version(),
        versions={name: version(name) for name in PACKAGES},
    )
