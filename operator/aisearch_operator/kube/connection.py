"""Connections to the API server: found by the pod's service account, or else by a kubeconfig."""

import os
from pathlib import Path

import aiohttp
import kopf
from kubernetes.aio import client, config
from kubernetes.aio.config import ConfigException

from aisearch_operator import __version__
from aisearch_operator.kube.calls import KubeUnavailable
from aisearch_operator.kube.fence import Fence, fenced
from aisearch_operator.kube.watch_signs import WatchSigns

__all__ = ["connect", "own_namespace", "session_of"]

USER_AGENT = f"aisearch-operator/{__version__}"
"""Also who manages the written fields, in the eyes of the API server."""

WRITES_AT_ONCE = 32
"""kopf's requests at the same time, beside the watches. It would open a connection of 100 KB for each of a thousand new
resources, only to have them wait in the API server."""

NAMESPACE_FILE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")


async def connect(fence: Fence) -> client.ApiClient:
    """Connect with the pod's service account, or else with the kubeconfig of the environment.

    Parameters
    ----------
    fence
        What each request passes.

    Raises
    ------
    KubeUnavailable
        When there is neither.
    """
    configuration = client.Configuration()
    try:
        config.load_incluster_config(client_configuration=configuration)  # type: ignore[no-untyped-call]
    except ConfigException:
        try:
            # The library reads the variable when it is imported.
            await config.load_kube_config(  # type: ignore[no-untyped-call]
                config_file=os.environ.get("KUBECONFIG"), client_configuration=configuration
            )
        except (ConfigException, OSError) as error:
            raise KubeUnavailable(
                f"No access to Kubernetes: neither in a pod nor a usable kubeconfig ({error}). Set KUBECONFIG."
            ) from error
    configuration.trace_configs = [fenced(fence)]
    api_client = client.ApiClient(configuration)
    api_client.user_agent = USER_AGENT
    return api_client


def session_of(access: kopf.ConnectionInfo, fence: Fence, signs: WatchSigns) -> kopf.AiohttpSession:
    """Give kopf a session of the same access whose requests pass the fence and are noted; kopf closes it."""
    session = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=signs.watches + WRITES_AT_ONCE, ssl=access.as_ssl_context()),
        headers={"User-Agent": USER_AGENT, **access.as_http_headers()},
        proxy=access.proxy_url,
        trace_configs=[fenced(fence), signs.trace()],
    )
    return kopf.AiohttpSession(
        server=access.server, default_namespace=access.default_namespace, aiohttp_session=session
    )


def own_namespace() -> str:
    """Give the namespace of the pod that this process runs in; empty outside of a pod."""
    return NAMESPACE_FILE.read_text().strip() if NAMESPACE_FILE.exists() else ""
