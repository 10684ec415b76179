"""One request to the Cloudflare API and its answer: budget, time limits, envelope, typed errors.

Nothing is ever tried again here.
"""

import logging
import ssl
import time
from asyncio import timeout as time_limit
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

import httpx
from pydantic import JsonValue

from aisearch_operator.cloudflare.answer import Answer, invalid_answer, read_envelope
from aisearch_operator.cloudflare.budget import Priority, RequestBudget
from aisearch_operator.cloudflare.classification import classify, is_product_limit
from aisearch_operator.cloudflare.credentials import Credentials
from aisearch_operator.cloudflare.errors import Cause, CloudflareError, Retry, Unauthorized
from aisearch_operator.cloudflare.ratelimit import parse_retry_after
from aisearch_operator.cloudflare.records import RequestRecord, Standing
from aisearch_operator.cloudflare.routes import CREATE_INSTANCE, Route
from aisearch_operator.cloudflare.scheduler import RequestScheduler
from aisearch_operator.cloudflare.timestamps import parse_http_date
from aisearch_operator.cloudflare.wire import Envelope

__all__ = ["Exchange", "Timeouts"]

logger = logging.getLogger(__name__)

EXPECTED = frozenset(
    {
        Cause.SYNC_COOLDOWN,
        Cause.INSTANCE_NOT_FOUND,
        Cause.JOB_NOT_FOUND,
        Cause.RESOURCE_NOT_FOUND,
        Cause.INSTANCE_EXISTS,
        Cause.JOB_ALREADY_ENDED,
    }
)
"""Answers that belong to the normal course of things: no line of the log tells of them, unless it tells of all."""

CONNECTIONS = 10
"""Open at once to the API."""

KEEPALIVE = 60.0
"""Seconds that an idle connection stays open, longer than the pause between two polls."""


