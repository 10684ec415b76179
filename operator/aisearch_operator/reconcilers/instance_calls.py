"""What is sent to Cloudflare for an instance, and what a pass notes of the answers."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from aisearch_operator.cloudflare.errors import Cause, NotFound
from aisearch_operator.cloudflare.wire import Instance
from aisearch_operator.domain.instance_plan import Create, Desired, Move, Update, still_different
from aisearch_operator.domain.instance_status import DriftReason, Finding
from aisearch_operator.domain.reasons import Reason
from aisearch_operator.domain.repairs import Repairs
from aisearch_operator.domain.update_answer import completed
from aisearch_operator.engine.store import ObjectKey
from aisearch_operator.engine.workqueue import Again
from aisearch_operator.observation.address import Connection, InstanceAddress
from aisearch_operator.observation.instances import InstanceObserver
from aisearch_operator.reconcilers.instance_view import address_name, manages, values_were_refused
from aisearch_operator.reconcilers.outcome import Pass
from aisearch_operator.resources.instance import AISearchInstance

__all__ = ["InstanceCalls", "InstancePass", "drift_reason", "note_managed"]


@dataclass(slots=True)
class InstancePass(Pass[AISearchInstance, Finding]):
    """A pass over an instance.

    Parameters
    ----------
    again
        When to come back, if not only when something changes.
    """

    again: Again | None = None

    @property
    def fresh(self) -> bool:
        """Whether somebody asked for a pass now: what is known of the world is read again."""
        return self.finding.handled is not None


class InstanceCalls:
    """Creates, updates and moves instances."""

    def __init__(self, instances: InstanceObserver, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._instances = instances
        self._clock = clock
        self._repairs: dict[ObjectKey, Repairs] = {}

    def forget(self, key: ObjectKey) -> None:
        """Drop what was kept for a resource."""
        self._repairs.pop(key, None)

    async def create(
        self, this: InstancePass, connection: Connection, address: InstanceAddress, decision: Create
    ) -> Instance:
        """Create an instance, send what a create does not take, and give the instance as it is then.

        Raises
        ------
        AlreadyExists
            There is one of this id.
        CloudflareError
            It was not created, or not completed.
        """
        again = manages(this.resource.status)
        created = await connection.client.create_instance(address.namespace, decision.body)
        self._instances.record(connection, address, created)
        note_managed(this, address, created)
        this.note(acted=True)
        message = f"Created instance {address_name(address)}"
        this.tell(Reason.CREATED, f"{message} again: it was deleted at Cloudflare" if again else message)
        if not decision.then:
            return created
        answer = await connection.client.update_instance(address.namespace, address.instance_id, decision.then)
        updated = completed(answer, created, decision.then)
        self._instances.record(connection, address, updated)
        this.note(observed=updated)
        return updated

    async def update(
        self,
        this: InstancePass,
        connection: Connection,
        address: InstanceAddress,
        desired: Desired,
        before: Instance,
        decision: Update,
    ) -> Instance:
        """Send changed fields, note what differs all the same, and give the instance as it is then.

        Raises
        ------
        CloudflareError
            They were not taken.
        """
        updated = before
        for body in filter(None, (decision.body, decision.then)):
            answer = await connection.client.update_instance(address.namespace, address.instance_id, body)
            updated = completed(answer, updated, body)
            self._instances.record(connection, address, updated)
        left = still_different(desired, updated, decision)
        refused = any(difference not in decision.left for difference in left)
        this.note(
            observed=updated,
            acted=True,
            drift=left,
            drift_reason=Reason.NOT_ACCEPTED if refused else drift_reason(this.resource),
        )
        paths = ", ".join(difference.path for difference in decision.because)
        if decision.cause == "spec":
            this.tell(Reason.UPDATED, f"Sent {paths}")
        else:
            repairs = self._repairs.get(this.key, Repairs())
            self._repairs[this.key] = repairs.repaired(_paths(decision), self._clock())
            this.tell(Reason.DRIFT_REPAIRED, f"Set back what was changed at Cloudflare: {paths}")
        return updated

    def pause_before(self, key: ObjectKey, decision: Update) -> float:
        """Give the seconds that an update must wait: a repair that is undone again and again gives way."""
        if decision.cause != "drift":
            return 0.0
        return self._repairs.get(key, Repairs()).wait(_paths(decision), self._clock())

    async def move(
        self, this: InstancePass, connection: Connection, address: InstanceAddress, decision: Move
    ) -> Instance | None:
        """Move an instance to ``address``, and give it as it is there; None when it is nowhere.

        Raises
        ------
        CloudflareError
            It was not moved, or not found again.
        """
        source = replace(address, search_namespace=decision.source)
        try:
            await connection.client.move_instance(source.namespace, source.instance_id, address.search_namespace)
            this.tell(Reason.MOVED, f"Moved instance {address_name(source)} to {address_name(address)}")
            this.note(acted=True)
        except NotFound:
            pass  # moved already by a pass that ended before it could say so, or deleted by somebody
        observed: Instance | None = None
        try:
            observed = await connection.client.get_instance(address.namespace, address.instance_id)
        except NotFound as error:
            if error.cause is Cause.SEARCH_NAMESPACE_NOT_FOUND:
                raise  # it was the new search namespace that the move did not find: the instance is where it was
        self._instances.record(connection, source, None)
        this.note(search_namespace=address.search_namespace)
        if observed is not None:
            self._instances.record(connection, address, observed)
        return observed


def _paths(decision: Update) -> frozenset[str]:
    return frozenset(difference.path for difference in decision.because)


def note_managed(this: InstancePass, address: InstanceAddress, observed: Instance | None) -> None:
    """Note an instance that is the resource's to change and to delete."""
    this.note(
        managed=True,
        gone=False,
        account_id=address.account_id,
        search_namespace=address.search_namespace,
        instance_id=address.instance_id,
        observed=observed,
    )


def drift_reason(resource: AISearchInstance) -> DriftReason:
    """Tell why what differs stays so."""
    return Reason.NOT_ACCEPTED if values_were_refused(resource) else Reason.DRIFT_FOUND
