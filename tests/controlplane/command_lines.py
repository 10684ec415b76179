"""The command lines of the three programs: everything on loopback, nothing outside their folder."""

from pathlib import Path

HOST = "127.0.0.1"
ADVERTISED_ADDRESS = "10.0.0.1"
"""Never contacted, but kube-apiserver refuses to advertise a loopback address."""

_SERVICE_RANGE = "10.0.0.0/24"


def etcd(directory: Path, url: str) -> list[str]:
    """Return etcd's arguments: one member, with its data in the folder."""
    return [
        f"--data-dir={directory / 'etcd'}",
        f"--listen-client-urls={url}",
        f"--advertise-client-urls={url}",
        f"--listen-peer-urls=http://{HOST}:0",
        "--unsafe-no-fsync",  # nothing here has to survive a power cut
        "--log-level=warn",
    ]


def kube_apiserver(directory: Path, etcd_url: str, port: int) -> list[str]:
    """Return kube-apiserver's arguments, for the certificates in the folder."""
    return [
        f"--etcd-servers={etcd_url}",
        f"--bind-address={HOST}",
        f"--secure-port={port}",
        f"--advertise-address={ADVERTISED_ADDRESS}",
        "--endpoint-reconciler-type=none",
        f"--service-cluster-ip-range={_SERVICE_RANGE}",
        f"--cert-dir={directory}",
        f"--tls-cert-file={directory / 'server.crt'}",
        f"--tls-private-key-file={directory / 'server.key'}",
        f"--client-ca-file={directory / 'ca.crt'}",
        "--authorization-mode=RBAC",
        "--service-account-issuer=https://kubernetes.default.svc",
        f"--service-account-key-file={directory / 'service-account.crt'}",
        f"--service-account-signing-key-file={directory / 'service-account.key'}",
        "--allow-privileged=true",
        "--profiling=false",
    ]


def audit(policy: Path, log: Path) -> list[str]:
    """Return what kube-apiserver needs beside that to log writes."""
    return [
        f"--audit-policy-file={policy}",
        f"--audit-log-path={log}",
        "--audit-log-mode=blocking",
        "--audit-log-format=json",
        "--audit-log-maxsize=10000",  # megabytes; a rotated log would lose writes that a test counts
    ]


def kube_controller_manager(directory: Path) -> list[str]:
    """Return kube-controller-manager's arguments: all its controllers."""
    return [
        f"--kubeconfig={directory / 'controllers.kubeconfig'}",
        f"--service-account-private-key-file={directory / 'service-account.key'}",
        f"--root-ca-file={directory / 'ca.crt'}",
        "--leader-elect=false",
        "--secure-port=0",
        "--profiling=false",
    ]
