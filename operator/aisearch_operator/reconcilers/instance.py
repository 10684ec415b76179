"""AISearchInstance: one pass, from the resource to Cloudflare and back into its status."""

from dataclasses import replace

from pydantic import ValidationError

from aisearch_operator.cloudflare.errors import AlreadyExists, CloudflareError
from aisearch_operator.cloudflare.wire import Instance, Stats
from aisearch_operator.domain.instance_plan import (
    Create,
    Keep,
    Move,
    Plan,
    Refuse,
    Update,
    plan,
    remember,
)
from aisearch_operator.domain.instance_status import Finding, summarize
from aisearch_operator.domain.observed_drift import seen_drift
from aisearch_operator.domain.reasons import Reason
from aisearch_operator.domain.verdict import Verdict
from aisearch_operator.engine.store import Known
from aisearch_operator.engine.workqueue import Again
from aisearch_operator.kube.credentials import CredentialError
from aisearch_operator.observation.address import Connection, InstanceAddress
from aisearch_operator.observation.connections import Connections
from aisearch_operator.observation.instances import InstanceObserver
from aisearch_operator.observation.statistics import StatisticsObserver
from aisearch_operator.reconcilers.claims import Claims
from aisearch_operator.reconcilers.connection_details import ConnectionDetails
from aisearch_operator.reconcilers.instance_calls import InstanceCalls, InstancePass, drift_reason, note_managed
from aisearch_operator.reconcilers.instance_removal import InstanceRemoval
from aisearch_operator.reconcilers.instance_view import (
    address_name,
    desired_of,
    manages,
    memory_of,
    readable_part,
)
from aisearch_operator.reconcilers.outcome import Leave, Released, Reporter, RetryPolicy, invalid_fields, utc_now
from aisearch_operator.resources.instance import AISearchInstance, AISearchInstanceStatus
from aisearch_operator.resources.names import name_in

__all__ = ["InstanceReconciler"]


