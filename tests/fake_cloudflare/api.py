"""The way of one request: identify, count, route, meet faults, carry out, answer; all is journalled."""

import asyncio
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from aiohttp import web
from pydantic import JsonValue

from fake_cloudflare.accounts import ACCOUNT_ID, Account, Caller, Registry, key_digest, token_digest
from fake_cloudflare.calls import Call
from fake_cloudflare.clock import Clock, http_date
from fake_cloudflare.envelope import Answer, ApiError, Problem, invalid, not_authenticated, refusal, unknown_token
from fake_cloudflare.faults import Broken, Delay, Drop, Fault, Gate, Status
from fake_cloudflare.journal import Journal, JournalEntry
from fake_cloudflare.routes import IDENTITY, Route, find_route

API_PREFIX = "/client/v4"

_BROKEN_BODIES = {
    "garbage": b'{"success": tru\x00\xff',
    "html": b"<html><h1>502 Bad Gateway</h1></html>",
    "empty": b"",
}


@dataclass(slots=True)
class _Outcome:
    """The answer to a request, or what a fault made of it."""

    status: int
    document: Mapping[str, JsonValue]
    headers: dict[str, str] = field(default_factory=dict)
    broken: str | None = None
    dropped: bool = False

    @property
    def code(self) -> int | None:
        errors = self.document.get("errors")
        first = errors[0] if isinstance(errors, list) and errors else None
        code = first.get("code") if isinstance(first, dict) else None
        return code if isinstance(code, int) else None


@dataclass(slots=True)
class _Exchange:
    """A request on its way, with its line in the journal."""

    account: Account | None
    clock: Clock
    found: tuple[Route, Mapping[str, str]] | None
    path: str
    query: Mapping[str, str]
    entry: JournalEntry
    body_error: ApiError | None
    limit_headers: dict[str, str] = field(default_factory=dict)


class Api:
    """Serves /client/v4/accounts/{account}/ai-search and the routes that say who calls, for all accounts."""

    def __init__(self, registry: Registry, changed: Callable[[], None]) -> None:
        self._registry = registry
        self._changed = changed

    def routes(self) -> list[web.RouteDef]:
        return [
            web.route("*", API_PREFIX + "/accounts/{account}/ai-search{rest:.*}", self._serve),
            web.get(API_PREFIX + "/accounts/{account}/tokens/verify", self._serve),
            web.get(API_PREFIX + "/user/tokens/verify", self._serve),
            web.get(API_PREFIX + "/accounts/{account}", self._serve),
            web.get(API_PREFIX + "/user", self._serve),
            web.route("*", API_PREFIX + "{rest:.*}", self._unknown),
        ]

    async def _unknown(self, request: web.Request) -> web.StreamResponse:
        return web.json_response(refusal(7003).document(), status=404)

    async def _serve(self, request: web.Request) -> web.StreamResponse:
        exchange = await self._open(request)
        try:
            account, caller, route, params = self._admit(request, exchange)
        except ApiError as error:
            outcome = _refused(error)
        else:
            outcome = await self._meet_faults(exchange, account, caller, route, params)
        exchange.entry.code = outcome.code
        if not outcome.dropped:
            exchange.entry.status, exchange.entry.answered = outcome.status, exchange.clock.now()
        return await _send(request, exchange, outcome)

    async def _open(self, request: web.Request) -> _Exchange:
        body, body_error = _parse(await request.read())
        account = self._account_of(request)
        clock = account.clock if account else Clock()
        journal = account.journal if account else Journal()
        below, is_search, path = request.rel_url.raw_path.removeprefix(API_PREFIX).partition("/ai-search")
        if is_search:
            found = find_route(request.method, path)
        else:
            path = below
            found = next(route for route in IDENTITY if route.pattern.fullmatch(below)), dict(request.match_info)
        query = dict(request.query)
        entry = journal.open(clock.now(), request.method, path, query, found[0].name if found else None)
        entry.body = body
        return _Exchange(account, clock, found, path, query, entry, body_error)

    def _account_of(self, request: web.Request) -> Account | None:
        """Return the account that the path names; that of the caller where it names none."""
        if "account" in request.match_info:
            return self._registry.get(request.match_info["account"])
        holder = self._registry.holder(_credential(request.headers))
        return holder[0] if holder else None

    def _admit(self, request: web.Request, exchange: _Exchange) -> tuple[Account, Caller, Route, Mapping[str, str]]:
        """Return who may do what, or raise the refusal; the limit runs on the caller's own clock."""
        identifies = exchange.found is not None and exchange.found[0] in IDENTITY
        holder = self._registry.holder(_credential(request.headers))
        if holder is None:
            raise unknown_token() if identifies else not_authenticated()
        home, caller = holder
        exchange.entry.caller = caller.label
        limit = home.limit_of(caller)
        try:
            options = home.options
            limit.spend(home.clock.now(), options.rate_limit, options.rate_window, options.rate_block)
        finally:
            exchange.limit_headers = dict(limit.headers)
        if not identifies:
            _check_access(request, exchange, home, caller)
        if exchange.found is None:
            raise refusal(7003)
        return home, caller, *exchange.found

    async def _meet_faults(
        self, exchange: _Exchange, account: Account, caller: Caller, route: Route, params: Mapping[str, str]
    ) -> _Outcome:
        faults = account.faults.meet(route.method, route.name, exchange.path)
        exchange.entry.faults = [fault.label for fault in faults]
        replaced = await _inflict((fault for fault in faults if fault.stage == "before"), account, {})
        if replaced is not None:
            return replaced
        outcome = self._carry_out(exchange, account, caller, route, params)
        after = (fault for fault in faults if fault.stage == "after")
        return await _inflict(after, account, outcome.document) or outcome

    def _carry_out(
        self, exchange: _Exchange, account: Account, caller: Caller, route: Route, params: Mapping[str, str]
    ) -> _Outcome:
        call = Call(account, account.clock.now(), caller.label, params, exchange.query, exchange.entry.body)
        try:
            if exchange.body_error is not None:
                raise exchange.body_error
            if route.writes:
                account.remember(call.now)
            answer = route.operation(call)
        except ApiError as error:
            return _refused(error)
        exchange.entry.applied = True
        if route.writes:
            self._changed()
        return _accepted(answer)


