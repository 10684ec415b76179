"""Routes under /admin: accounts, callers, clock, faults, gates, journal, and what others do in the account.

They need no credential: the server listens on loopback. A mistake answers 400 or 404 and ``{"error": text}``.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Literal, TypeVar

from aiohttp import web
from pydantic import BaseModel, JsonValue

from fake_cloudflare import instances, jobs
from fake_cloudflare.accounts import (
    Account,
    Caller,
    Registry,
    key_digest,
    new_account_id,
    new_token,
    token_digest,
)
from fake_cloudflare.admin_schema import (
    AddCaller,
    ChangeClock,
    CreateAccount,
    EndJob,
    PatchInstance,
    StartJob,
)
from fake_cloudflare.clock import Clock
from fake_cloudflare.envelope import ApiError
from fake_cloudflare.faults import Fault
from fake_cloudflare.options import AccountOptions, JobPlan
from fake_cloudflare.pausing import is_stopped
from fake_cloudflare.projections import as_listed
from fake_cloudflare.validation import UPDATE_INSTANCE, parse_body
from fake_cloudflare.world import DEFAULT_NAMESPACE, Instance, Job

DASHBOARD = "dashboard"
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Model = TypeVar("Model", bound=BaseModel)


class AdminApi:
    """Serves /admin for all accounts of a registry."""

    def __init__(self, registry: Registry, changed: Callable[[], None]) -> None:
        self._registry = registry
        self._changed = changed

    def routes(self) -> list[web.RouteDef]:
        account = "/admin/accounts/{account}"
        instance = account + "/namespaces/{namespace}/instances/{instance}"
        table: list[tuple[str, str, Handler]] = [
            ("GET", "/admin/health", self._health),
            ("POST", "/admin/accounts", self._create_account),
            ("DELETE", account, self._delete_account),
            ("PATCH", account + "/options", self._change_options),
            ("POST", account + "/clock", self._change_clock),
            ("POST", account + "/callers", self._add_caller),
            ("DELETE", account + "/callers/{label}", self._revoke),
            ("GET", account + "/journal", self._journal),
            ("GET", account + "/faults", self._list_faults),
            ("POST", account + "/faults", self._inject),
            ("DELETE", account + "/faults", self._clear_faults),
            ("GET", account + "/gates/{gate}", self._await_gate),
            ("POST", account + "/gates/{gate}/release", self._release_gate),
            ("POST", account + "/next-jobs", self._plan_next_job),
            ("GET", account + "/instances", self._list_instances),
            ("PATCH", instance, self._patch_instance),
            ("DELETE", instance, self._delete_instance),
            ("GET", instance + "/jobs", self._list_jobs),
            ("POST", instance + "/jobs", self._start_job),
            ("POST", instance + "/jobs/{job}/end", self._end_job),
        ]
        return [web.route(method, path, self._guarded(handler)) for method, path, handler in table]

    def _guarded(self, handler: Handler) -> Handler:
        """Turn a mistake of the caller into an answer, and keep the state file up to date."""

        async def guarded(request: web.Request) -> web.StreamResponse:
            try:
                answer = await handler(request)
            except LookupError as error:
                return web.json_response({"error": str(error.args[0])}, status=404)
            except (ValueError, ApiError) as error:
                return web.json_response({"error": str(error)}, status=400)
            if request.method != "GET":
                self._changed()
            return answer

        return guarded

    async def _health(self, request: web.Request) -> web.StreamResponse:
        return web.json_response({"accounts": [account.id for account in self._registry]})

    async def _create_account(self, request: web.Request) -> web.StreamResponse:
        wanted = await _body(request, CreateAccount)
        token = wanted.token or new_token()
        account = Account.create(wanted.id or new_account_id(), wanted.options, Clock(rate=wanted.rate))
        self._registry.add(account)
        try:
            self._registry.add_caller(account, Caller(label="token", digest=token_digest(token)))
        except ValueError:
            self._registry.remove(account.id)
            raise
        return web.json_response({"id": account.id, "token": token}, status=201)

    async def _delete_account(self, request: web.Request) -> web.StreamResponse:
        self._registry.remove(self._account(request).id)
        return _done()

    async def _change_options(self, request: web.Request) -> web.StreamResponse:
        account = self._account(request)
        merged = account.options.model_dump() | await request.json()
        account.state.options = AccountOptions.model_validate(merged)
        return _done()

    async def _change_clock(self, request: web.Request) -> web.StreamResponse:
        clock, wanted = self._account(request).clock, await _body(request, ChangeClock)
        if wanted.rate is not None:
            clock.set_rate(wanted.rate)
        clock.advance(wanted.advance)
        return web.json_response({"now": clock.now(), "rate": clock.rate})

    async def _add_caller(self, request: web.Request) -> web.StreamResponse:
        account, wanted = self._account(request), await _body(request, AddCaller)
        kind: Literal["user", "account", "key"] = wanted.owner
        if wanted.token is not None:
            digest = token_digest(wanted.token)
        elif wanted.email is not None and wanted.api_key is not None:
            digest, kind = key_digest(wanted.email, wanted.api_key), "key"
        else:
            raise ValueError("give a token, or an email with an api_key")
        caller = Caller(
            label=wanted.label,
            digest=digest,
            kind=kind,
            permission=wanted.permission,
            denial=wanted.denial,
            status=wanted.status,
            sees_account=wanted.sees_account,
            settled_at=account.clock.now() + wanted.settles_in if wanted.settles_in else None,
        )
        self._registry.add_caller(account, caller)
        return _done()

    async def _revoke(self, request: web.Request) -> web.StreamResponse:
        label = request.match_info["label"]
        if not self._registry.revoke(self._account(request), label):
            msg = f"no caller {label}"
            raise LookupError(msg)
        return _done()

    async def _journal(self, request: web.Request) -> web.StreamResponse:
        entries = self._account(request).journal.since(int(request.query.get("since", "0")))
        return web.json_response([entry.model_dump(mode="json") for entry in entries])

    async def _list_faults(self, request: web.Request) -> web.StreamResponse:
        return web.json_response([fault.model_dump(mode="json") for fault in self._account(request).faults.armed])

    async def _inject(self, request: web.Request) -> web.StreamResponse:
        self._account(request).faults.inject(await _body(request, Fault))
        return _done()

    async def _clear_faults(self, request: web.Request) -> web.StreamResponse:
        self._account(request).faults.clear()
        return _done()

    async def _await_gate(self, request: web.Request) -> web.StreamResponse:
        gates, name = self._account(request).gates, request.match_info["gate"]
        count, timeout = int(request.query.get("count", "1")), float(request.query.get("timeout", "0"))
        reached = await gates.until_waiting(name, count, timeout)
        return web.json_response({"reached": reached, "waiting": gates.waiting(name)})

    async def _release_gate(self, request: web.Request) -> web.StreamResponse:
        released = self._account(request).gates.release(request.match_info["gate"])
        return web.json_response({"released": released})

    async def _plan_next_job(self, request: web.Request) -> web.StreamResponse:
        self._account(request).state.next_jobs.append(await _body(request, JobPlan))
        return _done()

    async def _list_instances(self, request: web.Request) -> web.StreamResponse:
        account = self._account(request)
        return web.json_response([_instance_document(item, account) for item in account.world.instances.values()])

    async def _patch_instance(self, request: web.Request) -> web.StreamResponse:
        account, instance = self._written_instance(request)
        wanted = await _body(request, PatchInstance)
        now = account.clock.now()
        if settings := parse_body(UPDATE_INSTANCE, wanted.settings):
            instances.apply(instance, settings, now=now, caller=DASHBOARD)
        if "status" in wanted.model_fields_set:
            instance.status = wanted.status
        if "source_error" in wanted.model_fields_set:
            _change_source(instance, wanted.source_error, account)
        if wanted.file_errors is not None:
            instance.file_errors = wanted.file_errors
        if wanted.files is not None:
            instance.files = wanted.files
        if wanted.searched:
            instance.searched_at = now
        return web.json_response(_instance_document(instance, account))

    async def _delete_instance(self, request: web.Request) -> web.StreamResponse:
        account, instance = self._written_instance(request)
        account.world.remove(instance)
        return _done()

    async def _list_jobs(self, request: web.Request) -> web.StreamResponse:
        account, instance = self._instance(request)
        found = [_job_document(job, account) for job in account.world.jobs_of(instance)]
        return web.json_response(found)

    async def _start_job(self, request: web.Request) -> web.StreamResponse:
        account, instance = self._written_instance(request)
        wanted = await _body(request, StartJob)
        plan = wanted.plan or jobs.plan_of(account.options)
        now = account.clock.now()
        job = jobs.start(account.world, instance, now, plan, source=wanted.source, description=wanted.description)
        return web.json_response(_job_document(job, account), status=201)

    async def _end_job(self, request: web.Request) -> web.StreamResponse:
        account, instance = self._written_instance(request)
        wanted = await _body(request, EndJob)
        for job in account.world.jobs_of(instance):
            if job.id == request.match_info["job"]:
                job.end(account.clock.now(), wanted.end_reason)
                return web.json_response(_job_document(job, account))
        msg = f"no job {request.match_info['job']}"
        raise LookupError(msg)

    def _account(self, request: web.Request) -> Account:
        account = self._registry.get(request.match_info["account"])
        if account is None:
            msg = f"no account {request.match_info['account']}"
            raise LookupError(msg)
        return account

    def _instance(self, request: web.Request) -> tuple[Account, Instance]:
        account = self._account(request)
        namespace, instance_id = (
            request.match_info.get("namespace", DEFAULT_NAMESPACE),
            request.match_info["instance"],
        )
        instance = account.world.instance(namespace, instance_id)
        if instance is None:
            msg = f"no instance {instance_id} in namespace {namespace}"
            raise LookupError(msg)
        return account, instance

    def _written_instance(self, request: web.Request) -> tuple[Account, Instance]:
        account, instance = self._instance(request)
        account.remember(account.clock.now())
        return account, instance


def _change_source(instance: Instance, error: str | None, account: Account) -> None:
    """Break the source or repair it: an instance that it has paused stays so until it is resumed (facts 2.5)."""
    if error is None and is_stopped(instance, account.clock.now(), account.options):
        instance.settings = instance.settings | {"paused": True}
    if error is not None and instance.source_error is None:
        instance.resumed_at = None
    instance.source_error = error


async def _body(request: web.Request, model: type[Model]) -> Model:
    return model.model_validate_json(await request.read() or b"{}")


def _done() -> web.Response:
    return web.json_response({})


def _instance_document(instance: Instance, account: Account) -> dict[str, Any]:
    """Return all there is to know of an instance, with what the API never shows."""
    listed = as_listed(instance, account.world, account.clock.now(), account.options)
    listed["token_id"] = instance.settings["token_id"]
    return {"reindexes": instance.reindexes, "document": listed}


def _job_document(job: Job, account: Account) -> JsonValue:
    """Return the job as the API shows it, but always with the zone of its times."""
    options = account.options.model_copy(update={"timestamp_format": "iso"})
    return jobs.document(job, account.clock.now(), options)
