"""A simulated Cloudflare user: instances of one search namespace, and the limit on everything that the user sends."""

import asyncio
import json
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

import httpx

__all__ = ["LIMIT", "WINDOW", "SimulatedAccount"]

LIMIT = 1200
"""Requests per window that Cloudflare allows a user (facts 4.2)."""

WINDOW = 300.0
"""Seconds of the window, and of the block for whoever exceeds the limit (facts 4.2)."""

LATENCY = 0.3
"""Seconds until the API answers."""


@dataclass
class SimulatedAccount(httpx.AsyncBaseTransport):
    """The API as one user sees it.

    Attributes
    ----------
    clock
        Seconds.
    others
        Requests per second of somebody else with the same user: the dashboard, Terraform.
    sent
        When each request of the operator arrived, and what it was.
    refused
        When a request was answered with 429.
    most
        The most requests of the user in any window, wherever it begins.

    Which kind of window Cloudflare uses is not documented. This one counts in windows that follow one another, as the
    headers suggest, and refuses what exceeds the limit in any other window as well.
    """

    clock: Callable[[], float]
    others: float = 0.0
    instances: dict[str, dict[str, str]] = field(default_factory=dict)
    sent: list[tuple[float, str]] = field(default_factory=list)
    refused: list[float] = field(default_factory=list)
    most: int = 0
    _recent: deque[float] = field(default_factory=deque)
    _window_began: float = 0.0
    _counted: int = 0
    _blocked_until: float = 0.0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Count the request and answer it."""
        now = self.clock()
        path = request.url.path.partition("/instances")[2].strip("/")
        self.sent.append((now, f"{request.method} {'stats' if path.endswith('stats') else 'instance'}"))
        self._recent.append(now)
        used = self._used(now)
        self.most = max(self.most, self._used_in_the_last_window(now))
        if now < self._blocked_until or max(used, self.most) > LIMIT:
            self.refused.append(now)
            self._blocked_until = max(self._blocked_until, now + WINDOW)
            return _answer(429, None, errors=[{"code": 971, "message": "throttled"}], headers={"Retry-After": "300"})
        await asyncio.sleep(LATENCY)
        return self._carry_out(
            request,
            path,
            {
                "Ratelimit": f'"default";r={max(0, LIMIT - used)};t={self._window_began + WINDOW - now:.0f}',
                "Ratelimit-Policy": f'"default";q={LIMIT};w={WINDOW:.0f}',
            },
        )

    def block(self) -> None:
        """Exceed the limit by somebody else's hand: everything is refused for one window."""
        self._blocked_until = self.clock() + WINDOW

    def _used(self, now: float) -> int:
        """Count a request, and give what the user has sent in the window that runs."""
        if now >= self._window_began + WINDOW:
            self._window_began, self._counted = now - now % WINDOW, 0
        self._counted += 1
        return self._counted + round(self.others * (now - self._window_began))

    def _used_in_the_last_window(self, now: float) -> int:
        while self._recent and self._recent[0] <= now - WINDOW:
            self._recent.popleft()
        return len(self._recent) + round(self.others * min(now, WINDOW))

    def _carry_out(self, request: httpx.Request, path: str, headers: dict[str, str]) -> httpx.Response:
        match request.method, path.split("/"):
            case "GET", [""]:
                page, size = int(request.url.params["page"]), int(request.url.params["per_page"])
                part = list(self.instances.values())[(page - 1) * size : page * size]
                info = {"page": page, "per_page": size, "count": len(part), "total_count": len(self.instances)}
                return _answer(200, part, info=info, headers=headers)
            case "GET", [_, "stats"]:
                return _answer(200, {"completed": 1}, headers=headers)
            case "POST", [""]:
                body = json.loads(request.content)
                self.instances[body["id"]] = {"id": body["id"], "namespace": "default", "status": "active"}
                return _answer(201, self.instances[body["id"]], headers=headers)
            case "DELETE", [name] if name in self.instances:
                return _answer(200, self.instances.pop(name), headers=headers)
        return _answer(404, None, errors=[{"code": 7002, "message": "ai_search_not_found"}], headers=headers)


def _answer(
    status: int,
    result: object,
    *,
    headers: dict[str, str],
    errors: list[dict[str, object]] | None = None,
    info: dict[str, int] | None = None,
) -> httpx.Response:
    body = {"success": status < 300, "errors": errors or [], "result": result} | ({"result_info": info} if info else {})
    return httpx.Response(status, json=body, headers=headers)
