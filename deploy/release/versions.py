#!/usr/bin/env python3
"""Checks that all places that say the project's version say the same one, which is that of the tag to be released.

    python3 deploy/release/versions.py [v1.2.3]

It needs the standard library alone: the release workflow runs it before anything is installed.
"""

import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

__all__ = ["complaints", "stated"]

ROOT = Path(__file__).resolve().parents[2]

_PYTHON = re.compile(r'^__version__ = "(?P<version>.+)"$', re.MULTILINE)
_CHART = re.compile(r'^(?P<field>version|appVersion): "?(?P<version>[^"\s]+)"?$', re.MULTILINE)


def stated(root: Path = ROOT) -> Iterator[tuple[str, str]]:
    """Give each place that states the version, and what it states."""
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    yield "pyproject.toml", project["version"]
    package = "operator/aisearch_operator/__init__.py"
    for match in _PYTHON.finditer((root / package).read_text()):
        yield package, match["version"]
    for chart in sorted(root.glob("deploy/chart/*/Chart.yaml")):
        for match in _CHART.finditer(chart.read_text()):
            yield f"{chart.relative_to(root)} {match['field']}", match["version"]


def complaints(tag: str | None, root: Path = ROOT) -> list[str]:
    """Say what disagrees with the tag, or without one with pyproject.toml.

    Parameters
    ----------
    tag
        Such as ``v1.2.3``.
    """
    places = dict(stated(root))
    wanted = places["pyproject.toml"] if tag is None else tag.removeprefix("v")
    if tag is not None and not tag.startswith("v"):
        return [f"the tag {tag} does not begin with v"]
    source = "pyproject.toml" if tag is None else f"the tag {tag}"
    return [f"{place} says {version}, {source} says {wanted}" for place, version in places.items() if version != wanted]


def main() -> None:
    """Print what disagrees; the exit code is 1 then."""
    found = complaints(sys.argv[1] if len(sys.argv) > 1 else None)
    sys.exit("\n".join(found) or None)


if __name__ == "__main__":
    main()
