"""Every state that each Application was in, in order, from a watch: what tests wait on and look back at."""

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import httpx
import yaml

__all__ = ["History", "State"]

_PATIENCE = 300.0
"""Seconds that a state has to come; far more than it needs, since the machine may be busy."""


@dataclass(frozen=True)
class State:
    """An Application at one time.

    Attributes
    ----------
    body
        The object; None once it is gone.
    """

    application: str
    body: dict[str, Any] | None

    @property
    def status(self) -> dict[str, Any]:
        """Its status."""
        status: dict[str, Any] = (self.body or {}).get("status", {})
        return status

    @property
    def sync(self) -> str:
        """``Synced``, ``OutOfSync`` or ``Unknown``; empty before the first comparison."""
        return str(self.status.get("sync", {}).get("status", ""))

    @property
    def revision(self) -> str:
        """The commit that the cluster was compared with."""
        return str(self.status.get("sync", {}).get("revision", ""))

    @property
    def health(self) -> str:
        """Of the worst resource."""
        return str(self.status.get("health", {}).get("status", ""))

    @property
    def operation(self) -> dict[str, Any]:
        """The last sync, or the one that goes on."""
        operation: dict[str, Any] = self.status.get("operationState", {})
        return operation

    @property
    def synced_revision(self) -> str:
        """The commit that the last sync, or the one that goes on, was asked for."""
        return str(self.operation.get("operation", {}).get("sync", {}).get("revision", ""))

    @property
    def phase(self) -> str:
        """``Running``, ``Succeeded``, ``Failed`` or ``Error``: of the last sync."""
        return str(self.operation.get("phase", ""))

    @property
    def resources(self) -> dict[tuple[str, str], dict[str, Any]]:
        """What git holds and what has to go, by kind and name; with sync status and health."""
        return {(each["kind"], each["name"]): each for each in self.status.get("resources", ())}

    @property
    def out_of_sync(self) -> list[str]:
        """Name the resources that differ from git."""
        return [f"{kind} {name}" for (kind, name), each in self.resources.items() if each.get("status") == "OutOfSync"]

    def resource_health(self, kind: str, name: str) -> tuple[str, str]:
        """Give status and message of one resource's health; empty when there is none."""
        health = self.resources.get((kind, name), {}).get("health", {})
        return health.get("status", ""), health.get("message", "")


