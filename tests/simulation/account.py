"""A simulated Cloudflare account: instances of one search namespace and their sync jobs, behind the user's limit."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import httpx

from simulation.limit import UserLimit

__all__ = ["SEARCH_NAMESPACE", "SimulatedAccount"]

SEARCH_NAMESPACE = "default"
EPOCH = datetime(2026, 1, 1, tzinfo=UTC)

LATENCY = 0.3
"""Seconds until the API answers."""

CANCELLING = 2.0
"""Seconds that a job runs on after it was cancelled."""


@dataclass
class _Job:
    """A job of an instance; it runs until it is cancelled."""

    id: str
    description: str
    started: float
    ends: float | None = None

    def shown(self, now: float) -> dict[str, str | None]:
        ended = self.ends is not None and self.ends <= now
        return {
            "id": self.id,
            "source": "user",
            "description": self.description,
            "started_at": _timestamp(self.started),
            "ended_at": _timestamp(self.ends) if ended and self.ends is not None else None,
            "end_reason": "cancelled" if ended else None,
        }


@dataclass
class SimulatedAccount(httpx.AsyncBaseTransport):
    """The API as one user sees it.

    Attributes
    ----------
    sent
        When each request of the operator arrived, and its operation.
    ended
        When the request arrived that deleted an instance, or cancelled a job, by the instance's id or the job's
        description.
    """

    name: str
    limit: UserLimit
    instances: dict[str, dict[str, str]] = field(default_factory=dict)
    sent: list[tuple[float, str]] = field(default_factory=list)
    ended: dict[str, float] = field(default_factory=dict)
    _jobs: dict[str, list[_Job]] = field(default_factory=dict)

    def have(self, *names: str) -> None:
        """Let instances exist."""
        self.instances |= {name: {"id": name, "namespace": SEARCH_NAMESPACE, "status": "active"} for name in names}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Count the request and answer it."""
        now = self.limit.clock()
        path = request.url.path.partition("/instances")[2].strip("/")
        parts = path.split("/") if path else []
        self.sent.append((now, _operation(request.method, parts)))
        if not self.limit.allows():
            return _answer(429, None, errors=[{"code": 971, "message": "throttled"}], headers={"Retry-After": "300"})
        if request.method == "DELETE":
            self.ended.setdefault(parts[0], now)
        elif request.method == "PATCH":
            self._cancel(parts[0], parts[2], now)
        await asyncio.sleep(LATENCY)
        return self._carry_out(request, parts)

    def _carry_out(self, request: httpx.Request, parts: list[str]) -> httpx.Response:
        headers = self.limit.headers()
        match request.method, parts:
            case "GET", []:
                return _page(list(self.instances.values()), request.url.params, headers)
            case "POST", []:
                self.have(name := json.loads(request.content)["id"])
                return _answer(201, self.instances[name], headers=headers)
            case "GET", [name] if name in self.instances:
                return _answer(200, self.instances[name], headers=headers)
            case "DELETE", [name] if name in self.instances:
                return _answer(200, self.instances.pop(name), headers=headers)
            case "GET", [name, "stats"] if name in self.instances:
                return _answer(200, {"completed": 1}, headers=headers)
            case _, [name, "jobs", *job] if name in self.instances:
                return self._of_jobs(request, name, job, headers)
        return _answer(404, None, errors=[{"code": 7002, "message": "ai_search_not_found"}], headers=headers)

    def _of_jobs(
        self, request: httpx.Request, instance: str, job: list[str], headers: Mapping[str, str]
    ) -> httpx.Response:
        now, jobs = self.limit.clock(), self._jobs.setdefault(instance, [])
        match request.method, job:
            case "GET", []:
                return _page([each.shown(now) for each in reversed(jobs)], request.url.params, headers)
            case "POST", []:
                description = json.loads(request.content)["description"]
                jobs.append(_Job(f"{instance}-{len(jobs)}", description, now))
                return _answer(201, jobs[-1].shown(now), headers=headers)
            case "GET", [_, "logs"]:
                return _page([{"id": 1, "message": "crawled", "message_type": 0}], request.url.params, headers)
        found = next(each for each in jobs if each.id == job[0])
        return _answer(200, found.shown(now), headers=headers)

    def _cancel(self, instance: str, job_id: str, now: float) -> None:
        for job in self._jobs[instance]:
            if job.id == job_id and job.ends is None:
                job.ends = now + CANCELLING
                self.ended.setdefault(job.description, now)


def _operation(method: str, parts: list[str]) -> str:
    match parts:
        case []:
            return f"{method} instances"
        case [_]:
            return f"{method} instance"
        case [_, "stats"]:
            return f"{method} statistics"
        case [_, "jobs"]:
            return f"{method} jobs"
    return f"{method} {'logs' if parts[-1] == 'logs' else 'job'}"


def _timestamp(seconds: float) -> str:
    return (EPOCH + timedelta(seconds=seconds)).isoformat()


def _page(items: Sequence[object], query: httpx.QueryParams, headers: Mapping[str, str]) -> httpx.Response:
    number, size = int(query["page"]), int(query["per_page"])
    part = items[(number - 1) * size : number * size]
    info = {"page": number, "per_page": size, "count": len(part), "total_count": len(items)}
    return _answer(200, part, info=info, headers=headers)


def _answer(
    status: int,
    result: object,
    *,
    headers: Mapping[str, str],
    errors: list[dict[str, object]] | None = None,
    info: dict[str, int] | None = None,
) -> httpx.Response:
    body = {"success": status < 300, "errors": errors or [], "result": result} | ({"result_info": info} if info else {})
    return httpx.Response(status, json=body, headers=dict(headers))
