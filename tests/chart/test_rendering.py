"""What the charts render, for every example of values; no cluster is needed."""

import base64
import functools
import json
import re
import subprocess
from pathlib import Path

import kubernetes_validate
import pytest
import yaml

from aisearch_operator.resources import crd
from aisearch_operator.settings import Settings
from chart_files import SET_BY_OTHER_VALUES
from chart_readme import values as documented_values
from controlplane.tools import helm
from harness.chart import CHART, HelmError, render, render_text

CRDS_CHART = CHART.parent / "aisearch-operator-crds"
EXAMPLES = sorted((CHART / "ci").glob("*-values.yaml"))
OLDEST, NEWEST = "1.31", "1.37"
MONITORING = {"PodMonitor", "PrometheusRule", "ServiceMonitor"}
"""Kinds of Prometheus Operator, whose schemas are not Kubernetes' own: the test on a cluster has stand-ins for them."""

CLUSTER_SCOPED = {"ClusterRole", "ClusterRoleBinding", "CustomResourceDefinition"}
ACCOUNT = "0123456789abcdef0123456789abcdef"
TOKEN = ("--set", f"credentials.accountId={ACCOUNT},credentials.apiToken=swordfish")

examples = pytest.mark.parametrize("example", EXAMPLES, ids=lambda path: path.name.removesuffix("-values.yaml"))


def values_of(example):
    return ("--values", str(example))


@functools.cache
def text_of(example):
    return render_text(*values_of(example))


def bodies_of(example):
    return [body for body in yaml.safe_load_all(text_of(example)) if body]


def the(kind, bodies, suffix=""):
    (found,) = (body for body in bodies if body["kind"] == kind and body["metadata"]["name"].endswith(suffix))
    return found


def container(bodies):
    return the("Deployment", bodies)["spec"]["template"]["spec"]["containers"][0]


def environment(bodies):
    return {each["name"]: each.get("value") for each in container(bodies)["env"]}


@examples
def test_helm_lint_finds_nothing(example):
    outcome = subprocess.run(
        [helm(), "lint", "--strict", CHART, *values_of(example)], capture_output=True, text=True, check=False
    )

    assert outcome.returncode == 0, outcome.stdout


def test_there_are_examples_enough_and_helm_lint_finds_nothing_in_the_chart_of_the_crds():
    assert len(EXAMPLES) >= 12
    subprocess.run([helm(), "lint", "--strict", CRDS_CHART], capture_output=True, check=True)


@examples
def test_every_object_fits_the_schemas_of_the_oldest_and_the_newest_kubernetes(example):
    for body in bodies_of(example):
        if body["kind"] not in MONITORING:
            for version in (OLDEST, NEWEST):
                kubernetes_validate.validate(body, version, strict=True)


def test_the_oldest_kubernetes_is_that_of_the_chart():
    for chart in (CHART, CRDS_CHART):
        assert yaml.safe_load((chart / "Chart.yaml").read_text())["kubeVersion"] == f">={OLDEST}.0-0"


@examples
def test_the_same_values_render_the_same_manifests_at_install_and_upgrade(example):
    upgrade = render_text(*values_of(example), "--is-upgrade", "--kube-version", NEWEST)

    assert text_of(example) == upgrade


@examples
def test_objects_say_their_namespace_and_have_the_labels_of_all(example):
    wanted = yaml.safe_load(example.read_text())
    for body in bodies_of(example):
        metadata = body["metadata"]
        if metadata["name"].endswith(("-extra", "-more")):
            continue  # they are the user's
        if body["kind"] in CLUSTER_SCOPED:
            assert "namespace" not in metadata
        elif body["kind"] in {"Role", "RoleBinding"} and not metadata["name"].endswith("-lease"):
            assert metadata["namespace"] in wanted["watchNamespaces"]
        else:
            assert metadata["namespace"] == wanted.get("namespaceOverride", "aisearch-system")
        assert metadata["labels"]["app.kubernetes.io/managed-by"] == "Helm"
        assert metadata["labels"].items() >= wanted.get("commonLabels", {}).items()


