"""The metrics as they are counted, and as Prometheus reads them: the only place that knows its library."""

import itertools
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping

import prometheus_client
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import choose_encoder
from prometheus_client.process_collector import ProcessCollector
from prometheus_client.registry import Collector

from aisearch_operator.telemetry.definitions import DEFINITIONS, OTHER, Definition

__all__ = ["Metrics", "Reading", "Sample"]

Sample = tuple[tuple[str, ...], float]
"""The values of the labels, in the order of the definition, and the value of the gauge."""

Reading = Callable[[], Iterable[Sample]]


class Metrics:
    """The metrics of one operator.

    Counters and histograms are told what happens. Gauges are read when Prometheus asks: most are the result of a
    look at all resources, which would be too much for every change.
    """

    def __init__(self) -> None:
        prometheus_client.disable_created_metrics()  # type: ignore[no-untyped-call]  # a series more for each, which nobody reads
        self._registry = prometheus_client.CollectorRegistry()
        self._counters = {each.name: self._counter(each) for each in _of_type("counter")}
        self._histograms = {each.name: self._histogram(each) for each in _of_type("histogram")}
        self._gauges = _Gauges()
        self._registry.register(self._gauges)
        ProcessCollector(registry=self._registry)

    def count(self, definition: Definition, *labels: str) -> None:
        """Count one event."""
        counter = self._counters[definition.name]
        (counter.labels(*_bounded(definition, labels)) if labels else counter).inc()

    def observe(self, definition: Definition, value: float, *labels: str) -> None:
        """Enter a value into a histogram."""
        histogram = self._histograms[definition.name]
        (histogram.labels(*_bounded(definition, labels)) if labels else histogram).observe(value)

    def read(self, definition: Definition, reading: Reading) -> None:
        """Have a gauge read so. Samples of the same labels are added up."""
        self._gauges.readings[definition.name] = reading

    def exposition(self, accept: str) -> tuple[bytes, str]:
        """Give all metrics as text in the format that an ``Accept`` header prefers, and its content type."""
        encode, content_type = choose_encoder(accept)
        return encode(self._registry), content_type

    def _counter(self, definition: Definition) -> prometheus_client.Counter:
        made = prometheus_client.Counter(
            definition.name, definition.text, tuple(definition.labels), registry=self._registry
        )
        for labels in _from_the_start(definition):
            made.labels(*labels)
        return made

    def _histogram(self, definition: Definition) -> prometheus_client.Histogram:
        made = prometheus_client.Histogram(
            definition.name,
            definition.text,
            tuple(definition.labels),
            buckets=definition.buckets,
            registry=self._registry,
        )
        for labels in _from_the_start(definition):
            made.labels(*labels)
        return made


class _Gauges(Collector):
    def __init__(self) -> None:
        self.readings: dict[str, Reading] = {}

    def collect(self) -> Iterator[GaugeMetricFamily]:
        for definition in _of_type("gauge"):
            family = GaugeMetricFamily(definition.name, definition.text, labels=tuple(definition.labels))
            sums: defaultdict[tuple[str, ...], float] = defaultdict(float)
            for labels, value in self.readings.get(definition.name, tuple)():
                sums[_bounded(definition, labels)] += value
            for labels, value in sums.items():
                family.add_metric(labels, value)
            yield family


def _of_type(metric_type: str) -> Iterator[Definition]:
    return (definition for definition in DEFINITIONS if definition.type == metric_type)


def _from_the_start(definition: Definition) -> Iterable[tuple[str, ...]]:
    """Give the series that are there before anything happens: a rate cannot see the first event of a new one.

    Not every route: most are never asked.
    """
    if not definition.labels or "route" in definition.labels:
        return ()
    return itertools.product(*definition.labels.values())


def _bounded(definition: Definition, labels: Iterable[str]) -> tuple[str, ...]:
    """Keep to the documented values: a foreign text must not become a series."""
    documented: Mapping[str, tuple[str, ...]] = definition.labels
    return tuple(
        value if value in allowed or not allowed else OTHER
        for value, allowed in zip(labels, documented.values(), strict=True)
    )
