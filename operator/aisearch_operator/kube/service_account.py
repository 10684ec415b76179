"""How kopf finds the API server from inside a pod."""

import dataclasses
import os
from typing import Any

import kopf

__all__ = ["login_with_service_account"]


def login_with_service_account(**kwargs: Any) -> kopf.ConnectionInfo | None:
    """Log in as the pod's service account, at the address that every pod is given; None outside of a pod.

    kopf goes to ``kubernetes.default.svc``, which takes a cluster's DNS that works and that the pod may reach.
    client-go and ``kubernetes.aio`` take the address from the environment.
    """
    access = kopf.login_with_service_account(**kwargs)
    host = os.environ.get("KUBERNETES_SERVICE_HOST")
    if access is None or not host:
        return access
    port = os.environ.get("KUBERNETES_SERVICE_PORT", "443")
    return dataclasses.replace(access, server=f"https://{f'[{host}]' if ':' in host else host}:{port}")