def test_every_value_is_documented_in_the_schema_and_changed_by_an_example():
    text = (CHART / "values.yaml").read_text()
    known = {path for path, _, _ in documented_values(text)}
    schema = json.loads((CHART / "values.schema.json").read_text())
    changed = {path for each in EXAMPLES for path in _paths(yaml.safe_load(each.read_text()), known)}

    assert set(_schema_paths(schema, known)) == known
    # Of the two ways to credentials from values and of what Kubernetes has in the same words, one example will do.
    assert known - changed <= {
        "global",
        "httpPort",
        "monitoring.dashboard.labels",
        "monitoring.prometheusRule.annotations",
        "securityContext",
        "podDisruptionBudget.enabled",
        "image.tag",
        *(path for path in known if path.startswith("monitoring.podMonitor.")),
    }


def _paths(mapping, known, above=()):
    for key, value in mapping.items():
        path = (*above, key)
        if ".".join(path) in known:
            yield ".".join(path)
        else:
            yield from _paths(value, known, path)


def _schema_paths(schema, known, above=()):
    for key, value in schema.get("properties", {}).items():
        path = (*above, key)
        if ".".join(path) in known or "properties" not in value:
            yield ".".join(path)
        else:
            yield from _schema_paths(value, known, path)


BAD_VALUES = [
    ("replica=3", "additional properties 'replica' not allowed"),
    ("replicas=-1", "at '/replicas': minimum: got -1, want 0"),
    ("replicas=two", "at '/replicas': got string, want integer"),
    ("image.digest=0123", "at '/image/digest': '0123' does not match pattern '^(sha256:[0-9a-f]{64})?$'"),
    ("image.pullPolicy=Sometimes", "at '/image/pullPolicy': value must be one of 'Always', 'IfNotPresent', 'Never'"),
    ("image.name=x", "at '/image': additional properties 'name' not allowed"),
    ("watchNamespaces=team-a", "at '/watchNamespaces': got string, want array"),
    ("watchNamespaces={Team}", "at '/watchNamespaces/0': 'Team' does not match pattern"),
    ("watchNamespaces={a,a}", "at '/watchNamespaces': items at 0 and 1 are equal"),
    ("credentials.accountId=mine", "at '/credentials/accountId': 'mine' does not match pattern"),
    ("credentials.token=x", "at '/credentials': additional properties 'token' not allowed"),
    ("credentials.namespaces={'a\\,b'}", "at '/credentials/namespaces/0'"),
    ("settings.pollIntervall=3", "at '/settings': additional properties 'pollIntervall' not allowed"),
    ("settings.pollInterval=0", "at '/settings/pollInterval'"),
    ("settings.pollInterval=often", "at '/settings/pollInterval': got string, want number"),
    ("settings.workers=257", "at '/settings/workers': maximum: got 257, want 256"),
    ("settings.deletionPolicy=Keep", "at '/settings/deletionPolicy': value must be one of 'Delete', 'Retain'"),
    ("settings.namespaces={a}", "at '/settings': additional properties 'namespaces' not allowed"),
    ("crds.install=yes", "at '/crds/install': got string, want boolean"),
    ("service.port=70000", "at '/service/port': maximum: got 70,000, want 65,535"),
    ("httpPort=80", "at '/httpPort': minimum: got 80, want 1,024"),
    ("livenessProbe.path=/", "additional properties 'path' not allowed"),
    ("monitoring.serviceMonitor.interval=often", "at '/monitoring/serviceMonitor/interval'"),
    ("monitoring.runbookBaseUrl=https://git.example.com/", "at '/monitoring/runbookBaseUrl'"),
    ("podDisruptionBudget.maxUnavailable=half", "at '/podDisruptionBudget/maxUnavailable'"),
    ("extraEnv[0].value=x", "at '/extraEnv/0': missing property 'name'"),
    ("credentials.existingSecret=mine,credentials.email=a@b", "credentials.existingSecret excludes accountId"),
    (f"credentials.accountId={ACCOUNT}", "credentials.accountId and credentials.apiToken (or email and apiKey) belong"),
    ("credentials.apiToken=x", "belong together: give both or none"),
    (
        f"credentials.accountId={ACCOUNT},credentials.apiKey=x",
        "credentials.email and credentials.apiKey belong together",
    ),
    (
        f"credentials.accountId={ACCOUNT},credentials.apiToken=x,credentials.email=a@b,credentials.apiKey=y",
        "credentials.apiToken excludes credentials.email",
    ),
    ("leaderElection.enabled=false", "leaderElection.enabled: false allows one replica"),
    (
        "monitoring.serviceMonitor.enabled=true,monitoring.podMonitor.enabled=true",
        "monitoring.serviceMonitor and monitoring.podMonitor exclude each other",
    ),
    ("settings.shutdownGrace=45", "terminationGracePeriodSeconds (45) must be more than settings.shutdownGrace (45)"),
]