class History:
    """Watches the Applications of a namespace.

    Parameters
    ----------
    client
        Of the API server; this closes it.
    explain
        Gives what a message about a failure should end with.
    """

    def __init__(self, client: httpx.Client, namespace: str, explain: Callable[[], str]) -> None:
        self._client = client
        self._path = f"/apis/argoproj.io/v1alpha1/namespaces/{namespace}/applications"
        self._explain = explain
        self._states: list[State] = []
        self._edits: dict[str, list[tuple[int, int | None]]] = {}
        self._changed = threading.Condition()
        self._stopping = False
        self._error: BaseException | None = None
        self._thread = threading.Thread(target=self._watch, name="argocd-history", daemon=True)

    def start(self) -> None:
        """Begin to watch."""
        self._thread.start()

    def stop(self) -> None:
        """End the watch."""
        self._stopping = True
        self._client.close()
        if self._thread.is_alive():
            self._thread.join(timeout=10)

    def of(self, application: str) -> list[State]:
        """Give the states of an Application, oldest first."""
        with self._changed:
            return [state for state in self._states if state.application == application]

    def wait(self, application: str, holds: Callable[[State], bool], what: str, *, timeout: float = _PATIENCE) -> State:
        """Wait until the last state of an Application is as a predicate wants it, and return that.

        Raises
        ------
        AssertionError
            It did not become so; the message holds what it was, and the ends of Argo CD's logs.
        """
        return self._await(application, lambda states: filter(holds, states[-1:]), what, timeout)

    def wait_seen(self, application: str, holds: Callable[[State], bool], what: str, *, since: int) -> State:
        """Wait until an Application is as a predicate wants it, or has been since `begin_edit`, which gave ``since``.

        Raises
        ------
        AssertionError
            As of `wait`.
        """
        with self._changed:
            earlier = sum(state.application == application for state in self._states[:since])
        return self._await(application, lambda states: filter(holds, states[earlier:]), what, _PATIENCE)

    def _await(
        self, application: str, choose: Callable[[list[State]], Iterator[State]], what: str, timeout: float
    ) -> State:
        states: list[State] = []
        found: State | None = None

        def look() -> bool:
            nonlocal states, found
            if self._error is not None:
                raise self._error
            states = [state for state in self._states if state.application == application]
            found = next(choose(states), None)
            return found is not None

        with self._changed:
            self._changed.wait_for(look, timeout)
        if found is None:
            last = _summary(states[-1] if states else None)
            raise AssertionError(f"after {timeout:.0f} s {application} is not {what}:\n{last}{self._explain()}")
        return found

    def wait_all_deleted(self) -> None:
        """Wait until every Application whose deletion was asked for is gone."""
        with self._changed:
            last = {state.application: state for state in self._states}
        for application, state in last.items():
            if state.body is not None and "deletionTimestamp" in state.body["metadata"]:
                self.wait(application, lambda state: state.body is None, "gone")

    def begin_edit(self, application: str) -> int:
        """Note that somebody now changes resources by hand, so that differences from git are expected.

        Returns
        -------
        int
            The number of states until now, of all Applications.
        """
        with self._changed:
            self._edits.setdefault(application, []).append((len(self._states), None))
            return len(self._states)

    def end_edit(self, application: str) -> None:
        """Note that the cluster was seen to be as git says again."""
        with self._changed:
            begun, _ = self._edits[application].pop()
            self._edits[application].append((begun, len(self._states)))

    def unexplained(self, application: str) -> list[str]:
        """Tell when the cluster differed from git though nobody had changed either.

        A difference is explained until a commit is synced for the first time, and while `begin_edit` says so.
        """
        found = []
        synced = ""
        with self._changed:
            edits = self._edits.get(application, [])
            for number, state in enumerate(self._states):
                if (
                    state.application != application
                    or state.body is None
                    or "deletionTimestamp" in state.body["metadata"]
                ):
                    continue
                if state.sync == "Synced":
                    synced = state.revision
                edited = any(begin <= number and (end is None or number < end) for begin, end in edits)
                if state.sync == "OutOfSync" and state.revision == synced and not edited:
                    found.append(f"{application} at {state.revision[:7]}: {', '.join(state.out_of_sync)}")
        return found

    def _watch(self) -> None:
        try:
            self._follow()
        except BaseException as error:
            if self._stopping:
                return
            with self._changed:
                self._error = error
                self._changed.notify_all()

    def _follow(self) -> None:
        params = {"watch": "1", "resourceVersion": "0", "allowWatchBookmarks": "false", "timeoutSeconds": "86400"}
        with self._client.stream("GET", self._path, params=params, timeout=None) as answer:
            answer.raise_for_status()
            for line in answer.iter_lines():
                event = json.loads(line)
                body = event["object"]
                state = State(body["metadata"]["name"], None if event["type"] == "DELETED" else body)
                with self._changed:
                    self._states.append(state)
                    self._changed.notify_all()
        if not self._stopping:
            raise ConnectionError("the API server ended the watch of Applications")


def _summary(state: State | None) -> str:
    if state is None:
        return "it was never seen\n"
    if state.body is None:
        return "it is gone\n"
    operation = state.operation
    resources = [
        f"{kind} {name}: {each.get('status', '-')} {each.get('health', {})}"
        for (kind, name), each in state.resources.items()
    ]
    results = [
        f"{each['kind']} {each['name']}: {each.get('status', each.get('hookPhase'))} {each.get('message', '')}"
        for each in operation.get("syncResult", {}).get("resources", ())
    ]
    document = {
        "sync": f"{state.sync} at {state.revision[:7]}",
        "health": state.health,
        "operation": f"{state.phase} of {state.synced_revision[:7]}: {operation.get('message', '')}",
        "results": results,
        "resources": resources,
        "conditions": [f"{each['type']}: {each['message']}" for each in state.status.get("conditions", ())],
        "deletionTimestamp": state.body["metadata"].get("deletionTimestamp"),
    }
    return yaml.safe_dump(document, sort_keys=False, width=200)
