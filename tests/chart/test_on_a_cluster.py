"""The chart on a real control plane: accepted, installed, upgraded, rolled back, uninstalled, at work in both modes."""

import io
import json
import subprocess
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
import yaml

from controlplane.audit import requests
from harness.chart import CHART, RELEASE, render
from harness.kube import Kube, conditions, eventually, instance, secret
from harness.pod_ready import pods_become_ready
from walkthrough.replicas import deployed_operators

ROOT = CHART.parents[2]
EXAMPLES = sorted((CHART / "ci").glob("*-values.yaml"))
SYSTEM, OTHERS = "aisearch-system", ("team-a", "team-b")
RESTRICTED = "pod-security.kubernetes.io/enforce=restricted"
KIND = "AISearchInstance"
FORBIDDEN = 403
QUICK = ("jobPollInterval=1", "pollInterval=1", "secretInterval=1", "waitRetry=1", "terminalRetry=5", "backoffCap=2")
QUICKLY = ("--set", ",".join(f"settings.{each}" for each in QUICK))


@pytest.fixture
def kube_of(cluster):
    opened = []

    def kube(namespace):
        opened.append(Kube(cluster.kubeconfig, namespace))
        return opened[-1]

    yield kube
    for each in opened:
        each.close()


@pytest.fixture
def system(cluster):
    """Make the namespaces, which enforce the restricted level; they go with what is in them."""
    names = (SYSTEM, *OTHERS)
    for name in names:
        cluster.kubectl("create", "namespace", name)
        cluster.kubectl("label", "namespace", name, RESTRICTED)
        cluster.kubectl("wait", "--for=create", "serviceaccount/default", "--namespace", name)
    yield SYSTEM
    cluster.kubectl("delete", "namespace", *names)


def pod_of(bodies):
    """Make a pod of the Deployment's template: of what a Deployment cannot run the API server only warns."""
    (deployment,) = (body for body in bodies if body["kind"] == "Deployment")
    template = deployment["spec"]["template"]
    metadata = {**template["metadata"], "name": "of-the-deployment", "namespace": deployment["metadata"]["namespace"]}
    # A dry run leaves no service account for the pod behind.
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": metadata,
        "spec": {**template["spec"], "serviceAccountName": "default"},
    }


def dry_run(cluster, bodies):
    text = yaml.safe_dump_all([*bodies, pod_of(bodies)])
    command = (
        "apply",
        "--server-side",
        "--force-conflicts",
        "--dry-run=server",
        "--validate=strict",
        "--filename",
        "-",
    )
    return cluster.kubectl(*command, input=text, check=False)


def test_the_api_server_accepts_every_example_where_pods_must_be_restricted(cluster, system):
    gvisor = {
        "apiVersion": "node.k8s.io/v1",
        "kind": "RuntimeClass",
        "metadata": {"name": "gvisor"},
        "handler": "runsc",
    }
    cluster.kubectl("apply", "--filename", "-", input=json.dumps(gvisor))
    said = {path.name: dry_run(cluster, render("--values", str(path))) for path in EXAMPLES}

    assert {name: outcome.stderr for name, outcome in said.items() if outcome.returncode or outcome.stderr} == {}
    refused = dry_run(cluster, render("--set", "securityContext.allowPrivilegeEscalation=true"))
    assert 'violates PodSecurity "restricted:latest": allowPrivilegeEscalation' in refused.stderr


def previous_chart(folder: Path) -> Path:
    """Take the chart as it was before its last change, from git."""
    path = str(CHART.relative_to(ROOT))
    git = ("git", "-C", str(ROOT))
    inside = subprocess.run([*git, "rev-parse", "--show-toplevel"], capture_output=True, text=True, check=False)
    if inside.returncode or Path(inside.stdout.strip()) != ROOT:
        pytest.skip("no git history here: the chart's previous commit is not known")
    changed = subprocess.run([*git, "status", "--porcelain", "--", path], capture_output=True, text=True, check=True)
    log = subprocess.run([*git, "log", "-2", "--format=%H", "--", path], capture_output=True, text=True, check=True)
    commits = log.stdout.split()[0 if changed.stdout else 1 :]
    if not commits:
        pytest.skip("git has no commit of the chart before this one: the clone is shallow")
    archive = subprocess.run(
        [*git, "archive", "--format=zip", commits[0], path], capture_output=True, check=True
    ).stdout
    with zipfile.ZipFile(io.BytesIO(archive)) as members:
        members.extractall(folder)
    return folder / path


def crds_of(cluster):
    found = cluster.kubectl(
        "get", "crd", "--output", "json", "--selector", "app.kubernetes.io/part-of=aisearch-operator"
    )
    return {
        body["metadata"]["name"]: body["metadata"]["labels"]["helm.sh/chart"]
        for body in json.loads(found.stdout)["items"]
    }


def all_of(cluster, namespace):
    """What is left of a release; the garbage collector takes the pods some time after their Deployment."""
    listed = cluster.kubectl("get", "all", "--namespace", namespace, "--output", "json")
    return [f"{body['kind']}/{body['metadata']['name']}" for body in json.loads(listed.stdout)["items"]]


