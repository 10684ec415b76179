"""The demo's output without a terminal: lines on change, requests as they come, a request log that can be read."""

import io
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from pydantic import JsonValue
from rich.console import Console

from demo.display import Display, folded
from demo.view import GONE, Row, View
from fake_cloudflare import JournalEntry

STARTED = datetime(2026, 11, 23, 10, 0, 22, tzinfo=UTC)
PENDING = Row("aisj/docs", "Pending", "Cooldown", "", None, None, "Cloudflare takes the next sync job later")
RUNNING = Row("aisj/docs", "Running", "Running", "job-a", STARTED, None, "Job job-a runs")
JOB_ID = "be8b6ecf-39c1-435e-bad0-d0a77adca0e3"


def entry(
    method: str,
    path: str = "/namespaces/default/instances",
    operation: str | None = None,
    body: JsonValue = None,
) -> JournalEntry:
    return JournalEntry(
        seq=1, time=0, method=method, path=path, query={}, operation=operation, body=body, status=200, applied=True
    )


@pytest.fixture
def output():
    return io.StringIO()


@pytest.fixture
def display(output):
    with Display(Console(file=output, width=120)) as shown:
        yield shown


def lines(output: io.StringIO) -> list[str]:
    return [line.partition(" s  ")[2] for line in output.getvalue().splitlines()]


def test_a_resource_is_told_of_when_it_changes_and_only_then(display, output):
    for row in (PENDING, PENDING, RUNNING, RUNNING):
        display.show(View((row,), ()))

    assert lines(output) == [
        "aisj/docs               Pending     Cooldown  Cloudflare takes the next sync job later",
        "aisj/docs               Running     Running  Job job-a runs  (started 10:00:22)",
    ]


def test_an_ended_job_is_told_of_with_its_times(display, output):
    ended = replace(RUNNING, state="Succeeded", reason="Succeeded", ended=STARTED.replace(second=30), message="Well")

    display.show(View((ended,), ()))

    assert lines(output) == ["aisj/docs               Succeeded   Succeeded  Well  (10:00:22 to 10:00:30, 8 s)"]


def test_a_resource_that_is_gone_is_told_of_once(display, output):
    gone = Row("aisj/docs", GONE, "", "job-a", None, None, "")

    for _ in range(2):
        display.show(View((gone,), ()))

    assert lines(output) == ["aisj/docs               gone"]


def test_a_write_that_cloudflare_got_is_told_of_with_its_answer(display, output):
    display.show(View((), (entry("PATCH", f"/namespaces/default/instances/docs/jobs/{JOB_ID}"),)))

    assert lines(output) == ["Cloudflare got  PATCH /namespaces/default/instances/docs/jobs/be8b6ecf…  → 200"]


def test_what_a_command_said_is_shown_as_it_is(display, output):
    display.say("[bold]NAME[/bold]\n")

    assert output.getvalue() == "[bold]NAME[/bold]\n"


def test_reads_between_writes_share_a_line_of_the_request_log():
    requests = [entry("GET"), entry("GET"), entry("POST"), entry("GET")]

    assert [(method, path) for _, method, path, _, _ in folded(requests)] == [
        ("GET", "2 reads"),
        ("POST", "/namespaces/default/instances"),
        ("GET", "1 read"),
    ]


def test_the_cancellation_stands_out_in_the_request_log_and_shows_its_body():
    (line,) = folded([entry("PATCH", f"/jobs/{JOB_ID}", "jobs.cancel", {"action": "cancel"})])

    assert line == ("00:00:00.000", "PATCH", '/jobs/be8b6ecf…  {"action": "cancel"}', "200", True)
