"""promtool, which checks and tests Prometheus rules: found on PATH, else taken from Debian, else built by Go."""

import shutil
import subprocess
from pathlib import Path

from controlplane import cache
from controlplane.errors import ControlPlaneError
from controlplane.gomodule import GoModule

__all__ = ["promtool"]

_DEBIAN = "prometheus"
"""Debian's package; of its files only promtool is kept."""

_MODULE = GoModule(
    name="promtool",
    folder=Path(__file__).resolve().parent,
    programs=("promtool",),
    required="github.com/prometheus/prometheus",
    costs="about 2 minutes on 2 cores, 2 GB of disk until it is done",
    package="github.com/prometheus/prometheus/cmd/{program}",
    tags="remove_all_sd",  # service discovery is most of what would be compiled
    way_out="A promtool on PATH is used as it is. ",
)


def promtool() -> Path:
    """Return the path of promtool, 2.42 or newer, fetched or built once if need be.

    Debian's comes in a second and is checked by apt, but only where apt has its lists; Go's costs three minutes of
    processor time, and comes wherever the control plane does.

    Raises
    ------
    ControlPlaneError
        It can be had in none of the ways; the message is that of the last.
    """
    if found := shutil.which("promtool"):
        return Path(found)
    if shutil.which("apt-get") and shutil.which("dpkg-deb"):
        try:
            return cache.provide("debian-promtool", "any", _unpack) / "promtool"
        except ControlPlaneError as error:
            cache.step(f"no promtool from Debian: {error}")
    return _MODULE.provide() / "promtool"


def _unpack(into: Path) -> None:
    cache.step("downloading promtool with Debian's package of Prometheus (20 MB)")
    _run(into, "apt-get", "download", "--quiet", _DEBIAN)
    (package,) = into.glob("*.deb")
    content = into / "content"
    _run(into, "dpkg-deb", "--extract", str(package), str(content))
    (content / "usr" / "bin" / "promtool").rename(into / "promtool")
    package.unlink()
    shutil.rmtree(content)


def _run(directory: Path, *command: str) -> None:
    outcome = subprocess.run(
        command, cwd=directory, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if outcome.returncode:
        raise ControlPlaneError(f"{command[0]} says: {outcome.stderr.strip()}")
