"""One Kubernetes control plane on loopback: start it, get credentials for it, stop it."""

import atexit
import contextlib
import json
import os
import secrets
import ssl
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
import yaml

from controlplane import audit, build, command_lines, kubeconfig, tools
from controlplane.certificates import Authority, KeyPair, signing_key, write_secret
from controlplane.errors import ControlPlaneError
from controlplane.ports import free_ports
from controlplane.processes import Component, Guardian

# Below what Linux gives to outgoing connections (32768 and up), so that none takes a port between check and use.
_READY_WITHIN_SECONDS = 300  # 4 s on an idle machine with 2 cores
_STOP_GRACE_SECONDS = 5
_TOKEN_LIFETIME_SECONDS = 24 * 3600
_AGGREGATED_DISCOVERY = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"  # as kubectl asks
_PROJECT_CRDS = Path(__file__).resolve().parents[2] / "crds"


class ControlPlane:
    """A running control plane, and access to it.

    `start` makes one that lives until `stop`, or until the process that started it ends, however
    that ends. `attach` gives another process access to one that runs. Several can run side by side.

    Attributes
    ----------
    directory
        Where its files are.
    kubeconfig
        For the cluster's administrator.
    url
        Of the API server.
    ca_file
        The certificate that signed the API server's.
    audit_log
        One JSON document per write, see `controlplane.audit`.
    """

    def __init__(self, directory: Path, url: str) -> None:
        self.directory = directory
        self.url = url
        self.kubeconfig = directory / "kubeconfig"
        self.ca_file = directory / "ca.crt"
        self.audit_log = directory / "audit.log"
        self._components: list[Component] = []
        self._guardian: Guardian | None = None

    @classmethod
    def start(cls, directory: Path | None = None, *, audit: bool = True) -> Self:
        """Start a control plane and return when it is ready, after about 4 seconds.

        Parameters
        ----------
        directory
            An empty or missing folder for its files, which then outlive it; by default a
            temporary one that is removed with it.
        audit
            Whether every write is logged.

        Raises
        ------
        ControlPlaneError
            Its programs cannot be had, or one of them failed; the message ends with its log.
        """
        binaries = build.binaries()
        temporary = directory is None
        place = Path(tempfile.mkdtemp(prefix="aisearch-control-plane-")) if directory is None else directory
        place.mkdir(parents=True, exist_ok=True)
        place = place.resolve()
        if any(place.iterdir()):
            raise ControlPlaneError(f"{place} is not empty: name a new folder for the control plane's files")
        etcd_port, api_port = free_ports(2)
        plane = cls(place, f"https://{command_lines.HOST}:{api_port}")
        plane._guardian = Guardian(place if temporary else None)
        atexit.register(plane.stop)
        try:
            plane._write_credentials()
            plane._run(binaries, etcd_port=etcd_port, api_port=api_port, audited=audit)
        except BaseException:
            plane.stop()
            raise
        return plane

    @classmethod
    def attach(cls, directory: Path) -> Self:
        """Return access to a control plane that another process started; `stop` then does nothing."""
        return cls(directory, kubeconfig.server_of(directory / "kubeconfig"))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def pids(self) -> list[int]:
        """The processes of a control plane that this process started."""
        return [component.pid for component in self._components]

    def env(self) -> dict[str, str]:
        """Return a copy of the environment in which kubectl is on ``PATH`` and talks to this cluster."""
        path = f"{tools.kubectl().parent}{os.pathsep}{os.environ.get('PATH', os.defpath)}"
        return os.environ | {
            "KUBECONFIG": str(self.kubeconfig),
            "KUBECACHEDIR": str(self.directory / "kubectl-cache"),
            "PATH": path,
        }

    def kubectl(
        self,
        *arguments: str,
        input: str | None = None,  # noqa: A002  (as subprocess.run calls it)
        check: bool = True,
    ) -> subprocess.CompletedProcess[str]:
        """Run kubectl as the cluster's administrator.

        Raises
        ------
        ControlPlaneError
            It failed, and ``check`` is true; the message holds what it said.
        """
        outcome = subprocess.run(
            [str(tools.kubectl()), *arguments],
            env=self.env(),
            input=input or "",
            capture_output=True,
            text=True,
            check=False,
        )
        if check and outcome.returncode:
            raise ControlPlaneError(
                f"kubectl {' '.join(arguments)}: exit code {outcome.returncode}\n{outcome.stdout}{outcome.stderr}"
            )
        return outcome

    def client(self) -> httpx.Client:
        """Return a new HTTP client for the API server, logged in as the cluster's administrator."""
        context = ssl.create_default_context(cafile=self.ca_file)
        context.load_cert_chain(self.directory / "admin.crt", self.directory / "admin.key")
        return httpx.Client(base_url=self.url, verify=context, trust_env=False, timeout=60)

    def install_crds(self, folder: Path = _PROJECT_CRDS) -> None:
        """Apply the custom resource definitions of a folder and wait until they are served, found and explained.

        Raises
        ------
        ControlPlaneError
            The API server refused one; the message holds the reason.
        """
        definitions = [yaml.safe_load(path.read_text()) for path in sorted(folder.glob("*.yaml"))]
        with self.client() as client:
            for definition in definitions:
                _apply_crd(client, definition)
            for definition in definitions:
                self._wait_until_served(client, definition["spec"])

    def client_kubeconfig(self, user: str, groups: Sequence[str] = ()) -> Path:
        """Return a new kubeconfig that logs in as this user by client certificate.

        Names have at most 64 characters, a certificate's limit.
        """
        credential = Authority.load(self.directory).issue_client(user, groups)
        return self._write_kubeconfig(user, credential)

    def service_account_kubeconfig(
        self, namespace: str, name: str, *, lifetime_seconds: int = _TOKEN_LIFETIME_SECONDS, url: str | None = None
    ) -> Path:
        """Return a new kubeconfig with a token of this service account, as a pod would have.

        Parameters
        ----------
        url
            Where the API server is reached, if not directly.

        Raises
        ------
        ControlPlaneError
            The API server did not give a token; most often the service account does not exist.
        """
        path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{name}/token"
        request = {
            "apiVersion": "authentication.k8s.io/v1",
            "kind": "TokenRequest",
            "spec": {"expirationSeconds": lifetime_seconds},
        }
        with self.client() as client:
            answer = client.post(path, json=request)
        if answer.status_code != httpx.codes.CREATED:
            reason = answer.json().get("message", answer.text)
            raise ControlPlaneError(f"no token for the service account {namespace}/{name}: {reason}")
        token = answer.json()["status"]["token"]
        return self._write_kubeconfig(f"system:serviceaccount:{namespace}:{name}", token, url=url)

    def check(self) -> None:
        """Raise a `ControlPlaneError` with the end of its log if one of the programs has ended."""
        for component in self._components:
            component.check()

    def stop(self) -> None:
        """End all processes, the controllers first and the store last, and remove a temporary folder."""
        while self._components:
            self._components[-1].stop(_STOP_GRACE_SECONDS)
            self._components.pop()
        if self._guardian is not None:
            self._guardian.dismiss()
            self._guardian = None
        atexit.unregister(self.stop)

    def _write_credentials(self) -> None:
        authority = Authority.create(self.directory)
        server = authority.issue_server(
            ["localhost", "kubernetes", "kubernetes.default.svc"],
            [command_lines.HOST, command_lines.ADVERTISED_ADDRESS],
        )
        self._write_pair("server", server)
        self._write_pair("service-account", signing_key())
        admin = authority.issue_client("kubernetes-admin", ["system:masters"])
        self._write_pair("admin", admin)
        self._write_kubeconfig("kubernetes-admin", admin, self.kubeconfig)
        # With the administrator's rights, as the controllers do not each have a service account here.
        controllers = authority.issue_client("system:kube-controller-manager", ["system:masters"])
        self._write_kubeconfig("system:kube-controller-manager", controllers, self.directory / "controllers.kubeconfig")

    def _write_pair(self, name: str, pair: KeyPair) -> None:
        (self.directory / f"{name}.crt").write_bytes(pair.certificate)
        write_secret(self.directory / f"{name}.key", pair.key)

    def _write_kubeconfig(
        self, user: str, credential: KeyPair | str, path: Path | None = None, url: str | None = None
    ) -> Path:
        if path is None:
            safe = "".join(letter if letter.isalnum() else "-" for letter in user)
            path = self.directory / f"{safe}-{secrets.token_hex(4)}.kubeconfig"
        authority = self.ca_file.read_bytes()
        return kubeconfig.write(path, url=url or self.url, authority=authority, credential=credential, user=user)

    def _run(self, binaries: build.Binaries, *, etcd_port: int, api_port: int, audited: bool) -> None:
        etcd_url = f"http://{command_lines.HOST}:{etcd_port}"
        self._start_component(binaries.etcd, command_lines.etcd(self.directory, etcd_url))
        arguments = command_lines.kube_apiserver(self.directory, etcd_url, api_port)
        if audited:
            policy = self.directory / "audit-policy.json"
            policy.write_text(json.dumps(audit.POLICY))
            self.audit_log.touch()
            arguments += command_lines.audit(policy, self.audit_log)
        self._start_component(binaries.kube_apiserver, arguments)
        with self.client() as client:
            self._wait_for(client, "/readyz")
            self._start_component(
                binaries.kube_controller_manager, command_lines.kube_controller_manager(self.directory)
            )
            self._wait_for(client, "/api/v1/namespaces/default/serviceaccounts/default")

    def _start_component(self, program: Path, arguments: Sequence[str]) -> None:
        if self._guardian is None:
            raise ControlPlaneError("a control plane that was attached to, or stopped, starts nothing")
        component = Component(program, arguments, directory=self.directory, guardian=self._guardian)
        self._components.append(component)

    def _wait_until_served(self, client: httpx.Client, spec: dict[str, Any]) -> None:
        plural, kind = spec["names"]["plural"], spec["names"]["kind"]
        for version in spec["versions"]:
            served = f"/apis/{spec['group']}/{version['name']}"
            # The condition Established comes before all of these.
            self._wait_for(client, f"{served}/{plural}?limit=1")
            self._wait_for(client, "/apis", accept=_AGGREGATED_DISCOVERY, mentioning=f'"resource":"{plural}"')
            self._wait_for(client, f"/openapi/v3{served}", mentioning=f'"kind":"{kind}"')

    def _wait_for(
        self, client: httpx.Client, path: str, *, accept: str = "application/json", mentioning: str = ""
    ) -> None:
        deadline = time.monotonic() + _READY_WITHIN_SECONDS
        while True:
            self.check()
            with contextlib.suppress(httpx.TransportError):
                answer = client.get(path, headers={"Accept": accept})
                if answer.is_success and mentioning in answer.text:
                    return
            if time.monotonic() > deadline:
                logs = "".join(f"\n{component.name}:\n{component.log_tail()}" for component in self._components)
                raise ControlPlaneError(
                    f"no good answer to {path} within {_READY_WITHIN_SECONDS} s; logs end so:{logs}"
                )
            time.sleep(0.05)


def _apply_crd(client: httpx.Client, definition: dict[str, Any]) -> None:
    name = definition["metadata"]["name"]
    answer = client.patch(
        f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{name}",
        params={"fieldManager": "controlplane", "force": "true", "fieldValidation": "Strict"},
        headers={"Content-Type": "application/apply-patch+yaml"},
        content=json.dumps(definition),
    )
    if answer.is_error:
        raise ControlPlaneError(f"the API server refused {name}: {answer.json().get('message', answer.text)}")
