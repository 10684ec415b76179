"""Whether the watches live: when the API server last answered each, and when kopf last tried.

kopf shows neither bookmarks nor the state of its streams. But every watch is begun anew after
`settings.watch_timeout`, and so is one that falls silent: each new beginning is a request, which can be seen.
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from types import SimpleNamespace

import aiohttp
from yarl import URL

from aisearch_operator.kube.status_writer import PLURALS
from aisearch_operator.resources.group import GROUP, VERSION
from aisearch_operator.telemetry.health import Stuck

__all__ = ["WatchSigns"]

TIMEOUTS_TO_SILENCE = 2.5
"""A watch that lives gives a sign in each timeout; one that dies unnoticed is begun anew soon after."""

TIMEOUTS_TO_STUCK = 5


@dataclass(slots=True)
class _Stream:
    kind: str
    heard: float
    tried: float


class WatchSigns:
    """The signs of life of the watches, one for each kind and watched namespace.

    Parameters
    ----------
    namespaces
        What the operator watches; none means all.
    timeout
        Seconds after which a watch is begun anew.
    clock
        Monotonic seconds.
    """

    def __init__(
        self, namespaces: Sequence[str], *, timeout: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._timeout = timeout
        self._clock = clock
        self._paths = dict(_paths(namespaces))
        self._streams: Mapping[str, _Stream] = {}

    @property
    def watches(self) -> int:
        """How many watches there are."""
        return len(self._paths)

    def begin(self) -> None:
        """Expect signs from now on."""
        now = self._clock()
        self._streams = {path: _Stream(kind, now, now) for path, kind in self._paths.items()}

    def silences(self) -> Iterable[tuple[str, float]]:
        """Give each kind with the seconds since the last sign of life, of its watches the most silent one."""
        now = self._clock()
        kinds = dict.fromkeys(stream.kind for stream in self._streams.values())
        return [
            (kind, max(now - stream.heard for stream in self._streams.values() if stream.kind == kind))
            for kind in kinds
        ]

    def all_live(self) -> bool:
        """Whether every watch has given a sign of life lately."""
        return all(silence < TIMEOUTS_TO_SILENCE * self._timeout for _, silence in self.silences())

    def stuck(self) -> Stuck | None:
        """Find a watch that neither hears nor tries: one that tries in vain needs no restart but the API server."""
        now = self._clock()
        for path, stream in self._streams.items():
            still = now - max(stream.heard, stream.tried)
            if still > TIMEOUTS_TO_STUCK * self._timeout:
                return Stuck(f"nothing arrives from {path}, and nothing is tried", still)
        return None

    def trace(self) -> aiohttp.TraceConfig:
        """Give what notes the signs of life in an aiohttp session."""
        trace = aiohttp.TraceConfig()
        trace.on_request_start.append(self._started)
        trace.on_request_end.append(self._answered)
        trace.on_request_exception.append(self._failed)
        return trace

    async def _started(
        self, _: aiohttp.ClientSession, __: SimpleNamespace, request: aiohttp.TraceRequestStartParams
    ) -> None:
        self._note_try(request.method, request.url)

    async def _failed(
        self, _: aiohttp.ClientSession, __: SimpleNamespace, request: aiohttp.TraceRequestExceptionParams
    ) -> None:
        self._note_try(request.method, request.url)

    async def _answered(
        self, _: aiohttp.ClientSession, __: SimpleNamespace, request: aiohttp.TraceRequestEndParams
    ) -> None:
        stream = self._stream(request.method, request.url)
        if stream is not None and request.response.ok:
            stream.heard = self._clock()

    def _note_try(self, method: str, url: URL) -> None:
        if (stream := self._stream(method, url)) is not None:
            stream.tried = self._clock()

    def _stream(self, method: str, url: URL) -> _Stream | None:
        """Find the watch that a request is of; its list belongs to it."""
        if method.upper() != "GET":
            return None
        return next((stream for path, stream in self._streams.items() if url.path.endswith(path)), None)


def _paths(namespaces: Sequence[str]) -> Iterable[tuple[str, str]]:
    for kind, plural in PLURALS.items():
        for where in [f"namespaces/{namespace}/" for namespace in namespaces] or [""]:
            yield f"/apis/{GROUP}/{VERSION}/{where}{plural}", kind
