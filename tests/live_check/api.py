"""The operator's own client with its answers recorded, and requests that the operator never makes."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import httpx
from pydantic import JsonValue

from aisearch_operator.cloudflare import CloudflareClient, CloudflareError, Priority, RequestBudget, Timeouts
from aisearch_operator.cloudflare.exchange import Exchange
from aisearch_operator.cloudflare.routes import Route
from aisearch_operator.cloudflare.timestamps import parse_http_date
from live_check.target import Target

USER_AGENT = "aisearch-operator live check"
BELOW = "/ai-search"

REMEMBERED = ("date", "retry-after", "ratelimit", "ratelimit-policy")
"""Headers of an answer that are kept. Nothing of a request's headers is: they hold the token."""


@dataclass(frozen=True)
class Answered:
    """An answer as it came: what the wire models leave out is in here."""

    method: str
    path: str
    status: int
    headers: Mapping[str, str]
    document: Mapping[str, Any]

    @property
    def result(self) -> Any:
        """The payload of the envelope."""
        return self.document.get("result")

    @property
    def moment(self) -> float | None:
        """When the answer was sent, by the API's clock: epoch seconds."""
        sent = parse_http_date(self.headers.get("date"))
        return None if sent is None else sent.timestamp()

    @property
    def code(self) -> int | None:
        """The code of the first error."""
        return self._error.get("code")

    def __str__(self) -> str:
        """Give status, code and message of a refusal, the status alone of a success."""
        return f"{self.status}/{self.code} {self._error.get('message')}" if self._error else str(self.status)

    @property
    def _error(self) -> Mapping[str, Any]:
        errors = self.document.get("errors")
        first = errors[0] if isinstance(errors, list) and errors else None
        return first if isinstance(first, dict) else {}


class Recorder(httpx.AsyncBaseTransport):
    """Sends requests over the network, and keeps what was answered.

    Parameters
    ----------
    hidden
        Texts that are taken out of every answer, should the API echo them.
    """

    def __init__(self, hidden: Sequence[str]) -> None:
        self.answers: list[Answered] = []
        self._hidden = [text.encode() for text in hidden]
        self._network = httpx.AsyncHTTPTransport(trust_env=False)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request, and read its answer whole."""
        response = await self._network.handle_async_request(request)
        body = await response.aread()
        path = request.url.raw_path.decode()
        self.answers.append(
            Answered(
                request.method,
                path.split(BELOW, 1)[-1] if BELOW in path else path,
                response.status_code,
                {name: response.headers[name] for name in REMEMBERED if name in response.headers},
                _document(self._redacted(body)),
            )
        )
        return response

    async def aclose(self) -> None:
        """Close the connections."""
        await self._network.aclose()

    def _redacted(self, body: bytes) -> bytes:
        for text in self._hidden:
            body = body.replace(text, b"[redacted]")
        return body


class Api:
    """One account: `client` is what the operator uses, `ask` sends what it never would."""

    def __init__(self, target: Target) -> None:
        self._account = target.credentials.account_id
        self._recorder = Recorder((*target.credentials.secrets, self._account))
        budget = RequestBudget(clock=target.clock)
        timeouts = Timeouts(create=120.0)
        self.client = CloudflareClient(
            target.credentials,
            base_url=target.base_url,
            budget=budget,
            timeout=timeouts,
            transport=self._recorder,
            user_agent=USER_AGENT,
        )
        self._exchange = Exchange(
            target.credentials,
            base_url=target.base_url,
            budget=budget,
            timeouts=timeouts,
            transport=self._recorder,
            user_agent=USER_AGENT,
            on_request=None,
        )

    @property
    def answers(self) -> tuple[Answered, ...]:
        """Every answer so far, in order."""
        return tuple(self._recorder.answers)

    @property
    def last(self) -> Answered:
        """The latest answer."""
        return self._recorder.answers[-1]

    async def ask(
        self,
        method: str,
        path: str,
        body: Mapping[str, JsonValue] | None = None,
        *,
        account: str | None = None,
        **query: str | int,
    ) -> Answered:
        """Send a request below /accounts/{account}, and give the answer, whatever it says.

        Raises
        ------
        CloudflareError
            There was no answer, or no JSON.
        """
        route = Route("live_check", method, "/accounts/{account}" + path, Priority.CREATE)
        return await self._send(route, {"account": account or self._account}, body, query)

    async def ask_user(self, path: str) -> Answered:
        """Read something below /user; otherwise as `ask`."""
        return await self._send(Route("live_check", "GET", "/user" + path, Priority.CREATE), {}, None, {})

    async def aclose(self) -> None:
        """Close the connections."""
        await self._exchange.aclose()
        await self.client.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def _send(
        self,
        route: Route,
        segments: Mapping[str, str],
        body: Mapping[str, JsonValue] | None,
        query: Mapping[str, str | int],
    ) -> Answered:
        before = len(self._recorder.answers)
        try:
            await self._exchange.call(route, segments, query=query, body=body)
        except CloudflareError:
            if len(self._recorder.answers) == before:
                raise
        return self.last


def _document(body: bytes) -> Mapping[str, Any]:
    try:
        document = json.loads(body)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}