def _check_access(request: web.Request, exchange: _Exchange, home: Account, caller: Caller) -> None:
    """Refuse an account that is none or not the caller's, and a permission that is missing."""
    if not ACCOUNT_ID.fullmatch(request.match_info["account"]):
        raise refusal(7003)
    if exchange.account is not home:
        foreign = home.options.foreign_account
        raise refusal(7003) if foreign == 404 else not_authenticated(foreign)
    if denial := caller.denied(home.clock.now(), write=request.method != "GET"):
        raise not_authenticated(denial)


async def _inflict(faults: Iterable[Fault], account: Account, document: Mapping[str, JsonValue]) -> _Outcome | None:
    """Let the faults act in turn, and return the outcome of the first that ends the request."""
    for fault in faults:
        match fault.effect:
            case Delay(seconds=seconds):
                await asyncio.sleep(seconds)
            case Gate(name=name):
                await account.gates.hold(name)
            case Status() as effect:
                error = ApiError(effect.status, [Problem(effect.code, effect.message)], effect.headers)
                return _refused(error)
            case Broken(body=body):
                return _Outcome(200, document or {"success": True, "result": {}}, broken=body)
            case Drop():
                return _Outcome(0, {}, dropped=True)
    return None


def _credential(headers: Mapping[str, str]) -> str | None:
    """Return the digest of the credential that a request carries, if it carries one (facts 5.1)."""
    scheme, _, token = headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer" and token:
        return token_digest(token.strip())
    email, key = headers.get("X-Auth-Email"), headers.get("X-Auth-Key")
    return key_digest(email, key) if email and key else None


def _parse(raw: bytes) -> tuple[JsonValue, ApiError | None]:
    if not raw:
        return None, None
    try:
        return json.loads(raw), None
    except ValueError:
        return None, invalid("the body is not JSON", "body")


def _refused(error: ApiError) -> _Outcome:
    return _Outcome(error.status, error.document(), dict(error.headers))


def _accepted(answer: Answer) -> _Outcome:
    return _Outcome(answer.status, answer.document())


async def _send(request: web.Request, exchange: _Exchange, outcome: _Outcome) -> web.StreamResponse:
    if outcome.dropped:
        return _cut(request, web.StreamResponse())
    body = json.dumps(outcome.document).encode()
    headers = {
        "Content-Type": "text/html" if outcome.broken == "html" else "application/json",
        "Date": http_date(exchange.clock.now()),
        "CF-Ray": f"{exchange.entry.seq:016x}-FAKE",
    }
    headers |= exchange.limit_headers | outcome.headers
    if outcome.broken == "truncated":
        response = web.StreamResponse(status=outcome.status, headers=headers)
        response.content_length = len(body)
        await response.prepare(request)
        await response.write(body[: len(body) // 2])
        return _cut(request, response)
    return web.Response(status=outcome.status, headers=headers, body=_BROKEN_BODIES.get(outcome.broken or "", body))


def _cut(request: web.Request, response: web.StreamResponse) -> web.StreamResponse:
    """Close the connection under the answer; aiohttp gives up on it quietly."""
    if request.transport is not None:
        request.transport.close()
    return response
