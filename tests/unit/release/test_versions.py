"""The release's check that the version is the same everywhere."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from aisearch_operator import __version__

ROOT = Path(__file__).parents[3]
SCRIPT = "deploy/release/versions.py"
PACKAGE = "operator/aisearch_operator/__init__.py"
CHART = "deploy/chart/aisearch-operator/Chart.yaml"


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """Copy the files that state the version, and the script."""
    charts = [str(path.relative_to(ROOT)) for path in (ROOT / "deploy" / "chart").glob("*/Chart.yaml")]
    for name in (SCRIPT, "pyproject.toml", PACKAGE, *charts):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, tmp_path / name)
    return tmp_path


def check(root: Path, *tag: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-I", str(root / SCRIPT), *tag], capture_output=True, text=True, check=False)


def test_the_tag_of_the_version_passes(clone):
    done = check(clone, f"v{__version__}")

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_a_tag_of_another_version_is_refused_with_all_places_that_disagree(clone):
    done = check(clone, "v99.0.0")

    assert done.returncode == 1
    for place in ("pyproject.toml", PACKAGE, f"{CHART} version", f"{CHART} appVersion"):
        assert f"{place} says {__version__}, the tag v99.0.0 says 99.0.0" in done.stderr.splitlines()


@pytest.mark.parametrize(
    ("file", "old", "new", "place"),
    [
        (PACKAGE, f'__version__ = "{__version__}"', '__version__ = "99.0.0"', PACKAGE),
        (CHART, f"\nversion: {__version__}\n", "\nversion: 99.0.0\n", f"{CHART} version"),
        (CHART, f"\nappVersion: {__version__}\n", '\nappVersion: "99.0.0"\n', f"{CHART} appVersion"),
    ],
)
def test_one_place_that_was_forgotten_is_named(clone, file, old, new, place):
    text = (clone / file).read_text()
    assert old in text
    (clone / file).write_text(text.replace(old, new))

    done = check(clone)

    assert done.returncode == 1
    assert done.stderr.splitlines() == [f"{place} says 99.0.0, pyproject.toml says {__version__}"]


def test_a_tag_without_a_v_is_refused(clone):
    assert check(clone, __version__).returncode == 1
