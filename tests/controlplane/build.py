"""The control plane's programs: found in $KUBEBUILDER_ASSETS or the cache, else built once by Go."""

import dataclasses
import os
from dataclasses import dataclass
from pathlib import Path

from controlplane import cache
from controlplane.gomodule import GoModule

_MODULE = GoModule(
    name="control-plane",
    folder=Path(__file__).resolve().parent,
    programs=("kube-apiserver", "etcd", "kube-controller-manager"),
    required="k8s.io/kubernetes",
    costs="about 6 minutes on 2 cores, 4 GB of disk until it is done",
    way_out="A folder with ready programs can be named by KUBEBUILDER_ASSETS instead. ",
)


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

    Raises
    ------
    ControlPlaneError
        They cannot be built; the message ends with Go's own.
    """
    if named := os.environ.get("KUBEBUILDER_ASSETS"):
        assets = Path(named).resolve()
        missing = [name for name in _MODULE.programs if not os.access(assets / name, os.X_OK)]
        if not missing:
            return Binaries.of(assets)
        cache.step(f"KUBEBUILDER_ASSETS={assets} is not used: it has no {' and no '.join(missing)}")
    return Binaries.of(_stamped().provide())


def _stamped() -> GoModule:
    """Have the programs say their version, as a release's do."""
    major, minor, _ = _MODULE.version.removeprefix("v").split(".")
    stamps = {"gitVersion": _MODULE.version, "gitMajor": major, "gitMinor": minor}
    flags = " ".join(f"-X k8s.io/component-base/version.{key}={value}" for key, value in stamps.items())
    return dataclasses.replace(_MODULE, link_flags=f"{_MODULE.link_flags} {flags}")
