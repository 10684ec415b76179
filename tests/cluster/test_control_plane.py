"""What tests and the demo may rely on: the control plane behaves as a cluster does, and leaves nothing behind."""

import json
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from controlplane import ControlPlane, ControlPlaneError, build, reads, writes
from controlplane.build import Binaries
from harness.kube import eventually

CONFIG_MAP = {"apiVersion": "v1", "kind": "ConfigMap"}


def is_running(pid: int) -> bool:
    try:
        # A process that has ended, but whose parent has not looked, is there as a zombie.
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):  # it ended before it was opened, or before it was read
        return False


def config_map(name: str, **metadata: object) -> str:
    return json.dumps(CONFIG_MAP | {"metadata": {"name": name, **metadata}})


def test_a_service_account_may_do_nothing_until_a_role_says_so(control_plane, kubectl, namespace):
    kubectl("create", "-n", namespace, "serviceaccount", "reader")
    reader = str(control_plane.service_account_kubeconfig(namespace, "reader"))

    refused = kubectl("--kubeconfig", reader, "get", "-n", namespace, "configmaps", check=False)
    kubectl("create", "-n", namespace, "role", "reader", "--verb=get,list", "--resource=configmaps")
    kubectl("create", "-n", namespace, "rolebinding", "reader", "--role=reader", f"--serviceaccount={namespace}:reader")

    assert refused.returncode == 1
    assert f'"system:serviceaccount:{namespace}:reader" cannot list resource "configmaps"' in refused.stderr
    eventually(
        lambda: kubectl("--kubeconfig", reader, "get", "-n", namespace, "configmaps", check=False).returncode == 0,
        lambda: "the role is not in effect",
    )


def test_a_client_certificate_carries_the_user_and_every_group(control_plane, kubectl):
    jane = str(control_plane.client_kubeconfig("jane", ["developers", "on-call"]))

    seen = json.loads(kubectl("--kubeconfig", jane, "auth", "whoami", "-o", "json").stdout)

    assert seen["status"]["userInfo"]["username"] == "jane"
    assert set(seen["status"]["userInfo"]["groups"]) == {"developers", "on-call", "system:authenticated"}


def test_a_token_for_an_unknown_service_account_is_refused_with_its_name(control_plane, namespace):
    with pytest.raises(ControlPlaneError, match=f'{namespace}/nobody: serviceaccounts "nobody" not found'):
        control_plane.service_account_kubeconfig(namespace, "nobody")


def test_a_credential_can_be_read_by_its_owner_only(control_plane, kubectl, namespace):
    kubectl("create", "-n", namespace, "serviceaccount", "reader")

    path = control_plane.service_account_kubeconfig(namespace, "reader")

    assert path.stat().st_mode & 0o077 == 0


def test_a_deleted_namespace_takes_its_content_along_and_disappears(kubectl, namespace):
    kubectl("create", "-n", namespace, "-f", "-", input=config_map("inside"))

    kubectl("delete", "namespace", namespace, "--wait=false")

    kubectl("wait", "--for=delete", f"namespace/{namespace}", "--timeout=60s")
    # The fixture deletes the namespace too.
    kubectl("create", "namespace", namespace)
    assert kubectl("get", "-n", namespace, "configmap", "inside", "--ignore-not-found").stdout == ""


def test_the_garbage_collector_removes_what_a_deleted_object_owned(kubectl, namespace):
    owner = json.loads(kubectl("create", "-n", namespace, "-o", "json", "-f", "-", input=config_map("owner")).stdout)
    reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": owner["metadata"]["uid"]}
    kubectl("create", "-n", namespace, "-f", "-", input=config_map("owned", ownerReferences=[reference]))

    kubectl("delete", "-n", namespace, "configmap", "owner")

    kubectl("wait", "-n", namespace, "--for=delete", "configmap/owned", "--timeout=60s")


def test_the_audit_log_holds_each_write_once_as_soon_as_it_is_answered(control_plane, kubectl, namespace):
    writer = str(control_plane.client_kubeconfig("writer", ["system:masters"]))

    for number in range(3):
        kubectl("--kubeconfig", writer, "create", "-n", namespace, "-f", "-", input=config_map(f"map-{number}"))
    kubectl("--kubeconfig", writer, "get", "-n", namespace, "configmaps")
    again = kubectl(
        "--kubeconfig", writer, "create", "-n", namespace, "-f", "-", input=config_map("map-0"), check=False
    )

    seen = writes(control_plane.audit_log, namespace=namespace, user="writer")
    assert again.returncode == 1
    assert [(each.verb, each.resource, each.name, each.code) for each in seen] == [
        ("create", "configmaps", "map-0", 201),
        ("create", "configmaps", "map-1", 201),
        ("create", "configmaps", "map-2", 201),
        ("create", "configmaps", "map-0", 409),
    ]


