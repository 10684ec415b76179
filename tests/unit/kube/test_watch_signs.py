"""Signs of life of the watches, by a clock of the test; and over real connections, what counts as one."""

import aiohttp
import pytest
from aiohttp import web

from aisearch_operator.kube.watch_signs import WatchSigns
from aisearch_operator.resources.group import GROUP, INSTANCE_KIND, SYNC_JOB_KIND, VERSION
from controlplane.ports import free_ports

API = f"/apis/{GROUP}/{VERSION}"
KINDS = {INSTANCE_KIND, SYNC_JOB_KIND}


class Watched:
    """Signs of life with a timeout of 60 s, beside a server and a session whose requests count."""

    def __init__(self, *namespaces):
        self.now = 1000.0
        self.status = 200
        self.signs = WatchSigns(namespaces, timeout=60, clock=lambda: self.now)
        (self.port,) = free_ports(1)

    async def __aenter__(self):
        async def answer(_):
            return web.Response(status=self.status)

        app = web.Application()
        app.router.add_route("*", "/{path:.*}", answer)
        self.runner = web.AppRunner(app)
        await self.runner.setup()
        await web.TCPSite(self.runner, "127.0.0.1", self.port).start()
        self.session = aiohttp.ClientSession(trace_configs=[self.signs.trace()])
        return self

    async def __aexit__(self, *_):
        await self.session.close()
        await self.runner.cleanup()

    async def request(self, path, method="GET", port=None):
        url = f"http://127.0.0.1:{port or self.port}{path}"
        async with self.session.request(method, url, params={"watch": "true"}):
            pass

    def silences(self):
        return dict(self.signs.silences())


async def test_a_standby_watches_nothing_and_nothing_is_wrong_with_that():
    async with Watched() as watched:
        watched.now += 10_000
        assert watched.silences() == {}
        assert watched.signs.stuck() is None


async def test_the_beginning_of_a_watch_is_its_sign_of_life():
    async with Watched() as watched:
        watched.signs.begin()
        watched.now += 50
        await watched.request(f"{API}/aisearchinstances")
        watched.now += 7

        assert watched.silences() == {INSTANCE_KIND: 7, SYNC_JOB_KIND: 57}


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/apis/aisearchinstances", 200),
        ("GET", f"{API}/namespaces/team/aisearchinstances/docs", 200),
        ("PATCH", f"{API}/aisearchinstances", 200),
        ("GET", f"{API}/aisearchinstances", 403),
        ("GET", f"{API}/aisearchinstances", 500),
    ],
)
async def test_neither_another_request_nor_a_refusal_is_a_sign_of_life(method, path, status):
    async with Watched() as watched:
        watched.signs.begin()
        watched.now, watched.status = watched.now + 50, status
        await watched.request(path, method)

        assert watched.silences()[INSTANCE_KIND] == 50


async def test_of_several_namespaces_the_most_silent_one_counts():
    async with Watched("team", "other") as watched:
        watched.signs.begin()
        watched.now += 30
        for kind in ("aisearchinstances", "aisearchsyncjobs"):
            await watched.request(f"{API}/namespaces/team/{kind}")
        watched.now += 10
        assert watched.silences() == dict.fromkeys(KINDS, 40)

        for kind in ("aisearchinstances", "aisearchsyncjobs"):
            await watched.request(f"{API}/namespaces/other/{kind}")
        assert watched.silences() == dict.fromkeys(KINDS, 10)


async def test_a_quiet_cluster_never_looks_dead():
    async with Watched() as watched:
        watched.signs.begin()
        for _ in range(20):
            watched.now += 61  # the server ends the watch, kopf begins it anew
            assert watched.signs.all_live()
            assert watched.signs.stuck() is None
            for kind in ("aisearchinstances", "aisearchsyncjobs"):
                await watched.request(f"{API}/{kind}")


async def test_an_api_server_that_cannot_be_reached_makes_the_watch_silent_but_not_stuck():
    async with Watched() as watched:
        watched.signs.begin()
        (nobody,) = free_ports(1)
        for _ in range(20):
            watched.now += 60
            for kind in ("aisearchinstances", "aisearchsyncjobs"):
                with pytest.raises(aiohttp.ClientConnectionError):
                    await watched.request(f"{API}/{kind}", port=nobody)

        assert watched.silences() == dict.fromkeys(KINDS, 1200)
        assert not watched.signs.all_live()
        assert watched.signs.stuck() is None


@pytest.mark.parametrize(("seconds", "live", "is_stuck"), [(149, True, False), (151, False, False), (301, False, True)])
async def test_a_watch_that_neither_hears_nor_tries_is_silent_first_and_then_stuck(seconds, live, is_stuck):
    async with Watched() as watched:
        watched.signs.begin()
        watched.now += seconds

        assert watched.signs.all_live() is live
        stuck = watched.signs.stuck()
        assert (stuck is not None) is is_stuck
        if stuck is not None:
            assert stuck.seconds == seconds
            assert "aisearchinstances" in stuck.problem


async def test_one_watch_that_is_stuck_is_found_among_others_that_live():
    async with Watched() as watched:
        watched.signs.begin()
        watched.now += 301
        await watched.request(f"{API}/aisearchinstances")

        stuck = watched.signs.stuck()
        assert stuck is not None
        assert "aisearchsyncjobs" in stuck.problem
