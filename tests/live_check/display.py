"""Shows the live check: the steps as they are taken, then the table of questions and answers."""

import sys
from collections import Counter
from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from live_check.outcome import Row

PLAIN_WIDTH = 160
EXPECTED, OTHER, NEW, NOT_ASKED = "as expected", "not as expected", "now known", "not asked"
STYLES = {EXPECTED: "green", OTHER: "bold red", NEW: "cyan", NOT_ASKED: "dim"}
HEADINGS = ("Facts", "Question", "The API answered", "", "The facts expect", "Does the operator depend on it?")


class Display:
    """The output of the live check.

    Parameters
    ----------
    console
        Where to; by default standard output, plain unless it is a terminal.
    """

    def __init__(self, console: Console | None = None) -> None:
        width = None if sys.stdout.isatty() else PLAIN_WIDTH
        self._console = console or Console(highlight=False, width=width)

    def say(self, text: str) -> None:
        """Show a text as it is."""
        self._console.print(escape(text), soft_wrap=True)

    def chapter(self, title: str) -> None:
        """Begin a chapter."""
        self._console.print(f"\n[bold]{escape(title)}[/bold]")

    def done(self, title: str, text: str) -> None:
        """Show a step that worked."""
        self._step("[bold green]✓[/bold green]", title, text)

    def skipped(self, title: str, reason: str) -> None:
        """Show a step that was left out."""
        self._step("[dim]·[/dim]", title, f"left out: {reason}")

    def failed(self, title: str, error: str) -> None:
        """Show a step that did not work."""
        self._step("[bold red]✗[/bold red]", title, error)

    def report(self, rows: Sequence[Row]) -> None:
        """Show all questions with their answers."""
        shown = Table(title="What the documentation leaves open", title_justify="left", title_style="bold")
        for heading in HEADINGS:
            shown.add_column(heading, overflow="fold")
        for row in rows:
            cells = cells_of(row)
            shown.add_row(*map(escape, cells), style=STYLES[cells[3]] if cells[3] != EXPECTED else None)
        self._console.print()
        self._console.print(shown)
        self.say(summary(rows))

    def _step(self, sign: str, title: str, text: str) -> None:
        self._console.print(f"  {sign} {escape(title)}: {escape(text)}", soft_wrap=True)


def verdict(row: Row) -> str:
    """Tell how an answer stands to what the facts expect."""
    if row.finding is None:
        return NOT_ASKED
    if row.finding.expected is None:
        return NEW
    return EXPECTED if row.finding.expected else OTHER


def cells_of(row: Row) -> tuple[str, ...]:
    """Give the cells of a row, under `HEADINGS`."""
    answer = row.reason if row.finding is None else row.finding.text
    return (row.probe.facts, row.probe.question, answer, verdict(row), row.probe.expected, row.probe.depends)


def summary(rows: Iterable[Row]) -> str:
    """Count the answers."""
    counts = Counter(map(verdict, rows))
    return ", ".join(f"{counts[name]} {name}" for name in (EXPECTED, OTHER, NEW, NOT_ASKED))


def markdown(rows: Sequence[Row], title: str, failures: int) -> str:
    """Write the table down as a page."""
    steps = "Every step of the scenario worked." if not failures else f"{failures} steps of the scenario failed."
    lines = [
        "# Live check",
        "",
        f"{title} {steps} {summary(rows)}.",
        "",
        _line(HEADINGS),
        _line("---" for _ in HEADINGS),
        *(_line(cells_of(row)) for row in rows),
    ]
    return "\n".join(lines) + "\n"


def _line(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"
