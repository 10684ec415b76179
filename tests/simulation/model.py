"""The model: how many requests an account costs at rest, computed by the operator's own pace."""

from dataclasses import dataclass
from math import ceil

from aisearch_operator.cloudflare.budget import RequestBudget
from aisearch_operator.cloudflare.instance_sweep import INSTANCES_PER_PAGE
from aisearch_operator.observation.pace import JOBS, SWEEPS, interval, rotation_interval
from aisearch_operator.settings import Settings
from simulation.limit import LIMIT, WINDOW

__all__ = ["EXAMPLES", "HEADINGS", "Demand", "rows"]

DEFAULTS = Settings.model_construct()
RATE = RequestBudget(share=DEFAULTS.budget_share).rate

HEADINGS = (
    "Instances",
    "Search namespaces",
    "Active sync jobs",
    "A list every",
    "requests/min",
    "Jobs of each every",
    "requests/min",
    "Statistics of each every",
    "requests/min",
    "All requests/min",
    "Share of the limit",
)


@dataclass(frozen=True, slots=True)
class Demand:
    """What one caller looks at, with the default settings, while all is quiet.

    Parameters
    ----------
    instances
        Evenly distributed over the search namespaces.
    jobs
        Instances with active sync jobs.
    """

    instances: int
    jobs: int = 0
    search_namespaces: int = 1

    @property
    def pages(self) -> int:
        """Requests of a round over all lists of instances."""
        return self.search_namespaces * ceil(self.instances / self.search_namespaces / INSTANCES_PER_PAGE)

    @property
    def sweep_interval(self) -> float:
        """Seconds between two lists of a search namespace."""
        return interval(DEFAULTS.poll_interval, requests=self.pages, rate=RATE, part=SWEEPS)

    @property
    def jobs_interval(self) -> float:
        """Seconds between two lists of the jobs of an instance."""
        return interval(DEFAULTS.job_poll_interval, requests=self.jobs, rate=RATE, part=JOBS)

    @property
    def statistics_interval(self) -> float:
        """Seconds between two requests for statistics."""
        return rotation_interval(DEFAULTS.stats_interval, instances=self.instances, rate=RATE)

    @property
    def parts(self) -> tuple[float, float, float]:
        """Requests per minute: lists of instances, lists of jobs, statistics."""
        return (
            60 * self.pages / self.sweep_interval,
            60 * self.jobs / self.jobs_interval,
            60 / self.statistics_interval,
        )

    @property
    def requests(self) -> float:
        """Requests per minute."""
        return sum(self.parts)


EXAMPLES = (
    Demand(100),
    Demand(100, jobs=10),
    Demand(1_000),
    Demand(1_000, jobs=10),
    Demand(1_000, jobs=10, search_namespaces=50),
    Demand(5_000),
    Demand(5_000, jobs=50),
    Demand(10_000),
    Demand(10_000, jobs=100),
)


def rows() -> list[tuple[str, ...]]:
    """Compute the examples."""
    return [_row(each) for each in EXAMPLES]


def _row(demand: Demand) -> tuple[str, ...]:
    lists, jobs, statistics = demand.parts
    return (
        f"{demand.instances:,}",
        f"{demand.search_namespaces:,}",
        f"{demand.jobs:,}",
        f"{demand.sweep_interval:.0f} s",
        f"{lists:.1f}",
        f"{demand.jobs_interval:.0f} s" if demand.jobs else "-",
        f"{jobs:.1f}",
        f"{demand.instances * demand.statistics_interval / 60:.0f} min",
        f"{statistics:.1f}",
        f"{demand.requests:.1f}",
        f"{demand.requests / (LIMIT / WINDOW * 60):.0%}",
    )
