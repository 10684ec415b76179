"""One round of the soak: play the plan, heal everything, wait until all has settled, and look whether all holds."""

import contextlib
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from controlplane.plane import ControlPlane
from fake_cloudflare import FakeCloudflare
from fake_cloudflare.admin_client import AdminError
from fake_cloudflare.faults import Gate
from harness.kube import conditions, instance
from harness.stage import Stage
from soak import invariants
from soak.actions import (
    Action,
    Apply,
    ChangeInDashboard,
    Delete,
    DeleteInDashboard,
    Inject,
    Kill,
    KillAt,
    Label,
    RefuseStatus,
    RevokeToken,
    StartInDashboard,
    Terminate,
)
from soak.invariants import Evidence
from soak.plan import OTHER_NAMESPACE, Plan

__all__ = ["Outcome", "play"]

SETTLE_TIMEOUT = 180.0
"""Seconds that everything has to settle after the trouble; about 5 on an idle machine."""

GATE = "kill"
AT_GATE = 1.5
"""Seconds to wait for a request to kill the operator at; not every plan leads to one."""

SETTINGS: Mapping[str, Any] = {
    "job_cooldown": 1.5,  # the account's cooldown of 0.3 s, and the second that time stamps are cut to
    "settle_time": 1.5,
    "budget_window": 3.0,  # how long a 429 without Retry-After blocks
    "release_timeout": 600.0,  # never in a round: what is given up would count as a violation
    "terminal_retry": 1.0,
    "backoff_cap": 1.0,
    "cancel_timeout": 30.0,
}
"""Of the operator, beside the short ones of every test."""


@dataclass(slots=True)
class Outcome:
    """What a round came to.

    Attributes
    ----------
    did
        Actions by name; faults by what they do.
    met
        Faults that a request met.
    violations
        One sentence each.
    """

    seed: str
    resources: int = 0
    did: Counter[str] = field(default_factory=Counter)
    met: Counter[str] = field(default_factory=Counter)
    violations: list[str] = field(default_factory=list)


def play(plane: ControlPlane, fake: FakeCloudflare, namespace: str, folder: Path, plan: Plan) -> Outcome:
    """Play one round in a namespace of its own."""
    stage = Stage.set(plane, fake, namespace, folder, rate=1.0, **SETTINGS)
    outcome = Outcome(plan.seed, resources=sum(map(len, _resources(plan))))
    try:
        _Player(stage, plan, outcome).play()
    except Exception as error:
        outcome.violations.append(f"the round broke: {type(error).__name__}: {error}")
    try:
        stage.strike()
    except AssertionError as error:
        outcome.violations.append(f"I6 {error}")
    return outcome


