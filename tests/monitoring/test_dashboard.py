"""The dashboard is well-formed, readable, and asks for nothing that the operator does not expose."""

import itertools
import json
import subprocess

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from aisearch_operator.telemetry.definitions import DEFINITIONS
from aisearch_operator.telemetry.metrics import Metrics
from monitoring.promtool import promtool
from monitoring.rules import DASHBOARD, grouping, matchers, metrics_in

MODEL = json.loads(DASHBOARD.read_text(encoding="utf-8"))
PANELS = [panel for panel in MODEL["panels"] if panel["type"] != "row"]
EXPRESSIONS = [target["expr"] for panel in PANELS for target in panel["targets"]]

TARGET_LABELS = {"namespace", "job", "pod"}
UNITS = {"short", "s", "bytes", "percentunit", "reqps", "cps", "wps"}
"""Of Grafana's many units those that are used; a misspelt one is shown as a plain text behind each value."""

FAMILIES = {
    sample: family
    for family in DEFINITIONS
    for sample in (
        (f"{family.name}_bucket", f"{family.name}_sum", f"{family.name}_count")
        if family.type == "histogram"
        else (family.name,)
    )
}


def exposed():
    """Give the names of all metrics that every operator exposes, as Prometheus stores them."""
    text = Metrics().exposition("")[0].decode()
    process = {sample.name for family in text_string_to_metric_families(text) for sample in family.samples}
    return {name for name in process if name.startswith("process_")} | FAMILIES.keys()


def test_prometheus_reads_every_expression(tmp_path):
    records = [
        {"record": f"panel:{number}", "expr": expression.replace("$__rate_interval", "5m")}
        for number, expression in enumerate(EXPRESSIONS)
    ]
    rules = tmp_path / "dashboard.yaml"
    rules.write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": records}]}))

    outcome = subprocess.run([promtool(), "check", "rules", str(rules)], capture_output=True, text=True, check=False)

    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    assert f"{len(EXPRESSIONS)} rules found" in outcome.stdout


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_an_expression_names_metrics_labels_and_values_that_exist(expression):
    names = metrics_in(expression)
    assert names
    assert names <= exposed()
    for name, matcher in matchers(expression):
        if matcher.label not in TARGET_LABELS:
            assert matcher.value in FAMILIES[name].labels[matcher.label]
    for label in grouping(expression) - TARGET_LABELS - {"le"}:
        assert all(label in FAMILIES[name].labels for name in names)


@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_an_expression_looks_at_the_chosen_installations_alone(expression):
    chosen = [(name, matcher.label, matcher.value) for name, matcher in matchers(expression)]

    for name in metrics_in(expression):
        assert (name, "namespace", "$namespace") in chosen
        assert (name, "job", "$job") in chosen


def test_every_metric_of_the_operator_is_in_some_panel():
    shown = {FAMILIES[name].name for name in metrics_in(" ".join(EXPRESSIONS)) if name in FAMILIES}

    assert shown == {each.name for each in DEFINITIONS}


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel["title"])
def test_a_panel_says_what_it_shows_in_which_unit_and_from_where(panel):
    assert panel["title"]
    assert panel["description"].endswith(".")
    assert panel["fieldConfig"]["defaults"]["unit"] in UNITS
    references = [target["refId"] for target in panel["targets"]]
    assert len(set(references)) == len(references) > 0
    for each in (panel, *panel["targets"]):
        assert each["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
    if len(references) > 1 or grouping(panel["targets"][0]["expr"]):
        assert all(target["legendFormat"] for target in panel["targets"]), "else Grafana shows the whole expression"


def test_panels_fill_the_width_and_lie_beside_each_other():
    cells: set[tuple[int, int]] = set()
    for panel in MODEL["panels"]:
        place = panel["gridPos"]
        assert 0 <= place["x"] < place["x"] + place["w"] <= 24
        own = set(
            itertools.product(range(place["x"], place["x"] + place["w"]), range(place["y"], place["y"] + place["h"]))
        )
        assert not own & cells, f"{panel['title']} lies over another"
        cells |= own
    height = max(y for _, y in cells) + 1
    assert len(cells) == 24 * height, "no holes"


def test_the_dashboard_can_be_imported_anywhere():
    assert MODEL["uid"] == "aisearch-operator", "links to it outlive an update"
    assert "id" not in MODEL, "a number of one Grafana would hit another dashboard in the next"
    identifiers = [panel["id"] for panel in MODEL["panels"]]
    assert len(set(identifiers)) == len(identifiers)
    assert [variable["name"] for variable in MODEL["templating"]["list"]] == ["datasource", "namespace", "job"]
