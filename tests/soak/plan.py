"""The plan of a round: a seed and a number give the same resources, edits, faults and kills every time."""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from fake_cloudflare.faults import Broken, Delay, Drop, Effect, Fault, Status
from harness.kube import Body, instance, sync_job
from harness.stage import PROMPT, WRITES
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
    Step,
    Terminate,
)

__all__ = ["OTHER_NAMESPACE", "RETRY_AFTER", "Plan", "make_plan"]

OTHER_NAMESPACE = "team"
"""A search namespace beside `default`, to create instances in and to move them to."""

RETRY_AFTER = 1.5
"""Seconds of the longest global 429 that a plan injects, less half a second for requests under way."""

START = 2.0
"""Seconds at the beginning of a round until the first job may run."""

STEPS = range(18, 34)
READS = ("instances.list", "instances.get", "instances.stats", "jobs.list", "jobs.get", "jobs.logs")
MOST_INSTANCES, MOST_JOBS = 5, 9


@dataclass(slots=True)
class Plan:
    """What happens in a round, and what must be there at its end.

    Attributes
    ----------
    options
        Of the account, fields of `AccountOptions`.
    instances, jobs
        The specs of the resources that live at the end, by name.
    gone_instances, gone_jobs
        The last specs of those that were deleted.
    disturbed
        Ids of instances whose jobs somebody else ended: by a job of his own, or with the instance.
    out_of_sight
        Ids of instances that may be moved in the very moment in which their resource goes and retains them: of their
        new place, nothing in Kubernetes may tell any more.
    edited
        Names of instance resources whose spec was changed.
    """

    seed: str
    options: Mapping[str, Any]
    steps: list[Step] = field(default_factory=list)
    instances: dict[str, dict[str, Any]] = field(default_factory=dict)
    jobs: dict[str, dict[str, Any]] = field(default_factory=dict)
    gone_instances: dict[str, dict[str, Any]] = field(default_factory=dict)
    gone_jobs: dict[str, dict[str, Any]] = field(default_factory=dict)
    disturbed: set[str] = field(default_factory=set)
    out_of_sight: set[str] = field(default_factory=set)
    edited: set[str] = field(default_factory=set)

    @property
    def lagging(self) -> bool:
        """Whether reads of the API lag behind its writes."""
        return bool(self.options["read_lag"] or self.options["job_read_lag"])


def make_plan(seed: int, number: int, *, steps: int | None = None) -> Plan:
    """Make the plan of one round; the same for the same arguments.

    Parameters
    ----------
    steps
        Its length; by default some 25.
    """
    text = f"{seed}/{number}"
    return _Planner(text, random.Random(text)).make(steps)


