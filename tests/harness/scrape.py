"""Asks an operator's HTTP server as Kubernetes and Prometheus do, and reads what it says."""

from collections.abc import Mapping
from functools import cache

import httpx
from prometheus_client.parser import text_string_to_metric_families

from aisearch_operator.telemetry.definitions import Definition

__all__ = ["ask", "label_values_in", "samples_in"]


def ask(port: int, path: str) -> httpx.Response:
    """Give the answer of an operator that listens at a port."""
    return _client().get(f"http://127.0.0.1:{port}{path}")


@cache
def _client() -> httpx.Client:
    """Give one for all: each costs 30 ms, as it reads the certificates of the world."""
    return httpx.Client(trust_env=False, timeout=60)


def samples_in(text: str, definition: Definition) -> Mapping[tuple[str, ...], float]:
    """Give the samples of a metric by the values of its labels; of a histogram, the counts."""
    wanted = f"{definition.name}_count" if definition.type == "histogram" else definition.name
    return {
        tuple(sample.labels[label] for label in definition.labels): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == wanted
    }


def label_values_in(text: str, definition: Definition, label: str) -> set[str]:
    """Give the values that a label of a metric has."""
    position = tuple(definition.labels).index(label)
    return {labels[position] for labels in samples_in(text, definition)}
