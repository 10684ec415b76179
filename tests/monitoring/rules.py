"""Where alerts, their tests, runbooks and the dashboard are, and what their Prometheus expressions name."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

__all__ = [
    "ALERTS",
    "DASHBOARD",
    "RUNBOOKS",
    "TESTS",
    "Matcher",
    "Rule",
    "grouping",
    "load",
    "matchers",
    "metrics_in",
    "rules",
]

_REPOSITORY = Path(__file__).resolve().parents[2]

ALERTS = _REPOSITORY / "deploy" / "chart" / "aisearch-operator" / "files" / "alerts.yaml"
DASHBOARD = ALERTS.with_name("dashboard.json")
RUNBOOKS = _REPOSITORY / "docs" / "runbooks"
TESTS = tuple(sorted(Path(__file__).parent.glob("*_test.yaml")))
"""What ``promtool test rules`` reads."""

_METRIC = re.compile(r'\b((?:aisearch|process)_\w+)(?:\{((?:[^"}]|"(?:[^"\\]|\\.)*")*)\})?')
_MATCHER = re.compile(r'(\w+)\s*(=~|!~|!=|=)\s*"((?:[^"\\]|\\.)*)"')
_GROUPING = re.compile(r"\b(?:by|on|group_left|group_right)\s*\(([^)]*)\)")


@dataclass(frozen=True, slots=True)
class Rule:
    """One alert."""

    name: str
    expression: str
    wait: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Matcher:
    """What an expression asks of a label."""

    label: str
    operator: str
    value: str

    @property
    def values(self) -> tuple[str, ...]:
        """The values that it names; a pattern is a list of alternatives here, or a variable of the dashboard."""
        return tuple(self.value.split("|")) if self.operator in {"=~", "!~"} else (self.value,)


def load(path: Path) -> Any:
    """Read a YAML file."""
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def rules() -> tuple[Rule, ...]:
    """Give the alerts in their order."""
    return tuple(
        Rule(rule["alert"], rule["expr"], rule.get("for", ""), rule["labels"], rule["annotations"])
        for group in load(ALERTS)["groups"]
        for rule in group["rules"]
    )


def metrics_in(expression: str) -> frozenset[str]:
    """Give the names of the operator's metrics that an expression reads, as they are exposed."""
    return frozenset(found[1] for found in _METRIC.finditer(expression))


def matchers(expression: str) -> Iterator[tuple[str, Matcher]]:
    """Give each metric of an expression with each matcher that stands behind it."""
    for found in _METRIC.finditer(expression):
        for matcher in _MATCHER.finditer(found[2] or ""):
            yield found[1], Matcher(*matcher.groups())


def grouping(expression: str) -> frozenset[str]:
    """Give the labels that an expression groups or joins by."""
    return frozenset(label.strip() for found in _GROUPING.finditer(expression) for label in found[1].split(","))
