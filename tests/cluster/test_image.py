"""What the image holds, and that it is enough: built by its own script, tried without a container engine."""

import hashlib
import importlib.metadata
import json
import platform
import re
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Callable
from pathlib import Path

import pytest

from aisearch_operator import __version__
from controlplane import cache
from image import image
from image.container import Container
from image.dockerfile import ROOT, read

PROBE = """
import importlib.util, json, os, sys
import aisearch_operator.cli
files = [module.__spec__.origin for module in sys.modules.values() if getattr(module, "__spec__", None)]
origins = [file for file in files if file and file.endswith((".py", ".so"))]
sources = [file for file in origins if file.endswith(".py")]
print(json.dumps({
    "path": sys.path,
    "origins": origins,
    "uncompiled": [file for file in sources if not os.path.exists(importlib.util.cache_from_source(file))],
    "programs": [name for name in ("sh", "bash", "pip", "pip3", "uv") if any(
        os.path.exists(f"{folder}/{name}") for folder in ("/bin", "/usr/bin", "/usr/local/bin"))],
}))
"""


@pytest.fixture(scope="module")
def layout() -> Path:
    """Give the folder that the image holds."""
    return image.laid_out()


@pytest.fixture(scope="module")
def contained(tmp_path_factory: pytest.TempPathFactory) -> Container:
    """Give a container of the image."""
    root = tmp_path_factory.mktemp("root")
    if problem := image.obstacle(root):
        pytest.skip(problem)
    return image.container(root)


