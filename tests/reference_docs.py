"""Writes the tables of docs/ that follow from the code: `python -m reference_docs --check docs`.

A table stands between two comments, ``<!-- begin NAME -->`` and ``<!-- end NAME -->``; what is around it is prose,
written by hand.
"""

import argparse
import ast
import inspect
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from pydantic import SecretStr

from aisearch_operator.cloudflare.errors import Cause
from aisearch_operator.domain.reasons import DOCUMENTATION
from aisearch_operator.settings import Settings
from aisearch_operator.telemetry.definitions import DEFINITIONS
from bench import tables as bench_tables
from bench.figures import Results
from cluster.writable_fields import FIELDS, Cell
from generated import bring_up_to_date
from live_check.chapters import CHAPTERS
from simulation import model
from simulation import tables as simulation_tables
from simulation.results import FILE as SIMULATION
from simulation.results import Results as Simulated

RESULTS = Path(__file__).parents[1] / "docs" / "benchmark" / "results.json"

FACT = re.compile(r" \(facts [\d., ]+\)")
PREFIX = Settings.model_config["env_prefix"]


def generate() -> dict[str, dict[str, str]]:
    """Make the tables: by file, then by name."""
    return {
        "conditions.md": {"reasons": reasons(), "causes": causes()},
        "conformance.md": {"conformance": conformance()},
        "settings.md": {"settings": settings()},
        "live-check.md": {"questions": questions()},
        "scaling.md": measured() | simulated(),
        "metrics.md": {"metrics": metrics()},
    }


def reasons() -> str:
    """Describe the operator's own reasons, in the order of the code."""
    return table(("Reason", "What it says"), ((f"`{reason}`", text) for reason, text in DOCUMENTATION.items()))


def causes() -> str:
    """Describe the reasons that come from an answer of Cloudflare, or from none."""
    rows = ((f"`{cause}`", f"{cause.advice[0].upper()}{cause.advice[1:]}.") for cause in Cause)
    return table(("Reason", "What to do"), rows)


def settings() -> str:
    """Describe every setting with its environment variable and default."""
    texts = setting_texts()
    return table(
        ("Variable", "Default", "Meaning"),
        (
            (f"`{PREFIX}{name.upper()}`", _default(field.get_default()), texts[name])
            for name, field in Settings.model_fields.items()
        ),
    )


def setting_texts() -> dict[str, str]:
    """Give what each setting means, for readers."""
    return {name: _for_readers(text, PREFIX) for name, text in _attribute_docstrings(Settings).items()}


def measured() -> dict[str, str]:
    """Show the benchmark's kept results."""
    results = Results.model_validate_json(RESULTS.read_text())
    return {
        "measured-on": f"{results.machine.cores} cores ({results.machine.processor}), {results.machine.system}, "
        f"Python {results.machine.python}, "
        + ", ".join(f"{name} {version}" for name, version in results.machine.versions.items())
        + f"; {results.began:%Y-%m-%d}; a look every {results.interval:g} s, at sync jobs {results.job_interval:g} s"
        + "".join(
            f"; with {size:,} instances each phase is the middle one of {times} runs"
            for size, times in sorted({(run.size, run.repeated) for run in results.runs if run.repeated > 1})
        )
        + ".",
        "promises": table(bench_tables.PROMISES, bench_tables.promises(results)),
        "phases": table(bench_tables.PHASES, bench_tables.phases(results)),
        "growth": table(bench_tables.GROWTH, bench_tables.growth(results)),
    }


def simulated() -> dict[str, str]:
    """Show what the model computes, and the simulation's kept results."""
    results = Simulated.model_validate_json((RESULTS.parent / SIMULATION).read_text())
    return {
        "model": table(model.HEADINGS, model.rows()),
        "simulated-on": f"{results.began:%Y-%m-%d}, Python {results.machine.python}, random numbers from seed "
        f"{results.seed}; all of it took {sum(each.played for each in results.results.values()) / 60:.0f} minutes of a "
        f"processor ({results.machine.processor}).",
        "simulated-promises": table(simulation_tables.PROMISES, simulation_tables.promises(results)),
        "simulated-figures": table(simulation_tables.FIGURES, simulation_tables.figures(results)),
    }


