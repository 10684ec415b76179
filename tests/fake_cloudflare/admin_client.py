"""Typed client of the admin routes: what tests and the demo hold in their hands."""

from collections.abc import Mapping
from datetime import datetime
from types import TracebackType
from typing import Any, Literal, Self

import httpx
from pydantic import BaseModel, JsonValue, TypeAdapter

from fake_cloudflare.faults import Delay, Drop, Effect, Fault, Gate, Status
from fake_cloudflare.journal import JournalEntry
from fake_cloudflare.options import AccountOptions, JobPlan
from fake_cloudflare.world import DEFAULT_NAMESPACE

_PATIENCE = 60.0
"""Real seconds to wait for an answer; waiting at a gate comes on top."""


class AdminError(Exception):
    """The fake server refused an admin request; the text says why."""


class InstanceView(BaseModel):
    """An instance as it really is, with the fields that the API never returns."""

    document: dict[str, JsonValue]
    reindexes: int
    """How often a change of settings forced a full re-index."""

    @property
    def id(self) -> str:
        return str(self.document["id"])

    @property
    def namespace(self) -> str:
        return str(self.document["namespace"])

    def __getitem__(self, field: str) -> JsonValue:
        return self.document[field]


class JobView(BaseModel):
    """A job as the API shows it."""

    id: str
    source: str
    description: str | None
    started_at: datetime | None
    last_seen_at: datetime | None
    ended_at: datetime | None
    end_reason: str | None


class AdminClient:
    """Makes accounts on a running fake server."""

    def __init__(self, url: str) -> None:
        self._http = httpx.Client(base_url=url + "/admin", timeout=_PATIENCE, trust_env=False)

    def create_account(
        self, *, account_id: str | None = None, token: str | None = None, rate: float = 1.0, **options: Any
    ) -> "FakeAccount":
        """Make an account with one token.

        Parameters
        ----------
        account_id, token
            Made up when not given.
        rate
            Seconds of the account's clock in a real second; 0 freezes it.
        options
            Fields of `AccountOptions`.
        """
        wanted = AccountOptions(**options).model_dump(mode="json")
        body = {"id": account_id, "token": token, "rate": rate, "options": wanted}
        made = _answer(self._http.post("/accounts", json=body))
        return FakeAccount(self._http, made["id"], made["token"])

    def account(self, account_id: str, token: str) -> "FakeAccount":
        """Return an account that exists already, for instance from a state file."""
        return FakeAccount(self._http, account_id, token)

    def accounts(self) -> list[str]:
        """Return the ids of all accounts."""
        found: list[str] = _answer(self._http.get("/health"))["accounts"]
        return found

    def close(self) -> None:
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