def test_the_audit_log_holds_the_reads_of_secrets_and_config_maps_too(control_plane, kubectl, namespace):
    reader = str(control_plane.client_kubeconfig("reader", ["system:masters"]))

    for kinds in ("secret/absent", "configmap/absent", "serviceaccount/absent"):
        kubectl("--kubeconfig", reader, "get", "-n", namespace, kinds, check=False)
    kubectl("--kubeconfig", reader, "get", "-n", namespace, "secrets")

    seen = reads(control_plane.audit_log, namespace=namespace, user="reader")
    assert [(each.verb, each.resource, each.name, each.code) for each in seen] == [
        ("get", "secrets", "absent", 404),
        ("get", "configmaps", "absent", 404),
        ("list", "secrets", "", 200),
    ]
    assert writes(control_plane.audit_log, namespace=namespace, user="reader") == []


def test_the_audit_log_can_be_read_from_a_moment_on(control_plane, kubectl, namespace):
    kubectl("create", "-n", namespace, "-f", "-", input=config_map("before"))
    moment = datetime.now(UTC)
    kubectl("create", "-n", namespace, "-f", "-", input=config_map("after"))

    def created(since: datetime) -> list[str]:
        seen = writes(control_plane.audit_log, namespace=namespace, user="kubernetes-admin", since=since)
        return [each.name for each in seen if each.resource == "configmaps"]

    assert created(moment) == ["after"]
    assert created(moment - timedelta(hours=1)) == ["before", "after"]


def test_the_audit_log_holds_the_body_of_an_event_and_never_that_of_a_secret(control_plane, kubectl, namespace):
    event = {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": "noted"},
        "involvedObject": {"kind": "ConfigMap", "namespace": namespace, "name": "any"},
        "reason": "Noted",
    }
    kubectl("create", "-n", namespace, "-f", "-", input=json.dumps(event))
    kubectl("create", "-n", namespace, "secret", "generic", "token", "--from-literal=key=nobody-may-read-this")

    seen = {each.name: each.body for each in writes(control_plane.audit_log, namespace=namespace)}

    assert seen["noted"]["reason"] == "Noted"
    assert seen["token"] is None
    assert "nobody-may-read-this" not in control_plane.audit_log.read_text()


def test_two_control_planes_run_side_by_side_and_know_nothing_of_each_other(control_plane, kubectl, namespace):
    with ControlPlane.start() as other:
        assert other.url != control_plane.url
        assert kubectl("get", "namespace", namespace).returncode == 0
        assert "NotFound" in other.kubectl("get", "namespace", namespace, check=False).stderr


def test_stop_leaves_no_process_and_no_file():
    plane = ControlPlane.start(audit=False)
    pids, folder = plane.pids, plane.directory
    assert len(pids) == 3
    assert all(map(is_running, pids))

    plane.stop()

    assert not any(map(is_running, pids))
    assert not folder.exists()


def test_a_folder_named_by_the_caller_outlives_its_control_plane(tmp_path):
    with ControlPlane.start(tmp_path / "plane"):
        pass

    assert (tmp_path / "plane" / "kube-apiserver.log").exists()
    with pytest.raises(ControlPlaneError, match="is not empty"):
        ControlPlane.start(tmp_path / "plane")


def test_a_control_plane_ends_with_its_process_even_when_that_is_killed():
    program = (
        "from controlplane import ControlPlane\n"
        "plane = ControlPlane.start(audit=False)\n"
        "print(plane.directory, *plane.pids, flush=True)\n"
        "input()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program],
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as starter:
        assert starter.stdout is not None
        folder, *pids = starter.stdout.readline().split()
        starter.send_signal(signal.SIGKILL)

    assert len(pids) == 3
    eventually(lambda: not any(is_running(int(pid)) for pid in pids), lambda: f"one of {pids} still runs")
    eventually(lambda: not Path(folder).exists(), lambda: f"{folder} is still there")


def test_a_failed_start_shows_the_end_of_the_log_and_leaves_nothing(tmp_path, monkeypatch):
    broken = tmp_path / "kube-apiserver"
    broken.write_text("#!/bin/sh\necho the disk is on fire\nexit 3\n")
    broken.chmod(0o755)
    real = build.binaries()
    assets = Binaries(real.etcd, broken, real.kube_controller_manager)
    monkeypatch.setattr(build, "binaries", lambda: assets)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    with pytest.raises(ControlPlaneError, match=r"kube-apiserver ended with exit code 3[^$]*the disk is on fire"):
        ControlPlane.start()

    assert list(tmp_path.iterdir()) == [broken]


def test_an_incomplete_folder_of_programs_is_not_used_and_said_so(tmp_path, monkeypatch, capsys):
    (tmp_path / "etcd").symlink_to(build.binaries().etcd)
    (tmp_path / "kube-apiserver").symlink_to(build.binaries().kube_apiserver)
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(tmp_path))

    used = build.binaries()

    assert used.etcd.parent != tmp_path
    assert "it has no kube-controller-manager" in capsys.readouterr().err


def test_a_complete_folder_of_programs_is_used(tmp_path, monkeypatch):
    real = build.binaries()
    for program in (real.etcd, real.kube_apiserver, real.kube_controller_manager):
        (tmp_path / program.name).symlink_to(program)
    monkeypatch.setenv("KUBEBUILDER_ASSETS", str(tmp_path))

    assert build.binaries() == Binaries.of(tmp_path)
