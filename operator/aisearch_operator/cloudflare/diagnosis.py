"""Why the API refuses a caller: the credentials themselves, a missing permission, or the account id.

The refusals of AI Search look alike (facts 4.3, 5.1): 401/10000 is a revoked token as well as one without the
permission, and nothing says what a wrong account id gets. So the general routes of the API are asked, once for each
kind of refusal and not at each attempt.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from pydantic import JsonValue

from aisearch_operator.cloudflare.answer import Answer
from aisearch_operator.cloudflare.budget import Priority
from aisearch_operator.cloudflare.credentials import Credentials
from aisearch_operator.cloudflare.errors import Cause, CloudflareError, NotFound, Terminal, Unauthorized
from aisearch_operator.cloudflare.exchange import Exchange
from aisearch_operator.cloudflare.records import Standing
from aisearch_operator.cloudflare.routes import (
    GET_ACCOUNT,
    GET_USER,
    VERIFY_ACCOUNT_TOKEN,
    VERIFY_USER_TOKEN,
    Route,
)
from aisearch_operator.cloudflare.wire import TokenVerification

__all__ = ["DiagnosingExchange"]

VALIDITY = 3600.0
"""Seconds after which a refusal that lasts is looked into again."""

AMBIGUOUS_ROUTE = frozenset({Cause.ROUTE_NOT_FOUND, Cause.RESOURCE_NOT_FOUND})
"""What may be a wrong account id, or a route or object that is not there."""


@dataclass(frozen=True, slots=True)
class _Finding:
    """What the general routes say; ``cause`` is None when the refusal itself says it best."""

    cause: Cause | None
    text: str = ""


@dataclass(frozen=True, slots=True)
class _Refusal:
    """A kind of refusal: reads and writes take different permissions."""

    account: str
    writes: bool
    cause: Cause


class DiagnosingExchange:
    """An `Exchange` whose refusals say what is wrong with the credentials.

    Parameters
    ----------
    credentials
        Those of the exchange.
    clock
        Monotonic seconds.
    """

    def __init__(
        self, exchange: Exchange, credentials: Credentials, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._exchange = exchange
        self._has_token = credentials.api_token is not None
        self._clock = clock
        self._lock = asyncio.Lock()
        self._found: dict[_Refusal, tuple[float, _Finding]] = {}

    @property
    def standing(self) -> Standing:
        """How the caller stands with the API."""
        return self._exchange.standing

    @property
    def idle_for(self) -> float:
        """Seconds since the last request was sent."""
        return self._exchange.idle_for

    @property
    def rate(self) -> float:
        """Requests per second that the budget allows in the long run."""
        return self._exchange.rate

    async def aclose(self) -> None:
        """Close the connections."""
        await self._exchange.aclose()

    async def call(
        self,
        route: Route,
        segments: Mapping[str, str],
        *,
        query: Mapping[str, str | int] | None = None,
        body: Mapping[str, JsonValue] | None = None,
        priority: Priority | None = None,
    ) -> Answer:
        """Send one request, as `Exchange.call` does; after a refusal of the caller up to three small ones more.

        Raises
        ------
        CloudflareError
            Whatever happened.
        """
        account = segments["account"]
        try:
            answer = await self._exchange.call(route, segments, query=query, body=body, priority=priority)
        except (Terminal, NotFound) as error:
            if not isinstance(error, Unauthorized) and error.cause not in AMBIGUOUS_ROUTE:
                raise
            finding = await self._look_into(_Refusal(account, route.writes, error.cause))
            if finding.cause is None:
                raise
            raise _explained(error, finding) from None
        if self._found:  # what is allowed now may be refused for another reason later
            self._found = {
                refusal: found
                for refusal, found in self._found.items()
                if (refusal.account, refusal.writes) != (account, route.writes)
            }
        return answer

    async def _look_into(self, refusal: _Refusal) -> _Finding:
        async with self._lock:  # a thousand resources that are refused at once ask once
            at, finding = self._found.get(refusal, (0.0, None))
            if finding is None or self._clock() - at >= VALIDITY:
                try:
                    finding = await self._diagnose(refusal)
                except CloudflareError:
                    return _Finding(None)  # no answer that helps: the next refusal asks again
                self._found[refusal] = (self._clock(), finding)
            return finding

    async def _diagnose(self, refusal: _Refusal) -> _Finding:
        who, account = "API token" if self._has_token else "email and API key", {"account": refusal.account}
        if refusal.cause in AMBIGUOUS_ROUTE:
            return _Finding(None) if await self._sees(account) else _inaccessible(who)
        owned_by_account = False
        if self._has_token:
            state = await self._verify(VERIFY_USER_TOKEN, {})
            if state is None:
                state = await self._verify(VERIFY_ACCOUNT_TOKEN, account)
                owned_by_account = state is not None
            if state != "active":
                return _Finding(Cause.CREDENTIALS_REJECTED, f"the API token is {state or 'unknown or revoked'}")
        elif not await self._is_admitted(GET_USER, {}):
            return _Finding(Cause.CREDENTIALS_REJECTED, "the email and API key are not valid together")
        if owned_by_account or await self._sees(account):
            permission = "change" if refusal.writes else "use"
            return _Finding(Cause.PERMISSION_DENIED, f"the {who} may not {permission} AI Search in this account")
        return _inaccessible(who)

    async def _verify(self, route: Route, segments: Mapping[str, str]) -> str | None:
        """Give the state of the token, None when this route does not know it."""
        try:
            answer = await self._exchange.call(route, segments)
        except (Terminal, NotFound):
            return None
        return answer.result(TokenVerification).status

    async def _sees(self, account: Mapping[str, str]) -> bool:
        return await self._is_admitted(GET_ACCOUNT, account)

    async def _is_admitted(self, route: Route, segments: Mapping[str, str]) -> bool:
        try:
            await self._exchange.call(route, segments)
        except (Terminal, NotFound):
            return False
        return True


def _inaccessible(who: str) -> _Finding:
    return _Finding(Cause.ACCOUNT_NOT_ACCESSIBLE, f"the {who} cannot see this account")


def _explained(error: CloudflareError, finding: _Finding) -> Unauthorized:
    cause = finding.cause or error.cause
    code = f" (code {error.code})" if error.code is not None else ""
    return Unauthorized(
        cause,
        f"Cloudflare answered {error.status}{code}: {finding.text}; {cause.advice}",
        status=error.status,
        code=error.code,
        api_message=error.api_message,
        fields=error.fields,
        ray_id=error.ray_id,
        after=error.after,
    )
