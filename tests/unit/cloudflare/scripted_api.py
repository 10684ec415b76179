"""A Cloudflare API that answers what a test tells it to, and remembers what it was asked."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import httpx

from aisearch_operator.cloudflare import CloudflareClient, Credentials, RequestBudget, SearchNamespace

BASE_URL = "https://api.example/client/v4"
NAMESPACE = SearchNamespace("acc0", "docs")
INSTANCE = {"id": "docs", "namespace": "docs", "status": "active"}
JOB = {"id": "j1", "source": "user", "started_at": "2026-07-16 19:35:43"}
TOKEN = "tok-1234567890-abcdefghij"

Responder = Callable[[httpx.Request], httpx.Response]
Connect = Callable[..., CloudflareClient]


def success(result: Any, *, info: Mapping[str, int] | None = None, status: int = 200, **headers: str) -> httpx.Response:
    body = {"success": True, "result": result} | ({"result_info": dict(info)} if info is not None else {})
    return httpx.Response(status, json=body, headers={name.replace("_", "-"): v for name, v in headers.items()})


def failure(status: int, *errors: Mapping[str, Any], **headers: str) -> httpx.Response:
    body = {"success": False, "errors": list(errors), "result": {}}
    return httpx.Response(status, json=body, headers={name.replace("_", "-"): v for name, v in headers.items()})


def complaint(code: int, message: str = "some_message", **more: Any) -> dict[str, Any]:
    return {"code": code, "message": message, **more}


def page_of(request: httpx.Request, items: Sequence[Mapping[str, Any]]) -> httpx.Response:
    """Answer a listing request with the page that it asks for."""
    page, size = int(request.url.params["page"]), int(request.url.params["per_page"])
    part = list(items[(page - 1) * size : page * size])
    return success(part, info={"count": len(part), "page": page, "per_page": size, "total_count": len(items)})


class ScriptedApi:
    """Answers with one responder, and keeps the requests."""

    def __init__(self, responder: Responder | httpx.Response) -> None:
        self._responder = responder
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        return self._responder if isinstance(self._responder, httpx.Response) else self._responder(request)

    @property
    def pages(self) -> list[int]:
        """The page numbers that were asked for."""
        return [int(request.url.params["page"]) for request in self.requests]

    @property
    def last_body(self) -> Any:
        return json.loads(self.requests[-1].content)

    def client(self, credentials: Credentials | None = None, **options: Any) -> CloudflareClient:
        options = {
            "base_url": BASE_URL,
            "budget": RequestBudget(),
            "transport": httpx.MockTransport(self),
            **options,
        }
        return CloudflareClient(credentials or Credentials("acc0", api_token=TOKEN), **options)
