"""AISearchInstance: one pass, from the resource to Cloudflare and back into its status."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Literal

from pydantic import ValidationError

from aisearch_operator.cloudflare.errors import AlreadyExists, Cause, CloudflareError, NotFound
from aisearch_operator.cloudflare.wire import Instance
from aisearch_operator.domain.instance_plan import (
    Create,
    Desired,
    Keep,
    Move,
    Plan,
    Refuse,
    Update,
    plan,
    still_different,
)
from aisearch_operator.domain.instance_status import Finding, summarize
from aisearch_operator.domain.reasons import Reason
from aisearch_operator.domain.update_answer import completed
from aisearch_operator.domain.verdict import Verdict
from aisearch_operator.domain.write_only import encode
from aisearch_operator.engine.store import Known, ObjectKey
from aisearch_operator.engine.workqueue import Again
from aisearch_operator.kube.credentials import CredentialError
from aisearch_operator.observation.address import Connection, InstanceAddress
from aisearch_operator.observation.connections import Connections
from aisearch_operator.observation.instances import InstanceObserver
from aisearch_operator.observation.statistics import StatisticsObserver
from aisearch_operator.reconcilers.claims import Claims
from aisearch_operator.reconcilers.instance_removal import InstanceRemoval
from aisearch_operator.reconcilers.instance_view import (
    address_name,
    desired_of,
    memory_of,
    readable_part,
    values_were_refused,
)
from aisearch_operator.reconcilers.outcome import Leave, Pass, Released, Reporter, RetryPolicy, invalid_fields, utc_now
from aisearch_operator.resources.instance import AISearchInstance, AISearchInstanceStatus

__all__ = ["InstanceReconciler"]


_Pass = Pass[AISearchInstance, Finding]


class InstanceReconciler:
    """Keeps instances at Cloudflare as their resources want them.

    Parameters
    ----------
    wake
        Has resources looked at.
    """

    def __init__(
        self,
        connections: Connections,
        instances: InstanceObserver,
        statistics: StatisticsObserver,
        claims: Claims,
        removal: InstanceRemoval,
        reporter: Reporter,
        retry: RetryPolicy,
        *,
        wake: Callable[[Iterable[ObjectKey]], None],
    ) -> None:
        self._connections = connections
        self._instances = instances
        self._statistics = statistics
        self._reporter = reporter
        self._retry = retry
        self._claims = claims
        self._removal = removal
        self._wake = wake

    async def reconcile(self, known: Known) -> Again | None:
        """Make one pass over a resource that is not being deleted."""
        try:
            resource = AISearchInstance.model_validate(known.body)
        except ValidationError as error:
            await self._unreadable(known, error)
            return None
        this = _Pass(known, resource, Finding(Verdict.working(Reason.WORKING, "")))
        again: Again | None = None
        try:
            this.note(verdict=await self._pass(this))
        except (CredentialError, CloudflareError) as error:
            trouble = self._retry.trouble(error)
            this.note(verdict=trouble.verdict)
            again = trouble.again
        after = summarize(resource.status, this.finding, generation=resource.metadata.generation, now=utc_now())
        await self._reporter.report(known, resource.status, after, this.events)
        return again

    async def remove(self, known: Known) -> Again | Released:
        """Make one pass over a resource that is being deleted: the instance first, then the resource."""
        resource = readable_part(known.body)
        step = await self._removal.step(known.key, resource)
        await self._reporter.record(known, step.events)
        if isinstance(step, Leave):
            return Released()
        finding = Finding(step.trouble.verdict) if step.trouble else None
        if finding is not None:
            after = summarize(resource.status, finding, generation=resource.metadata.generation, now=utc_now())
            await self._reporter.report(known, resource.status, after, ())
        return step.again

    def forget(self, known: Known) -> None:
        """Drop all that was kept for a resource that is gone, and let the next in line have its instance."""
        self._instances.forget(known.key)
        self._statistics.forget(known.key)
        self._connections.forget(known.key)
        self._wake(self._claims.others(known))

    async def _pass(self, this: _Pass) -> Verdict:
        spec, status = this.resource.spec, this.resource.status
        if spec.suspend:
            return Verdict.suspended("spec.suspend is true: the operator leaves the instance alone")
        secret = spec.credentials_ref.name if spec.credentials_ref else None
        connection = await self._connections.resolve(this.key, secret, status.account_id or spec.account_id)
        address = InstanceAddress(connection.account_id, spec.search_namespace, this.resource.instance_id)
        owner = await self._claims.owner(this.key, address)
        if owner != this.key:
            return Verdict.stalled(
                Reason.CLAIMED_BY_ANOTHER,
                f"{owner.kind} {owner.namespace}/{owner.name} is older and manages instance {address_name(address)}; "
                "delete one of the two, or apply this one with another spec.instanceId",
            )
        observed = await self._instances.look(this.key, connection, address)
        if status.instance_id is not None:
            this.note(
                account_id=status.account_id, search_namespace=status.search_namespace, instance_id=status.instance_id
            )
        verdict = await self._act(this, connection, address, observed)
        this.note(stats=self._statistics.latest(this.key, connection, address) if this.finding.instance_id else None)
        return verdict

    async def _act(
        self, this: _Pass, connection: Connection, address: InstanceAddress, observed: Instance | None
    ) -> Verdict:
        desired = desired_of(this.resource)
        memory = memory_of(this.resource)
        decision: Plan = plan(desired, observed, memory)
        if isinstance(decision, Move):
            observed = await self._move(this, connection, address, decision)
            memory = replace(memory, search_namespace=address.search_namespace)
            decision = plan(desired, observed, memory)
        if isinstance(decision, Create):
            if memory.search_namespace is None and not memory.may_have_created:
                await self._announce(this, address)
            try:
                await self._create(this, connection, address, decision)
            except AlreadyExists:
                # The list was older than the instance, or an earlier POST was carried out unheard.
                observed = await connection.client.get_instance(address.namespace, address.instance_id)
                self._instances.record(connection, address, observed)
                decision = plan(desired, observed, memory)
            else:
                this.note(drift=(), write_only_hash=encode(desired.settings, desired.uid))
                return _synced(address)
        if isinstance(decision, Refuse):
            return Verdict.stalled(
                Reason.ADOPTION_REFUSED,
                f"Instance {address_name(address)} exists and was not made by this resource; set spec.adoptionPolicy "
                "to IfExists to take it over, or choose another spec.instanceId",
            )
        if observed is None or isinstance(
            decision, Create | Move
        ):  # it vanished between two answers: the next pass sees it
            return Verdict.working(Reason.WORKING, f"Instance {address_name(address)} is created")
        _manage(this, address, observed)
        if decision.adopted:
            this.tell(Reason.ADOPTED, f"Took over instance {address_name(address)}")
        if isinstance(decision, Keep):
            this.note(drift=decision.drift, drift_reason=_drift_reason(this.resource))
        else:
            await self._update(this, connection, address, desired, observed, decision)
        this.note(write_only_hash=encode(desired.settings, desired.uid))
        return _synced(address)

    async def _announce(self, this: _Pass, address: InstanceAddress) -> None:
        """Write down that a POST follows, where status says that none was sent.

        After a crash, status is all that tells an instance of ours from one that somebody else made meanwhile.
        A resource that is new needs no such write.
        """
        finding = Finding(Verdict.working(Reason.CREATING, f"Instance {address_name(address)} is being created"))
        status, generation = this.resource.status, this.resource.metadata.generation
        after = summarize(status, finding, generation=generation, now=utc_now())
        await self._reporter.announce(this.known, after)

    async def _create(self, this: _Pass, connection: Connection, address: InstanceAddress, decision: Create) -> None:
        again = this.resource.status.instance_id is not None
        created = await connection.client.create_instance(address.namespace, decision.body)
        self._instances.record(connection, address, created)
        _manage(this, address, created)
        this.note(acted=True)
        message = f"Created instance {address_name(address)}"
        this.tell(Reason.CREATED, f"{message} again: it was deleted at Cloudflare" if again else message)
        if decision.then:
            answer = await connection.client.update_instance(address.namespace, address.instance_id, decision.then)
            updated = completed(answer, created, decision.then)
            self._instances.record(connection, address, updated)
            this.note(observed=updated)

    async def _update(
        self,
        this: _Pass,
        connection: Connection,
        address: InstanceAddress,
        desired: Desired,
        before: Instance,
        decision: Update,
    ) -> None:
        answer = await connection.client.update_instance(address.namespace, address.instance_id, decision.body)
        self._instances.record(connection, address, completed(answer, before, decision.body))
        left = still_different(desired, answer, decision)
        refused = any(difference not in decision.left for difference in left)
        this.note(
            observed=answer,
            acted=True,
            drift=left,
            drift_reason=Reason.NOT_ACCEPTED if refused else _drift_reason(this.resource),
        )
        paths = ", ".join(difference.path for difference in decision.because)
        if decision.cause == "spec":
            this.tell(Reason.UPDATED, f"Sent {paths}")
        else:
            this.tell(Reason.DRIFT_REPAIRED, f"Set back what was changed at Cloudflare: {paths}")

    async def _move(
        self, this: _Pass, connection: Connection, address: InstanceAddress, decision: Move
    ) -> Instance | None:
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

    async def _unreadable(self, known: Known, error: ValidationError) -> None:
        before = AISearchInstanceStatus.model_validate(known.body["status"])
        finding = Finding(Verdict.stalled(Reason.INVALID_SPEC, f"The spec cannot be read: {invalid_fields(error)}"))
        after = summarize(before, finding, generation=known.generation, now=utc_now())
        await self._reporter.report(known, before, after, ())


def _drift_reason(resource: AISearchInstance) -> Literal[Reason.DRIFT_FOUND, Reason.NOT_ACCEPTED]:
    return Reason.NOT_ACCEPTED if values_were_refused(resource) else Reason.DRIFT_FOUND


def _manage(this: _Pass, address: InstanceAddress, observed: Instance | None) -> None:
    this.note(
        account_id=address.account_id,
        search_namespace=address.search_namespace,
        instance_id=address.instance_id,
        observed=observed,
    )


def _synced(address: InstanceAddress) -> Verdict:
    return Verdict.fine(Reason.SYNCED, f"Instance {address_name(address)} is as the spec wants it")