@pytest.mark.parametrize(("value", "complaint"), BAD_VALUES, ids=[value for value, _ in BAD_VALUES])
def test_values_that_make_no_sense_are_refused_with_a_message_that_names_them(value, complaint):
    with pytest.raises(HelmError, match=re.escape(complaint)):
        render_text("--set", value)


@pytest.mark.parametrize(
    "value", ["global.some=thing", "podLabels=null,settings=null,watchNamespaces=null,crds.labels=null"]
)
def test_values_of_a_parent_chart_and_removed_defaults_are_no_error(value):
    render_text("--set", value)


def test_every_setting_of_the_operator_can_be_set_and_arrives_as_it_was_written(monkeypatch):
    env = environment(
        render(*values_of(CHART / "ci/all-settings-values.yaml"), "--set", "settings.budgetLimit=1200000")
    )
    for name in {f"AISEARCH_{name.upper()}" for name in Settings.model_fields}:
        monkeypatch.delenv(name, raising=False)
    for name, value in env.items():
        if value is not None:
            monkeypatch.setenv(name, value)

    assert Settings() == Settings.model_construct(
        **{name: field.get_default() for name, field in Settings.model_fields.items()}
        | {"budget_limit": 1_200_000, "lease_name": "aisearch-operator"}
    )
    assert {f"AISEARCH_{name.upper()}" for name in Settings.model_fields} - env.keys() == {
        f"AISEARCH_{name.upper()}"
        for name in SET_BY_OTHER_VALUES.keys() - {"http_port", "lease_name", "lease_namespace"}
    }


@pytest.mark.parametrize(
    ("arguments", "variable", "value"),
    [
        (("--set", "watchNamespaces={team-a,team-b}"), "AISEARCH_NAMESPACES", "team-a,team-b"),
        (("--set", "credentials.namespaces={team-*,search}"), "AISEARCH_CREDENTIALS_NAMESPACES", "team-*,search"),
        (("--set-json", "settings.budgetShare=0.25"), "AISEARCH_BUDGET_SHARE", "0.25"),
        (("--set", "httpPort=9000"), "AISEARCH_HTTP_PORT", "9000"),
        (("--set", r"sharding.labelSelector=shard notin (a\,b)"), "AISEARCH_LABEL_SELECTOR", "shard notin (a,b)"),
        (("--set", "sharding.shards=3"), "AISEARCH_BUDGET_SHARDS", "3"),
    ],
)
def test_values_become_the_operators_settings(arguments, variable, value):
    assert environment(render(*arguments))[variable] == value


def test_releases_beside_one_another_share_nothing_by_name():
    first, second = (
        {(body["kind"], body["metadata"].get("namespace"), body["metadata"]["name"]) for body in render(*arguments)}
        for arguments in ((), ("--values", str(CHART / "ci" / "sharding-values.yaml")))
    )
    other = render("--values", str(CHART / "ci" / "sharding-values.yaml"), release="shard-b")

    assert second < first  # what one of several leaves out, another brings along
    assert not first & {(body["kind"], body["metadata"].get("namespace"), body["metadata"]["name"]) for body in other}
    lease = environment(other)["AISEARCH_LEASE_NAME"]
    assert [lease] in [rule.get("resourceNames") for rule in the("Role", other, "-lease")["rules"]]


def test_a_namespaced_installation_has_its_rights_in_the_named_namespaces_alone():
    bodies = render("--set", "watchNamespaces={team-a,team-b}")
    operators = [
        body for body in bodies if body["kind"] in {"Role", "RoleBinding"} and "lease" not in body["metadata"]["name"]
    ]

    assert {(body["kind"], body["metadata"]["namespace"]) for body in operators} == {
        (kind, namespace) for kind in ("Role", "RoleBinding") for namespace in ("team-a", "team-b")
    }
    assert not [body for body in bodies if body["kind"] == "ClusterRoleBinding"]