class _Planner:
    def __init__(self, seed: str, rng: random.Random) -> None:
        self._rng = rng
        self._plan = Plan(seed, _options(rng))
        self._made = 0
        self._moved: set[str] = set()
        self._choices: tuple[tuple[int, Callable[[], Action | None]], ...] = (
            (6, self._new_instance),
            (7, self._edit_instance),
            (2, self._move_instance),
            (4, self._delete_instance),
            (16, self._new_job),
            (4, self._cancel_job),
            (8, self._delete_job),
            (2, self._label),
            (2, self._change_in_dashboard),
            (1, self._delete_in_dashboard),
            (1, self._start_in_dashboard),
            (16, self._fault),
            (2, self._kill),
            (8, self._kill_at),
            (2, self._terminate),
            (1, self._revoke_token),
            (2, self._refuse_status),
        )

    def make(self, steps: int | None) -> Plan:
        for first in (self._new_instance, self._new_instance, self._new_job, self._new_job):
            self._step(first(), 0)
        self._step(self._new_job(), START)
        for _ in range(self._rng.choice(STEPS) if steps is None else steps):
            weights = [weight for weight, _ in self._choices]
            (_, choice) = self._rng.choices(self._choices, weights)[0]
            self._step(choice(), self._rng.choice((0, 0, 0.05, 0.2, 0.5, 1)))
        return self._plan

    def _step(self, action: Action | None, pause: float) -> None:
        if action is not None:
            self._plan.steps.append(Step(pause, action))

    def _name(self, prefix: str) -> str:
        self._made += 1
        return f"{prefix}{self._made}"

    def _pick(self, names: Mapping[str, object]) -> str | None:
        return self._rng.choice(sorted(names)) if names else None

    def _new_instance(self) -> Action | None:
        if len(self._plan.instances) >= MOST_INSTANCES:
            return None
        name = self._name("i")
        spec = {
            "type": "r2",
            "source": "documents",
            "instanceId": name,
            "maxNumResults": self._rng.randint(1, 50),
            "deletionPolicy": self._rng.choice(("Delete", "Delete", "Retain")),
        }
        reusable = self._reusable_ids()
        if reusable and self._rng.random() < 0.3:
            spec["instanceId"] = self._rng.choice(reusable)
            spec["adoptionPolicy"] = "IfExists"
        if self._rng.random() < 0.3:
            spec["searchNamespace"] = OTHER_NAMESPACE
        if self._rng.random() < 0.3:
            spec["systemPromptAiSearch"] = f"{PROMPT} {self._made}"
        self._plan.instances[name] = spec
        return Apply(instance(name, **spec))

    def _reusable_ids(self) -> list[str]:
        """Give the ids that are free once their last resource is gone."""
        gone, live = self._plan.gone_instances.values(), self._plan.instances.values()
        taken = {spec["instanceId"] for spec in live}
        taken |= {spec["instanceId"] for spec in gone if spec["deletionPolicy"] == "Retain"}
        return sorted({spec["instanceId"] for spec in gone} - taken)

    def _edit_instance(self) -> Action | None:
        changes: list[dict[str, object]] = [
            {"maxNumResults": self._rng.randint(1, 50)},
            {"scoreThreshold": self._rng.randint(0, 10) / 10},
            {"rewriteQuery": self._rng.random() < 0.5},
            {"systemPromptAiSearch": f"{PROMPT} {self._rng.random()}"},
            {"sourceParams": {"prefix": f"p{self._rng.randint(0, 9)}/"}},
        ]
        return self._change_instance(self._rng.choice(changes))

    def _move_instance(self) -> Action | None:
        return self._change_instance({"searchNamespace": self._rng.choice(("default", OTHER_NAMESPACE))})

    def _change_instance(self, change: Mapping[str, object]) -> Action | None:
        name = self._pick(self._plan.instances)
        if name is None:
            return None
        before = self._plan.instances[name]
        after = self._plan.instances[name] = {**before, **change}
        self._plan.edited.add(name)
        if after.get("searchNamespace", "default") != before.get("searchNamespace", "default"):
            self._moved.add(name)
        return Apply(instance(name, **after))

    def _delete_instance(self) -> Action | None:
        name = self._pick(self._plan.instances)
        if name is None:
            return None
        spec = self._plan.gone_instances[name] = self._plan.instances.pop(name)
        if spec["deletionPolicy"] == "Delete":
            self._plan.disturbed.add(spec["instanceId"])
        elif name in self._moved:
            self._plan.out_of_sight.add(spec["instanceId"])
        return Delete("AISearchInstance", name)

    def _new_job(self) -> Action | None:
        target = self._pick(self._plan.instances)
        if target is None or len(self._plan.jobs) >= MOST_JOBS:
            return None
        name = self._name("j")
        self._plan.jobs[name] = {
            "instanceRef": {"name": target},
            "deletionPolicy": self._rng.choice(("Cancel", "Cancel", "Cancel", "Orphan")),
        }
        return Apply(_job(name, self._plan.jobs[name]))

    def _cancel_job(self) -> Action | None:
        name = self._pick(self._plan.jobs)
        if name is None:
            return None
        self._plan.jobs[name] = {**self._plan.jobs[name], "cancel": True}
        return Apply(_job(name, self._plan.jobs[name]))

    def _delete_job(self) -> Action | None:
        name = self._pick(self._plan.jobs)
        if name is None:
            return None
        self._plan.gone_jobs[name] = self._plan.jobs.pop(name)
        return Delete("AISearchSyncJob", name)

    def _label(self) -> Action | None:
        kind, names = self._rng.choice(
            (("AISearchInstance", self._plan.instances), ("AISearchSyncJob", self._plan.jobs))
        )
        name = self._pick(names)
        return None if name is None else Label(kind, name, str(self._rng.randint(0, 99)))

    def _change_in_dashboard(self) -> Action | None:
        name = self._pick(self._plan.instances)
        if name is None:
            return None
        return ChangeInDashboard(self._plan.instances[name]["instanceId"], self._rng.randint(1, 50))

    def _delete_in_dashboard(self) -> Action | None:
        name = self._pick(self._plan.instances)
        return None if name is None else DeleteInDashboard(self._disturb(name))

    def _start_in_dashboard(self) -> Action | None:
        name = self._pick(self._plan.instances)
        return None if name is None else StartInDashboard(self._disturb(name))

    def _disturb(self, name: str) -> str:
        instance_id: str = self._plan.instances[name]["instanceId"]
        self._plan.disturbed.add(instance_id)
        return instance_id

    def _fault(self) -> Action:
        effects: tuple[Effect, ...] = (
            Status(status=500, code=7001),
            Status(status=503, code=7017, message="unable_to_connect_to_ai_search"),
            Status(status=429, code=971, message="rate limited", headers={"Retry-After": "2"}),
            Status(status=429, code=971, message="rate limited"),
            Drop(),
            Broken(body=self._rng.choice(("garbage", "truncated", "html", "empty"))),
            Delay(seconds=self._rng.choice((0.2, 1.0))),
        )
        effect = self._rng.choice(effects)
        # A status after the effect is a lie that the API was not seen to tell, except as a server error.
        late = not isinstance(effect, Status) or effect.status >= 500
        return Inject(
            Fault(
                effect=effect,
                stage=self._rng.choice(("before", "after")) if late else "before",
                operation=self._rng.choice((*WRITES, *READS, *("*", "instances.*", "jobs.*") * 3)),
                times=self._rng.choice((1, 1, 1, 2, 4)),
            )
        )

    def _kill(self) -> Action:
        return Kill(self._rng.choice((0, 0, 1)))

    def _kill_at(self) -> Action | None:
        causes: dict[str, Callable[[], Action | None]] = {
            "instances.create": self._new_instance,
            "instances.update": self._edit_instance,
            "instances.move": self._move_instance,
            "instances.delete": self._delete_instance,
            "jobs.create": self._new_job,
            "jobs.cancel": self._delete_job,
        }
        operation = self._rng.choice(WRITES)
        cause = causes[operation]()
        return None if cause is None else KillAt(cause, operation, self._rng.choice(("before", "after")))

    def _terminate(self) -> Action:
        return Terminate()

    def _revoke_token(self) -> Action:
        return RevokeToken(self._rng.choice((0.5, 2)))

    def _refuse_status(self) -> Action:
        return RefuseStatus(self._rng.choice((0.5, 2)))


def _options(rng: random.Random) -> Mapping[str, Any]:
    return {
        "initial_job": rng.choice((True, False)),
        "initial_job_duration": 0.5,
        "settle_delay": 0.2,
        "job_start_delay": rng.choice((0.0, 0.3)),
        "job_duration": rng.choice((1.0, 5.0, None)),
        "job_end_reason": rng.choice((None, None, None, "bucket_not_found")),
        "heartbeat": 0.5,
        "cancel_delay": rng.choice((0.0, 0.0, 1.0)),
        "cooldown": 0.3,
        "job_order": rng.choice(("desc", "asc")),
        "log_order": rng.choice(("desc", "asc")),
        "timestamp_format": rng.choice(("zoneless", "iso", "mixed")),
        "read_lag": rng.choice((0.0, 0.0, 0.3)),
        "job_read_lag": rng.choice((0.0, 0.0, 0.3)),
        "rate_limit": None,
    }


def _job(name: str, spec: Mapping[str, Any]) -> Body:
    return {**sync_job(name, spec["instanceRef"]["name"]), "spec": dict(spec)}
