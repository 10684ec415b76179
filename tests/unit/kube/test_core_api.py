"""Requests to the core API by path: no part of one leads elsewhere, and the library's models stay out of memory."""

import subprocess
import sys

from aiohttp import web
from aiohttp.test_utils import TestServer
from kubernetes.aio import client

from aisearch_operator.kube.core import CoreApi

MODELS = "kubernetes.aio.client.models."
FEW = 30
"""Of 700. What the Lease and the deletion of a sync job take is a dozen."""


async def test_a_name_stays_one_part_of_the_path():
    asked: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        asked.append(request.raw_path)
        return web.json_response({})

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", answer)
    async with TestServer(app) as server:
        configuration = client.Configuration(host=str(server.make_url("/")).rstrip("/"))
        configuration.proxy = None
        library = client.ApiClient(configuration)

        await CoreApi(library).get("namespaces", "team", "secrets", "../../other/secrets/theirs?x")

        await library.close()
    assert asked == ["/api/v1/namespaces/team/secrets/..%2F..%2Fother%2Fsecrets%2Ftheirs%3Fx"]


def test_the_operator_does_not_load_the_librarys_models_of_all_kinds():
    script = f"""
import sys
import aisearch_operator.app
print(sum(name.startswith({MODELS!r}) for name in sys.modules))
"""
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert int(loaded.stdout) < FEW
