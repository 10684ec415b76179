"""Reads what /metrics says."""

from collections.abc import Mapping

from prometheus_client.parser import text_string_to_metric_families

from aisearch_operator.telemetry.definitions import Definition

__all__ = ["label_values_in", "samples_in"]


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
