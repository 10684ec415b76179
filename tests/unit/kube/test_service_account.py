"""Where kopf looks for the API server."""

import kopf
import pytest

from aisearch_operator.kube.service_account import login_with_service_account


@pytest.mark.parametrize(
    ("environment", "server"),
    [
        ({}, "https://kubernetes.default.svc"),
        ({"KUBERNETES_SERVICE_HOST": "10.0.0.1"}, "https://10.0.0.1:443"),
        ({"KUBERNETES_SERVICE_HOST": "10.0.0.1", "KUBERNETES_SERVICE_PORT": "6443"}, "https://10.0.0.1:6443"),
        ({"KUBERNETES_SERVICE_HOST": "fd00::1", "KUBERNETES_SERVICE_PORT": "6443"}, "https://[fd00::1]:6443"),
    ],
)
def test_in_a_pod_it_takes_the_address_that_the_pod_is_given(monkeypatch, environment, server):
    account = kopf.ConnectionInfo(server="https://kubernetes.default.svc", token="token", ca_path="/ca.crt")
    monkeypatch.setattr(kopf, "login_with_service_account", lambda **_: account)
    for name in ("KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    access = login_with_service_account(settings=kopf.OperatorSettings())

    assert access is not None
    assert (access.server, access.token, access.ca_path) == (server, "token", "/ca.crt")


def test_outside_of_a_pod_there_is_no_service_account(monkeypatch):
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
    monkeypatch.setattr(kopf, "login_with_service_account", lambda **_: None)

    assert login_with_service_account(settings=kopf.OperatorSettings()) is None
