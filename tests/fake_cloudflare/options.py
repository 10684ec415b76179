"""What a test may change about one account: timing, outcomes, quotas, what exists outside AI Search."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class AccountOptions(BaseModel):
    """Behaviour of one account. All durations are seconds of the account's clock."""

    model_config = ConfigDict(extra="forbid", validate_assignment=True)

    initial_job: bool = Field(default=True, description="A new r2 or web-crawler instance indexes itself once (3.3)")
    initial_job_duration: float | None = 5.0
    settle_delay: float = Field(default=2.0, description="Until a built-in instance is `active`")
    job_start_delay: float | None = Field(default=1.0, description="Creation to started_at; null: never starts")
    job_duration: float | None = Field(default=30.0, description="started_at to ended_at; null: until it is ended")
    job_end_reason: str | None = Field(default=None, description="end_reason of a job that runs to its end")
    heartbeat: float = Field(default=5.0, gt=0, description="Step of last_seen_at and of the job's log")
    cancel_delay: float = Field(default=0.0, description="From the 200 of a cancel to the job's end")
    cancel_end_reason: str | None = Field(default="cancelled", description="Not known (3.4)")
    cooldown: float = Field(default=30.0, description="Since the last request, start or end of a job (3.3)")
    indexing_lag: float = Field(default=0.0, description="Items still queued after the job's end (3.2)")
    files: int = Field(default=12, description="Items that a completed index has")
    stats_degraded: bool = Field(default=False, description="Statistics leave the counts out (2.2)")
    idle_pause: float | None = Field(default=31 * 86_400.0, description="Paused after so long without a search (2.5)")
    source_check_delay: float = Field(default=5.0, description="Until a resumed instance meets its broken source")
    jobs_while_paused: bool = Field(default=False, description="A paused instance takes jobs; not known (3.3)")
    job_order: Literal["desc", "asc"] = "desc"
    log_order: Literal["asc", "desc"] = "asc"
    timestamp_format: Literal["zoneless", "iso", "mixed"] = Field(
        default="zoneless", description="`mixed`: started_at is ISO"
    )
    read_lag: float = Field(default=0.0, description="Namespaces and instances are read as they were then (2.3)")
    job_read_lag: float = Field(default=0.0, description="The same for jobs; not documented, a worst case")
    list_default_namespace: bool = Field(default=True, description="Sources disagree (1.2)")
    rate_limit: int | None = Field(default=1200, description="Requests in a window for each user; null lifts it")
    rate_window: float = 300.0
    rate_block: float = Field(default=300.0, description="Without any answer once the limit is exceeded (4.2)")
    max_instances: int = 100
    max_namespaces: int = 100
    max_chunk_size: int = Field(default=4096, description="Above it 7036; the real value depends on the model")
    unknown_gateways: frozenset[str] = Field(default=frozenset(), description="ai_gateway_id refused with 7018")
    invalid_token_ids: frozenset[str] = Field(default=frozenset(), description="token_id refused with 7012")
    stuck_domains: frozenset[str] = Field(
        default=frozenset(), description="Custom domains that cannot be removed: DELETE is 7092, nothing goes (4.5)"
    )
    foreign_account: Literal[401, 403, 404] = Field(
        default=401, description="To an account id that is not the caller's: 10000, or 7003 with 404; not known (4.3)"
    )
    missing_buckets: frozenset[str] = Field(
        default=frozenset(), description="source of which the first job finds out: bucket_not_found (2.5)"
    )
    sites_without_sitemap: frozenset[str] = Field(default=frozenset(), description="source refused with 7028")

    @property
    def zoned(self) -> bool:
        """Whether times of instances and namespaces carry a zone."""
        return self.timestamp_format != "zoneless"


class JobPlan(BaseModel):
    """How one job will go, in place of the account's options."""

    model_config = ConfigDict(extra="forbid")

    start_delay: float | None = 1.0
    duration: float | None = 30.0
    end_reason: str | None = None
