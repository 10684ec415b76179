"""Shows the benchmark: a bar while a phase runs, a line when it is done, the tables at the end."""

import sys
from collections.abc import Iterable, Sequence
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars
from rich.table import Table

from bench import tables
from bench.figures import Contender, Figures, Phase, Results, Run

__all__ = ["Display"]

PLAIN_WIDTH = 200


class Display:
    """The benchmark's output; a context manager, since bars must be left in order."""

    def __init__(self, console: Console | None = None) -> None:
        width = None if sys.stdout.isatty() else PLAIN_WIDTH
        self._console = console or Console(highlight=False, width=width)
        self._bars = Bars(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=self._console,
            transient=True,
            disable=not self._console.is_terminal,
        )
        self._run = ""
        self._task: TaskID | None = None

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()

    def say(self, text: str) -> None:
        """Show a line."""
        self._console.print(text, markup=False, soft_wrap=True)

    def begin_run(self, contender: Contender, size: int) -> None:
        """Name the run that begins."""
        self._run = f"{size:,} instances, {tables.NAMES[contender]}"
        self.say(f"{self._run}: starting")

    def begin(self, phase: Phase, total: int) -> None:
        """Show the bar of a phase."""
        self._task = self._bars.add_task(f"{self._run}: {phase}", total=total)

    def advance(self, done: int) -> None:
        """Bring the bar up to date."""
        if self._task is not None:
            self._bars.update(self._task, completed=done)

    def end(self, figures: Figures) -> None:
        """Put a line with the figures in place of the bar."""
        if self._task is not None:
            self._bars.remove_task(self._task)
            self._task = None
        others = ", ".join(f"{name} {seconds:.1f}" for name, seconds in figures.others.items())
        self.say(
            f"{self._run}: {figures.phase:<8}{figures.seconds:8.1f} s {figures.written:7} writes "
            f"{figures.requested:7} requests {figures.cpu:7.2f} CPU s {figures.peak / tables.MEBIBYTE:5.0f} MiB"
            f"   (CPU s of {others})"
        )

    def end_run(self, run: Run) -> None:
        """Say so if the run did not get to its end."""
        self._task = None
        if run.trouble:
            self.say(f"{self._run}: ended early: {run.trouble}")

    def results(self, results: Results) -> None:
        """Show all tables."""
        self._table(
            "Each resource's writes to Kubernetes and requests to Cloudflare", tables.PHASES, tables.phases(results)
        )
        if rows := tables.growth(results):
            self._table("How the operator's figures grow: 1 is in proportion", tables.GROWTH, rows)
        self._table("What must hold", tables.PROMISES, tables.promises(results))

    def _table(self, title: str, heading: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
        shown = Table(title=title, title_justify="left", title_style="bold")
        for name in heading:
            shown.add_column(name)
        for row in rows:
            missed = row[-1] == tables.MISSED
            shown.add_row(*(cell.replace("**", "") for cell in row), style="bold red" if missed else None)
        self._console.print(shown)