@pytest.fixture(scope="module")
def run(contained: Container) -> Callable[..., str]:
    """Run a command in a container, with what the Dockerfile sets; give what it printed."""

    def run(*command: str) -> str:
        done = subprocess.run(
            contained.command(*command), env=read().environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        assert done.stderr == ""
        return done.stdout

    return run


@pytest.fixture(scope="module")
def probed(run: Callable[..., str]) -> dict[str, list[str]]:
    """Give what the operator finds itself with in the container, see `PROBE`."""
    found: dict[str, list[str]] = json.loads(run(read().entrypoint[0], "-c", PROBE))
    return found


def locked(name: str) -> dict[str, str]:
    """Give the locked versions of packages, by normalized name."""
    text = (ROOT / "requirements" / f"{name}.txt").read_text()
    return {normalized(name): version for name, version in re.findall(r"^([^\s=]+)==(\S+)", text, re.MULTILINE)}


def normalized(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_it_tells_its_version(run):
    assert run(*read().entrypoint, "--version") == f"aisearch-operator, version {__version__}\n"


def test_it_has_the_custom_resource_definitions(run):
    committed = [path.read_text() for path in sorted((ROOT / "crds").glob("*.yaml"))]

    printed = run(*read().entrypoint, "crds")

    assert sorted(printed.split("---\n")) == sorted(committed)


def test_it_holds_the_locked_packages_and_the_operator_and_nothing_else(layout):
    installed = list(importlib.metadata.distributions(path=[str(layout)]))

    versions = {normalized(each.metadata["Name"]): each.version for each in installed}
    assert versions == locked("run") | {"aisearch-operator": __version__}
    known = {path.parts[0] for each in installed for path in each.files or ()}
    assert {path.name for path in layout.iterdir()} - {"__pycache__"} <= known


def test_it_runs_on_its_own_folder_and_the_standard_library_alone(probed):
    library = str(Path(json.__file__).parents[1])
    assert probed["path"][0] == image.PLACE
    assert [origin for origin in probed["origins"] if not origin.startswith((image.PLACE, library))] == []
    assert f"{image.PLACE}/kopf/__init__.py" in probed["origins"]
    assert probed["programs"] == []


def test_what_it_imports_is_compiled_and_never_compared_with_its_source(probed, layout):
    own = [path for path in probed["uncompiled"] if path.startswith(image.PLACE)]
    assert own == []
    unchecked_hash = (0b01).to_bytes(4, "little")
    flags = {path.read_bytes()[4:8] for path in layout.rglob("*.pyc")}
    assert flags == {unchecked_hash}


def test_it_is_the_same_bit_by_bit_when_it_is_built_again_by_a_python_elsewhere(layout, tmp_path):
    again = tmp_path / "again"
    venv.create(tmp_path / "elsewhere", symlinks=True)
    (packages,) = (tmp_path / "elsewhere").glob("lib/python*/site-packages")
    (packages / "pip.pth").write_text(sysconfig.get_path("purelib"))

    image.lay(again, python=str(tmp_path / "elsewhere" / "bin" / "python"))

    first, second = digests(layout), digests(again)
    assert sorted(name for name in first | second if first.get(name) != second.get(name)) == []


def test_another_python_has_a_layout_of_its_own(layout, monkeypatch):
    asked = []
    monkeypatch.setattr(cache, "provide", lambda *what: asked.append("-".join(what[:2])))

    image.laid_out()
    monkeypatch.setattr(sys, "version", sys.version.replace(platform.python_version(), "3.11.999"))
    image.laid_out()

    same, other = asked
    assert layout.name.startswith(f"{same}-")
    assert other != same


def digests(folder: Path) -> dict[str, str]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.mark.parametrize("architecture", ["amd64", "arm64"])
def test_every_locked_package_has_a_ready_wheel(architecture):
    wheels = [path.name for path in image.wheels(architecture).glob("*.whl")]

    names = {normalized(wheel.split("-")[0]): wheel for wheel in wheels}
    assert set(names) == {*locked("run"), *locked("build")}
    machine = {"amd64": "x86_64", "arm64": "aarch64"}[architecture]
    assert [wheel for wheel in wheels if not wheel.endswith(("-any.whl", f"{machine}.whl"))] == []


def test_it_is_built_from_the_same_versions_that_are_tested():
    tested = locked("dev")

    assert {name: tested.get(name) for name in locked("run") | locked("build")} == locked("run") | locked("build")


def build(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    script = str(ROOT / "deploy" / "image" / "build.sh")
    env = {"PATH": "/usr/bin:/bin", "PYTHON": sys.executable, **environment}
    return subprocess.run(["sh", script, *arguments], env=env, capture_output=True, text=True, check=False)


def test_a_folder_that_holds_something_is_left_alone(tmp_path):
    (tmp_path / "precious").touch()

    done = build("lay", "/nowhere", str(tmp_path), TARGETARCH="amd64")

    assert (done.returncode, done.stderr) == (1, f"error: {tmp_path} is not empty\n")
    assert [path.name for path in tmp_path.iterdir()] == ["precious"]


@pytest.mark.parametrize("environment", [{}, {"TARGETARCH": "riscv64"}])
def test_an_architecture_that_there_is_no_image_for_is_refused(environment):
    done = build("wheels", "/nowhere", **environment)

    assert done.returncode == 1
    assert done.stderr.startswith("error: TARGETARCH is amd64 or arm64, not ")


def test_the_user_is_a_number_that_is_not_root():
    assert re.fullmatch(r"[1-9]\d+:[1-9]\d+", read().user)


def test_the_dockerfile_copies_only_what_its_ignore_file_lets_through():
    ignored = (ROOT / "deploy" / "image" / "Dockerfile.dockerignore").read_text().splitlines()
    allowed = {line.removeprefix("!") for line in ignored if line.startswith("!")}
    dockerfile = (ROOT / "deploy" / "image" / "Dockerfile").read_text()
    copied = [
        line.split()[1:-1] for line in dockerfile.splitlines() if line.startswith("COPY ") and "--from" not in line
    ]

    sources = {source.rstrip("/") for sources in copied for source in sources}

    assert {f"{source}/build.sh" if source == "deploy/image" else source for source in sources} == allowed
    assert [source for source in sources if not (ROOT / source).exists()] == []