class FakeAccount:
    """One account on the fake server: its id and token, and everything a test can do to it."""

    def __init__(self, http: httpx.Client, account_id: str, token: str) -> None:
        self.id = account_id
        self.token = token
        self._http = http

    def __repr__(self) -> str:
        return f"FakeAccount({self.id!r})"

    def delete(self) -> None:
        self._call("DELETE", "")

    def configure(self, **options: Any) -> None:
        """Change fields of `AccountOptions`; the others stay."""
        checked = AccountOptions(**options).model_dump(mode="json", include=set(options))
        self._call("PATCH", "/options", checked)

    def now(self) -> float:
        """Return the account's time in epoch seconds."""
        return self.advance(0)

    def advance(self, seconds: float) -> float:
        """Let the account's clock leap, and return the new time."""
        return float(self._call("POST", "/clock", {"advance": seconds})["now"])

    def set_rate(self, rate: float) -> None:
        self._call("POST", "/clock", {"rate": rate})

    def add_token(
        self,
        label: str,
        token: str,
        *,
        owner: Literal["user", "account"] = "user",
        permission: Literal["edit", "read", "none"] = "edit",
        denial: Literal[401, 403] = 401,
        status: Literal["active", "disabled", "expired"] = "active",
        sees_account: bool = True,
        settles_in: float = 0.0,
    ) -> None:
        """Add a token, or replace the one of this label.

        Parameters
        ----------
        owner
            A user, or the account itself: they are verified by different routes.
        permission, denial
            What it may do in AI Search, and the status with which the rest is denied.
        status
            What its verification says; only an active token may do anything.
        sees_account
            Whether it may read the account's own data.
        settles_in
            Seconds of the account's clock in which a fresh token is denied with 403.
        """
        body: dict[str, JsonValue] = {
            "label": label,
            "token": token,
            "owner": owner,
            "permission": permission,
            "denial": denial,
            "status": status,
            "sees_account": sees_account,
            "settles_in": settles_in,
        }
        self._call("POST", "/callers", body)

    def add_key(
        self, label: str, email: str, api_key: str, *, permission: Literal["edit", "read", "none"] = "edit"
    ) -> None:
        """Add the global key of a user; ``permission`` is what the user may do in AI Search."""
        body: dict[str, JsonValue] = {"label": label, "email": email, "api_key": api_key, "permission": permission}
        self._call("POST", "/callers", body)

    def revoke(self, label: str = "token") -> None:
        """Forget a token or key; "token" is the label of the first."""
        self._call("DELETE", f"/callers/{label}")

    def journal(self, since: int = 0, operation: str | None = None) -> list[JournalEntry]:
        """Return the requests after number ``since``, of one operation or of all."""
        found = TypeAdapter(list[JournalEntry]).validate_python(self._call("GET", f"/journal?since={since}"))
        return [entry for entry in found if operation in {None, entry.operation}]

    def inject(
        self,
        effect: Effect,
        operation: str = "*",
        *,
        stage: Literal["before", "after"] = "before",
        method: str = "*",
        path: str = "*",
        nth: int = 1,
        times: int | None = 1,
    ) -> None:
        """Arm a fault; see `Fault`."""
        fault = Fault(effect=effect, stage=stage, operation=operation, method=method, path=path, nth=nth, times=times)
        self._call("POST", "/faults", fault.model_dump(mode="json"))

    def fail(self, operation: str, status: int, code: int = 7001, *, times: int | None = 1, **headers: str) -> None:
        """Refuse requests before their effect; ``retry_after="7"`` becomes the header Retry-After."""
        named = {name.replace("_", "-").title(): value for name, value in headers.items()}
        self.inject(Status(status=status, code=code, headers=named), operation, times=times)

    def delay(self, operation: str, seconds: float, *, stage: Literal["before", "after"] = "before") -> None:
        """Hold the next request for some real seconds."""
        self.inject(Delay(seconds=seconds), operation, stage=stage)

    def drop(self, operation: str, *, stage: Literal["before", "after"] = "before") -> None:
        """Close the connection of the next request without an answer."""
        self.inject(Drop(), operation, stage=stage)

    def gate(self, name: str, operation: str, *, stage: Literal["before", "after"] = "before") -> None:
        """Hold the next request until `release`."""
        self.inject(Gate(name=name), operation, stage=stage)

    def faults(self) -> list[Fault]:
        """Return the faults that still wait for a request."""
        return TypeAdapter(list[Fault]).validate_python(self._call("GET", "/faults"))

    def clear_faults(self) -> None:
        self._call("DELETE", "/faults")

    def wait_at_gate(self, name: str, *, count: int = 1, timeout: float = _PATIENCE) -> None:
        """Return once ``count`` requests are held at the gate.

        Call it with `asyncio.to_thread` when the requests come from the caller's own event loop.

        Raises
        ------
        TimeoutError
            They did not come within ``timeout`` real seconds.
        """
        answer = self._call("GET", f"/gates/{name}?count={count}&timeout={timeout}", patience=timeout + _PATIENCE)
        if not answer["reached"]:
            msg = f"{answer['waiting']} of {count} requests at gate {name!r} after {timeout} s"
            raise TimeoutError(msg)

    def release(self, gate: str) -> int:
        """Let the requests at a gate go on, and return how many did."""
        return int(self._call("POST", f"/gates/{gate}/release")["released"])

    def instances(self) -> list[InstanceView]:
        return TypeAdapter(list[InstanceView]).validate_python(self._call("GET", "/instances"))

    def instance(self, instance_id: str, namespace: str = DEFAULT_NAMESPACE) -> InstanceView | None:
        matches = (item for item in self.instances() if (item.id, item.namespace) == (instance_id, namespace))
        return next(matches, None)

    def patch_instance(
        self,
        instance_id: str,
        namespace: str = DEFAULT_NAMESPACE,
        *,
        status: str | None = None,
        **settings: JsonValue,
    ) -> InstanceView:
        """Change settings as somebody in the dashboard does, and the status that is shown."""
        body: dict[str, JsonValue] = {"settings": settings}
        if status is not None:
            body["status"] = status
        return self._patch(instance_id, namespace, body)

    def break_source(self, instance_id: str, error: str, namespace: str = DEFAULT_NAMESPACE) -> InstanceView:
        """Let something be wrong with the source: an instance-level error also pauses the instance (facts 2.5)."""
        return self._patch(instance_id, namespace, {"source_error": error})

    def repair_source(self, instance_id: str, namespace: str = DEFAULT_NAMESPACE) -> InstanceView:
        """Set the source right. An instance that was paused for it stays paused until it is resumed."""
        return self._patch(instance_id, namespace, {"source_error": None})

    def set_files(
        self,
        instance_id: str,
        files: int,
        namespace: str = DEFAULT_NAMESPACE,
        *,
        errors: Mapping[str, int] | None = None,
    ) -> InstanceView:
        """Say how many items there are, in the source or in built-in storage, and how many fail for which reason."""
        return self._patch(instance_id, namespace, {"files": files, "file_errors": dict(errors or {})})

    def search(self, instance_id: str, namespace: str = DEFAULT_NAMESPACE) -> InstanceView:
        """Let somebody search, which resumes an instance that is paused for idleness."""
        return self._patch(instance_id, namespace, {"searched": True})

    def _patch(self, instance_id: str, namespace: str, body: Mapping[str, JsonValue]) -> InstanceView:
        path = f"/namespaces/{namespace}/instances/{instance_id}"
        return InstanceView.model_validate(self._call("PATCH", path, dict(body)))

    def delete_instance(self, instance_id: str, namespace: str = DEFAULT_NAMESPACE) -> None:
        self._call("DELETE", f"/namespaces/{namespace}/instances/{instance_id}")

    def jobs(self, instance_id: str, namespace: str = DEFAULT_NAMESPACE) -> list[JobView]:
        """Return the jobs of an instance, oldest first."""
        found = self._call("GET", f"/namespaces/{namespace}/instances/{instance_id}/jobs")
        return TypeAdapter(list[JobView]).validate_python(found)

    def plan_next_job(self, plan: JobPlan) -> None:
        """Give the next job that the API creates its own course."""
        self._call("POST", "/next-jobs", plan.model_dump(mode="json"))

    def start_job(
        self,
        instance_id: str,
        namespace: str = DEFAULT_NAMESPACE,
        *,
        source: Literal["user", "schedule"] = "schedule",
        description: str | None = None,
        plan: JobPlan | None = None,
    ) -> JobView:
        """Start a job as the schedule or the dashboard does, whatever the cooldown."""
        body: dict[str, JsonValue] = {
            "source": source,
            "description": description,
            "plan": None if plan is None else plan.model_dump(mode="json"),
        }
        made = self._call("POST", f"/namespaces/{namespace}/instances/{instance_id}/jobs", body)
        return JobView.model_validate(made)

    def end_job(
        self, instance_id: str, job_id: str, end_reason: str | None = None, namespace: str = DEFAULT_NAMESPACE
    ) -> JobView:
        """End a job now."""
        path = f"/namespaces/{namespace}/instances/{instance_id}/jobs/{job_id}/end"
        return JobView.model_validate(self._call("POST", path, {"end_reason": end_reason}))

    def _call(self, method: str, path: str, body: JsonValue = None, *, patience: float = _PATIENCE) -> Any:
        return _answer(self._http.request(method, f"/accounts/{self.id}{path}", json=body, timeout=patience))


def _answer(response: httpx.Response) -> Any:
    if response.is_error:
        msg = f"{response.request.method} {response.request.url.path}: {response.text}"
        raise AdminError(msg)
    return response.json()
