"""What the observers' tests stand on: a scripted account, a clock, and polls that the test sets off."""

import asyncio
from collections.abc import Iterable, Mapping
from typing import Any

import httpx

from aisearch_operator.cloudflare import CloudflareClient, Credentials, RequestBudget
from aisearch_operator.engine.backoff import Backoff
from aisearch_operator.engine.store import ObjectKey
from aisearch_operator.engine.workqueue import Again, WorkQueue
from aisearch_operator.observation.address import InstanceAddress
from aisearch_operator.observation.polling import Pollable, Timing
from aisearch_operator.resources.group import INSTANCE_KIND, SYNC_JOB_KIND
from unit.cloudflare.scripted_api import BASE_URL, complaint, failure, page_of, success

TIMING = Timing(interval=60, settle=15, terminal_retry=300)


class HandCrankedPolls(WorkQueue[Pollable]):
    """A poll queue without time: each turn polls everything that is queued once, and what asks for it again later."""

    def __init__(self) -> None:
        super().__init__(_never, workers=1, backoff=Backoff())
        self.queued: dict[Pollable, float] = {}
        self.answers: list[Again | None] = []

    def add(self, key: Pollable) -> None:
        self.queued[key] = 0.0

    def add_after(self, key: Pollable, delay: float) -> None:
        self.queued[key] = min(delay, self.queued.get(key, delay))

    async def turn(self) -> None:
        """Poll everything once."""
        queued, self.queued = self.queued, {}
        for watch in queued:
            answer = await watch.poll()
            self.answers.append(answer)
            if answer is not None:
                self.queued.setdefault(watch, answer.after or 0.0)


async def _never(_: Pollable) -> None:
    raise AssertionError("hand-cranked polls are never started")


class Woken:
    """Remembers who was woken up."""

    def __init__(self) -> None:
        self._keys: list[ObjectKey] = []

    def __call__(self, keys: Iterable[ObjectKey]) -> None:
        self._keys.extend(keys)

    def drain(self) -> list[str]:
        """Give the names of those who were woken up since the last time, each once."""
        names, self._keys = sorted({key.name for key in self._keys}), []
        return names


class Account:
    """An account at Cloudflare: its instances, their jobs and statistics, and what goes wrong there."""

    def __init__(self) -> None:
        self.instances: dict[str, dict[str, dict[str, Any]]] = {"default": {}}
        self.jobs: dict[str, list[dict[str, Any]]] = {}
        self.stats: dict[str, dict[str, Any]] = {}
        self.trouble: httpx.Response | None = None
        self.gate: asyncio.Event | None = None
        """While it is there and not set, no request is answered."""
        self.failing_pages: set[str] = set()
        """Pages of the list of instances that cannot be had."""
        self.budget = RequestBudget()
        self._requests: list[httpx.Request] = []

    def client(self) -> CloudflareClient:
        return CloudflareClient(
            Credentials("acc0", api_token="a-token"),
            base_url=BASE_URL,
            budget=self.budget,
            transport=httpx.MockTransport(self._answer),
        )

    def put(self, instance_id: str, namespace: str = "default", **settings: Any) -> None:
        self.instances[namespace][instance_id] = {"id": instance_id, "namespace": namespace, **settings}

    @property
    def asked(self) -> list[str]:
        """The paths that were asked for, below the account."""
        return [request.url.path.partition("/ai-search/")[2] for request in self._requests]

    async def _answer(self, request: httpx.Request) -> httpx.Response:
        self._requests.append(request)
        if self.gate is not None:
            await self.gate.wait()
        if self.trouble is not None:
            return self.trouble
        _, namespace, _, *rest = request.url.path.partition("/ai-search/")[2].split("/")
        if namespace not in self.instances:
            return failure(404, complaint(7063))
        match rest:
            case [] if request.url.params["page"] in self.failing_pages:
                return unavailable()
            case []:
                return page_of(request, list(self.instances[namespace].values()))
            case [instance_id, "jobs"]:
                return page_of(request, self.jobs.get(instance_id, []))
            case [instance_id, "stats"]:
                return success(self.stats[instance_id]) if instance_id in self.stats else failure(404, complaint(7002))
        raise AssertionError(f"nobody should ask for {request.url}")


class Clock:
    """Seconds, as the test says."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def instance_key(name: str) -> ObjectKey:
    return ObjectKey(INSTANCE_KIND, "team", name, f"uid-{name}")


def job_key(name: str) -> ObjectKey:
    return ObjectKey(SYNC_JOB_KIND, "team", name, f"uid-{name}")


def address(instance_id: str = "docs", namespace: str = "default") -> InstanceAddress:
    return InstanceAddress("acc0", namespace, instance_id)


def unavailable() -> httpx.Response:
    return failure(503, complaint(7017))


def rejected() -> httpx.Response:
    return failure(401, complaint(10000))


def job(job_id: str, **fields: Any) -> Mapping[str, Any]:
    return {"id": job_id, "source": "user", **fields}