def test_without_crds_and_aggregated_roles_a_namespaced_installation_has_nothing_cluster_scoped():
    bodies = render(*values_of(CHART / "ci/no-cluster-rights-values.yaml"))

    assert not {body["kind"] for body in bodies} & CLUSTER_SCOPED


def test_the_rules_are_the_same_in_both_modes():
    everywhere, somewhere = render(), render("--set", "watchNamespaces={team-a}")

    assert the("ClusterRole", everywhere, "operator")["rules"] == the("Role", somewhere, "operator")["rules"]


def test_the_operator_can_be_limited_to_secrets_by_name():
    role = the("Role", render(*values_of(CHART / "ci/few-secrets-values.yaml")), "operator")

    (rule,) = (rule for rule in role["rules"] if rule["resources"] == ["secrets"])
    assert rule["resourceNames"] == ["aisearch-credentials", "search-team"]


def test_credentials_from_values_stand_in_their_secret_and_nowhere_else():
    text = render_text(*TOKEN)
    secret = the("Secret", list(yaml.safe_load_all(text)))

    assert secret["data"] == {"accountId": _base64(ACCOUNT), "apiToken": _base64("swordfish")}
    assert "swordfish" not in text
    assert text.count(_base64("swordfish")) == 1
    assert ACCOUNT not in text


def _base64(text):
    return base64.b64encode(text.encode()).decode()


def test_pods_start_anew_when_credentials_from_values_change_and_only_then():
    def checksum(*arguments):
        template = the("Deployment", render(*arguments))["spec"]["template"]
        return template["metadata"]["annotations"].get("checksum/credentials")

    assert checksum(*TOKEN) == checksum(*TOKEN, "--set", "replicas=3")
    assert checksum(*TOKEN) != checksum(*TOKEN, "--set", "credentials.apiToken=other")
    assert checksum() is checksum("--set", "credentials.existingSecret=mine") is None


@pytest.mark.parametrize(
    ("arguments", "secret"),
    [((), None), (TOKEN, "aisearch-operator-credentials"), (("--set", "credentials.existingSecret=mine"), "mine")],
)
def test_the_operator_reads_its_own_credentials_from_a_secret(arguments, secret):
    references = {
        each["name"]: each["valueFrom"]["secretKeyRef"]
        for each in container(render(*arguments))["env"]
        if "secretKeyRef" in each.get("valueFrom", {})
    }

    keys = {"AISEARCH_ACCOUNT_ID": "accountId", "AISEARCH_API_TOKEN": "apiToken", "AISEARCH_EMAIL": "email"}
    keys["AISEARCH_API_KEY"] = "apiKey"
    assert {name: each["key"] for name, each in references.items()} == (keys if secret else {})
    assert {each["name"] for each in references.values()} == ({secret} if secret else set())
    # Without an account id there are no credentials: the pod waits for the Secret instead of starting without.
    assert all("optional" in each for name, each in references.items() if name != "AISEARCH_ACCOUNT_ID")
    assert "optional" not in references.get("AISEARCH_ACCOUNT_ID", {})


def test_replicas_elect_a_leader_and_are_replaced_one_by_one():
    bodies = render()
    lease = the("Role", bodies, "-lease")

    assert the("Deployment", bodies)["spec"]["replicas"] == 2
    assert the("Deployment", bodies)["spec"]["strategy"]["rollingUpdate"] == {"maxUnavailable": 0, "maxSurge": 1}
    assert the("PodDisruptionBudget", bodies)["spec"]["maxUnavailable"] == 1
    assert environment(bodies)["AISEARCH_LEASE_NAME"] == lease["rules"][1]["resourceNames"][0] == "aisearch-operator"


def test_a_single_replica_without_election_is_never_two():
    bodies = render(*values_of(CHART / "ci/one-replica-values.yaml"))

    assert the("Deployment", bodies)["spec"]["strategy"] == {"type": "Recreate"}
    assert "AISEARCH_LEASE_NAME" not in environment(bodies)
    assert not [body for body in bodies if body["metadata"]["name"].endswith("-lease")]
    assert not [body for body in bodies if body["kind"] == "PodDisruptionBudget"]