SENDING = frozenset({"http11.send_request_headers.started", "http11.send_request_body.started"})
"""What httpx calls the moments before it writes to the connection."""


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long a request may take, in seconds.

    Parameters
    ----------
    connect
        Until the connection is there.
    read
        From there to the end of the answer.
    create
        The same for creating an instance: Cloudflare fetches the sitemap, checks the token and
        provisions before it answers (facts 1.4).
    """

    connect: float = 5.0
    read: float = 30.0
    create: float = 60.0

    @property
    def longest(self) -> float:
        """The most that any request can take."""
        return self.connect + max(self.read, self.create)


class _Unanswered(Retry):
    """No answer arrived."""

    timed_out = False


@dataclass(frozen=True, slots=True)
class _Received:
    status: int
    headers: httpx.Headers
    envelope: Envelope | None
    """None when the body is not one."""

    @property
    def ray_id(self) -> str | None:
        ray_id: str | None = self.headers.get("cf-ray")
        return ray_id


class Exchange:
    """The connection to the API for one credential.

    Parameters
    ----------
    credentials
        Who calls.
    base_url
        Where the API is, an absolute http(s) URL.
    budget
        The request budget of the caller.
    timeouts
        How long a request may take.
    transport
        Instead of the network, in tests.
    user_agent
        How the operator introduces itself.
    on_request
        Called after each request, also when the budget put it off. It must not raise.
    fence
        Called just before a request leaves, when its connection is there. It returns if it may leave.

    Raises
    ------
    ValueError
        The base URL is not an absolute http(s) URL.
    """

    def __init__(
        self,
        credentials: Credentials,
        *,
        base_url: str,
        budget: RequestBudget,
        timeouts: Timeouts,
        transport: httpx.AsyncBaseTransport | None,
        user_agent: str,
        on_request: Callable[[RequestRecord], None] | None,
        fence: Callable[[], None] | None = None,
    ) -> None:
        self._base_url = _checked(base_url)
        self._budget = budget
        self._scheduler = RequestScheduler(budget)
        self._timeouts = timeouts
        self._secrets = credentials.secrets
        self._on_request = on_request
        self._extensions = {} if fence is None else {"trace": _before_sending(fence)}
        self._last_sent = time.monotonic()
        self._accepted: bool | None = None
        self._http = httpx.AsyncClient(
            headers={"Accept": "application/json", "User-Agent": user_agent, **credentials.headers()},
            transport=transport,
            verify=_certificates(),
            limits=httpx.Limits(
                max_connections=CONNECTIONS, max_keepalive_connections=CONNECTIONS, keepalive_expiry=KEEPALIVE
            ),
            # Proxy variables and .netrc must not decide where credentials go, nor may a redirect.
            trust_env=False,
            follow_redirects=False,
        )

    @property
    def idle_for(self) -> float:
        """Seconds since the last request was sent."""
        return time.monotonic() - self._last_sent

    @property
    def rate(self) -> float:
        """Requests per second that the budget allows in the long run."""
        return self._budget.rate

    @property
    def standing(self) -> Standing:
        """How the caller stands with the API."""
        budget = self._budget
        return Standing(
            self._accepted, budget.blocked_for > 0, budget.left, budget.size, waiting=dict(self._scheduler.waiting)
        )

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def call(
        self,
        route: Route,
        segments: Mapping[str, str],
        *,
        query: Mapping[str, str | int] | None = None,
        body: Mapping[str, JsonValue] | None = None,
        priority: Priority | None = None,
    ) -> Answer:
        """Send one request when the budget allows it, and give its good answer.

        Raises
        ------
        CloudflareError
            Whatever else happened.
        """
        url = self._base_url + route.path(**segments)
        waited = await self._scheduler.turn(route.priority if priority is None else priority)
        started = self._last_sent = time.monotonic()
        received: _Received | None = None
        failure: CloudflareError | None = None
        try:
            received = await self._send(route, url, query=query, body=body)
            answer = self._judge(route, received, body)
        except CloudflareError as error:
            failure = error
            if isinstance(error, Unauthorized):
                self._note_acceptance(route, accepted=False)
            raise
        else:
            self._note_acceptance(route, accepted=True)
            return answer
        finally:
            self._record(
                RequestRecord(
                    route,
                    waited,
                    status=received.status if received is not None else None,
                    seconds=time.monotonic() - started,
                    cause=failure.cause if failure is not None else None,
                    timed_out=isinstance(failure, _Unanswered) and failure.timed_out,
                    ray_id=received.ray_id if received is not None else None,
                )
            )
            del failure  # it refers to this frame, which refers to it

    async def _send(
        self,
        route: Route,
        url: str,
        *,
        query: Mapping[str, str | int] | None,
        body: Mapping[str, JsonValue] | None,
    ) -> _Received:
        """Send the request and read the answer, whatever it says."""
        if self._http.is_closed:
            raise Retry(Cause.CONNECTION_FAILED, "The request was not sent: its credentials are not in use any more")
        answer_time = self._timeouts.create if route is CREATE_INSTANCE else self._timeouts.read
        timeout = httpx.Timeout(answer_time, connect=self._timeouts.connect, pool=self._timeouts.connect)
        failure: type[Exception]
        try:
            # httpx limits each read; only this limits an answer that trickles in.
            async with (
                time_limit(self._timeouts.connect + answer_time),
                self._http.stream(
                    route.method, url, params=query, json=body, timeout=timeout, extensions=self._extensions
                ) as response,
            ):
                return _Received(response.status_code, response.headers, await read_envelope(response))
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
            failure, unsent = type(error), True
        except (httpx.HTTPError, httpx.InvalidURL, TimeoutError) as error:
            failure, unsent = type(error), False
        # Outside the handlers: a chained httpx error would carry the request, with its headers.
        advice = Cause.CONNECTION_FAILED.advice
        message = f"No answer of Cloudflare arrived ({failure.__name__}); {advice}"
        unanswered = _Unanswered(Cause.CONNECTION_FAILED, message, effect_unknown=route.writes and not unsent)
        unanswered.timed_out = issubclass(failure, httpx.TimeoutException | TimeoutError)
        raise unanswered

    def _judge(self, route: Route, received: _Received, body: Mapping[str, JsonValue] | None) -> Answer:
        """Learn from the answer for the budget, and tell good from bad."""
        status, headers, envelope = received.status, received.headers, received.envelope
        errors = envelope.errors if envelope is not None else None
        self._budget.observe(status, headers, product_limit=is_product_limit(status, errors))
        if 200 <= status < 300 and envelope is None:
            problem = "the body is not the JSON of the API, or broke off"
            raise invalid_answer(route, status, problem, received.ray_id)
        if 200 <= status < 300 and envelope is not None and envelope.success:
            server_time = parse_http_date(headers.get("date")) or datetime.now(UTC)
            return Answer(route, status, envelope, server_time, received.ray_id)
        raise classify(
            status,
            errors,
            write=route.writes,
            retry_after=parse_retry_after(headers),
            ray_id=received.ray_id,
            secrets=(*self._secrets, *_prompts(body or {})),
        )

    def _note_acceptance(self, route: Route, *, accepted: bool) -> None:
        if not route.about_the_caller:  # a valid token may still lack the permission that counts
            self._accepted = accepted

    def _record(self, record: RequestRecord) -> None:
        logger.log(
            logging.DEBUG if record.cause is None or record.cause in EXPECTED else logging.INFO,
            "%s %s: %s in %.3f s, ray %s",
            record.route.method,
            record.route.template,
            " ".join(map(str, filter(None, (record.status, record.cause)))) or "cancelled",
            record.seconds,
            record.ray_id,
            extra={"cfRay": record.ray_id} if record.ray_id else None,
        )
        if self._on_request is not None:
            self._on_request(record)


def _before_sending(fence: Callable[[], None]) -> Callable[[str, Mapping[str, Any]], Awaitable[None]]:
    """Give httpx what calls the fence at the last moment: connecting before takes any time."""

    async def trace(event: str, _: Mapping[str, Any]) -> None:
        if event in SENDING:
            fence()

    return trace


def _prompts(body: Mapping[str, JsonValue]) -> tuple[str, ...]:
    """Give the write-only texts of a request: the API might echo them in its complaint."""
    return tuple(value for name, value in body.items() if name.startswith("system_prompt") and isinstance(value, str))


def _checked(base_url: str) -> str:
    try:
        url = httpx.URL(base_url)
    except httpx.InvalidURL:
        url = httpx.URL("")
    if url.scheme not in {"http", "https"} or not url.host:
        raise ValueError(f"base_url must be an absolute http(s) URL, not {base_url!r}")
    return base_url.rstrip("/")


@cache
def _certificates() -> ssl.SSLContext:
    """Load the trusted certificates once: it stops the event loop for 20 ms, and each credential has a client."""
    return httpx.create_ssl_context(trust_env=False)
