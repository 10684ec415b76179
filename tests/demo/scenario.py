"""What the demo does: the kubectl commands of a person, each really run, while the resources are watched."""

from collections.abc import Sequence
from dataclasses import dataclass

from demo import kubectl
from demo.display import Display
from demo.installation import Installation

INSTANCE = "aisi/docs"
FIRST_JOB = "aisj/docs-first-sync"
SECOND_JOB = "aisj/docs-second-sync"
"""Of deploy/samples/."""

PATIENCE = "--timeout=180s"


@dataclass(frozen=True)
class Step:
    """A chapter of the demo: what it shows, and the arguments of its kubectl commands."""

    title: str
    commands: Sequence[Sequence[str]]


STEPS = (
    Step(
        "4  An instance, from `kubectl apply` to ready",
        (
            ("apply", "-f", "deploy/samples/instance.yaml"),
            ("wait", "--for=condition=Ready", INSTANCE, PATIENCE),
        ),
    ),
    Step(
        "5  Two sync jobs at once: they wait for Cloudflare's own first index job, then for each other",
        (
            ("apply", "-f", "deploy/samples/syncjob.yaml", "-f", "deploy/samples/syncjob-to-cancel.yaml"),
            ("wait", "--for=condition=Complete", FIRST_JOB, PATIENCE),
        ),
    ),
    Step(
        "6  The second job is cancelled by deleting its resource, which is gone only when the job has ended",
        (
            ("wait", "--for=jsonpath={.status.phase}=Running", SECOND_JOB, PATIENCE),
            ("delete", SECOND_JOB, PATIENCE),
            ("get", "aisi,aisj", "-o", "wide"),
        ),
    ),
)


def play(installation: Installation, display: Display) -> None:
    """Run all steps.

    Raises
    ------
    DemoError
        A command failed.
    """

    def watch() -> None:
        installation.show(display)

    for step in STEPS:
        display.step(step.title)
        for arguments in step.commands:
            kubectl.run(installation.plane, display, *arguments, meanwhile=watch)
