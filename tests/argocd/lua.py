"""What Argo CD's own Lua machine makes of the health checks and actions in ``argocd-cm``."""

import json
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from argocd import build
from harness.kube import Body

__all__ = ["Answer", "Question", "ask"]


@dataclass(frozen=True)
class Question:
    """About one object: how it is and what can be done to it, or what an action does to it."""

    body: Body
    action: str = ""


@dataclass(frozen=True)
class Answer:
    """What Argo CD says.

    Attributes
    ----------
    health
        ``status`` and ``message``; empty without a check.
    actions
        By name, with ``disabled``, ``displayName`` and the like.
    impacts
        What an action does: ``operation`` is ``create``, with ``object``, or ``patch``, with the merge ``patch`` too.
    error
        Why the Lua failed.
    """

    health: Mapping[str, str]
    actions: Mapping[str, Mapping[str, Any]]
    impacts: Sequence[Mapping[str, Any]]
    error: str


def ask(settings: Mapping[str, str], *questions: Question) -> list[Answer]:
    """Ask Argo CD with these data of ``argocd-cm``: one process for all questions."""
    inquiry = {
        "settings": dict(settings),
        "questions": [{"object": dict(each.body), "action": each.action} for each in questions],
    }
    outcome = subprocess.run(
        [str(build.programs().argocd), "lua"], input=json.dumps(inquiry), capture_output=True, text=True, check=False
    )
    assert outcome.returncode == 0, outcome.stderr
    return [
        Answer(
            health=each.get("health", {}),
            actions={action["name"]: action for action in each.get("actions", ())},
            impacts=each.get("resources", ()),
            error=each.get("error", ""),
        )
        for each in json.loads(outcome.stdout)
    ]
