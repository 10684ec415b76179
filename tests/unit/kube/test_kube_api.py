"""The calls to the Kubernetes API, as an HTTP server sees them."""

import base64
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from kubernetes.aio import client

from aisearch_operator.domain.connection_details import ConfigMap
from aisearch_operator.kube.api import Conflict, Forbidden, Gone, KubeApi, KubeUnavailable, ObjectRef, SelectorRefused

REF = ObjectRef("AISearchInstance", "aisearchinstances", "team", "docs", "uid-docs")
OBJECT = "/apis/aisearch.cloudflare.com/v1alpha1/namespaces/team/aisearchinstances/docs"
ECHO = "what was sent"
FOUND = {"metadata": {"name": "docs", "uid": "uid-docs", "resourceVersion": "8"}}


@dataclass(frozen=True)
class Asked:
    method: str
    path: str
    content_type: str
    body: Any


@dataclass
class ApiServer:
    """Gives one answer to everything, and keeps what it was asked."""

    status: int = 200
    answer: Any = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)
    queries: list[dict[str, str]] = field(default_factory=list)
    drops: bool = False

    async def handle(self, request: web.Request) -> web.Response:
        body = await request.json() if request.can_read_body else None
        self.asked.append(Asked(request.method, request.path, request.content_type, body))
        self.queries.append(dict(request.query))
        if self.drops and request.transport is not None:
            request.transport.close()
        return web.json_response(body if self.answer == ECHO else self.answer, status=self.status)


@pytest.fixture
def server() -> ApiServer:
    return ApiServer()


@asynccontextmanager
async def connected(server: ApiServer, label_selector: str = "") -> AsyncIterator[KubeApi]:
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", server.handle)
    async with TestServer(app) as running:
        configuration = client.Configuration(host=str(running.make_url("/")).rstrip("/"))
        configuration.proxy = None
        api = KubeApi(client.ApiClient(configuration), label_selector)
        try:
            yield api
        finally:
            await api.close()


@pytest.fixture
async def kube(server: ApiServer) -> AsyncIterator[KubeApi]:
    async with connected(server) as api:
        yield api


@pytest.fixture
async def shard(server: ApiServer) -> AsyncIterator[KubeApi]:
    async with connected(server, "shard in (a, b)") as api:
        yield api


async def test_a_status_is_sent_as_a_merge_patch_that_fits_one_version_of_one_object(kube, server):
    server.answer = FOUND

    patched = await kube.patch_status(REF, "7", {"state": "active", "paused": None})

    assert patched == FOUND
    assert server.asked == [
        Asked(
            "PATCH",
            f"{OBJECT}/status",
            "application/merge-patch+json",
            {
                "metadata": {"uid": "uid-docs", "resourceVersion": "7"},
                "status": {"state": "active", "paused": None},
            },
        )
    ]


async def test_a_deletion_fits_one_version_of_one_object(kube, server):
    server.answer = {**FOUND, "kind": REF.kind}

    assert await kube.delete(REF, "7") == server.answer
    (asked,) = server.asked
    assert (asked.method, asked.path) == ("DELETE", OBJECT)
    assert asked.body == {"preconditions": {"uid": "uid-docs", "resourceVersion": "7"}}


async def test_a_deletion_that_nothing_holds_up_leaves_no_object(kube, server):
    server.answer = {"kind": "Status", "status": "Success"}

    assert await kube.delete(REF, "7") is None


async def test_an_object_is_read(kube, server):
    server.answer = FOUND

    assert await kube.get(REF) == FOUND
    assert (server.asked[0].method, server.asked[0].path) == ("GET", OBJECT)


async def test_an_object_that_was_made_again_counts_as_gone(kube, server):
    server.answer = {"metadata": {"uid": "another"}}

    with pytest.raises(Gone, match="AISearchInstance team/docs was deleted and made again"):
        await kube.get(REF)


async def test_a_secret_is_read_and_decoded(kube, server):
    server.answer = {
        "data": {"apiToken": base64.b64encode(b"t0ken").decode(), "blob": base64.b64encode(b"\xff").decode()}
    }

    assert await kube.read_secret("team", "mine") == {"apiToken": "t0ken", "blob": "\ufffd"}
    assert server.asked[0].path == "/api/v1/namespaces/team/secrets/mine"


async def test_a_secret_without_data_is_empty(kube, server):
    server.answer = {"metadata": {"name": "mine"}}

    assert await kube.read_secret("team", "mine") == {}


@pytest.mark.parametrize("name", ["docs", "a" * 253, "a" * 39 + "-b", "a" * 38 + ".-b", "with.dots"])
async def test_an_event_is_about_the_object_and_has_a_name_that_kubernetes_takes(kube, server, name):
    server.answer = ECHO

    await kube.create_event(ObjectRef(REF.kind, REF.plural, "team", name, "uid-docs"), "Warning", "Stuck", "x" * 5000)

    (asked,) = server.asked
    assert (asked.method, asked.path) == ("POST", "/api/v1/namespaces/team/events")
    assert asked.body["involvedObject"] == {
        "apiVersion": "aisearch.cloudflare.com/v1alpha1",
        "kind": "AISearchInstance",
        "namespace": "team",
        "name": name,
        "uid": "uid-docs",
    }
    assert (asked.body["type"], asked.body["reason"], len(asked.body["message"])) == ("Warning", "Stuck", 1024)
    prefix = asked.body["metadata"]["generateName"]
    assert len(prefix) < 200
    assert all(label[-1].isalnum() for label in prefix.rstrip(".").split("."))


