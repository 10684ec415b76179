"""pytest plugin: one control plane for a whole test run, also when pytest-xdist spreads it over processes.

pyproject.toml loads it with ``-p``, which puts it into xdist's own process too. That
process then starts the control plane before its workers, hands them its folder, and stops it after
them. Without xdist, or without the plugin there, each process that needs one starts its own.
"""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import pytest

from controlplane.errors import ControlPlaneError
from controlplane.plane import ControlPlane

_CLUSTER_TESTS = Path(__file__).resolve().parents[1] / "cluster"
_FOLDER = "control_plane_folder"
_SHARED = pytest.StashKey[ControlPlane]()


@contextmanager
def control_plane_of(config: pytest.Config) -> Iterator[ControlPlane]:
    """Give the control plane of this test run, with the custom resource definitions installed."""
    workerinput: dict[str, Any] = getattr(config, "workerinput", {})
    if _FOLDER in workerinput:
        yield ControlPlane.attach(Path(workerinput[_FOLDER]))
        return
    with _start(config) as plane:
        yield plane


def shared_control_plane(config: pytest.Config) -> ControlPlane | None:
    """Give the control plane that the workers of this process share; None in a worker, and without xdist."""
    return config.stash.get(_SHARED, None)


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Give a worker of xdist the control plane, if the tests asked for may need it."""
    config: pytest.Config = node.config
    if not _may_run_cluster_tests(config):
        return
    if _SHARED not in config.stash:
        try:
            config.stash[_SHARED] = _start(config)
        except ControlPlaneError as error:
            raise pytest.UsageError(str(error)) from error
    node.workerinput[_FOLDER] = str(config.stash[_SHARED].directory)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stop the shared control plane; also after a failure and Ctrl-C."""
    plane = config.stash.get(_SHARED, None)
    if plane is not None:
        plane.stop()


def _start(config: pytest.Config) -> ControlPlane:
    capture = config.pluginmanager.getplugin("capturemanager")
    # A first run builds for minutes, which a person should see.
    with capture.global_and_fixture_disabled() if capture else nullcontext():
        plane = ControlPlane.start()
    try:
        plane.install_crds()
    except BaseException:
        plane.stop()
        raise
    return plane


def _may_run_cluster_tests(config: pytest.Config) -> bool:
    if config.option.collectonly:
        return False
    asked_for = [(config.invocation_params.dir / each.split("::")[0]).resolve() for each in config.args]
    return any(_CLUSTER_TESTS in (path, *path.parents) or path in _CLUSTER_TESTS.parents for path in asked_for)
