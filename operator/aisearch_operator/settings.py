"""Every knob of the operator, read from the environment, each with its unit."""

from typing import Annotated, Literal, Self

from pydantic import AnyHttpUrl, BeforeValidator, Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from aisearch_operator.cloudflare.budget import SMALLEST_SHARE

__all__ = ["Settings"]

Seconds = Annotated[float, Field(gt=0)]


def _split(value: object) -> object:
    return tuple(filter(None, map(str.strip, value.split(",")))) if isinstance(value, str) else value


def _strip(value: object) -> object:
    return value.strip() if isinstance(value, str) else value


OBJECT_NAME = r"^([a-z0-9]([-a-z0-9.]*[a-z0-9])?)?$"
"""The name of a Kubernetes object, or none."""

Stripped = Annotated[str, BeforeValidator(_strip)]
"""Values from files often end in a line break."""

StrippedSecret = Annotated[SecretStr, BeforeValidator(_strip)]


class Settings(BaseSettings):
    """The operator's settings.

    Each is read from the environment variable ``AISEARCH_`` and its name in capitals, for example
    ``AISEARCH_POLL_INTERVAL=30``.
    """

    model_config = SettingsConfigDict(env_prefix="AISEARCH_", frozen=True, extra="ignore")

    api_url: AnyHttpUrl = AnyHttpUrl("https://api.cloudflare.com/client/v4")
    """Base URL of the Cloudflare API. Never a user's field: nobody shall make the operator call a host of theirs."""

    account_id: Stripped = ""
    """Account id of the operator's own credentials, for resources whose namespace has no Secret. Empty: it has none."""

    api_token: StrippedSecret = SecretStr("")
    """API token of the operator's own credentials."""

    email: Stripped = ""
    """Email address of the user whose global API key is in `api_key`: the older scheme, instead of a token."""

    api_key: StrippedSecret = SecretStr("")
    """Global API key of the operator's own credentials, together with `email`."""

    credentials_namespaces: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)] = ()
    """Kubernetes namespaces that may use the operator's own credentials, separated by commas; shell-style patterns
    (``team-*``) will do. Empty: all of them."""

    namespaces: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)] = ()
    """Kubernetes namespaces to watch, separated by commas. Empty: all of them."""

    label_selector: Stripped = ""
    """Label selector of the resources to serve, in Kubernetes' own words (``shard=a``, ``shard notin (a, b)``,
    ``!shard``). Empty: all of them."""

    workers: Annotated[int, Field(ge=1, le=256)] = 16
    """Reconcile passes at the same time. They wait for the network, not for the processor."""

    budget_limit: Annotated[int, Field(ge=1)] = 1200
    """Requests per `budget_window` that Cloudflare allows one user (facts 4.2)."""

    budget_window: Seconds = 300
    """Seconds of Cloudflare's rate limit window."""

    budget_share: Annotated[float, Field(gt=0, le=1)] = 0.6
    """The share of the limit for operators; the rest is left to people and other tools."""

    budget_shards: Annotated[int, Field(ge=1)] = 1
    """How many operators serve a part of the resources each, and divide `budget_share` evenly."""

    answer_timeout: Seconds = 30
    """Seconds until a request to Cloudflare counts as unanswered. What a write then did is looked for."""

    create_timeout: Seconds = 60
    """Seconds that creating an instance may take: Cloudflare fetches the sitemap and provisions before it answers."""

    poll_interval: Seconds = 60
    """Seconds between two lists of the instances of one search namespace."""

    job_poll_interval: Seconds = 10
    """Seconds between two lists of the jobs of one instance, while it has an active sync job."""

    stats_interval: Seconds = 60
    """Seconds between two statistics requests of one account. They rotate over its instances."""

    settle_time: Annotated[float, Field(ge=0)] = 15
    """Seconds after a write in which a list may still show the state before it (facts 2.3)."""

    job_cooldown: Annotated[float, Field(ge=0)] = 35
    """Seconds after the start or end of a job before the next is tried. Cloudflare refuses below 30 (facts 3.3)."""

    deletion_policy: Literal["Delete", "Retain"] = "Delete"
    """What becomes of an instance whose resource is deleted, unless its spec or its Kubernetes namespace says."""

    cancel_timeout: Seconds = 60
    """Seconds that a deleted resource's job has to end after its cancellation. Then the resource goes anyway."""

    release_timeout: Seconds = 600
    """Seconds that a deletion waits for missing or rejected credentials. Then the resource goes anyway."""

    secret_interval: Seconds = 15
    """Seconds after which a Secret is read again. A corrected token acts within this time."""

    config_map_interval: Seconds = 600
    """Seconds between two looks at a ConfigMap with connection details: one that somebody changed or deleted is then
    made again."""

    terminal_retry: Seconds = 300
    """Seconds before an error that a person must correct is tried again."""

    wait_retry: Seconds = 30
    """Seconds before a condition outside of the operator (a quota, a site, a gateway) is looked at again."""

    backoff_base: Seconds = 1
    """Seconds before the first retry of a failed pass."""

    backoff_cap: Seconds = 120
    """The longest wait in seconds between two retries of a failed pass."""

    events_per_minute: Annotated[int, Field(ge=0)] = 60
    """Normal Events (created, updated, started …) in a minute, over all resources; the log has all of them. 0: only
    Warnings, which are always told."""

    shutdown_grace: Seconds = 20
    """Seconds that running passes have after SIGTERM. Keep it below the pod's terminationGracePeriodSeconds."""

    watch_timeout: Annotated[int, Field(ge=1)] = 60
    """Seconds after which a watch of the API server is begun anew, which shows that it lives. One that is silent for
    a fifth longer counts as dead, and is begun anew as well."""

    http_port: Annotated[int, Field(ge=0, le=65535)] = 8080
    """TCP port of ``/livez`` and ``/readyz`` for Kubernetes' probes, and of ``/metrics`` for Prometheus. 0: none."""

    http_host: Stripped = ""
    """Address to listen at for these. Empty: all addresses of the pod."""

    lease_name: Annotated[str, BeforeValidator(_strip), Field(pattern=OBJECT_NAME)] = ""
    """Name of the Lease that replicas share: only its holder works, the others stand by. Empty: no election, for an
    operator that runs once."""

    lease_namespace: Annotated[str, BeforeValidator(_strip), Field(pattern=OBJECT_NAME)] = ""
    """Kubernetes namespace of the Lease. Empty: that of the operator's pod."""

    lease_duration: Annotated[int, Field(ge=1)] = 15
    """Seconds without a renewal after which another replica takes over."""

    lease_renew_deadline: Seconds = 10
    """Seconds after which a replica ends that could not renew the Lease. The rest of `lease_duration` is for its last
    requests to arrive."""

    lease_retry_period: Seconds = 2
    """Seconds between two renewals of the Lease, and between two looks at it of a replica that stands by."""

    log_format: Literal["json", "text"] = "json"
    """``json``: one object a line; ``text``: for people."""

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    """The least severe level that is logged."""

    @model_validator(mode="after")
    def _one_whole_scheme(self) -> Self:
        """Refuse half of the operator's own credentials: without a word, it would have none."""
        token, key = bool(self.api_token.get_secret_value()), bool(self.api_key.get_secret_value())
        if token and (key or self.email):
            raise ValueError("AISEARCH_API_TOKEN excludes AISEARCH_EMAIL and AISEARCH_API_KEY: give one of the two")
        if key != bool(self.email):
            raise ValueError("AISEARCH_EMAIL and AISEARCH_API_KEY belong together: give both")
        if (token or key) != bool(self.account_id):
            raise ValueError(
                "AISEARCH_ACCOUNT_ID and AISEARCH_API_TOKEN (or AISEARCH_EMAIL and AISEARCH_API_KEY) belong together: "
                "give both or none"
            )
        return self

    @property
    def own_budget_share(self) -> float:
        """The part of Cloudflare's limit that is this operator's own."""
        return self.budget_share / self.budget_shards

    @model_validator(mode="after")
    def _budget_suffices(self) -> Self:
        """Refuse a budget with which some requests would never be sent."""
        own = self.budget_limit * self.own_budget_share
        if own < SMALLEST_SHARE:
            raise ValueError(
                f"AISEARCH_BUDGET_LIMIT x AISEARCH_BUDGET_SHARE / AISEARCH_BUDGET_SHARDS must be at least "
                f"{SMALLEST_SHARE:g} requests per window, and is {own:.3g}"
            )
        return self

    @model_validator(mode="after")
    def _lease_lasts(self) -> Self:
        """Refuse an election in which the holder gives up after another has taken over, or before its first retry."""
        if not self.lease_retry_period < self.lease_renew_deadline < self.lease_duration:
            raise ValueError(
                "AISEARCH_LEASE_RETRY_PERIOD must be below AISEARCH_LEASE_RENEW_DEADLINE, and that below "
                f"AISEARCH_LEASE_DURATION; they are {self.lease_retry_period:g}, {self.lease_renew_deadline:g} and "
                f"{self.lease_duration} seconds"
            )
        return self