@pytest.mark.parametrize(("status", "error"), [(404, Gone), (409, Conflict), (403, Forbidden), (500, KubeUnavailable)])
async def test_a_bad_answer_is_named_by_its_status(kube, server, status, error):
    server.status = status

    with pytest.raises(error, match=f"The API server answered {status}") as caught:
        await kube.patch_status(REF, "7", {"state": "a prompt"})
    assert type(caught.value) is error
    assert "a prompt" not in str(caught.value)


async def test_an_api_server_that_drops_the_connection_is_unavailable(kube, server):
    server.drops = True

    with pytest.raises(KubeUnavailable, match="The API server cannot be reached"):
        await kube.read_secret("team", "mine")


CONFIG_MAP = {
    "metadata": {
        "name": "docs-connection",
        "uid": "uid-map",
        "resourceVersion": "8",
        "ownerReferences": [
            {"apiVersion": "v1", "kind": "Pod", "name": "a", "uid": "uid-pod"},
            {"apiVersion": "x/v1", "kind": "X", "name": "b", "uid": "uid-x", "controller": True},
        ],
    },
    "data": {"instanceId": "docs"},
}
CONFIG_MAPS = "/api/v1/namespaces/team/configmaps"


async def test_a_config_map_is_read_with_its_controller(kube, server):
    server.answer = CONFIG_MAP

    found = await kube.read_config_map("team", "docs-connection")

    assert found == ConfigMap("uid-map", "8", "uid-x", {"instanceId": "docs"})
    assert [(each.method, each.path) for each in server.asked] == [("GET", f"{CONFIG_MAPS}/docs-connection")]


async def test_a_config_map_without_data_and_owner_is_read_all_the_same(kube, server):
    server.answer = {"metadata": {"name": "docs-connection", "uid": "uid-map", "resourceVersion": "8"}}

    assert await kube.read_config_map("team", "docs-connection") == ConfigMap("uid-map", "8", None, {})


async def test_a_config_map_is_made_with_an_owner_that_takes_it_along(kube, server):
    server.answer = ECHO

    await kube.create_config_map(REF, "docs-connection", {"instanceId": "docs"})

    (asked,) = server.asked
    assert (asked.method, asked.path, asked.body["data"]) == ("POST", CONFIG_MAPS, {"instanceId": "docs"})
    (owner,) = asked.body["metadata"]["ownerReferences"]
    assert owner == {
        "apiVersion": "aisearch.cloudflare.com/v1alpha1",
        "kind": "AISearchInstance",
        "name": "docs",
        "uid": "uid-docs",
        "controller": True,
    }


async def test_the_data_of_a_config_map_is_replaced_in_one_version_of_it(kube, server):
    server.answer = CONFIG_MAP
    before = ConfigMap("uid-map", "8", "uid-docs", {"instanceId": "docs", "stale": "x"})

    await kube.write_config_map("team", "docs-connection", before, {"instanceId": "guides"})

    assert server.asked == [
        Asked(
            "PATCH",
            f"{CONFIG_MAPS}/docs-connection",
            "application/merge-patch+json",
            {
                "metadata": {"uid": "uid-map", "resourceVersion": "8"},
                "data": {"instanceId": "guides", "stale": None},
            },
        )
    ]


async def test_a_config_map_is_deleted_only_as_it_was_read(kube, server):
    await kube.delete_config_map("team", "docs-connection", ConfigMap("uid-map", "8", "uid-docs", {}))

    (asked,) = server.asked
    assert (asked.method, asked.path) == ("DELETE", f"{CONFIG_MAPS}/docs-connection")
    assert asked.body["preconditions"] == {"uid": "uid-map", "resourceVersion": "8"}


LIST = OBJECT.removesuffix("/docs")


@pytest.mark.parametrize("namespace", ["team", None])
async def test_a_label_selector_is_sent_with_every_list(shard, server, namespace):
    server.answer = {"metadata": {}, "items": [{"metadata": {**FOUND["metadata"], "namespace": "team"}}]}

    assert await shard.list_refs(REF.kind, REF.plural, namespace) == [REF]
    assert server.queries == [{"labelSelector": "shard in (a, b)", "limit": "500"}]


async def test_without_a_label_selector_none_is_sent(kube, server):
    server.answer = {"metadata": {}, "items": None}

    await kube.list_refs(REF.kind, REF.plural, None)
    await kube.check_selector(None)

    assert server.queries == [{"limit": "500"}]


async def test_an_object_is_read_from_among_those_that_are_selected(shard, server):
    server.answer = {"metadata": {}, "items": [FOUND]}

    assert await shard.get(REF) == FOUND
    assert [(asked.method, asked.path) for asked in server.asked] == [("GET", LIST)]
    assert server.queries == [{"labelSelector": "shard in (a, b)", "fieldSelector": "metadata.name=docs"}]


@pytest.mark.parametrize("items", [None, [], [{"metadata": {"uid": "another"}}]])
async def test_an_object_that_is_not_selected_any_more_counts_as_gone(shard, server, items):
    server.answer = {"metadata": {}, "items": items}

    with pytest.raises(Gone):
        await shard.get(REF)


@pytest.mark.parametrize("namespace", ["team", None])
async def test_a_label_selector_that_the_api_server_refuses_is_told_by_the_name_of_its_setting(
    shard, server, namespace
):
    server.status = 400

    with pytest.raises(SelectorRefused, match=r"AISEARCH_LABEL_SELECTOR: .* 'shard in \(a, b\)'"):
        await shard.check_selector(namespace)


@pytest.mark.parametrize("status", [200, 403, 404, 500])
async def test_any_other_answer_to_a_label_selector_is_left_to_who_lists(shard, server, status):
    server.status, server.answer = status, {"metadata": {}, "items": []}

    await shard.check_selector(None)

    assert server.queries == [{"labelSelector": "shard in (a, b)", "limit": "1"}]