def test_a_release_is_installed_upgraded_rolled_back_uninstalled_and_installed_again(
    cluster, run_helm, system, kube_of, fake, tmp_path
):
    previous = previous_chart(tmp_path / "previous")
    account = fake.admin.create_account(rate=20.0, rate_limit=None)
    kube = kube_of(OTHERS[0])
    kube.apply(secret("aisearch-credentials", apiToken=account.token, accountId=account.id))
    cluster.kubectl("delete", "crd", "--ignore-not-found", "--selector", "app.kubernetes.io/part-of=aisearch-operator")
    here = ("--namespace", system)

    with pods_become_ready(cluster), deployed_operators(cluster, fake.api_url, tmp_path / "operator.log") as node:
        run_helm("install", RELEASE, str(previous), *here, "--wait", *QUICKLY)
        kube.apply(instance("docs", type="r2", source="docs-bucket", deletionPolicy="Delete"))
        before = kube.wait_condition(KIND, "docs", "Ready")
        run_helm("upgrade", RELEASE, str(CHART), *here, "--wait", "--reset-then-reuse-values", "--set", "replicas=3")
        run_helm("test", RELEASE, *here)
        run_helm("rollback", RELEASE, "1", *here, "--wait")
        run_helm("upgrade", RELEASE, str(CHART), *here, "--wait", "--reset-then-reuse-values")
        kube.patch(KIND, "docs", {"spec": {"maxNumResults": 7}})
        after = kube.wait_condition(KIND, "docs", "Ready")
        assert after["metadata"]["uid"] == before["metadata"]["uid"]

        # The operator goes first, which it should not: resources wait for the next one, and Helm for nothing.
        removed = run_helm("uninstall", RELEASE, *here, "--wait", "--timeout", "60s")
        assert removed.stdout.count("[CustomResourceDefinition]") == len(crds_of(cluster)) == 2
        eventually(lambda: not all_of(cluster, system), lambda: f"{all_of(cluster, system)} is left")
        eventually(lambda: node.idle, lambda: "an operator still runs")
        kube.delete(KIND, "docs")
        assert kube.get(KIND, "docs")["metadata"]["finalizers"]
        assert [found.id for found in account.instances()] == ["docs"]

        other = run_helm("install", "other", str(CHART), *here, "--wait", check=False)
        assert "cannot be imported into the current release" in other.stderr
        run_helm("install", RELEASE, str(CHART), *here, "--wait", *QUICKLY)
        kube.wait_gone(KIND, "docs")
        assert account.instances() == []
        run_helm("uninstall", RELEASE, *here, "--wait")
        run_helm("install", "other", str(CHART), *here, "--wait", "--take-ownership")
        run_helm("uninstall", "other", *here, "--wait")


def requests_of_the_operator(cluster, namespace, since):
    user = f"system:serviceaccount:{namespace}:{RELEASE}"
    return [each for each in requests(cluster.audit_log, user) if each.time >= since and each.resource]


def test_who_has_rights_in_two_namespaces_alone_installs_an_operator_that_needs_no_others(
    cluster, run_helm, system, kube_of, fake, tmp_path
):
    watched, other = OTHERS
    started = datetime.now(UTC)
    cluster.install_crds()
    for namespace in (system, watched):
        name = ("rolebinding", "lead", "--clusterrole=cluster-admin", "--user=lead")
        cluster.kubectl("create", *name, "--namespace", namespace)
    lead = {"KUBECONFIG": str(cluster.client_kubeconfig("lead"))}
    account = fake.admin.create_account(rate=20.0, rate_limit=None)
    values = ("--values", str(CHART / "ci/no-cluster-rights-values.yaml"), *QUICKLY)
    for namespace in OTHERS:
        kube_of(namespace).apply(
            secret("aisearch-credentials", apiToken=account.token, accountId=account.id),
            instance(f"docs-{namespace}", type="r2", source="docs-bucket"),
        )

    with pods_become_ready(cluster), deployed_operators(cluster, fake.api_url, tmp_path / "operator.log"):
        run_helm("install", RELEASE, str(CHART), "--namespace", system, "--wait", *values, **lead)
        kube_of(watched).wait_condition(KIND, f"docs-{watched}", "Ready")
        cluster.kubectl("delete", "aisi", "--all", "--namespace", watched)
        asked = requests_of_the_operator(cluster, system, started)
        run_helm("uninstall", RELEASE, "--namespace", system, "--wait", **lead)

    # The Lease is the operator's own; of resources it saw those of its namespace alone.
    assert {(each.namespace, each.resource) for each in asked if each.namespace != watched} <= {(system, "leases")}
    assert {each.verb for each in asked if each.namespace == watched} >= {"list", "patch", "get"}
    assert FORBIDDEN not in {each.code for each in asked}
    ignored = kube_of(other).get(KIND, f"docs-{other}")
    assert ignored["status"] == {"observedGeneration": -1}
    assert conditions(ignored) == {}
    assert account.instances() == []
