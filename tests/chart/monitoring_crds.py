"""Stand-ins for the CRDs of Prometheus Operator: test code, with as much schema as tells a misspelt field.

The real ones come with Prometheus Operator, which no package registry has alone. Unknown fields are refused, as the
API server does with all that has a schema.
"""

from typing import Any

__all__ = ["definitions"]

TEXT = {"type": "string"}
TEXTS = {"type": "object", "additionalProperties": TEXT}
SELECTOR = {"type": "object", "properties": {"matchLabels": TEXTS}}
RELABELING = {
    "type": "object",
    "properties": dict.fromkeys(("action", "regex", "replacement", "separator", "targetLabel"), TEXT)
    | {"sourceLabels": {"type": "array", "items": TEXT}},
}
ENDPOINTS = {
    "type": "array",
    "items": {
        "type": "object",
        "properties": dict.fromkeys(("port", "path", "interval", "scrapeTimeout"), TEXT)
        | {"honorLabels": {"type": "boolean"}}
        | {name: {"type": "array", "items": RELABELING} for name in ("relabelings", "metricRelabelings")},
    },
}
RULE = {
    "type": "object",
    "required": ["expr"],
    "properties": dict.fromkeys(("alert", "record", "expr", "for", "keep_firing_for"), TEXT)
    | {"labels": TEXTS, "annotations": TEXTS},
}
GROUP = {
    "type": "object",
    "required": ["name"],
    "properties": {"name": TEXT, "interval": TEXT, "rules": {"type": "array", "items": RULE}},
}
SPECS = {
    "ServiceMonitor": {"selector": SELECTOR, "endpoints": ENDPOINTS},
    "PodMonitor": {"selector": SELECTOR, "podMetricsEndpoints": ENDPOINTS},
    "PrometheusRule": {"groups": {"type": "array", "items": GROUP}},
}


def definitions() -> list[dict[str, Any]]:
    """Make the three."""
    return [_definition(kind, properties) for kind, properties in SPECS.items()]


def _definition(kind: str, properties: dict[str, Any]) -> dict[str, Any]:
    plural = f"{kind.lower()}s"
    spec = {"type": "object", "properties": properties}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.monitoring.coreos.com"},
        "spec": {
            "group": "monitoring.coreos.com",
            "names": {"kind": kind, "listKind": f"{kind}List", "plural": plural, "singular": kind.lower()},
            "scope": "Namespaced",
            "versions": [
                {
                    "name": "v1",
                    "served": True,
                    "storage": True,
                    "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": spec}}},
                }
            ],
        },
    }
