"""Everything that the operator reacts to in Kubernetes. A handler hands over and returns."""

from typing import Any

import kopf

from aisearch_operator.engine.removals import Stopping
from aisearch_operator.engine.store import Departed
from aisearch_operator.kube.connection import session_of
from aisearch_operator.kube.fence import Fence
from aisearch_operator.kube.service_account import login_with_service_account
from aisearch_operator.kube.watch_signs import WatchSigns
from aisearch_operator.reconcilers.dispatcher import Dispatcher
from aisearch_operator.resources.group import (
    FINALIZER,
    GROUP,
    INSTANCE_KIND,
    INSTANCE_PLURAL,
    SYNC_JOB_KIND,
    SYNC_JOB_PLURAL,
    VERSION,
)

__all__ = ["lighten", "register", "settings_for"]

KINDS = {INSTANCE_PLURAL: INSTANCE_KIND, SYNC_JOB_PLURAL: SYNC_JOB_KIND}

LONGEST_CALL = 75.0
"""Seconds: above the longest call to Cloudflare."""


WATCH_ALLOWANCE = 1.2
"""How much longer than it should last a watch may be silent before it counts as dead: kopf allows bookmarks as much."""


class GenerationDiffBase(kopf.DiffBaseStorage):
    """Tells kopf that a resource has changed when its generation is not the one in its status.

    Nothing is stored: the operator's own status writer sets `status.observedGeneration`. So no
    annotation is needed, and a label edit is no change (facts/kopf.md 0 and 2.2).
    """

    def build(self, *, body: kopf.Body, extra_fields: Any = None) -> kopf.BodyEssence:  # noqa: ARG002 - kopf's signature
        """Give what counts: the generation."""
        return kopf.BodyEssence({"generation": body.metadata.get("generation")})  # type: ignore[typeddict-unknown-key]

    def fetch(self, *, body: kopf.Body) -> kopf.BodyEssence | None:
        """Give the generation that was handled last; None when the operator never saw the resource."""
        generation = body.status.get("observedGeneration", -1)
        return None if generation < 0 else kopf.BodyEssence({"generation": generation})  # type: ignore[typeddict-unknown-key]

    def store(self, *, body: kopf.Body, patch: kopf.Patch, essence: kopf.BodyEssence) -> None:
        """Store nothing."""


class NoProgress(kopf.ProgressStorage):
    """Keeps no progress of handlers: ours succeed at once, retries are the work queue's."""

    def fetch(self, *, key: str, body: kopf.Body) -> None:
        """Find nothing."""

    def store(self, *, key: str, record: Any, body: kopf.Body, patch: kopf.Patch) -> None:
        """Store nothing."""

    def purge(self, *, key: str, body: kopf.Body, patch: kopf.Patch) -> None:
        """Have nothing to purge."""

    def touch(self, *, body: kopf.Body, patch: kopf.Patch, value: Any) -> None:
        """Touch nothing."""

    def clear(self, *, essence: kopf.BodyEssence) -> kopf.BodyEssence:
        """Have nothing to clear."""
        return essence


def settings_for(shutdown_grace: float, watch_timeout: int, label_selector: str = "") -> kopf.OperatorSettings:
    """Give kopf's settings, each for a reason in facts/kopf.md.

    Parameters
    ----------
    shutdown_grace
        Seconds that running passes have at the end.
    watch_timeout
        Seconds after which a watch is begun anew.
    label_selector
        Of the resources to watch; empty for all of them.
    """
    settings = kopf.OperatorSettings()
    settings.persistence.finalizer = FINALIZER
    settings.persistence.diffbase_storage = GenerationDiffBase()
    settings.persistence.progress_storage = NoProgress()
    settings.peering.standalone = True
    settings.scanning.disabled = True
    settings.posting.enabled = False
    settings.posting.loggers = False
    settings.queueing.idle_timeout = 0.5
    settings.queueing.exit_timeout = max(shutdown_grace, LONGEST_CALL)
    settings.networking.request_timeout = 60
    settings.watching.chunk_size = 500
    settings.watching.server_timeout = watch_timeout
    settings.watching.inactivity_timeout = watch_timeout * WATCH_ALLOWANCE
    if label_selector:
        for plural in KINDS:
            settings.watching.label_selectors[GROUP, VERSION, plural] = label_selector
    return settings


def register(registry: kopf.OperatorRegistry, dispatcher: Dispatcher, fence: Fence, signs: WatchSigns) -> None:
    """Register the handlers of both kinds, and the way into Kubernetes.

    Parameters
    ----------
    fence
        What each of kopf's requests passes.
    signs
        Where the watches' signs of life are noted.
    """
    for plural, kind in KINDS.items():
        _register_kind(registry, dispatcher, plural, kind)

    @kopf.on.login(registry=registry)
    async def login(**kwargs: Any) -> kopf.AiohttpSession | None:
        access = login_with_service_account(**kwargs) or kopf.login_with_kubeconfig(**kwargs)
        return None if access is None else session_of(access, fence, signs)


def lighten(body: dict[str, Any]) -> None:
    """Drop of an object what only the store needs, which has it: kopf keeps it as long as a deletion handler waits."""
    body["metadata"].pop("managedFields", None)
    if "deletionTimestamp" in body["metadata"]:
        body["spec"] = {}
        body["status"] = {"observedGeneration": body.get("status", {}).get("observedGeneration", -1)}


def _register_kind(registry: kopf.OperatorRegistry, dispatcher: Dispatcher, plural: str, kind: str) -> None:
    resource = (GROUP, VERSION, plural)

    @kopf.on.event(*resource, registry=registry)
    async def seen(event: Any, **_: Any) -> None:
        dispatcher.seen(kind, event["object"], gone=event["type"] == "DELETED")
        lighten(event["object"])

    @kopf.on.create(*resource, registry=registry)
    @kopf.on.update(*resource, registry=registry)
    @kopf.on.resume(*resource, registry=registry)
    async def changed(body: kopf.Body, **_: Any) -> None:
        dispatcher.changed(kind, body)

    @kopf.on.delete(*resource, registry=registry)
    async def removed(body: kopf.Body, **_: Any) -> None:
        try:
            await dispatcher.removed(kind, body)
        except Stopping as stopping:
            # kopf sleeps through its own end: with a delay, the process would last that much longer.
            raise kopf.TemporaryError("The operator stops; the next one goes on with it", delay=0) from stopping
        except Departed as departed:
            # Not a success: kopf would take the finalizer off. What follows is the event that it went.
            raise kopf.TemporaryError(str(departed), delay=0) from departed
