"""The operator in its image: as a container's user, on a read-only file system, with a pod's service account."""

import re
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
import yaml

from controlplane import ControlPlane
from harness.kube import instance, sync_job
from harness.launch import Running
from harness.operator_process import OperatorProcess
from harness.stage import Stage
from image import image
from image.dockerfile import read

TROUBLE = re.compile(r"Errno|Read-only|Permission denied|Traceback", re.IGNORECASE)


@pytest.fixture
def service_account(control_plane: ControlPlane, namespace: str, tmp_path: Path) -> Callable[[], Path]:
    """Make the folder that a kubelet mounts into a pod of the operator."""

    def make() -> Path:
        folder = tmp_path / "service-account"
        folder.mkdir()
        login = yaml.safe_load(control_plane.service_account_kubeconfig(namespace, "aisearch-operator").read_text())
        (folder / "token").write_text(login["users"][0]["user"]["token"])
        (folder / "ca.crt").write_bytes(control_plane.ca_file.read_bytes())
        (folder / "namespace").write_text(namespace)
        return folder

    return make


def in_a_pod(plane: ControlPlane, root: Path, service_account: Path) -> Callable[[Mapping[str, str], Path], Running]:
    """Make what starts the operator as a kubelet would."""

    def launch(environment: Mapping[str, str], log_file: Path) -> Running:
        host, port = plane.url.removeprefix("https://").split(":")
        settings = {name: value for name, value in environment.items() if name.startswith("AISEARCH_")}
        kubelet = {"KUBERNETES_SERVICE_HOST": host, "KUBERNETES_SERVICE_PORT": port}
        config = read()
        with log_file.open("ab") as log:
            return subprocess.Popen(
                image.container(root, service_account).command(*config.entrypoint, *config.arguments),
                env={**config.environment, **kubelet, **settings},
                stdout=log,
                stderr=log,
                process_group=0,
            )

    return launch


def test_it_does_the_main_job_without_a_file_that_it_may_write(
    make_stage: Callable[..., Stage],
    control_plane: ControlPlane,
    fake,
    namespace: str,
    service_account: Callable[[], Path],
    tmp_path: Path,
):
    root = tmp_path / "root"
    root.mkdir()
    if problem := image.obstacle(root):
        pytest.skip(problem)
    stage = make_stage()
    launch = in_a_pod(control_plane, root, service_account())
    stage.operator = OperatorProcess(
        Path("/unused"), (namespace,), fake.api_url, tmp_path / "pod.log", launch=launch
    ).start()

    stage.kube.apply(instance("docs", type="r2", source="docs-bucket"))
    stage.kube.wait_condition("AISearchInstance", "docs", "Ready")
    stage.kube.apply(sync_job("docs-sync", "docs"))
    stage.kube.wait_condition("AISearchSyncJob", "docs-sync", "Complete")
    process = Path(f"/proc/{stage.operator.pid}")
    status = dict(line.split(":\t", 1) for line in (process / "status").read_text().splitlines())
    mounts = [line.split() for line in (process / "mountinfo").read_text().splitlines()]
    stage.kube.delete("AISearchInstance", "docs")
    stage.kube.wait_gone("AISearchInstance", "docs")
    ended = stage.operator.stop()

    assert ended == 0
    assert {status[which] for which in ("CapEff", "CapPrm", "CapAmb")} == {"0" * 16}
    assert status["NoNewPrivs"] == "1"
    assert [mount[4] for mount in mounts if "ro" not in mount[5].split(",")] == []
    assert not TROUBLE.search(stage.operator.log), stage.operator.log
