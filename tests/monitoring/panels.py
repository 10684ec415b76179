"""How Grafana writes panels, rows and variables; what they show is in `dashboard`."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

__all__ = ["Panel", "Query", "Row", "dashboard_of"]

SCHEMA = 41
"""The version of the format: Grafana 12's. Newer ones migrate it."""

COLUMNS = 24
ROW_HEIGHT = 1

DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Query:
    """One Prometheus expression and what its series are called.

    Parameters
    ----------
    legend
        With ``{{label}}`` for the value of a label.
    """

    expression: str
    legend: str


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel.

    Parameters
    ----------
    text
        What it shows, and what to think of it.
    unit
        Of Grafana's list, such as ``s``, ``short``, ``percentunit``, ``reqps``.
    kind
        ``timeseries``, ``stat`` or ``bargauge``. The last two show the present.
    width, height
        Of 24 columns, and in Grafana's units.
    stacked
        Whether series are piled up, as it suits parts of a whole.
    steps
        Colours from a value on; the first is for everything below.
    options
        Of the panel's kind, beyond the usual.
    """

    title: str
    text: str
    unit: str
    queries: Sequence[Query]
    kind: str = "timeseries"
    width: int = 8
    height: int = 8
    stacked: bool = False
    steps: Mapping[float, str] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Row:
    """A heading and its panels, from left to right."""

    title: str
    panels: Sequence[Panel]


def dashboard_of(rows: Iterable[Row], *, uid: str, title: str, text: str, variables: Sequence[Json]) -> Json:
    """Lay the rows out, and give the dashboard as Grafana imports it."""
    panels: list[Json] = []
    y = 0
    for row in rows:
        panels.append(
            {"type": "row", "title": row.title, "collapsed": False, "gridPos": _place(0, y, COLUMNS, ROW_HEIGHT)}
        )
        y += ROW_HEIGHT
        x, height = 0, 0
        for panel in row.panels:
            if x + panel.width > COLUMNS:
                x, y, height = 0, y + height, 0
            panels.append(_panel(panel, x, y))
            x, height = x + panel.width, max(height, panel.height)
        y += height
    return {
        "uid": uid,
        "title": title,
        "description": text,
        "tags": ["cloudflare", "kubernetes", "ai-search"],
        "schemaVersion": SCHEMA,
        "editable": True,
        "graphTooltip": 1,
        "refresh": "1m",
        "time": {"from": "now-6h", "to": "now"},
        "templating": {"list": list(variables)},
        "panels": [{"id": number, **panel} for number, panel in enumerate(panels, start=1)],
    }


def _panel(panel: Panel, x: int, y: int) -> Json:
    now = panel.kind != "timeseries"
    return {
        "type": panel.kind,
        "title": panel.title,
        "description": panel.text,
        "datasource": DATASOURCE,
        "gridPos": _place(x, y, panel.width, panel.height),
        "fieldConfig": {"defaults": {"unit": panel.unit, **_look(panel)}, "overrides": []},
        "options": {**(_PRESENT if now else _COURSE), **panel.options},
        "targets": [_target(query, chr(ord("A") + number), now=now) for number, query in enumerate(panel.queries)],
    }


def _target(query: Query, reference: str, *, now: bool) -> Json:
    return {
        "refId": reference,
        "datasource": DATASOURCE,
        "expr": query.expression,
        "legendFormat": query.legend,
        "instant": now,
        "range": not now,
    }


def _look(panel: Panel) -> Json:
    look: Json = {"min": 0} if panel.kind == "timeseries" and not panel.steps else {}
    if panel.steps:
        # Grafana wants the first step to be without a value.
        steps = [{"value": value or None, "color": color} for value, color in sorted(panel.steps.items())]
        look |= {"thresholds": {"mode": "absolute", "steps": steps}}
    if panel.kind != "timeseries":
        return {**look, "color": {"mode": "thresholds"}}
    stacking = {"mode": "normal" if panel.stacked else "none", "group": "A"}
    lines = {"lineWidth": 1, "fillOpacity": 40 if panel.stacked else 8, "showPoints": "never", "stacking": stacking}
    if panel.steps:
        lines |= {"thresholdsStyle": {"mode": "line"}}
    return {**look, "min": 0, "color": {"mode": "palette-classic"}, "custom": lines}


def _place(x: int, y: int, width: int, height: int) -> Json:
    return {"x": x, "y": y, "w": width, "h": height}


_COURSE: Json = {
    "legend": {"displayMode": "table", "placement": "bottom", "calcs": ["lastNotNull", "max"], "showLegend": True},
    "tooltip": {"mode": "multi", "sort": "desc"},
}

_PRESENT: Json = {
    "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
    "orientation": "auto",
}
