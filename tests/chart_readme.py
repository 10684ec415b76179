"""Writes the table of values into each chart's README: `python -m chart_readme [--check]`.

A value is documented by the comment right above it that begins with ``# --``, as helm-docs has it. What is documented
is one line of the table, with all that is below it; what is not must hold nothing but documented values.
"""

import argparse
import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import yaml

from generated import bring_up_to_date
from reference_docs import rendered, table

__all__ = ["UndocumentedValueError", "generate", "values"]

CHARTS = Path(__file__).resolve().parents[1] / "deploy" / "chart"


class UndocumentedValueError(ValueError):
    """A value has no comment."""


def values(text: str) -> Iterator[tuple[str, str, str]]:
    """Give the documented values of a `values.yaml`: path, default as JSON, description.

    Raises
    ------
    UndocumentedValueError
        One has no description.
    """
    root = yaml.compose(text, yaml.SafeLoader)
    if isinstance(root, yaml.MappingNode):
        yield from _values(root, text.splitlines(), ())


def _values(mapping: yaml.MappingNode, lines: Sequence[str], above: tuple[str, ...]) -> Iterator[tuple[str, str, str]]:
    for key, value in mapping.value:
        path = (*above, key.value)
        description = _comment_above(key.start_mark.line, lines)
        if description:
            default = yaml.SafeLoader("").construct_document(value)
            yield ".".join(path), json.dumps(default, ensure_ascii=False), description
        elif isinstance(value, yaml.MappingNode) and value.value:
            yield from _values(value, lines, path)
        else:
            raise UndocumentedValueError(f"{'.'.join(path)} has no comment that begins with '# --'")


def _comment_above(line: int, lines: Sequence[str]) -> str:
    comment: list[str] = []
    while line > 0 and lines[line - 1].lstrip().startswith("#"):
        line -= 1
        comment.insert(0, lines[line].lstrip().removeprefix("#").strip())
        if comment[0].startswith("-- "):
            return " ".join(comment).removeprefix("-- ")
    return ""


def generate(charts: Path = CHARTS) -> dict[Path, str]:
    """Make the README of every chart that has a place for the table."""
    pages = {}
    for page in sorted(charts.glob("*/README.md")):
        rows = values((page.parent / "values.yaml").read_text(encoding="utf-8"))
        lines = ((f"`{path}`", f"`{default}`", description) for path, default, description in rows)
        text = page.read_text(encoding="utf-8")
        pages[page] = rendered(text, {"values": table(("Value", "Default", "Meaning"), lines)})
    return pages


def main() -> None:
    """Write the pages, or check them."""
    parser = argparse.ArgumentParser(prog="chart_readme", description="The tables of values in the charts' READMEs.")
    parser.add_argument("--check", action="store_true", help="write nothing; fail when a page is not up to date")
    check = parser.parse_args().check
    bring_up_to_date(generate(), check=check, remedy="make docs")


if __name__ == "__main__":
    main()