@pytest.mark.parametrize(
    ("values", "image"),
    [
        ("image.tag=", "registry.example.com/aisearch-operator:0.1.0"),
        ("image.tag=2.0.1", "registry.example.com/aisearch-operator:2.0.1"),
        ("image.registry=", "aisearch-operator:0.1.0"),
        (
            f"image.tag=2.0.1,image.digest=sha256:{'0' * 64}",
            f"registry.example.com/aisearch-operator@sha256:{'0' * 64}",
        ),
    ],
)
def test_the_image_is_named_by_tag_or_digest(values, image):
    bodies = render("--set", values)

    assert container(bodies)["image"] == the("Pod", bodies)["spec"]["containers"][0]["image"] == image


@pytest.mark.parametrize("file", sorted(crd.generate()))
def test_the_crds_are_those_of_the_operator_in_both_charts(file):
    wanted = yaml.safe_load(crd.generate()[file])
    for chart in (CHART, CRDS_CHART):
        (found,) = (body for body in render(chart=chart) if body["metadata"]["name"] == wanted["metadata"]["name"])
        metadata = found.pop("metadata")
        assert found == {key: value for key, value in wanted.items() if key != "metadata"}
        assert metadata["annotations"]["helm.sh/resource-policy"] == "keep"
        assert metadata["annotations"]["argocd.argoproj.io/sync-options"] == "Prune=false"


def test_crds_can_be_left_out_or_go_with_the_release():
    left_out = render("--set", "crds.install=false")
    going = [body for body in render("--set", "crds.keep=false") if body["kind"] == "CustomResourceDefinition"]

    assert not [body for body in left_out if body["kind"] == "CustomResourceDefinition"]
    assert [body["metadata"].get("annotations") for body in going] == [None, None]


def test_alerts_are_those_of_the_file_each_with_its_runbook():
    wanted = yaml.safe_load((CHART / "files/alerts.yaml").read_text())["groups"]
    base = "https://git.example.com/runbooks"
    arguments = ("--set", "monitoring.prometheusRule.enabled=true")
    found = the("PrometheusRule", render(*arguments, "--set", f"monitoring.runbookBaseUrl={base}"))["spec"]["groups"]

    for group in found:
        for rule in group["rules"]:
            assert rule["annotations"].pop("runbook_url") == f"{base}/{rule['alert']}.md"
    assert found == wanted == the("PrometheusRule", render(*arguments))["spec"]["groups"]


def test_the_dashboard_is_that_of_the_file():
    bodies = render("--set", "monitoring.dashboard.enabled=true")
    config_map = the("ConfigMap", bodies)

    assert json.loads(config_map["data"]["aisearch-operator.json"]) == json.loads(
        (CHART / "files/dashboard.json").read_text()
    )
    assert config_map["metadata"]["labels"]["grafana_dashboard"] == "1"


@pytest.mark.parametrize(
    ("values", "said", "unsaid"),
    [
        ("replicas=2", ["watches all namespaces", "placeholder registry.example.com", "no credentials"], ["get crd"]),
        ("watchNamespaces={team-a,team-b}", ["watches team-a, team-b", "--namespace team-a create secret"], []),
        ("image.registry=other.example.com", [], ["placeholder"]),
        ("credentials.existingSecret=mine", ["from the Secret somewhere/mine"], ["create secret"]),
        ("crds.install=false", ["kubectl get crd"], []),
    ],
)
def test_the_notes_say_the_next_command(values, said, unsaid):
    command = [str(helm()), "install", "aisearch-operator", str(CHART), "--dry-run=client", "--namespace", "somewhere"]
    outcome = subprocess.run([*command, "--set", values], capture_output=True, text=True, check=True)
    notes = outcome.stdout.partition("NOTES:")[2]

    for text in said:
        assert text in notes
    for text in unsaid:
        assert text not in notes


def test_what_is_in_the_chart_can_be_packaged(tmp_path):
    subprocess.run([helm(), "package", CHART, "--destination", tmp_path], capture_output=True, check=True)
    (package,) = Path(tmp_path).iterdir()

    members = subprocess.run(["tar", "--list", "--file", package], capture_output=True, text=True, check=True).stdout
    assert "aisearch-operator/files/alerts.yaml" in members
    assert "/ci/" not in members
