"""The administrator's side of the cluster, for many resources at once: write them concurrently, follow them by a watch.

Nothing is asked for each resource: what the bench itself needs of the processor shall not be what is measured.
"""

import asyncio
import contextlib
import json
import ssl
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import aiohttp

from controlplane.plane import ControlPlane
from harness.kube import PATHS, Body, conditions

__all__ = ["Cluster", "Followed", "View"]

CONNECTIONS = 16
"""Writes at the same time. More would only queue up in the API server, which shares the processor."""

PAGE = 500
"""Resources in one answer to a list: as kopf asks in the operator's settings."""

STREAM_BUFFER = 2**22
"""Bytes of the longest line of a watch."""


@dataclass(frozen=True, slots=True)
class View:
    """What the bench looks at in a resource.

    Attributes
    ----------
    current
        Whether its status is about its present generation.
    ready
        Whether its condition Ready is True.
    """

    current: bool
    ready: bool
    phase: str | None
    value: Any

    @classmethod
    def of(cls, body: Body) -> Self:
        """Take what counts out of a resource."""
        status = body.get("status", {})
        return cls(
            current=status.get("observedGeneration") == body["metadata"]["generation"],
            ready=conditions(body).get("Ready", {}).get("status") == "True",
            phase=status.get("phase"),
            value=body["spec"].get("maxNumResults"),
        )


@dataclass(frozen=True, slots=True)
class _Request:
    method: str
    path: str
    body: Body = field(default_factory=dict)


class Cluster:
    """Writes to one Kubernetes namespace as the cluster's administrator; an async context manager."""

    def __init__(self, plane: ControlPlane, namespace: str) -> None:
        context = ssl.create_default_context(cafile=plane.ca_file)
        context.load_cert_chain(plane.directory / "admin.crt", plane.directory / "admin.key")
        self._namespace = namespace
        self._http = aiohttp.ClientSession(
            plane.url,
            connector=aiohttp.TCPConnector(ssl=context, limit=0),
            read_bufsize=STREAM_BUFFER,
            timeout=aiohttp.ClientTimeout(total=None, sock_read=None),
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.close()

    async def create(self, bodies: Iterable[Body]) -> None:
        """Create resources."""
        await self._each(_Request("POST", self._path(body["kind"]), body) for body in bodies)

    async def patch(self, kind: str, names: Iterable[str], body: Body) -> None:
        """Send the same merge patch to resources."""
        await self._each(_Request("PATCH", f"{self._path(kind)}/{name}", body) for name in names)

    async def delete(self, kind: str, names: Iterable[str]) -> None:
        """Ask for the deletion of resources."""
        await self._each(_Request("DELETE", f"{self._path(kind)}/{name}") for name in names)

    async def list_seconds(self, kinds: Iterable[str]) -> float:
        """List all resources page by page, as kopf does when it starts, and give the seconds that it took."""
        began = time.monotonic()
        for kind in kinds:
            token: str | None = None
            while token != "":
                page = await self._list(kind, limit=str(PAGE), **({"continue": token} if token else {}))
                token = page["metadata"].get("continue", "")
        return time.monotonic() - began

    @contextlib.asynccontextmanager
    async def follow(self, kind: str) -> AsyncIterator["Followed"]:
        """Follow the resources of a kind as long as the context lasts."""
        listed = await self._list(kind)
        followed = Followed({body["metadata"]["name"]: View.of(body) for body in listed["items"]})
        version = str(listed["metadata"]["resourceVersion"])
        watching = asyncio.create_task(self._watch(kind, version, followed), name=f"follow {kind}")
        try:
            yield followed
        finally:
            watching.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await watching

    async def _watch(self, kind: str, version: str, followed: "Followed") -> None:
        try:
            while True:  # the API server ends a stream after some time
                query = {"watch": "true", "resourceVersion": version, "allowWatchBookmarks": "true"}
                async with self._http.get(self._path(kind), params=query) as answer:
                    await _check(answer)
                    async for line in answer.content:
                        version = followed.take(json.loads(line))
        except Exception as error:
            followed.fail(error)

    async def _list(self, kind: str, **query: str) -> Any:
        async with self._http.get(self._path(kind), params=query) as answer:
            await _check(answer)
            return await answer.json()

    async def _each(self, requests: Iterable["_Request"]) -> None:
        """Send requests, some at the same time."""
        left = iter(requests)

        async def work() -> None:
            for request in left:
                kind = "merge-patch+json" if request.method == "PATCH" else "json"
                headers = {"Content-Type": f"application/{kind}"}
                content = json.dumps(request.body)
                async with self._http.request(request.method, request.path, data=content, headers=headers) as answer:
                    await _check(answer)
                    await answer.read()  # else a long answer costs the connection, and the next request a new one

        async with asyncio.TaskGroup() as group:
            for _ in range(CONNECTIONS):
                group.create_task(work())

    def _path(self, kind: str) -> str:
        return PATHS[kind].format(namespace=self._namespace)


class Followed:
    """The resources of one kind as the watch shows them."""

    def __init__(self, views: Mapping[str, View]) -> None:
        self._views = dict(views)
        self._wanted: Callable[[View | None], bool] | None = None
        self._pending: set[str] = set()
        self._reached = asyncio.Event()
        self._error: Exception | None = None

    def take(self, event: Mapping[str, Any]) -> str:
        """Take in an event of the watch, and give the version that it tells of.

        Raises
        ------
        RuntimeError
            The API server cannot go on.
        """
        body = event["object"]
        if event["type"] == "ERROR":
            raise RuntimeError(body.get("message", "the watch failed"))
        if event["type"] != "BOOKMARK":
            self._note(body["metadata"]["name"], None if event["type"] == "DELETED" else View.of(body))
        return str(body["metadata"]["resourceVersion"])

    def fail(self, error: Exception) -> None:
        """Tell who waits that no more events come."""
        self._error = error
        self._reached.set()

    async def until(
        self, names: Iterable[str], wanted: Callable[[View | None], bool], progress: Callable[[int], None]
    ) -> None:
        """Wait until each of these resources is, or has been, as wanted; None stands for one that is gone.

        Parameters
        ----------
        progress
            Is told now and then how many are.

        Raises
        ------
        RuntimeError
            The watch has ended.
        """
        total = set(names)
        self._wanted, self._pending = wanted, {name for name in total if not wanted(self._views.get(name))}
        self._reached.clear()
        if self._pending and self._error is None:
            reached = asyncio.ensure_future(self._reached.wait())
            while not (await asyncio.wait([reached], timeout=0.5))[0]:
                progress(len(total) - len(self._pending))
        if self._error is not None:
            raise RuntimeError("the resources cannot be followed any more") from self._error
        progress(len(total))

    def _note(self, name: str, view: View | None) -> None:
        if view is None:
            self._views.pop(name, None)
        else:
            self._views[name] = view
        if name in self._pending and self._wanted is not None and self._wanted(view):
            self._pending.discard(name)
            if not self._pending:
                self._reached.set()


async def _check(answer: aiohttp.ClientResponse) -> None:
    if answer.status >= 400:
        raise RuntimeError(f"{answer.method} {answer.url.path}: {answer.status}: {(await answer.text())[:500]}")
