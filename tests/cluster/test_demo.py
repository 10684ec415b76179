"""`make demo` as a person runs it: a process that proves what it shows, and leaves nothing behind, however it ends."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import Self

import pytest

from harness.kube import eventually

ROOT = Path(__file__).parents[2]
PATIENCE = 900.0
"""Seconds: 30 when the control plane has been built before."""


@pytest.fixture
def folder(tmp_path):
    """Give the folder that all of the demo's temporary files must be in."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    return folder


def environment(folder: Path) -> dict[str, str]:
    paths = f"{ROOT / 'operator'}{os.pathsep}{ROOT / 'tests'}"
    return os.environ | {"PYTHONPATH": paths, "PYTHONUTF8": "1", "TMPDIR": str(folder)}


def processes_of(folder: Path) -> list[str]:
    """Find the processes that have the demo's folder in their command line or environment."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command = (process / "cmdline").read_bytes()
            known = command + (process / "environ").read_bytes()
        except OSError:
            continue  # it has ended, or is not ours
        if str(folder).encode() in known:
            found.append(command.replace(b"\0", b" ").decode())
    return found


def assert_nothing_is_left(folder: Path) -> None:
    eventually(lambda: not processes_of(folder), lambda: f"still running: {processes_of(folder)}")
    assert list(folder.iterdir()) == []


class RunningDemo:
    """The demo without `--once`, its output in a file."""

    def __init__(self, folder: Path, output: Path) -> None:
        self._output = output
        with output.open("wb") as file:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "demo"],
                env=environment(folder),
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    @property
    def output(self) -> str:
        return self._output.read_text(encoding="utf-8")

    def wait_for(self, text: str) -> None:
        eventually(
            lambda: text in self.output or self.process.poll() is not None,
            lambda: f"{text!r} is not in\n{self.output}",
            PATIENCE,
        )
        assert text in self.output, self.output

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()  # the operator and the control plane end with it
        self.process.wait()


def test_it_ends_by_itself_when_everything_that_it_claims_has_happened(folder):
    run = subprocess.run(
        [sys.executable, "-m", "demo", "--once"],
        env=environment(folder),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )

    assert run.returncode == 0, run.stdout + run.stderr
    shown = run.stdout
    for line in (
        "$ kubectl apply -f deploy/samples/instance.yaml",
        "$ kubectl wait --for=condition=Complete aisj/docs-first-sync --timeout=180s",
        "aisearchsyncjob.aisearch.cloudflare.com/docs-first-sync condition met",
        "$ kubectl delete aisj/docs-second-sync --timeout=180s",
        '{"action": "cancel"}',
    ):
        assert line in shown
    assert re.findall(r"aisj/docs-first-sync +(Pending|Running|Succeeded)", shown)[-3:] == [
        "Pending",
        "Running",
        "Succeeded",
    ]
    assert shown.count("✓") == 8
    assert "✗" not in shown
    assert_nothing_is_left(folder)


def test_it_stays_up_to_be_played_with_until_ctrl_c(folder, tmp_path):
    with RunningDemo(folder, tmp_path / "output") as demo:
        demo.wait_for("kubectl delete aisi docs")
        (kubeconfig,) = re.findall(r"export KUBECONFIG=(\S+)", demo.output)
        (tools,) = re.findall(r"export PATH=([^:\n]+)", demo.output)
        edited = subprocess.run(
            [f"{tools}/kubectl", "patch", "aisi", "docs", "--type=merge", "-p", '{"spec": {"maxNumResults": 30}}'],
            env=environment(folder) | {"KUBECONFIG": kubeconfig, "KUBECACHEDIR": str(tmp_path / "cache")},
            capture_output=True,
            text=True,
            check=False,
        )
        assert edited.returncode == 0, edited.stderr
        demo.wait_for("PUT /namespaces/default/instances/docs  → 200")

        demo.process.send_signal(signal.SIGINT)

        assert demo.process.wait(300) == 0, demo.output
    assert_nothing_is_left(folder)


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_it_leaves_nothing_behind_when_it_is_ended_in_the_middle(folder, tmp_path, ending):
    with RunningDemo(folder, tmp_path / "output") as demo:
        demo.wait_for("The operator is ready")

        demo.process.send_signal(ending)

        assert demo.process.wait(300) == (-signal.SIGKILL if ending == signal.SIGKILL else 130)
    assert_nothing_is_left(folder)
