"""Prometheus expressions over the installations that were chosen above the dashboard."""

from monitoring.panels import Query

__all__ = ["of", "quantiles", "rate"]

TARGET = 'namespace=~"$namespace", job=~"$job"'
"""Variables of the dashboard."""


def of(metric: str, *matchers: str) -> str:
    """Give the series of a metric that are of the chosen installations."""
    return f"{metric}{{{', '.join((TARGET, *matchers))}}}"


def rate(metric: str, by: str, *matchers: str) -> str:
    """Give how often something happens in a second."""
    return f"sum by ({by}) (rate({of(metric, *matchers)}[$__rate_interval]))"


def quantiles(metric: str, *, window: str = "$__rate_interval", by: str = "", legend: str = "") -> list[Query]:
    """Give the median and the 95th percentile of a histogram, for each value of a label if one is named."""
    labels = ", ".join(filter(None, ("le", by)))
    return [
        Query(
            f"histogram_quantile({quantile}, sum by ({labels}) (rate({of(f'{metric}_bucket')}[{window}])))",
            f"{legend} {name}".strip(),
        )
        for quantile, name in ((0.5, "half of them"), (0.95, "95%"))
    ]
