"""Argo CD's Applications as tests use them: made, waited for, deleted."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from argocd.history import State
from argocd.server import ArgoCD
from harness.kube import Body

__all__ = ["Application", "application"]

FINALIZERS = {
    "foreground": "resources-finalizer.argocd.argoproj.io",
    "background": "resources-finalizer.argocd.argoproj.io/background",
}


def application(
    name: str,
    source: Mapping[str, Any],
    namespace: str,
    *,
    server_side_diff: bool = False,
    deletion: str = "background",
    options: tuple[str, ...] = (),
    retries: int = 5,
) -> Body:
    """Make an Application that syncs by itself, prunes and heals, as an example for users does.

    Parameters
    ----------
    source
        Where its manifests are: the Application's ``spec.source``.
    namespace
        Where its resources go.
    server_side_diff
        Whether the API server is asked what a sync would change.
    deletion
        How its resources go with it: ``foreground`` or ``background``.
    options
        Sync options beside that for the propagation of prunes.
    retries
        How often a failed sync is tried again.
    """
    annotations = {"argocd.argoproj.io/compare-options": "ServerSideDiff=true"} if server_side_diff else {}
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "Application",
        "metadata": {"name": name, "finalizers": [FINALIZERS[deletion]], "annotations": annotations},
        "spec": {
            "project": "default",
            "source": dict(source),
            "destination": {"server": "https://kubernetes.default.svc", "namespace": namespace},
            "syncPolicy": {
                "automated": {"prune": True, "selfHeal": True},
                "syncOptions": [f"PrunePropagationPolicy={deletion}", *options],
                "retry": {"limit": retries, "backoff": {"duration": "1s", "factor": 1}},
            },
        },
    }


class Application:
    """One Application in a running Argo CD."""

    def __init__(self, argocd: ArgoCD, body: Body) -> None:
        self.name: str = body["metadata"]["name"]
        self._argocd = argocd
        argocd.kube.apply(body)

    @property
    def states(self) -> list[State]:
        """All its states until now."""
        return self._argocd.history.of(self.name)

    @property
    def state(self) -> State:
        """Its last state."""
        return self.states[-1]

    def wait(self, holds: Callable[[State], bool], what: str, **options: float) -> State:
        """Wait until it is as a predicate wants it."""
        return self._argocd.history.wait(self.name, holds, what, **options)

    def wait_synced(self, revision: str, health: str = "Healthy", **options: float) -> State:
        """Wait until the sync of a commit has ended well, nothing differs, and the health is this."""

        def holds(state: State) -> bool:
            done = state.phase == "Succeeded" and state.synced_revision == revision
            return done and (state.sync, state.revision, state.health) == ("Synced", revision, health)

        return self.wait(holds, f"synced at {revision[:7]} and {health}", **options)

    def wait_resource(self, kind: str, name: str, health: str, **options: float) -> str:
        """Wait for the health of one resource, and return its message."""
        state = self.wait(
            lambda state: state.resource_health(kind, name)[0] == health, f"{health} in its {kind} {name}", **options
        )
        return state.resource_health(kind, name)[1]

    def wait_compared(self) -> None:
        """Wait until it was compared with git twice more: what would be a difference by now has been seen then."""
        for _ in range(2):
            before = self.state.status.get("reconciledAt")
            self.wait(_compared_after(before), "compared again")

    @contextmanager
    def edited_by_hand(self) -> Iterator[None]:
        """Expect differences from git in this block, at the end of which it is waited that they are gone."""
        begun = self._argocd.history.begin_edit(self.name)
        yield
        self._argocd.history.wait_seen(self.name, lambda state: state.sync == "OutOfSync", "out of sync", since=begun)
        self.wait(lambda state: state.sync == "Synced", "synced again")
        self._argocd.history.end_edit(self.name)

    def delete(self) -> None:
        """Delete it with all its resources; it is not waited for."""
        self._argocd.kube.delete("Application", self.name)

    def wait_gone(self, **options: float) -> None:
        """Wait until it is deleted."""
        self.wait(lambda state: state.body is None, "gone", **options)

    def check(self) -> None:
        """Fail if the cluster ever differed from git though nobody had changed either."""
        unexplained = self._argocd.history.unexplained(self.name)
        assert not unexplained, unexplained


def _compared_after(time: str | None) -> Callable[[State], bool]:
    return lambda state: state.status.get("reconciledAt") != time
