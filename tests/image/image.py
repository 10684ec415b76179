"""The image of this checkout: laid out once for each content, and this machine's Python in place of the base image."""

import hashlib
import importlib.metadata
import os
import platform
import shutil
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

from controlplane import cache
from image.container import Container
from image.dockerfile import ROOT, read

__all__ = ["ARCHITECTURES", "PLACE", "container", "laid_out", "lay", "obstacle", "wheels"]

PLACE = "/opt/aisearch-operator"
SERVICE_ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
"""What BuildKit calls the kinds of machines."""

_SCRIPT = ROOT / "deploy" / "image" / "build.sh"
_LOCKS = (ROOT / "requirements" / "run.txt", ROOT / "requirements" / "build.txt")
_KEPT_SECONDS = 24 * 3600
"""How long the layout of another content is kept: another checkout's tests may be running in it."""


def obstacle(root: Path) -> str | None:
    """Say why this machine cannot run a container of the image; None when it can."""
    if platform.machine() not in ARCHITECTURES:
        return f"there is no image for {platform.machine()}"
    if platform.libc_ver()[0] != "glibc":
        return "the image's packages are made for the GNU C library, and this machine has another"
    tried = subprocess.run(
        container(root).command(read().entrypoint[0], "-c", ""),
        env=read().environment,
        capture_output=True,
        text=True,
        check=False,
    )
    if tried.returncode == 0:
        return None
    return f"this user may not make a mount namespace here: {tried.stderr.strip().splitlines()[-1]}"


class BuildError(Exception):
    """deploy/image/build.sh failed; the message is what it said."""


def wheels(architecture: str) -> Path:
    """Give the folder with all locked wheels for ``amd64`` or ``arm64``, downloaded when the lock is new.

    Raises
    ------
    BuildError
        One cannot be had, or there is none for this architecture.
    """
    version = f"{architecture}-{_python()}-{_digest(_SCRIPT, *_LOCKS)}"
    return cache.provide("image-wheels", version, lambda into: _download(architecture, into))


def lay(into: Path, python: str = sys.executable) -> None:
    """Lay the image for this machine into an empty folder, without network.

    Parameters
    ----------
    python
        The interpreter that builds; it has pip.

    Raises
    ------
    BuildError
        It could not be built.
    """
    architecture = ARCHITECTURES[platform.machine()]
    _build(architecture, "lay", str(wheels(architecture)), str(into), python=python)


def laid_out() -> Path:
    """Give the folder that the image holds at `PLACE`, laid out when its content is new.

    Raises
    ------
    BuildError
        It could not be built.
    """
    sources = sorted((ROOT / "operator").rglob("*.py"))
    described = (ROOT / "pyproject.toml", ROOT / "README.md", ROOT / "LICENSE")
    version = f"{_python()}-{_digest(_SCRIPT, *_LOCKS, *described, *sources)}-{_builder()}"
    return cache.provide("image-layout", version, _lay_and_forget_others)


def container(root: Path, service_account: Path | None = None) -> Container:
    """Describe a container of the image: its folder, Python, the C library, and nothing else of this machine.

    Parameters
    ----------
    root
        An empty folder.
    service_account
        A folder with ``token``, ``ca.crt`` and ``namespace``, as the kubelet mounts it.
    """
    interpreter = Path(sys.executable).resolve()
    standard_library = sysconfig.get_path("stdlib", vars={"installed_base": sys.base_prefix})
    binds = {PLACE: str(laid_out()), str(interpreter): str(interpreter), standard_library: standard_library}
    links = {}
    shared_library = Path(sysconfig.get_config_var("LIBDIR")) / sysconfig.get_config_var("INSTSONAME")
    if shared_library.is_file():
        binds[str(shared_library)] = str(shared_library)
    for name in ("/usr/lib", "/usr/lib64", "/lib", "/lib64"):
        if Path(name).is_symlink():
            links[name] = str(Path(name).readlink())
        elif Path(name).is_dir():
            binds[name] = name
    others = ("/etc/ld.so.cache", "/dev/null", "/dev/urandom", "/proc")
    binds |= {name: name for name in others if Path(name).exists()}
    if service_account is not None:
        binds[SERVICE_ACCOUNT] = str(service_account)
    program = read().entrypoint[0]
    if program != str(interpreter):
        links[program] = str(interpreter)
    # The host's own packages: the base image has none. The outer paths first, so that no bind hides another.
    packages = [str(Path(standard_library) / "site-packages"), "/usr/lib/python3/dist-packages"]
    return Container(
        root=str(root),
        binds=dict(sorted(binds.items())),
        links=links,
        empty=[name for name in packages if Path(name).is_dir()],
        uid=int(read().user.split(":")[0]),
    )


def _lay_and_forget_others(into: Path) -> None:
    cache.step("laying out the operator's image (10 s)")
    lay(into)
    for other in cache.folder().glob("image-layout-*"):
        if other.is_dir() and other != into and time.time() - other.stat().st_mtime > _KEPT_SECONDS:
            shutil.rmtree(other, ignore_errors=True)


def _download(architecture: str, into: Path) -> None:
    cache.step(f"downloading the wheels of the image for {architecture} (17 MB)")
    _build(architecture, "wheels", str(into))


def _build(architecture: str, *arguments: str, python: str = sys.executable) -> None:
    done = subprocess.run(
        ["sh", str(_SCRIPT), *arguments],
        cwd="/",
        env=os.environ | {"TARGETARCH": architecture, "PYTHON": python},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise BuildError(
            f"{_SCRIPT.name} {' '.join(arguments)}: exit code {done.returncode}\n{done.stdout}{done.stderr}"
        )


def _python() -> str:
    return f"py{sys.version_info.major}.{sys.version_info.minor}"


def _builder() -> str:
    """Tell apart what compiles and lays: another patch release of Python or of pip makes other files."""
    return hashlib.sha256(f"{sys.version}\0{importlib.metadata.version('pip')}".encode()).hexdigest()[:12]


def _digest(*paths: Path) -> str:
    digest = hashlib.sha256()
    for path in paths:
        digest.update(f"{path.relative_to(ROOT)}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()[:12]
