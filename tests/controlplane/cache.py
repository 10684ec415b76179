"""The user's cache folder: programs that are built or downloaded once and shared by all checkouts."""

import fcntl
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from controlplane.errors import ControlPlaneError

_REPOSITORY = Path(__file__).resolve().parents[2]
_DOWNLOAD_TAIL = 15


def folder() -> Path:
    """Return ``$XDG_CACHE_HOME/aisearch-operator``, by default below ``~/.cache``; created if missing."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    path = Path(base) / "aisearch-operator"
    path.mkdir(parents=True, exist_ok=True)
    return path


def target() -> str:
    """Return the kind of machine that programs are for, such as ``linux-x86_64``."""
    return f"{platform.system()}-{platform.machine()}".lower()


def step(message: str) -> None:
    """Tell the person at the terminal what is being done."""
    print(f"→ {message}", file=sys.stderr, flush=True)


@contextmanager
def locked(name: str) -> Iterator[None]:
    """Hold the cache's lock of this name; a second process waits, and says so."""
    with (folder() / f"{name}.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            step(f"waiting for another process that prepares {name}")
            fcntl.flock(file, fcntl.LOCK_EX)
        yield


def provide(name: str, version: str, fill: Callable[[Path], None]) -> Path:
    """Return the cache's folder for this program, filled by the first process that asks for it.

    Parameters
    ----------
    name
        What the folder holds; also the name of the lock.
    version
        What tells one content from another; part of the folder's name.
    fill
        Puts the content into the empty folder that it is given. The folder gets its final
        name only when this returns, so that an interrupted attempt leaves nothing to be found;
        what a killed one left is removed by the next.
    """
    final = folder() / f"{name}-{version}-{target()}"
    if final.is_dir():
        return final
    with locked(name):
        if final.is_dir():
            return final
        for abandoned in folder().glob(f"{name}-*.part"):
            shutil.rmtree(abandoned, ignore_errors=True)
        unfinished = Path(tempfile.mkdtemp(prefix=f"{name}-", suffix=".part", dir=folder()))
        try:
            fill(unfinished)
            unfinished.rename(final)
        except BaseException:
            shutil.rmtree(unfinished, ignore_errors=True)
            raise
    return final


def unpack_locked_wheel(lock: str, into: Path) -> None:
    """Install the one wheel that ``requirements/<lock>`` pins by hash, without what it depends on.

    Raises
    ------
    ControlPlaneError
        pip could not get it; the message ends with pip's own.
    """
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]
    command += ["--no-deps", "--no-compile", "--only-binary", ":all:", "--require-hashes"]
    command += ["--requirement", str(_REPOSITORY / "requirements" / lock), "--target", str(into)]
    outcome = subprocess.run(
        command,
        env=os.environ | {"PIP_USER": "0"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    if outcome.returncode:
        tail = "\n".join(outcome.stderr.strip().splitlines()[-_DOWNLOAD_TAIL:])
        raise ControlPlaneError(
            f"the package of requirements/{lock} could not be installed; it needs a package registry "
            f"within reach (PIP_INDEX_URL names a mirror). pip says:\n{tail}"
        )
