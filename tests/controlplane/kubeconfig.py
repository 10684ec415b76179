"""Kubeconfig files that stand alone: all certificates inside, no path to another file."""

import base64
import json
from pathlib import Path
from typing import Any

import yaml

from controlplane.certificates import KeyPair, write_secret


def write(path: Path, *, url: str, authority: bytes, credential: KeyPair | str, user: str) -> Path:
    """Write a kubeconfig and return its path.

    Parameters
    ----------
    path
        Where to; only its owner can read it.
    url
        Of the API server.
    authority
        The certificate authority's certificate, as PEM.
    credential
        A client certificate, or a bearer token.
    user
        The name under which the file lists the credential.
    """
    identity: dict[str, Any]
    if isinstance(credential, KeyPair):
        identity = {
            "client-certificate-data": _base64(credential.certificate),
            "client-key-data": _base64(credential.key),
        }
    else:
        identity = {"token": credential}
    name = "control-plane"
    document = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": name, "cluster": {"server": url, "certificate-authority-data": _base64(authority)}}],
        "users": [{"name": user, "user": identity}],
        "contexts": [{"name": name, "context": {"cluster": name, "user": user, "namespace": "default"}}],
        "current-context": name,
    }
    write_secret(path, yaml.safe_dump(document, sort_keys=False).encode())
    return path


def server_of(path: Path) -> str:
    """Return the API server's address that a kubeconfig written by this module names."""
    document = yaml.safe_load(path.read_text())
    return str(document["clusters"][0]["cluster"]["server"])


def credential_of(path: Path) -> str:
    """Return what the audit log calls the service account token in a kubeconfig written by this module."""
    token = str(yaml.safe_load(path.read_text())["users"][0]["user"]["token"])
    claims = token.split(".")[1]
    return "JTI=" + str(json.loads(base64.urlsafe_b64decode(claims + "=" * (-len(claims) % 4)))["jti"])


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()
