"""Argo CD's programs, and the files that it needs beside them: built once by Go into the cache."""

from dataclasses import dataclass
from pathlib import Path

from controlplane.gomodule import GoModule

_MODULE = GoModule(
    name="argocd",
    folder=Path(__file__).resolve().parent,
    programs=("argocd", "redis"),
    required="github.com/argoproj/argo-cd/v3",
    costs="about 4 minutes on 2 cores, 3 GB of disk until it is done",
    files=(
        "manifests/crds/application-crd.yaml",
        "manifests/crds/appproject-crd.yaml",
        # The repo-server looks for it on PATH, whatever the settings say.
        "hack/git-verify-wrapper.sh",
    ),
)


@dataclass(frozen=True)
class Programs:
    """Where they are.

    Attributes
    ----------
    folder
        Holds all of it: the programs, the CRDs as ``*.yaml``, and a script.
    """

    folder: Path

    @property
    def argocd(self) -> Path:
        """The repo-server, the application-controller and the Lua, as subcommands."""
        return self.folder / "argocd"

    @property
    def redis(self) -> Path:
        """A Redis server in memory."""
        return self.folder / "redis"


def programs() -> Programs:
    """Return Argo CD's programs, built if this machine does not have them yet.

    Raises
    ------
    ControlPlaneError
        They cannot be built; the message ends with Go's own.
    """
    return Programs(_MODULE.provide())
