"""Bodies of the admin routes."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, JsonValue

from fake_cloudflare.options import AccountOptions, JobPlan


class _Request(BaseModel):
    model_config = ConfigDict(extra="forbid")


class CreateAccount(_Request):
    """Without an id or a token, new ones are made."""

    id: str | None = None
    token: str | None = None
    rate: float = 1.0
    options: AccountOptions = AccountOptions()


class AddCaller(_Request):
    """A token, or an e-mail address with a global key."""

    label: str
    token: str | None = None
    email: str | None = None
    api_key: str | None = None
    owner: Literal["user", "account"] = "user"
    permission: Literal["edit", "read", "none"] = "edit"
    denial: Literal[401, 403] = 401
    status: Literal["active", "disabled", "expired"] = "active"
    sees_account: bool = True
    settles_in: float = 0.0


class ChangeClock(_Request):
    """Rate first, then the leap."""

    rate: float | None = None
    advance: float = 0.0


class PatchInstance(_Request):
    """Settings as in a PUT, the status to show (null: the one that follows from the jobs), and the source's state."""

    settings: dict[str, JsonValue] = {}
    status: str | None = None
    source_error: str | None = None
    file_errors: dict[str, int] | None = None
    files: int | None = None
    searched: bool = False


class StartJob(_Request):
    """A job that somebody else starts; the cooldown does not hold it back."""

    source: Literal["user", "schedule"] = "schedule"
    description: str | None = None
    plan: JobPlan | None = None


class EndJob(_Request):
    """The job ends now."""

    end_reason: str | None = None