class _Player:
    def __init__(self, stage: Stage, plan: Plan, outcome: Outcome) -> None:
        self._stage = stage
        self._plan = plan
        self._outcome = outcome
        self._evidence = Evidence(stage, plan)

    def play(self) -> None:
        self._stage.account.configure(**self._plan.options)
        self._stage.dashboard.create_namespace(OTHER_NAMESPACE)
        self._start()
        for step in self._plan.steps:
            time.sleep(step.pause)
            self._outcome.did[_label(step.action)] += 1
            self._act(step.action)
            self._evidence.note()
        self._heal()
        self._settle("what was deleted", self._deleted_are_gone)
        self._outcome.violations += invariants.of_deletions(self._evidence)
        self._let_jobs_end()
        self._settle("what is there", self._live_are_settled)
        self._evidence.rest()
        self._outcome.violations += invariants.of_everything(self._evidence)
        for entry in self._stage.account.journal():
            self._outcome.met.update(entry.faults)

    def _act(self, action: Action) -> None:
        stage = self._stage
        match action:
            case Apply(body):
                stage.kube.apply(body)
            case Delete(kind, name):
                stage.kube.delete(kind, name)
            case Label(kind, name, value):
                stage.kube.patch(kind, name, {"metadata": {"labels": {"soak": value}}})
            case Inject(fault):
                stage.account.inject(fault.effect, fault.operation, stage=fault.stage, nth=fault.nth, times=fault.times)
            case Kill(pause):
                stage.operator.kill()
                time.sleep(pause)
                self._start()
            case KillAt(cause, operation, at):
                self._kill_at(cause, operation, at)
            case Terminate():
                self._terminate()
            case RevokeToken(seconds):
                stage.account.revoke()
                time.sleep(seconds)
                stage.account.add_token("token", stage.account.token)
            case RefuseStatus(seconds):
                stage.withdraw_patch("aisearchinstances/status", "aisearchsyncjobs/status")
                time.sleep(seconds)
                stage.restore_rights()
            case _:
                with contextlib.suppress(AdminError):  # there is no such instance yet, or no more
                    self._act_in_dashboard(action)

    def _act_in_dashboard(self, action: Action) -> None:
        account = self._stage.account
        match action:
            case ChangeInDashboard(instance_id, results):
                for namespace in self._namespaces_of(instance_id):
                    account.patch_instance(instance_id, namespace, max_num_results=results)
            case DeleteInDashboard(instance_id):
                for namespace in self._namespaces_of(instance_id):
                    account.delete_instance(instance_id, namespace)
            case StartInDashboard(instance_id):
                for namespace in self._namespaces_of(instance_id):
                    account.start_job(instance_id, namespace, source="user", description="by hand")

    def _namespaces_of(self, instance_id: str) -> list[str]:
        return [found.namespace for found in self._stage.account.instances() if found.id == instance_id]

    def _start(self) -> None:
        self._stage.operator.start()
        self._evidence.note_restart()

    def _kill_at(self, cause: Action, operation: str, at: Literal["before", "after"]) -> None:
        account = self._stage.account
        account.gate(GATE, operation, stage=at)
        self._act(cause)
        try:
            account.wait_at_gate(GATE, timeout=AT_GATE)
        except TimeoutError:
            self._disarm()
        else:
            self._outcome.did[f"killed at {operation} {at}"] += 1
        self._stage.operator.kill()
        account.release(GATE)
        self._start()

    def _disarm(self) -> None:
        """Take back a gate to which nobody came.

        A request that is held there later would be carried out when everybody has forgotten it: after minutes in the
        measure of the real cooldown, which no operator can know of.
        """
        account = self._stage.account
        others = [fault for fault in account.faults() if not isinstance(fault.effect, Gate)]
        account.clear_faults()
        for fault in others:
            account.inject(**dict(fault))

    def _terminate(self) -> None:
        code = self._stage.operator.stop()
        if code != 0:
            self._outcome.violations.append(f"SIGTERM ended the operator with exit code {code}")
        self._start()

    def _heal(self) -> None:
        """End all trouble, also what still waits for a request."""
        self._stage.account.clear_faults()

    def _let_jobs_end(self) -> None:
        """Have jobs end that would run on for ever; those that come later are short."""
        account = self._stage.account
        account.configure(job_duration=0.5)
        for found in account.instances():
            with contextlib.suppress(AdminError):  # the operator has just moved it
                for job in account.jobs(found.id, found.namespace):
                    if job.ended_at is None:
                        account.end_job(found.id, job.id, namespace=found.namespace)

    def _adopt(self) -> None:
        """Do what the message asks for where the operator cannot know that it made an instance."""
        for name, spec in tuple(self._plan.instances.items()):
            found = self._stage.kube.get("AISearchInstance", name)
            refused = found is not None and conditions(found).get("Ready", {}).get("reason") == "AdoptionRefused"
            if refused and self._evidence.unowned(name):
                self._plan.instances[name] = {**spec, "adoptionPolicy": "IfExists"}
                self._stage.kube.apply(instance(name, **self._plan.instances[name]))
                self._outcome.did["adopted after an unheard creation and an edit"] += 1

    def _settle(self, what: str, left: Callable[[], list[str]]) -> None:
        """Wait until nothing is left of what a function lists."""
        deadline = time.monotonic() + SETTLE_TIMEOUT
        while remaining := left():
            if time.monotonic() > deadline:
                self._outcome.violations.append(f"I4 after {SETTLE_TIMEOUT:.0f} s {what} is not settled: {remaining}")
                return
            time.sleep(0.2)

    def _deleted_are_gone(self) -> list[str]:
        kinds = (("AISearchInstance", self._plan.gone_instances), ("AISearchSyncJob", self._plan.gone_jobs))
        left = [
            f"{kind} {found['metadata']['name']}: {_ready(found)}"
            for kind, gone in kinds
            for found in self._stage.kube.list_all(kind)
            if found["metadata"]["name"] in gone
        ]
        self._evidence.note()
        return left

    def _live_are_settled(self) -> list[str]:
        self._adopt()
        left = [
            f"AISearchInstance {found['metadata']['name']}: {_ready(found)}"
            for found in self._stage.kube.list_all("AISearchInstance")
            if not _is(found, "Ready") or _behind(found)
        ]
        left += [
            f"AISearchSyncJob {found['metadata']['name']}: {_ready(found)}"
            for found in self._stage.kube.list_all("AISearchSyncJob")
            if _behind(found) or not (_is(found, "Complete") or _is(found, "Failed") or self._waits_for_ever(found))
        ]
        self._evidence.note()
        return left

    def _waits_for_ever(self, job: Mapping[str, Any]) -> bool:
        """Whether the job's instance resource was deleted: then it may wait for another of that name."""
        gone = job["spec"]["instanceRef"]["name"] not in self._plan.instances
        return gone and conditions(job).get("Ready", {}).get("reason") == "InstanceResourceMissing"


def _resources(plan: Plan) -> tuple[Mapping[str, object], ...]:
    return plan.instances, plan.jobs, plan.gone_instances, plan.gone_jobs


def _label(action: Action) -> str:
    if not isinstance(action, Inject):
        return type(action).__name__
    effect = action.fault.effect
    detail = getattr(effect, "status", getattr(effect, "body", ""))
    return " ".join(filter(None, ["fault", effect.kind, str(detail), action.fault.stage]))


def _is(body: Mapping[str, Any], condition: str) -> bool:
    return bool(conditions(body).get(condition, {}).get("status") == "True")


def _behind(body: Mapping[str, Any]) -> bool:
    return bool(body["status"].get("observedGeneration") != body["metadata"]["generation"])


def _ready(body: Mapping[str, Any]) -> str:
    found = conditions(body).get("Ready", {})
    return f"{found.get('reason')}: {found.get('message')}"