def conformance() -> str:
    """Describe what can be done with every writable field of an instance."""
    headings = ("Field below `spec`", *(f"{cell[0].upper()}{cell[1:]}" for cell in Cell))
    return table(headings, ((f"`{each.spec_path}`", *(each.shown(cell) for cell in Cell)) for each in FIELDS))


def metrics() -> str:
    """Describe every metric with its labels and the values that these can have."""
    return table(
        ("Metric", "Type", "Labels", "What it says"),
        (
            (
                f"`{each.name}`",
                each.type,
                "; ".join(_label(name, values) for name, values in each.labels.items()),
                each.text,
            )
            for each in DEFINITIONS
        ),
    )


def _label(name: str, values: Sequence[str]) -> str:
    if name == "route":
        return "`route`: a path of the API, such as `/accounts/{account}/ai-search/namespaces/{namespace}/instances`"
    if name == "reason":
        return "`reason`: one of those in [conditions](conditions.md), or `other`"
    return f"`{name}`{': ' if values else ''}{', '.join(f'`{value}`' for value in values)}"


def questions() -> str:
    """Describe what the live check asks."""
    return table(
        ("Question", "What is expected", "Does the operator depend on it?"),
        ((probe.question, probe.expected, probe.depends) for chapter in CHAPTERS for probe in chapter.probes),
    )


def rendered(text: str, tables: dict[str, str]) -> str:
    """Put tables in their places in a page.

    Raises
    ------
    ValueError
        The page has no place for one of them.
    """
    for name, table in tables.items():
        begin, end = f"<!-- begin {name} -->\n", f"<!-- end {name} -->"
        place = re.compile(f"(?<={re.escape(begin)}).*?(?={re.escape(end)})", re.DOTALL)
        if not place.search(text):
            msg = f"no place for the table {name!r}: add the lines {begin.strip()} and {end}"
            raise ValueError(msg)
        text = place.sub(lambda _, table=table: f"\n{table}\n", text)  # type: ignore[misc]
    return text


def main() -> None:
    """Check the pages of a folder, or write them."""
    parser = argparse.ArgumentParser(prog="reference_docs", description="The generated tables of the documentation.")
    action = parser.add_mutually_exclusive_group(required=True)
    action.add_argument("--check", type=Path, metavar="FOLDER", help="fail when a page is not up to date")
    action.add_argument("--write", type=Path, metavar="FOLDER", help="bring the pages up to date")
    arguments = parser.parse_args()
    folder: Path = arguments.check or arguments.write
    pages = {folder / name: tables for name, tables in generate().items()}
    wanted = {page: rendered(page.read_text(encoding="utf-8"), tables) for page, tables in pages.items()}
    bring_up_to_date(wanted, check=arguments.check is not None, remedy="make docs")


def table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Write a table in Markdown."""
    lines = (headings, ["---"] * len(headings), *rows)
    return "".join(f"| {' | '.join(_cell(cell) for cell in line)} |\n" for line in lines)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _for_readers(docstring: str, prefix: str) -> str:
    """Leave out what is for developers: the source of a number, the mark-up and names of Python."""
    text = FACT.sub("", docstring.replace("``", "`"))
    return re.sub(r"`(\w+_\w+)`", lambda found: f"`{prefix}{found[1].upper()}`", text)


def _default(value: object) -> str:
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    return "none" if value in ("", ()) else f"`{value}`"


def _attribute_docstrings(model: type) -> dict[str, str]:
    """Read the string below each field; Python itself does not keep it."""
    (definition,) = ast.parse(inspect.getsource(model)).body
    assert isinstance(definition, ast.ClassDef)
    found = {}
    for field, text in zip(definition.body, definition.body[1:], strict=False):
        match field, text:
            case (ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str() as docstring))):
                found[name] = inspect.cleandoc(docstring)
            case _:
                continue
    return found


if __name__ == "__main__":
    main()
