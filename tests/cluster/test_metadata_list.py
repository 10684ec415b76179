"""The operator's own calls to Kubernetes, where only a real API server knows the answer."""

from collections.abc import AsyncIterator

import pytest
from kubernetes.aio import client, config

from aisearch_operator.kube import api
from aisearch_operator.kube.api import KubeApi, ObjectRef
from aisearch_operator.resources.group import INSTANCE_KIND, INSTANCE_PLURAL, SYNC_JOB_KIND, SYNC_JOB_PLURAL
from harness.kube import Kube, instance


@pytest.fixture
async def kube_api(control_plane) -> AsyncIterator[KubeApi]:
    access = client.Configuration()
    await config.load_kube_config(str(control_plane.kubeconfig), client_configuration=access)
    connected = KubeApi(client.ApiClient(access))
    yield connected
    await connected.close()


async def test_a_list_of_several_pages_names_every_resource_once(kube_api, control_plane, namespace, monkeypatch):
    monkeypatch.setattr(api, "LIST_PAGE", 2)
    kube = Kube(control_plane.kubeconfig, namespace)
    try:
        kube.apply(*(instance(f"docs-{number}") for number in range(5)))
        expected = {
            ObjectRef(INSTANCE_KIND, INSTANCE_PLURAL, namespace, body["metadata"]["name"], body["metadata"]["uid"])
            for body in kube.list_all(INSTANCE_KIND)
        }
    finally:
        kube.close()

    here = await kube_api.list_refs(INSTANCE_KIND, INSTANCE_PLURAL, namespace)
    everywhere = await kube_api.list_refs(INSTANCE_KIND, INSTANCE_PLURAL, None)

    assert (len(here), set(here)) == (5, expected)
    assert {ref for ref in everywhere if ref.namespace == namespace} == expected
    assert await kube_api.list_refs(SYNC_JOB_KIND, SYNC_JOB_PLURAL, namespace) == []
