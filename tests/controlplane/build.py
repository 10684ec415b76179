"""The control plane's programs: found in $KUBEBUILDER_ASSETS or the cache, else built once by Go."""

import contextlib
import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

from controlplane import cache, toolchain
from controlplane.errors import ControlPlaneError

_MODULE = Path(__file__).resolve().parent
# The slow one first: it compiles nearly everything that the others link.
_NAMES = ("kube-apiserver", "etcd", "kube-controller-manager")
_ERROR_TAIL = 20
_PLAIN_PROGRESS_SECONDS = 30


@dataclass(frozen=True)
class Binaries:
    """Where the three programs are."""

    etcd: Path
    kube_apiserver: Path
    kube_controller_manager: Path

    @classmethod
    def of(cls, directory: Path) -> "Binaries":
        """Return the programs of this folder."""
        return cls(
            etcd=directory / "etcd",
            kube_apiserver=directory / "kube-apiserver",
            kube_controller_manager=directory / "kube-controller-manager",
        )


def binaries() -> Binaries:
    """Return the programs of the control plane, built if this machine does not have them yet.

    A build takes about 6 minutes on 2 cores, and 4 GB of disk until it is done.

    Raises
    ------
    ControlPlaneError
        They cannot be built; the message ends with Go's own.
    """
    if named := os.environ.get("KUBEBUILDER_ASSETS"):
        assets = Path(named).resolve()
        missing = [name for name in _NAMES if not os.access(assets / name, os.X_OK)]
        if not missing:
            return Binaries.of(assets)
        cache.step(f"KUBEBUILDER_ASSETS={assets} is not used: it has no {' and no '.join(missing)}")
    version = f"{_kubernetes_version()}-{_fingerprint()}"
    return Binaries.of(cache.provide("control-plane", version, _build))


def _build(into: Path) -> None:
    go = toolchain.find_go(minimum=_directive("go"))
    scratch = cache.folder() / "go-scratch"
    env = toolchain.environment(go, scratch)
    version = _kubernetes_version()
    major, minor, _ = version.removeprefix("v").split(".")
    stamps = {"gitVersion": version, "gitMajor": major, "gitMinor": minor}
    stamp_flags = " ".join(f"-X k8s.io/component-base/version.{key}={value}" for key, value in stamps.items())
    cache.step(f"building the control plane of Kubernetes {version}, once for this machine (about 6 minutes)")
    for number, name in enumerate(_NAMES, start=1):
        command = [str(go), "build", "-v", "-ldflags", f"-s -w {stamp_flags}", "-o", str(into / name)]
        _run(f"{name} ({number} of {len(_NAMES)})", [*command, f"./cmd/{name}"], env, into / f"{name}.log")
    # Kept after a failure, so that the next attempt goes on from there; 4 GB are too much to keep for good.
    shutil.rmtree(scratch, ignore_errors=True)


def _run(title: str, command: list[str], env: dict[str, str], log: Path) -> None:
    started = time.monotonic()
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=_MODULE,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            _show_progress(title, process, log, started)
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            raise
    if process.returncode:
        tail = "\n".join(log.read_text(errors="replace").splitlines()[-_ERROR_TAIL:])
        raise ControlPlaneError(
            f"{title} could not be built; it needs a Go module proxy within reach (GOPROXY names another) "
            f"and 4 GB of disk below {cache.folder()}. A folder with ready programs can be named by "
            f"KUBEBUILDER_ASSETS instead. Go says:\n{tail}"
        )


def _show_progress(title: str, process: subprocess.Popen[bytes], log: Path, started: float) -> None:
    on_terminal = sys.stderr.isatty()
    next_line = 0.0
    while True:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=1)
        elapsed = time.monotonic() - started
        done = process.poll() is not None
        if on_terminal or done or elapsed >= next_line:
            # `go build -v` writes one line for each package that it compiles.
            packages = sum(not line.startswith("go:") for line in log.read_text(errors="replace").splitlines())
            line = f"  {title}: {packages} packages compiled, {elapsed:.0f} s"
            print(line, end="\r" if on_terminal and not done else "\n", file=sys.stderr, flush=True)
            next_line = elapsed + _PLAIN_PROGRESS_SECONDS
        if done:
            return


def _fingerprint() -> str:
    digest = hashlib.sha256()
    for path in (_MODULE / "go.mod", _MODULE / "go.sum", *sorted(_MODULE.glob("cmd/*/*.go"))):
        digest.update(f"{path.relative_to(_MODULE)}\n".encode() + path.read_bytes())
    return digest.hexdigest()[:12]


def _kubernetes_version() -> str:
    return _directive("k8s.io/kubernetes")


def _directive(name: str) -> str:
    match = re.search(rf"^\s*{re.escape(name)} (\S+)$", (_MODULE / "go.mod").read_text(), re.MULTILINE)
    if match is None:
        raise ControlPlaneError(f"{_MODULE.name}/go.mod has no line for {name}")
    return match[1]
