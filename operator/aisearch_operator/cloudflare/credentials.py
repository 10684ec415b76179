"""Who calls the Cloudflare API: an account and one of its two authentication schemes."""

import hashlib
from dataclasses import dataclass, field

__all__ = ["Credentials"]


@dataclass(frozen=True, slots=True)
class Credentials:
    """An account id with an API token, or with an email and a global API key (the older scheme).

    Neither `repr` nor `str` shows more than the account id.

    Parameters
    ----------
    account_id
        The Cloudflare account, 32 hexadecimal digits in practice.
    api_token
        An API token of a user or of the account.
    email, api_key
        The address and the global API key of a user.

    Raises
    ------
    ValueError
        No scheme or both schemes are given, or a value cannot stand in an HTTP header. The message
        names the field and never holds a value.
    """

    account_id: str
    api_token: str | None = field(default=None, repr=False)
    email: str | None = field(default=None, repr=False)
    api_key: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if not self.account_id:
            raise ValueError("account_id is empty: give the id of the Cloudflare account")
        if self.api_token is not None and (self.email is not None or self.api_key is not None):
            raise ValueError("api_token excludes email and api_key: give one of the two schemes")
        if self.api_token is None and (self.email is None or self.api_key is None):
            raise ValueError("give api_token, or both email and api_key")
        for name in ("account_id", "api_token", "email", "api_key"):
            value = getattr(self, name)
            if value is not None and not _fits_a_header(value):
                raise ValueError(
                    f"{name} is empty or holds white space or characters that an HTTP header cannot carry: "
                    "check for a line break at its end"
                )

    def headers(self) -> dict[str, str]:
        """Give the request headers that authenticate a call."""
        if self.api_token is not None:
            return {"Authorization": f"Bearer {self.api_token}"}
        return {"X-Auth-Email": self.email or "", "X-Auth-Key": self.api_key or ""}

    @property
    def secrets(self) -> tuple[str, ...]:
        """The values that must never be shown."""
        return tuple(value for value in (self.api_token, self.api_key, self.email) if value)

    @property
    def fingerprint(self) -> str:
        """Identify the caller, whatever the account, in 16 hexadecimal digits.

        Cloudflare counts requests per user (facts 4.2): credentials with one fingerprint share one
        request budget.
        """
        scheme = "\0".join(("token", self.api_token) if self.api_token else ("key", *self.secrets))
        return hashlib.sha256(scheme.encode()).hexdigest()[:16]


def _fits_a_header(value: str) -> bool:
    return bool(value) and value.isascii() and value.isprintable() and " " not in value
