"""Shows the demo: a table that changes in place on a terminal, a line for each change where there is none."""

import json
import re
import sys
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.live import Live
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from demo.view import GONE, Row, View
from fake_cloudflare import JournalEntry

PLAIN_WIDTH = 120
STYLES = {
    "Ready": "bold green",
    "Succeeded": "bold green",
    "Running": "bold cyan",
    "Deleting": "bold magenta",
    "Cancelling": "bold magenta",
    "Failed": "bold red",
    "Not ready": "yellow",
    GONE: "dim",
}
CANCEL = "bold white on magenta"
JOB_ID = re.compile(r"/jobs/([0-9a-f-]{36})")
SHORT_ID = 8
"""Characters of a job's id that tell it from the others."""


class Display:
    """The demo's output; a context manager, since a live table must be left in order.

    Parameters
    ----------
    console
        Where to; by default standard output, plain unless it is a terminal.
    """

    def __init__(self, console: Console | None = None) -> None:
        width = None if sys.stdout.isatty() else PLAIN_WIDTH
        self._console = console or Console(highlight=False, width=width)
        self._live: Live | None = None
        self._began = time.monotonic()
        self._told: dict[str, Row] = {}

    def __enter__(self) -> Self:
        if self._console.is_terminal and not self._console.is_dumb_terminal:
            self._live = Live(console=self._console, refresh_per_second=8, transient=True)
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None

    @property
    def elapsed(self) -> float:
        """Seconds since the demo began."""
        return time.monotonic() - self._began

    def step(self, title: str) -> None:
        """Begin a chapter."""
        self._print(f"\n[bold]{escape(title)}[/bold]")

    def command(self, line: str) -> None:
        """Show a command that a person would type."""
        self._print(f"[blue]$[/blue] [bold]{escape(line)}[/bold]")

    def say(self, text: str) -> None:
        """Show text as it is: what a command printed, or a sentence."""
        if text.strip():
            self._print(escape(text.rstrip()))

    def show(self, view: View) -> None:
        """Bring the table up to date, or tell what has changed since the last view."""
        for entry in view.writes:
            self._note(Text("Cloudflare got  ").append(_request(entry)))
        if self._live is not None:
            self._live.update(table(view.rows, datetime.now(UTC)))
        else:
            self._tell_changes(view.rows)

    def verdict(self, text: str, *, good: bool) -> None:
        """Show whether a claim holds."""
        sign = "[bold green]✓[/bold green]" if good else "[bold red]✗[/bold red]"
        self._print(f"  {sign} {escape(text)}")

    def request_log(self, entries: Iterable[JournalEntry], title: str) -> None:
        """Show the requests that Cloudflare got; reads that follow one another share a line."""
        shown = Table(title=title, title_justify="left", title_style="bold")
        for heading, width in (("Time", 12), ("Method", 6), ("Path", None), ("Status", 6)):
            shown.add_column(heading, min_width=width, no_wrap=True)
        for moment, method, path, status, highlighted in folded(entries):
            shown.add_row(moment, method, path, status, style=CANCEL if highlighted else None)
        self._console.print(shown)

    def _print(self, markup: str) -> None:
        self._console.print(markup, soft_wrap=True)

    def _note(self, text: Text) -> None:
        self._console.print(Text(f"{self.elapsed:6.1f} s  ", "dim").append(text), soft_wrap=True)

    def _tell_changes(self, rows: Iterable[Row]) -> None:
        for row in rows:
            if self._told.get(row.resource) != row:
                self._told[row.resource] = row
                details = "  ".join(filter(None, (row.reason, row.message, _span(row))))
                self._note(Text(f"{row.resource:<22}  {row.state:<10}  {details}".rstrip()))


def table(rows: Iterable[Row], now: datetime) -> Table:
    """Lay rows out."""
    shown = Table()
    for heading in ("Resource", "State", "Reason", "Job", "Started", "Ended", "Duration"):
        shown.add_column(heading, no_wrap=True, justify="right" if heading == "Duration" else "left")
    for row in rows:
        style = STYLES.get(row.state, "")
        shown.add_row(
            row.resource,
            Text(row.state, style),
            row.reason,
            row.job[:SHORT_ID],
            "" if row.started is None else f"{row.started:%H:%M:%S}",
            "" if row.ended is None else f"{row.ended:%H:%M:%S}",
            row.duration(now),
            style="dim" if row.state == GONE else None,
        )
    return shown


def folded(entries: Iterable[JournalEntry]) -> list[tuple[str, str, str, str, bool]]:
    """Give time, method, path and status of each request, and whether it is a cancellation.

    Reads between two writes are one line: polling would hide what matters.
    """
    lines: list[tuple[str, str, str, str, bool]] = []
    reads = 0
    for entry in (*entries, None):
        if entry is not None and entry.method == "GET":
            reads += 1
            continue
        if reads:
            lines.append(("", "GET", f"{reads} {'read' if reads == 1 else 'reads'}", "", False))
            reads = 0
        if entry is not None:
            cancels = entry.operation == "jobs.cancel"
            path = short_path(entry) + (f"  {_body(entry)}" if cancels else "")
            lines.append((_clock(entry.time), entry.method, path, str(entry.status), cancels))
    return lines


def short_path(entry: JournalEntry) -> str:
    """Leave out most of a job's id."""
    return JOB_ID.sub(lambda found: f"/jobs/{found[1][:SHORT_ID]}…", entry.path)


def _request(entry: JournalEntry) -> Text:
    text = Text(f"{entry.method} {short_path(entry)}", CANCEL if entry.operation == "jobs.cancel" else "cyan")
    return text.append(f"  → {entry.status}", "default")


def _body(entry: JournalEntry) -> str:
    return json.dumps(entry.body)


def _span(row: Row) -> str:
    if row.started is None:
        return ""
    if row.ended is None:
        return f"(started {row.started:%H:%M:%S})"
    return f"({row.started:%H:%M:%S} to {row.ended:%H:%M:%S}, {row.duration(row.ended)})"


def _clock(epoch: float) -> str:
    return f"{datetime.fromtimestamp(epoch, UTC):%H:%M:%S.%f}"[:-3]
