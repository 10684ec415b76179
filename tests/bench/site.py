"""Where one run takes place: a control plane, a fake Cloudflare and a contender, each a process of its own."""

import contextlib
import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from bench.figures import Contender
from bench.process_meter import ProcessMeter
from controlplane.plane import ControlPlane
from fake_cloudflare import FakeAccount
from fake_cloudflare.admin_client import AdminClient
from fake_cloudflare.api import API_PREFIX
from harness.chart import RELEASE, access_of_namespaces
from harness.kube import Kube, secret
from harness.launch import fresh, program
from harness.operator_process import OperatorProcess

__all__ = ["Conditions", "Site"]

NAMESPACE = "bench"
BASELINE = Path(__file__).with_name("baseline.py")
HOST = "127.0.0.1"

ACCOUNT: Mapping[str, object] = {
    "initial_job": False,
    "settle_delay": 0.0,
    "job_start_delay": 0.0,
    "job_duration": 2.0,
    "timestamp_format": "iso",
}
"""Options of the account: an instance is as it stays from the first answer on, so that writes can be counted."""

SPARE_INSTANCES = 10
LIMITLESS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Conditions:
    """What is the same for all contenders.

    Attributes
    ----------
    interval, job_interval
        Seconds between two looks at an instance, and at a sync job.
    real_limits
        Whether Cloudflare's request limits are in force.
    """

    interval: float = 20.0
    job_interval: float = 10.0
    real_limits: bool = False


@dataclass(frozen=True)
class Site:
    """All of one run.

    Attributes
    ----------
    user
        Whom the contender is in Kubernetes.
    probes
        URL of the operator's HTTP server; the baseline has none.
    fake
        The process of the fake Cloudflare.
    """

    contender: Contender
    plane: ControlPlane
    account: FakeAccount
    operator: OperatorProcess
    user: str
    probes: str
    fake: ProcessMeter

    @property
    def namespace(self) -> str:
        """The Kubernetes namespace of the run."""
        return NAMESPACE

    def others(self) -> dict[str, float]:
        """Give seconds of the processor that everything but the contender has used so far."""
        return {
            "control plane": sum(ProcessMeter(pid).cpu for pid in self.plane.pids),
            "fake Cloudflare": self.fake.cpu,
            "bench": ProcessMeter(os.getpid()).cpu,
        }

    def check(self) -> None:
        """Raise the error of a program that has ended."""
        self.plane.check()
        self.operator.check()

    @classmethod
    @contextlib.contextmanager
    def built(cls, contender: Contender, size: int, conditions: Conditions) -> Iterator["Site"]:
        """Start everything but the contender, which is ready to be started; end it all in the end."""
        with contextlib.ExitStack() as opened:
            plane = opened.enter_context(ControlPlane.start())
            plane.install_crds()
            plane.kubectl("create", "namespace", NAMESPACE)
            url, fake = opened.enter_context(_fake_cloudflare())
            admin = opened.enter_context(AdminClient(url))
            account = admin.create_account(rate_limit=1200 if conditions.real_limits else None)
            account.configure(**ACCOUNT, max_instances=size + SPARE_INSTANCES)
            kube = Kube(plane.kubeconfig, NAMESPACE)
            opened.callback(kube.close)
            make = _operator if contender is Contender.OPERATOR else _baseline
            site = make(plane, kube, account, url, conditions, fake)
            opened.callback(site.operator.kill)
            yield site


class _AsInProduction(OperatorProcess):
    base = MappingProxyType({})


@contextlib.contextmanager
def _fake_cloudflare() -> Iterator[tuple[str, ProcessMeter]]:
    """Run the fake as a process, and give its URL and its meter."""
    command = [sys.executable, "-m", "fake_cloudflare"]
    tests = str(Path(__file__).parents[1])
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=os.environ | {"PYTHONPATH": tests}
    ) as process:
        try:
            assert process.stdout is not None
            url = process.stdout.readline().strip()
            if not url:
                msg = f"the fake Cloudflare ended with exit code {process.wait()}"
                raise RuntimeError(msg)
            yield url, ProcessMeter(process.pid)
        finally:
            process.terminate()


def _operator(
    plane: ControlPlane, kube: Kube, account: FakeAccount, url: str, conditions: Conditions, fake: ProcessMeter
) -> Site:
    """Install this project's operator with its own defaults, but for the intervals."""
    kube.apply(*access_of_namespaces(NAMESPACE))
    kube.apply(secret("aisearch-credentials", apiToken=account.token, accountId=account.id))
    port = _free_port()
    settings: dict[str, object] = {
        "poll_interval": conditions.interval,
        "job_poll_interval": conditions.job_interval,
        "http_host": HOST,
        "http_port": port,
    }
    if not conditions.real_limits:
        settings["budget_limit"] = LIMITLESS
    operator = _AsInProduction(
        plane.service_account_kubeconfig(NAMESPACE, RELEASE),
        (NAMESPACE,),
        url + API_PREFIX,
        plane.directory / "operator.log",
        launch=fresh,
        **settings,
    )
    user = f"system:serviceaccount:{NAMESPACE}:{RELEASE}"
    return Site(Contender.OPERATOR, plane, account, operator, user, f"http://{HOST}:{port}", fake)


def _baseline(
    plane: ControlPlane, kube: Kube, account: FakeAccount, url: str, conditions: Conditions, fake: ProcessMeter
) -> Site:
    """Install the baseline as an administrator: what rights it would need is not what is compared."""
    settings: dict[str, object] = {
        "poll_interval": conditions.interval,
        "job_poll_interval": conditions.job_interval,
        "account_id": account.id,
        "api_token": account.token,
    }
    command = ("kopf", "run", "--standalone", "--namespace", NAMESPACE, str(BASELINE))
    operator = _AsInProduction(
        plane.client_kubeconfig(Contender.BASELINE.value, ["system:masters"]),
        (NAMESPACE,),
        url + API_PREFIX,
        plane.directory / "baseline.log",
        launch=lambda environment, log_file: program(*command, environment=environment, log_file=log_file),
        **settings,
    )
    return Site(Contender.BASELINE, plane, account, operator, Contender.BASELINE, "", fake)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port