class InstanceReconciler:
    """Keeps instances at Cloudflare as their resources want them."""

    def __init__(
        self,
        connections: Connections,
        instances: InstanceObserver,
        statistics: StatisticsObserver,
        claims: Claims,
        removal: InstanceRemoval,
        details: ConnectionDetails,
        reporter: Reporter,
        retry: RetryPolicy,
    ) -> None:
        self._connections = connections
        self._instances = instances
        self._statistics = statistics
        self._reporter = reporter
        self._retry = retry
        self._claims = claims
        self._removal = removal
        self._details = details
        self._calls = InstanceCalls(instances)

    async def reconcile(self, known: Known) -> Again | None:
        """Make one pass over a resource that is not being deleted."""
        try:
            resource = AISearchInstance.model_validate(known.body)
        except ValidationError as error:
            await self._unreadable(known, error)
            return None
        finding = Finding(
            Verdict.working(Reason.WORKING, ""), wants_paused=resource.spec.paused, handled=known.requested
        )
        this = InstancePass(known, resource, finding)
        try:
            this.note(verdict=await self._pass(this))
        except (CredentialError, CloudflareError) as error:
            trouble = self._retry.trouble(error)
            this.note(verdict=trouble.verdict)
            this.again, this.ray_id = trouble.again, trouble.ray_id
        look_again = await self._details.publish(this)
        after = summarize(resource.status, this.finding, generation=resource.metadata.generation, now=utc_now())
        await self._reporter.report(known, resource.status, after, this.events, ray_id=this.ray_id)
        return _sooner(this.again, look_again)

    async def remove(self, known: Known) -> Again | Released:
        """Make one pass over a resource that is being deleted: the instance first, then the resource."""
        resource = readable_part(known.body)
        step = await self._removal.step(known.key, resource)
        await self._reporter.record(known, step.events)
        if isinstance(step, Leave):
            return Released()
        if (trouble := step.trouble) is not None:
            finding = Finding(trouble.verdict)
            after = summarize(resource.status, finding, generation=resource.metadata.generation, now=utc_now())
            await self._reporter.report(known, resource.status, after, (), ray_id=trouble.ray_id)
        return step.again

    def forget(self, known: Known) -> None:
        """Drop all that was kept for a resource that is gone, and let the next in line have its instance."""
        self._calls.forget(known.key)
        self._instances.forget(known.key)
        self._statistics.forget(known.key)
        self._connections.forget(known.key)
        self._details.forget(known.key)
        self._reporter.forget(known.key)
        self._claims.withdraw(known.key)

    async def _pass(self, this: InstancePass) -> Verdict:
        spec, status = this.resource.spec, this.resource.status
        if spec.suspend:
            return Verdict.suspended("spec.suspend is true: the operator leaves the instance alone")
        secret = name_in(spec.credentials_ref)
        account = spec.account_id if status.managed is False else status.account_id or spec.account_id
        if observes := spec.management_policy == "Observe":
            this.note(managed=False)
            self._claims.withdraw(this.key)
        connection = await self._connections.resolve(this.key, secret, account, fresh=this.fresh)
        address = InstanceAddress(connection.account_id, spec.search_namespace, this.resource.instance_id)
        if observes:
            return await self._observe(this, connection, address)
        owner = await self._claims.contend(this.key, address)
        if owner != this.key:
            return Verdict.stalled(
                Reason.CLAIMED_BY_ANOTHER,
                f"{owner.kind} {owner.namespace}/{owner.name} is older and manages instance {address_name(address)}; "
                "delete one of the two, or apply this one with another spec.instanceId",
            )
        observed = await self._instances.look(this.key, connection, address, fresh=this.fresh)
        if manages(status):
            this.note(
                account_id=status.account_id, search_namespace=status.search_namespace, instance_id=status.instance_id
            )
        if this.fresh:
            self._calls.forget(this.key)  # a repair that was held back is tried again
        if status.search_namespace == address.search_namespace and this.finding.instance_id:
            this.note(observed=observed)
        try:
            return await self._act(this, connection, address, observed)
        finally:  # how the index is doing does not depend on whether the spec can be applied
            if this.finding.instance_id and this.finding.search_namespace == address.search_namespace:
                this.note(stats=self._latest_statistics(this, connection, address))

    def _latest_statistics(self, this: InstancePass, connection: Connection, address: InstanceAddress) -> Stats | None:
        latest = self._statistics.latest(this.key, connection, address)
        if this.fresh:
            self._statistics.hurry(this.key)
        return latest

    async def _observe(self, this: InstancePass, connection: Connection, address: InstanceAddress) -> Verdict:
        """Report the instance and leave everything as it is."""
        observed = await self._instances.look(this.key, connection, address, fresh=this.fresh)
        if observed is None:
            self._statistics.forget(this.key)  # a request for what is not there would be one in every round
            this.note(gone=True)
            return Verdict.working(
                Reason.NOTHING_TO_OBSERVE,
                f"Instance {address_name(address)} does not exist: create it, or set spec.managementPolicy to Manage",
            )
        this.note(
            account_id=address.account_id,
            search_namespace=address.search_namespace,
            instance_id=address.instance_id,
            observed=observed,
            drift=seen_drift(desired_of(this.resource), observed),
            write_only_hash=this.resource.status.write_only_hash,
            stats=self._latest_statistics(this, connection, address),
        )
        return Verdict.fine(
            Reason.OBSERVED, f"Instance {address_name(address)} exists; spec.managementPolicy is Observe"
        )

    async def _act(
        self, this: InstancePass, connection: Connection, address: InstanceAddress, observed: Instance | None
    ) -> Verdict:
        desired = desired_of(this.resource)
        memory = memory_of(this.resource)
        decision: Plan = plan(desired, observed, memory)
        if isinstance(decision, Move):
            observed = await self._calls.move(this, connection, address, decision)
            memory = replace(memory, search_namespace=address.search_namespace)
            decision = plan(desired, observed, memory)
        if isinstance(decision, Create):
            if memory.search_namespace is None and not memory.may_have_created:
                await self._announce(this, address)
            try:
                shown = await self._calls.create(this, connection, address, decision)
            except AlreadyExists:
                # The list was older than the instance, or an earlier POST was carried out unheard.
                observed = await connection.client.get_instance(address.namespace, address.instance_id)
                self._instances.record(connection, address, observed)
                decision = plan(desired, observed, memory)
            else:
                this.note(drift=(), write_only_hash=remember(desired, memory, decision, shown))
                return _synced(this, address)
        if isinstance(decision, Refuse):
            return Verdict.stalled(
                Reason.ADOPTION_REFUSED,
                f"Instance {address_name(address)} exists and is not this resource's; set spec.adoptionPolicy to "
                "IfExists to take it over, or choose another spec.instanceId",
            )
        if observed is None or isinstance(
            decision, Create | Move
        ):  # it vanished between two answers: the next pass sees it
            return Verdict.working(Reason.WORKING, f"Instance {address_name(address)} is created")
        note_managed(this, address, observed)
        if decision.adopted:
            this.tell(Reason.ADOPTED, f"Took over instance {address_name(address)}")
        await self._adjust(this, connection, address, observed, decision)
        return _synced(this, address)

    async def _adjust(
        self,
        this: InstancePass,
        connection: Connection,
        address: InstanceAddress,
        observed: Instance,
        decision: Update | Keep,
    ) -> None:
        """Send what differs and may be sent; the rest is noted as drift."""
        desired, reason = desired_of(this.resource), drift_reason(this.resource)
        if isinstance(decision, Update) and (pause := self._calls.pause_before(this.key, decision)):
            this.again, reason = Again(pause), Reason.REPAIR_UNDONE
            decision = Keep((*decision.because, *decision.left), decision.adopted)
        if isinstance(decision, Keep):
            this.note(drift=decision.drift, drift_reason=reason)
        else:
            observed = await self._calls.update(this, connection, address, desired, observed, decision)
        this.note(write_only_hash=remember(desired, memory_of(this.resource), decision, observed))

    async def _announce(self, this: InstancePass, address: InstanceAddress) -> None:
        """Write down that a POST follows, where status says that none was sent.

        After a crash, status is all that tells an instance of ours from one that somebody else made meanwhile.
        A resource that is new needs no such write.
        """
        status, generation = this.resource.status, this.resource.metadata.generation
        this.note(managed=True, gone=status.managed is False)
        verdict = Verdict.working(Reason.CREATING, f"Instance {address_name(address)} is being created")
        after = summarize(status, replace(this.finding, verdict=verdict), generation=generation, now=utc_now())
        await self._reporter.announce(this.known, after)

    async def _unreadable(self, known: Known, error: ValidationError) -> None:
        before = AISearchInstanceStatus.model_validate(known.body["status"])
        verdict = Verdict.stalled(Reason.INVALID_SPEC, f"The spec cannot be read: {invalid_fields(error)}")
        finding = Finding(verdict, handled=known.requested)
        after = summarize(before, finding, generation=known.generation, now=utc_now())
        await self._reporter.report(known, before, after, ())


def _synced(this: InstancePass, address: InstanceAddress) -> Verdict:
    but = "; what is not is in the condition Drifted" if this.finding.drift else ""
    return Verdict.fine(Reason.SYNCED, f"Instance {address_name(address)} is as the spec wants it{but}")


def _sooner(first: Again | None, second: Again | None) -> Again | None:
    """Give the earlier of two; one that is to back off, since its pass failed, is the earliest."""
    return min((again for again in (first, second) if again is not None), key=lambda it: it.after or 0.0, default=None)
