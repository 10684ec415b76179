"""One account with all that belongs to it, and the registry that keeps accounts apart."""

import hashlib
import re
import secrets
from collections.abc import Iterator
from typing import Literal

from pydantic import BaseModel

from fake_cloudflare.clock import Clock
from fake_cloudflare.envelope import ApiError, refusal
from fake_cloudflare.faults import FaultPlan, Gates
from fake_cloudflare.journal import Journal
from fake_cloudflare.limits import RequestLimit
from fake_cloudflare.options import AccountOptions, JobPlan
from fake_cloudflare.world import DEFAULT_NAMESPACE, Namespace, World

ACCOUNT_ID = re.compile(r"[0-9a-f]{32}")


class Caller(BaseModel):
    """A token or a global key. Only the digest of the secret is kept."""

    label: str
    digest: str
    kind: Literal["user", "account", "key"] = "user"
    """A token of a user, one that the account owns, or a user's global key (facts 5.1)."""
    permission: Literal["edit", "read", "none"] = "edit"
    denial: Literal[401, 403] = 401
    """Status of 10000 where the permission is missing: 401 by the docs, 403 in other v4 APIs (facts 5.1)."""
    status: Literal["active", "disabled", "expired"] = "active"
    sees_account: bool = True
    """Whether it may read the account's own data, which AI Search does not take (Account Settings: Read)."""
    settled_at: float | None = None
    """Until then a fresh token is denied with 403 (facts 4.4)."""

    def denied(self, now: float, *, write: bool) -> int | None:
        """Return the status with which AI Search denies a request, or None."""
        if self.status != "active":
            return 401
        if self.settled_at is not None and now < self.settled_at:
            return 403
        allowed = self.permission == "edit" or (self.permission == "read" and not write)
        return None if allowed else self.denial


class AccountState(BaseModel):
    """The part of an account that a state file keeps."""

    id: str
    options: AccountOptions
    clock: Clock
    world: World
    callers: list[Caller] = []
    next_jobs: list[JobPlan] = []


class Account:
    """An account: its state, and its journal, faults and limits, which end with the process."""

    def __init__(self, state: AccountState) -> None:
        self.state = state
        self.journal = Journal()
        self.faults = FaultPlan()
        self.gates = Gates()
        self._limits: dict[str, RequestLimit] = {}
        self._earlier: list[tuple[float, World]] = []

    @classmethod
    def create(cls, account_id: str, options: AccountOptions, clock: Clock) -> "Account":
        default = Namespace(name=DEFAULT_NAMESPACE, created_at=clock.now())
        world = World(namespaces={DEFAULT_NAMESPACE: default})
        return cls(AccountState(id=account_id, options=options, clock=clock, world=world))

    @property
    def id(self) -> str:
        return self.state.id

    @property
    def options(self) -> AccountOptions:
        return self.state.options

    @property
    def clock(self) -> Clock:
        return self.state.clock

    @property
    def world(self) -> World:
        """The world as it is, for writing."""
        return self.state.world

    def caller(self, label: str) -> Caller:
        """Return the caller of a label that exists."""
        return next(caller for caller in self.state.callers if caller.label == label)

    def limit_of(self, caller: Caller) -> RequestLimit:
        return self._limits.setdefault(caller.label, RequestLimit())

    def remember(self, now: float) -> None:
        """Keep the world as it is before a write, for as long as reads lag behind."""
        lag = max(self.options.read_lag, self.options.job_read_lag)
        self._earlier = [(written, world) for written, world in self._earlier if written > now - lag]
        if lag > 0:
            self._earlier.append((now, self.world.model_copy(deep=True)))

    def world_as_read(self, now: float) -> World:
        """Return the world that GET and LIST of namespaces and instances show."""
        return self._world_before(now - self.options.read_lag)

    def jobs_as_read(self, now: float) -> World:
        """Return the world that GET and LIST of jobs show."""
        return self._world_before(now - self.options.job_read_lag)

    def _world_before(self, moment: float) -> World:
        return next((world for written, world in self._earlier if written > moment), self.world)


class Registry:
    """All accounts of one server. A credential belongs to exactly one."""

    def __init__(self) -> None:
        self._accounts: dict[str, Account] = {}

    def __iter__(self) -> Iterator[Account]:
        return iter(list(self._accounts.values()))

    def add(self, account: Account) -> None:
        """Take in an account.

        Raises
        ------
        ValueError
            The id is not 32 lower-case hexadecimal digits, or taken.
        """
        if not ACCOUNT_ID.fullmatch(account.id):
            msg = f"account id {account.id!r} must be 32 lower-case hexadecimal digits"
            raise ValueError(msg)
        if account.id in self._accounts:
            msg = f"account {account.id} exists already"
            raise ValueError(msg)
        self._accounts[account.id] = account

    def get(self, account_id: str) -> Account | None:
        return self._accounts.get(account_id)

    def remove(self, account_id: str) -> None:
        self._accounts.pop(account_id).gates.release_all()

    def add_caller(self, account: Account, caller: Caller) -> None:
        """Let a token or key act in an account; one of the same label is replaced.

        Raises
        ------
        ValueError
            Another caller has the same secret.
        """
        self.revoke(account, caller.label)
        if self.holder(caller.digest):
            msg = f"the secret of caller {caller.label!r} belongs to another caller already"
            raise ValueError(msg)
        account.state.callers.append(caller)

    def revoke(self, account: Account, label: str) -> bool:
        """Forget a caller, and return whether there was one of this label."""
        before = len(account.state.callers)
        account.state.callers = [caller for caller in account.state.callers if caller.label != label]
        return len(account.state.callers) < before

    def holder(self, digest: str | None) -> tuple[Account, Caller] | None:
        """Return who has a credential, whatever account the request is for."""
        for account in self:
            for caller in account.state.callers:
                if caller.digest == digest:
                    return account, caller
        return None


def route_error(account_id: str) -> ApiError | None:
    """Return 7003 when the id cannot be one of an account."""
    return None if ACCOUNT_ID.fullmatch(account_id) else refusal(7003)


def token_digest(token: str) -> str:
    return _digest("token", token)


def key_digest(email: str, key: str) -> str:
    return _digest("key", email, key)


def new_account_id() -> str:
    return secrets.token_hex(16)


def new_token() -> str:
    return secrets.token_urlsafe(30)


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()
