"""The alerts fire and stay silent when they should, name what exists, and have a page that says what to do."""

import re
import subprocess

import pytest
import yaml

from aisearch_operator.domain.attempts import FAILURES
from aisearch_operator.domain.reasons import Reason
from aisearch_operator.telemetry.definitions import DEFINITIONS
from monitoring.promtool import promtool
from monitoring.rules import ALERTS, RUNBOOKS, TESTS, grouping, load, matchers, metrics_in, rules

TARGET_LABELS = {"namespace", "job"}
"""Which installation a series is of; Prometheus gives each target these labels."""

LABELS = {each.name: each.labels for each in DEFINITIONS}
SCENES = [scene for path in TESTS for scene in load(path)["tests"]]
SERIES = [series["series"] for scene in SCENES for series in scene["input_series"]]
HEADINGS = ["## What is at stake", "## Look", "## Way out"]


def run(*arguments):
    return subprocess.run([promtool(), *arguments], capture_output=True, text=True, check=False)


def alerts_that_fail_their_tests(change, folder):
    """Test rules that a function has changed; give the alerts that some case does not expect so."""
    changed = load(ALERTS)
    for group in changed["groups"]:
        for rule in group["rules"]:
            change(rule)
    (folder / "alerts.yaml").write_text(yaml.safe_dump(changed))
    for path in TESTS:
        copy = yaml.safe_dump({**load(path), "rule_files": ["alerts.yaml"]})
        (folder / path.name).write_text(copy)
    outcome = run("test", "rules", *(str(folder / path.name) for path in TESTS))
    return set(re.findall(r"alertname: (\w+),", outcome.stdout + outcome.stderr))


def test_prometheus_reads_the_rules():
    outcome = run("check", "rules", str(ALERTS))

    assert outcome.returncode == 0, outcome.stdout + outcome.stderr


def test_every_case_of_the_rule_tests_is_as_expected():
    outcome = run("test", "rules", *map(str, TESTS))

    assert outcome.returncode == 0, outcome.stdout + outcome.stderr


@pytest.mark.parametrize("alert", rules(), ids=lambda alert: alert.name)
def test_an_alert_fires_in_one_case_and_is_silent_in_another_that_has_its_metrics(alert):
    asked = [(scene, case) for scene in SCENES for case in scene["alert_rule_test"] if case["alertname"] == alert.name]
    firing = {scene["name"] for scene, case in asked if case["exp_alerts"]}
    silent = {
        scene["name"]
        for scene, _ in asked
        if metrics_in(alert.expression) <= metrics_in(" ".join(each["series"] for each in scene["input_series"]))
    } - firing

    assert firing
    assert silent


def test_an_alert_with_half_of_its_waiting_time_fires_where_its_tests_want_silence(tmp_path):
    def hurry(rule):
        if "for" in rule:
            number, unit = int(rule["for"][:-1]), rule["for"][-1]
            rule["for"] = f"{number * {'m': 60, 'h': 3600}[unit] // 2}s"

    assert alerts_that_fail_their_tests(hurry, tmp_path) == {alert.name for alert in rules() if alert.wait}


@pytest.mark.parametrize("factor", [0.5, 2], ids=["half", "double"])
def test_an_alert_with_another_threshold_fails_its_tests(tmp_path, factor):
    def move(rule):
        def moved(comparison):
            operator, threshold = comparison[1], float(comparison[2])
            if threshold:
                return f"{operator} {threshold * factor}"
            if operator == "==":
                return "!= 0"
            return ">= 0" if factor < 1 else "> 1000"

        rule["expr"] = re.sub(r"(==|<|>) ([\d.]+)", moved, rule["expr"])

    failing = alerts_that_fail_their_tests(move, tmp_path)

    assert failing == {alert.name for alert in rules() if re.search("[=<>] [0-9]", alert.expression)}


@pytest.mark.parametrize("expression", [*(alert.expression for alert in rules()), *SERIES])
def test_an_expression_names_metrics_labels_and_values_that_exist(expression):
    names = metrics_in(expression)
    assert names <= LABELS.keys()
    for name, matcher in matchers(expression):
        if expression in SERIES and matcher.label in {*TARGET_LABELS, "pod"}:
            continue
        assert matcher.label in LABELS[name]
        assert set(matcher.values) <= set(LABELS[name][matcher.label] or matcher.values)
    for label in grouping(expression) - TARGET_LABELS:
        assert all(label in LABELS[name] for name in names)


@pytest.mark.parametrize("series", SERIES)
def test_a_series_in_a_rule_test_has_the_labels_of_a_real_one(series):
    if series.startswith("aisearch_"):
        (name,) = metrics_in(series)
        assert {matcher.label for _, matcher in matchers(series)} == {*LABELS[name], *TARGET_LABELS, "pod"}


def test_a_sync_job_that_has_ended_badly_is_no_reason_to_call_somebody_for_ever():
    (alert,) = (alert for alert in rules() if alert.name == "AISearchResourceStalled")
    ((_, matcher),) = matchers(alert.expression)

    assert matcher.operator == "!~"
    ended = FAILURES | {Reason.CANCELLED, Reason.BACKOFF_LIMIT_EXCEEDED, Reason.DEADLINE_EXCEEDED}
    assert set(matcher.values) == set(ended)


@pytest.mark.parametrize("alert", rules(), ids=lambda alert: alert.name)
def test_an_alert_says_how_bad_it_is_what_happened_and_where_to_read_on(alert):
    assert alert.name.startswith("AISearch")
    assert set(alert.labels) == {"severity"}
    assert alert.labels["severity"] in {"critical", "warning"}
    assert set(alert.annotations) == {"summary", "description", "runbook"}
    assert alert.annotations["runbook"] == f"docs/runbooks/{alert.name}.md"
    assert "{{" not in alert.annotations["summary"], "the same text for all, so that notifications are grouped"


def test_every_alert_has_a_page_and_every_page_an_alert():
    names = [alert.name for alert in rules()]

    assert sorted(path.stem for path in RUNBOOKS.glob("AISearch*.md")) == sorted(names)
    index = (RUNBOOKS / "README.md").read_text(encoding="utf-8")
    assert re.findall(r"^\| \[(\w+)\]\(\1\.md\) \| (\w+) \|", index, re.MULTILINE) == [
        (alert.name, alert.labels["severity"]) for alert in rules()
    ]


@pytest.mark.parametrize("alert", rules(), ids=lambda alert: alert.name)
def test_a_page_says_when_what_is_at_stake_where_to_look_and_the_way_out(alert):
    page = (RUNBOOKS / f"{alert.name}.md").read_text(encoding="utf-8")

    assert page.startswith(f"# {alert.name}\n\nFires when ")
    assert [line for line in page.splitlines() if line.startswith("## ")] == HEADINGS
