"""Whether an instance can be the target of a new sync job, and if not: what has to happen first.

What may pass by itself, or by what somebody else is about to do, is waited for. What only a person can
put right stalls the job; it goes on as soon as that is done.
"""

from aisearch_operator.cloudflare.errors import Cause
from aisearch_operator.cloudflare.wire import Instance
from aisearch_operator.domain.conditions import condition
from aisearch_operator.domain.reasons import Reason
from aisearch_operator.domain.verdict import Verdict
from aisearch_operator.resources.conditions import Condition
from aisearch_operator.resources.instance import AISearchInstance

__all__ = ["missing_resource", "obstacle_at_cloudflare", "obstacle_in_resource"]


def missing_resource(name: str, *, label_selector: str = "") -> Verdict:
    """Judge a reference to a resource that does not exist: it is often applied a moment later.

    Parameters
    ----------
    label_selector
        Of the resources that the operator sees; empty for all of them.
    """
    message = f"AISearchInstance {name} does not exist in this namespace"
    if label_selector:
        message += f", or is not selected by this operator's label selector, {label_selector}, as the sync job is"
    return Verdict.working(Reason.INSTANCE_MISSING, message)


def obstacle_in_resource(instance: AISearchInstance) -> Verdict | None:
    """Tell what keeps the instance of a resource from getting a sync job; None when nothing does."""
    name = f"AISearchInstance {instance.metadata.name}"
    if instance.metadata.deletion_timestamp is not None:
        return Verdict.working(Reason.INSTANCE_DELETING, f"{name} is being deleted")
    if instance.spec.suspend:
        return Verdict.working(Reason.INSTANCE_SUSPENDED, f"{name} is suspended: set its spec.suspend to false")
    current = instance.status.observed_generation == instance.metadata.generation
    stalled = condition(instance.status.conditions, "Stalled") if current else None
    if stalled is not None and stalled.status == "True":
        # Whoever waits for both, as `helm --wait` does, waits as long as one of them may still get ready.
        return Verdict.stalled(Reason.INSTANCE_STALLED, f"{name} cannot become ready: {stalled.message}")
    ready = condition(instance.status.conditions, "Ready") if current else None
    if ready is None or ready.status != "True" or instance.status.instance_id is None:
        why = f" ({ready.reason})" if ready else ""
        return Verdict.working(Reason.INSTANCE_NOT_READY, f"{name} is not ready{why}")
    return None


def obstacle_at_cloudflare(
    observed: Instance | None, name: str, *, managed: bool, last: Condition | None
) -> Verdict | None:
    """Tell what keeps an instance at Cloudflare from getting a sync job; None when nothing is known that does.

    What the API says to a job of a paused instance is not documented (facts 3.3), so that it is asked: once.

    Parameters
    ----------
    observed
        The instance as it was listed last; None when the list does not have it.
    name
        Where it is, for the message.
    managed
        Whether a resource keeps it: then it is made anew, or the list is older than it.
    last
        The condition Ready of the sync job, from the last pass.
    """
    if observed is None:
        if managed:
            return None
        return Verdict.working(
            Cause.INSTANCE_NOT_FOUND,
            f"Instance {name} does not exist at Cloudflare: create it, or apply a sync job that names another",
        )
    # A deletion also takes a source that is not shown for none, to keep files. Here the API decides about that.
    if not observed.type and observed.setting("source") in (None, ""):
        return Verdict.stalled(
            Reason.INSTANCE_HAS_NO_SOURCE,
            f"Instance {name} has built-in storage and no data source to sync: delete this sync job, "
            "or apply one for another instance",
        )
    if observed.paused and last is not None and last.reason == Cause.INSTANCE_PAUSED:
        return Verdict.working(last.reason, last.message)
    return None
