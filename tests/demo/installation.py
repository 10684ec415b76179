"""What the demo runs on: a control plane, a fake Cloudflare and the operator, installed as a person would."""

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from controlplane import ControlPlane
from demo import kubectl
from demo.display import Display
from demo.view import Watcher
from fake_cloudflare import FakeAccount, FakeCloudflare, JobPlan
from harness.chart import RELEASE
from harness.kube import Kube
from harness.operator_process import OperatorProcess

NAMESPACE = "default"
SYSTEM_NAMESPACE = "aisearch-system"

INSTALL = (
    *("install", RELEASE, "deploy/chart/aisearch-operator", "--namespace", SYSTEM_NAMESPACE, "--create-namespace"),
    *("--set", "replicas=0", "--hide-notes"),
)
"""Nothing starts pods here: the operator's process takes their place."""

ACCOUNT: dict[str, Any] = {
    "timestamp_format": "iso",  # to the millisecond, so that the proof can compare times
    "initial_job_duration": 2.0,
    "job_duration": 8.0,
    "cancel_delay": 1.5,
    "cooldown": 1.0,
}
"""Options of the account. Its clock is the real one; jobs and pauses are shorter than Cloudflare's."""

JOBS = (JobPlan(duration=8.0), JobPlan(duration=None))
"""The first job ends by itself, the second when it is cancelled, however slow the machine is."""

SETTINGS: Mapping[str, Any] = {"job_cooldown": 2.0, "log_format": "text", "log_level": "INFO"}
"""Settings of the operator, beside those that make tests short."""


@dataclass(frozen=True)
class Installation:
    """The three, running; a context manager that ends them and removes their files."""

    plane: ControlPlane
    fake: FakeCloudflare
    account: FakeAccount
    operator: OperatorProcess
    watcher: Watcher
    opened: ExitStack

    @classmethod
    def start(cls, display: Display) -> "Installation":
        """Start everything, and tell each step.

        Raises
        ------
        ControlPlaneError
            The control plane cannot be had.
        DemoError
            The API server refused something.
        RuntimeError
            The operator did not start.
        """
        with ExitStack() as opened:
            display.step("1  A Kubernetes control plane and a fake Cloudflare, on this machine alone")
            plane = opened.enter_context(ControlPlane.start())
            display.say(f"kube-apiserver listens at {plane.url}")
            fake = opened.enter_context(FakeCloudflare())
            account = fake.admin.create_account(**ACCOUNT)
            for plan in JOBS:
                account.plan_next_job(plan)
            display.say(f"The fake Cloudflare API listens at {fake.api_url}; its jobs and pauses are short")

            display.step("2  The custom resources, the operator's rights, the credentials for Cloudflare")
            kubectl.run(plane, display, *INSTALL, program="helm")
            kubectl.run(plane, display, "wait", "--for=condition=Established", "-f", "crds/")
            _create_secret(plane, display, account)

            display.step("3  The operator, as its service account and nothing more")
            display.command(f"AISEARCH_API_URL={fake.api_url} aisearch-operator run")
            operator = OperatorProcess(
                plane.service_account_kubeconfig(SYSTEM_NAMESPACE, RELEASE),
                (),
                fake.api_url,
                plane.directory / "operator.log",
                **SETTINGS,
            )
            opened.callback(operator.stop)
            operator.start()
            display.say("The operator is ready; it looks more often than it would at Cloudflare")
            kube = Kube(plane.kubeconfig, NAMESPACE)
            opened.callback(kube.close)
            return cls(plane, fake, account, operator, Watcher(kube, account), opened.pop_all())

    def show(self, display: Display) -> None:
        """Bring the display up to date.

        Raises
        ------
        ControlPlaneError, RuntimeError
            A program has ended; the message holds the end of its log.
        """
        self.plane.check()
        self.operator.check()
        display.show(self.watcher.look())

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.opened.close()


def _create_secret(plane: ControlPlane, display: Display, account: FakeAccount) -> None:
    command = ("create", "secret", "generic", "aisearch-credentials")
    kubectl.run(
        plane,
        display,
        *command,
        f"--from-literal=apiToken={account.token}",
        f"--from-literal=accountId={account.id}",
        shown=f'kubectl {" ".join(command)} --from-literal=apiToken="$TOKEN" --from-literal=accountId="$ACCOUNT"',
    )
