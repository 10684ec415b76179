"""What can go wrong with a call of the Cloudflare API, as a tree of what to do about it.

CloudflareError
  · Retry             by itself it passes: try again with backoff
  · Wait              something else must happen first: try again, slowly
  · Terminal          a person must act: do not try again until something changes
    · Unauthorized    ... on the credentials
  · NotFound          the instance, the job or the search namespace does not exist
  · AlreadyExists     an instance of this id exists
  · JobAlreadyEnded   a job that has ended cannot be cancelled

`cause` says what happened, for conditions and metrics. The text of an error is one sentence for a
person. It says the same for the same fault at every attempt, and never holds a credential, a request
or a request id.
"""

from enum import StrEnum

__all__ = [
    "AlreadyExists",
    "Cause",
    "CloudflareError",
    "JobAlreadyEnded",
    "NotFound",
    "Retry",
    "Terminal",
    "Unauthorized",
    "Wait",
]


class Cause(StrEnum):
    """What happened. The value is fit for the reason of a condition; `advice` says what to do."""

    advice: str

    def __new__(cls, value: str, advice: str = "") -> "Cause":
        """Make a member that is its value, and carries its advice."""
        member = str.__new__(cls, value)
        member._value_ = value
        member.advice = advice
        return member

    API_UNAVAILABLE = "ApiUnavailable", "this passes by itself"
    CONNECTION_FAILED = (
        "ConnectionFailed",
        "if this lasts, check the network between here and Cloudflare",
    )
    INVALID_RESPONSE = (
        "InvalidResponse",
        "if this lasts, check that the operator's API base URL is right and that no proxy answers in between",
    )
    RATE_LIMITED = (
        "RateLimited",
        "the user's limit of API calls, dashboard and all, is used up; calls go on when it resets",
    )
    REQUEST_BUDGET_EXHAUSTED = (
        "RequestBudgetExhausted",
        "the operator's share of the API rate limit is used up for the moment; the call is sent later",
    )
    CONFLICT = "Conflict", "something else changes the same object; this passes by itself"

    SYNC_COOLDOWN = "SyncCooldown", "a sync job may start 30 seconds after another at the earliest"
    QUOTA_REACHED = "QuotaReached", "delete what is unused, or ask Cloudflare for a higher limit"
    SITE_UNREACHABLE = (
        "SiteUnreachable",
        "make the site's robots.txt and sitemap exist and admit the AI Search crawler",
    )
    DEPENDENCY_MISSING = "DependencyMissing", "create the AI Gateway, or name one that exists"
    SERVICE_TOKEN_INVALID = (
        "ServiceTokenInvalid",
        "a new service API token takes a minute or two; otherwise replace the token that the instance uses",
    )
    INSTANCE_PAUSED = (
        "InstancePaused",
        "the instance is paused: set spec.paused of its AISearchInstance to false, or resume it in the dashboard",
    )

    CREDENTIALS_REJECTED = (
        "CredentialsRejected",
        "check that the credentials are valid, belong to the account and may edit AI Search",
    )
    PERMISSION_DENIED = "PermissionDenied", "give the credentials the permission Account > AI Search: Edit"
    ACCOUNT_NOT_ACCESSIBLE = (
        "AccountNotAccessible",
        "correct the account id, or give the credentials the permission Account > AI Search: Edit in that account",
    )
    ROUTE_NOT_FOUND = "RouteNotFound", "check the account id, and that AI Search is available to the account"
    INVALID_REQUEST = "InvalidRequest", "Cloudflare refuses these settings: correct them"
    CUSTOM_DOMAIN_FAILED = (
        "CustomDomainFailed",
        "check that the domain belongs to an active zone of the account and serves no other endpoint",
    )

    SEARCH_NAMESPACE_NOT_FOUND = (
        "SearchNamespaceNotFound",
        "create the search namespace or name another",
    )
    INSTANCE_NOT_FOUND = "InstanceNotFound", "the instance does not exist in this search namespace"
    JOB_NOT_FOUND = "JobNotFound", "the sync job does not exist"
    RESOURCE_NOT_FOUND = "ResourceNotFound", "what the call asks for does not exist"
    INSTANCE_EXISTS = "InstanceExists", "an instance of this id exists in the search namespace"
    JOB_ALREADY_ENDED = "JobAlreadyEnded", "the sync job has ended and cannot be cancelled"


class CloudflareError(Exception):
    """The base of every error that the client raises.

    Attributes
    ----------
    cause
        What happened.
    status
        The HTTP status of the answer, None when there was no answer.
    code
        Cloudflare's error code.
    api_message
        The message of the API, bounded and without secrets.
    fields
        The fields of the request that the API complains about, in its own names, dotted.
    ray_id
        What Cloudflare's support asks for. It is not in the text: it differs at every attempt.
    after
        Seconds after which the server, or the request budget, allows another attempt; None when unknown.
    effect_unknown
        The write may have been executed: there was no answer, or none that can be trusted. Look before
        you try again. Only a `Retry` of a write can say so.
    """

    def __init__(
        self,
        cause: Cause,
        message: str,
        *,
        status: int | None = None,
        code: int | None = None,
        api_message: str | None = None,
        fields: tuple[str, ...] = (),
        ray_id: str | None = None,
        after: float | None = None,
        effect_unknown: bool = False,
    ) -> None:
        super().__init__(message)
        self.cause = cause
        self.status = status
        self.code = code
        self.api_message = api_message
        self.fields = fields
        self.ray_id = ray_id
        self.after = after
        self.effect_unknown = effect_unknown


class Retry(CloudflareError):
    """By itself it passes: try again with backoff, not before `after`. Mind `effect_unknown`."""


class Wait(CloudflareError):
    """Somebody or something else must act first, or time must pass: try again, slowly."""


class Terminal(CloudflareError):
    """A person must act. The same request will fail again: do not repeat it until something changes."""


class Unauthorized(Terminal):
    """The credentials are wrong or lack a permission. Read them again before giving up.

    Fresh credentials are refused for some seconds (facts 4.4).
    """


class NotFound(CloudflareError):
    """The instance, the job or the search namespace does not exist: `cause` tells which."""


class AlreadyExists(CloudflareError):
    """An instance of this id exists in the search namespace: adopt it or give up."""


class JobAlreadyEnded(CloudflareError):
    """The sync job has ended, so there is nothing to cancel: for whoever wants it to end, a success."""
