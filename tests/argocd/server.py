"""A running Argo CD: repo-server, application-controller and Redis on loopback, for one control plane."""

import os
import socket
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx

from argocd import build
from argocd.history import History
from controlplane import ControlPlane, tools
from controlplane.command_lines import HOST
from controlplane.errors import ControlPlaneError
from controlplane.ports import free_ports
from controlplane.processes import Component, Guardian
from harness.kube import Body, Kube

__all__ = ["NAMESPACE", "ArgoCD"]

NAMESPACE = "argocd"
"""Where Argo CD's own objects are, as in its documentation."""

_PART_OF = {"app.kubernetes.io/part-of": "argocd"}
_READY_WITHIN_SECONDS = 300
_STOP_GRACE_SECONDS = 1
_RESYNC = "3s"
"""How often git is looked at; 3 minutes in production."""


class ArgoCD:
    """An Argo CD that knows what git repositories say, and has nobody who clicks.

    There is no API server: nothing that syncs needs it. What its Lua does to a resource is asked of
    `argocd.lua`. It acts as the user ``argocd`` with all rights. `start` makes one that lives until `stop`,
    or until the process that started it ends, however that ends.

    Attributes
    ----------
    kube
        The cluster's administrator, in Argo CD's namespace.
    history
        Every state that an Application was in.
    directory
        Where its files and logs are.
    """

    def __init__(self, plane: ControlPlane, directory: Path, guardian: Guardian) -> None:
        self.kube = Kube(plane.kubeconfig, NAMESPACE)
        self.directory = directory
        self._plane = plane
        self._guardian = guardian
        self._components: list[Component] = []
        self.history = History(plane.client(), NAMESPACE, self.log_tail)

    @classmethod
    def start(cls, plane: ControlPlane, settings: Mapping[str, str]) -> Self:
        """Start an Argo CD with its own definitions, settings and one project, which may do everything.

        Parameters
        ----------
        settings
            The data of the ConfigMap ``argocd-cm``.

        Raises
        ------
        ControlPlaneError
            Its programs cannot be had, or one of them failed; the message ends with its log.
        """
        programs = build.programs()
        directory = Path(tempfile.mkdtemp(prefix="aisearch-argocd-")).resolve()
        argocd = cls(plane, directory, Guardian(directory))
        try:
            plane.install_crds(programs.folder)
            argocd.kube.apply(*_own_objects(settings))
            argocd._run(programs)
            argocd.history.start()
        except BaseException:
            argocd.stop()
            raise
        return argocd

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def stop(self) -> None:
        """End the processes and remove their files."""
        self.history.stop()
        while self._components:
            self._components.pop().stop(_STOP_GRACE_SECONDS)
        self._guardian.dismiss()
        self.kube.close()

    def log_tail(self) -> str:
        """Return the ends of the logs, for a message that says what went wrong."""
        return "\n".join(f"--- {component.name}\n{component.log_tail()}" for component in self._components)

    def _run(self, programs: build.Programs) -> None:
        redis, repo_server, repo_metrics, metrics = (f"{HOST}:{port}" for port in free_ports(4))
        self._start("redis", programs.redis, [redis])
        folders = ("repositories", "tls", "ssh", "plugins")
        for folder in folders:
            (self.directory / folder).mkdir()
        level = os.environ.get("ARGOCD_LOG_LEVEL", "warn")
        path = os.pathsep.join([str(programs.folder), str(tools.helm().parent), os.defpath])
        self._start(
            "repo-server",
            programs.argocd,
            [
                "argocd-repo-server",
                f"--redis={redis}",
                "--disable-tls",
                "--client-ca-path=",
                f"--address={HOST}",
                f"--port={repo_server.rpartition(':')[2]}",
                f"--metrics-address={HOST}",
                f"--metrics-port={repo_metrics.rpartition(':')[2]}",
                f"--loglevel={level}",
            ],
            PATH=path,
            TMPDIR=str(self.directory / "repositories"),
            ARGOCD_GPG_ENABLED="false",
            ARGOCD_TLS_DATA_PATH=str(self.directory / "tls"),
            ARGOCD_SSH_DATA_PATH=str(self.directory / "ssh"),
            ARGOCD_PLUGINSOCKFILEPATH=str(self.directory / "plugins"),
            ARGOCD_ASK_PASS_SOCK=str(self.directory / "ask-pass.sock"),
            # How long it believes that a branch has not moved.
            ARGOCD_RECONCILIATION_TIMEOUT="1s",
        )
        kubeconfig = self._plane.client_kubeconfig("argocd", ["system:masters"])
        self._start(
            "application-controller",
            programs.argocd,
            [
                "argocd-application-controller",
                f"--kubeconfig={kubeconfig}",
                f"--namespace={NAMESPACE}",
                f"--redis={redis}",
                f"--repo-server={repo_server}",
                f"--metrics={metrics}",
                f"--app-resync={_RESYNC}",
                f"--loglevel={level}",
            ],
            # What https://kubernetes.default.svc is.
            KUBECONFIG=str(kubeconfig),
            ARGOCD_FAKE_IN_CLUSTER="true",
            ARGOCD_GPG_ENABLED="false",
            # Waves follow each other when health says so. The pause is for resources whose status does not tell
            # whether their operator has seen them; ours does, and without a pause a test shows that it does.
            ARGOCD_SYNC_WAVE_DELAY="0",
        )
        self._wait(lambda: _listens(repo_server), "the repo-server does not listen")
        self._wait(lambda: _is_healthy(f"http://{metrics}/healthz"), "the application-controller is not healthy")

    def _start(self, name: str, program: Path, arguments: list[str], **environment: str) -> None:
        component = Component(
            program,
            arguments,
            directory=self.directory,
            guardian=self._guardian,
            name=name,
            environment=environment,
        )
        self._components.append(component)

    def _wait(self, holds: Any, otherwise: str) -> None:
        deadline = time.monotonic() + _READY_WITHIN_SECONDS
        while not holds():
            for component in self._components:
                component.check()
            if time.monotonic() > deadline:
                raise ControlPlaneError(f"{otherwise} after {_READY_WITHIN_SECONDS} s; logs end so:\n{self.log_tail()}")
            time.sleep(0.05)


def _own_objects(settings: Mapping[str, str]) -> tuple[Body, ...]:
    everything = [{"group": "*", "kind": "*"}]
    return (
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": NAMESPACE}},
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": "argocd-cm", "labels": _PART_OF},
            "data": dict(settings),
        },
        {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "argocd-secret", "labels": _PART_OF},
            "stringData": {"server.secretkey": "nobody logs in here"},
        },
        {
            "apiVersion": "argoproj.io/v1alpha1",
            "kind": "AppProject",
            "metadata": {"name": "default"},
            "spec": {
                "sourceRepos": ["*"],
                "destinations": [{"server": "*", "namespace": "*"}],
                "clusterResourceWhitelist": everything,
            },
        },
    )


def _listens(address: str) -> bool:
    host, _, port = address.partition(":")
    with socket.socket() as client:
        return client.connect_ex((host, int(port))) == 0


def _is_healthy(url: str) -> bool:
    try:
        return httpx.get(url, trust_env=False, timeout=2).is_success
    except httpx.TransportError:
        return False
