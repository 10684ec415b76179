"""A look back at the whole test run, in the API server's audit log.

What each single test asserts is what its author thought of. The audit log has all that operators ever
wrote and asked for, so the rules that hold for every request are checked there, once, at the end: each status fits
the table of kstatus, nothing of what is the user's is written, every documented reason was produced, and the rights
that the chart gives are those that are needed (`harness.rights_review`). A broken rule fails the run.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from aisearch_operator.cloudflare.errors import Cause
from aisearch_operator.domain.reasons import Reason
from aisearch_operator.kube.status_writer import PLURALS
from controlplane.audit import WRITING, AuditedRequest, requests
from controlplane.pytest_plugin import shared_control_plane
from harness.chart import access_of_namespaces, access_of_the_cluster
from harness.kube import conditions
from harness.rights_review import LINES, OPERATOR, review_rights

__all__ = ["CLUSTER_WIDE", "NEVER_WRITTEN", "Review", "review"]

ROWS = {
    ("False", "True", "False"): "working, or retrying",
    ("Unknown", "True", "False"): "working, or a job that runs",
    ("False", "False", "True"): "a person must act",
    ("True", "False", "False"): "fine",
    ("Unknown", "False", "False"): "left alone, as the user asked",
}
"""The allowed statuses of Ready, Reconciling and Stalled (design.md 3)."""

CLUSTER_WIDE = "--cluster-wide"
"""The option of pytest with which operators watch all namespaces."""

MOST = 20
"""Problems of a kind that are told."""

AS_ASKED = frozenset({Reason.SUSPENDED})
"""The reasons under which nothing is done and nothing is wrong."""

MAY_WRITE = frozenset(
    {"apiVersion", "kind", "metadata.name", "metadata.namespace", "metadata.uid"}
    | {"metadata.finalizers", "metadata.resourceVersion"}
)
"""What the operator may send outside of the status: the finalizer, and what says which object is meant."""

NEVER_WRITTEN: Mapping[str, str] = {
    Cause.RESOURCE_NOT_FOUND: "no route that the operator calls answers so",
    Cause.JOB_NOT_FOUND: "a job that is not found has ended: its resource says Lost, or goes",
    Cause.JOB_ALREADY_ENDED: "is what a cancellation was for",
    Cause.SYNC_COOLDOWN: "a sync job that it meets says Cooldown",
    Reason.INVALID_SPEC: "needs a CRD of another version: this one refuses what the operator cannot read",
}
"""Documented reasons that no resource of a working operator carries, and why."""


@dataclass
class Review:
    """What a run wrote.

    Attributes
    ----------
    reasons
        All reasons of conditions and Events.
    violations
        Writes that no client of kstatus could make sense of.
    """

    reasons: set[str] = field(default_factory=set)
    violations: list[str] = field(default_factory=list)

    @property
    def missing(self) -> set[str]:
        """Name the documented reasons that no test produced."""
        return {*map(str, Reason), *map(str, Cause)} - self.reasons - set(NEVER_WRITTEN)

    @property
    def unexpected(self) -> set[str]:
        """Name the reasons that were written and are not documented, or are said to be never written."""
        return self.reasons - ({*map(str, Reason), *map(str, Cause)} - set(NEVER_WRITTEN))


def review(audited: Iterable[AuditedRequest]) -> Review:
    """Look at all that operators wrote."""
    found = Review()
    for write in audited:
        if not write.user.endswith(OPERATOR) or write.verb not in WRITING or write.body is None:
            continue
        name = f"{write.namespace}/{write.name}"
        if write.resource == "events":
            found.reasons.add(write.body["reason"])
        elif write.subresource == "status":
            told = conditions(write.body)
            found.reasons |= {each["reason"] for each in told.values()}
            found.violations += (f"{name}: {text}" for text in _violations(told))
        elif write.verb in {"patch", "update"} and write.resource in PLURALS.values():
            wrong = _paths(write.body) - MAY_WRITE
            found.violations += (f"{name}: the operator wrote {path}" for path in sorted(wrong))
    return found


def _paths(body: Any) -> set[str]:
    """Name what a merge patch or a JSON patch writes: below metadata in two steps, else in one."""
    if isinstance(body, list):
        return {".".join(step["path"].split("/")[1:3]) for step in body if step["op"] != "test"}
    return {*body, *(f"metadata.{name}" for name in body.get("metadata", ()))} - {"metadata"}


def _violations(told: Mapping[str, Mapping[str, Any]]) -> Iterator[str]:
    if not told:  # a merge patch that leaves them as they are
        return
    try:
        ready, reconciling, stalled = (told[name] for name in ("Ready", "Reconciling", "Stalled"))
    except KeyError as error:
        yield f"no condition {error}"
        return
    row = (ready["status"], reconciling["status"], stalled["status"])
    if row not in ROWS:
        yield f"Ready, Reconciling, Stalled are {row} ({ready['reason']})"
    elif row == ("Unknown", "False", "False") and ready["reason"] not in AS_ASKED:
        yield f"nothing is done, and the reason is {ready['reason']}"
    for current in told.values():
        if current["status"] == "True" and current["type"] in {"Reconciling", "Stalled"} and not current["message"]:
            yield f"{current['type']} is True ({current['reason']}) without a message"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the choice between the chart's two modes."""
    parser.addoption(
        CLUSTER_WIDE,
        action="store_true",
        help="let operators watch all namespaces, with the chart's ClusterRole; one test at a time, with -n 1",
    )


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Fail a run in which a rule was broken; that everything was produced and used is asked of whole runs only."""
    plane = shared_control_plane(session.config)
    if plane is None:
        return
    problems = list(_problems(plane.audit_log, session.config, passed=exitstatus == pytest.ExitCode.OK))
    if problems:
        terminal = session.config.pluginmanager.getplugin("terminalreporter")
        terminal.section("what the operator asked the API server for in this run", red=True)
        for problem in problems:
            terminal.line(problem)
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def _problems(audit_log: Path, config: pytest.Config, *, passed: bool) -> Iterator[str]:
    found = review(requests(audit_log, OPERATOR))
    rights = review_rights(requests(audit_log, *LINES))
    yield from found.violations[:MOST]
    yield from (f"it was refused: {request}" for request in rights.refused[:MOST])
    cluster_wide = config.getoption(CLUSTER_WIDE)
    if not cluster_wide:
        yield from (f"it looked out of its namespace: {request}" for request in rights.outside[:MOST])
    if passed and _is_whole(config):
        yield from (f"no test made the operator write the reason {reason}" for reason in sorted(found.missing))
        yield from (f"the reason {reason} was written and is not documented" for reason in sorted(found.unexpected))
    if passed and (cluster_wide or _is_whole(config)):
        access = access_of_the_cluster("any") if cluster_wide else access_of_namespaces("any")
        yield from (f"the chart gives a right that nobody needed: {right}" for right in rights.unused(access))


def _is_whole(config: pytest.Config) -> bool:
    chosen = (config.getoption(name, default=None) for name in ("keyword", "markexpr", "lf", "deselect"))
    return config.args_source is pytest.Config.ArgsSource.TESTPATHS and not any(chosen)
