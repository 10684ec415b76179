"""Tools that wait: Helm 4 and kubectl wait until a release is really ready, and fail at once when it cannot be."""

import subprocess
import time

import pytest
import yaml

from controlplane import tools
from fake_cloudflare import JobPlan
from harness.kube import conditions, eventually, instance, secret, sync_job

AT_ONCE = 150.0
"""Seconds in which a tool must have failed that would wait twice as long."""


@pytest.fixture
def helm(control_plane, namespace, tmp_path):
    """Start Helm on a chart that holds these objects: `helm(*bodies)` gives the running process."""
    chart = tmp_path / "chart"
    (chart / "templates").mkdir(parents=True)
    (chart / "Chart.yaml").write_text(yaml.safe_dump({"apiVersion": "v2", "name": "search", "version": "1.0.0"}))
    started = []

    def run(*bodies, action="install"):
        for body in bodies:
            file = chart / "templates" / f"{body['kind']}-{body['metadata']['name']}.yaml"
            file.write_text(yaml.safe_dump(dict(body)))
        what = ["search"] if action == "uninstall" else ["search", str(chart)]
        command = [str(tools.helm()), action, *what, "--namespace", namespace, "--wait", "--timeout", "300s"]
        folders = {name: str(tmp_path / name) for name in ("HELM_CACHE_HOME", "HELM_CONFIG_HOME", "HELM_DATA_HOME")}
        started.append(
            subprocess.Popen(
                command,
                env=control_plane.env() | folders,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
        )
        return started[-1]

    yield run
    for process in started:
        process.kill()
        process.communicate()


def outcome(process):
    """The exit code and all that was printed."""
    printed, _ = process.communicate(timeout=AT_ONCE)
    return process.returncode, printed


def test_helm_and_kubectl_wait_for_the_instance_and_for_the_end_of_the_job(stage, helm, kubectl):
    kube, account = stage.kube, stage.account
    account.configure(initial_job=False)
    account.plan_next_job(JobPlan(duration=None))

    install = helm(instance("docs", type="r2", source="my-bucket"), sync_job("first-sync", "docs"))

    def running():
        job = kube.get("AISearchSyncJob", "first-sync")
        return job is not None and job["status"].get("phase") == "Running"

    eventually(running, lambda: "the job does not run")
    kubectl("wait", "-n", kube.namespace, "--for=condition=Ready", "--timeout=60s", "aisi/docs")
    stage.await_sweeps()
    assert install.poll() is None
    (job,) = account.jobs("docs")
    account.end_job("docs", job.id)
    kubectl("wait", "-n", kube.namespace, "--for=condition=Complete", "--timeout=60s", "aisj/first-sync")
    assert outcome(install)[0] == 0
    assert conditions(kube.get("AISearchInstance", "docs"))["Ready"]["status"] == "True"
    assert conditions(kube.get("AISearchSyncJob", "first-sync"))["Complete"]["status"] == "True"

    code, printed = outcome(helm(action="uninstall"))
    assert code == 0, printed
    assert account.instances() == []
    assert kube.list_all("AISearchInstance") == kube.list_all("AISearchSyncJob") == []


@pytest.mark.parametrize(
    ("case", "says"),
    [
        ("a value that Cloudflare refuses", "invalid_chunk_size"),
        ("a rejected token", "check that the credentials are valid"),
        ("a job that fails", "bucket_unauthorized"),
    ],
)
def test_helm_and_kubectl_fail_at_once_with_the_message_on_a_permanent_error(stage, helm, kubectl, case, says):
    account = stage.account
    account.configure(initial_job=False, max_chunk_size=1000)
    spec: dict[str, object] = {"type": "r2", "source": "my-bucket"}
    if case == "a rejected token":
        stage.kube.apply(secret("aisearch-credentials", apiToken="wrong-token-of-a-test", accountId=account.id))
        stage.operator.stop()  # so that it never saw the right one
        stage.operator.start()
    elif case == "a job that fails":
        account.plan_next_job(JobPlan(duration=1, end_reason="bucket_unauthorized"))
    else:
        spec["chunkSize"] = 1001
    began = time.monotonic()

    code, printed = outcome(helm(instance("docs", **spec), sync_job("first-sync", "docs")))

    assert time.monotonic() - began < AT_ONCE
    assert code != 0
    assert says in printed
    stalled = "aisj/first-sync" if case == "a job that fails" else "aisi/docs"
    told = kubectl("wait", "-n", stage.kube.namespace, "--for=condition=Stalled", "--timeout=10s", stalled)
    assert "condition met" in told.stdout
