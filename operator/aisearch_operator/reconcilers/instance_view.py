"""An instance resource as others see it: in the terms of the plan, and as far as it can be read at all."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from aisearch_operator.cloudflare.errors import Cause
from aisearch_operator.domain.conditions import condition
from aisearch_operator.domain.instance_plan import Desired, Memory
from aisearch_operator.domain.reasons import Reason
from aisearch_operator.observation.address import InstanceAddress
from aisearch_operator.resources.instance import AISearchInstance, AISearchInstanceStatus

__all__ = [
    "address_name",
    "desired_of",
    "manages",
    "may_have_created",
    "memory_of",
    "readable_part",
    "values_were_refused",
]

WITHOUT_POST = frozenset(
    {
        Cause.SEARCH_NAMESPACE_NOT_FOUND,
        Reason.ADOPTION_REFUSED,
        Reason.CLAIMED_BY_ANOTHER,
        Reason.CREDENTIALS_INCOMPLETE,
        Reason.CREDENTIALS_INVALID,
        Reason.CREDENTIALS_MISSING,
        Reason.CREDENTIALS_NOT_SHARED,
        Reason.INVALID_SPEC,
        Reason.SUSPENDED,
    }
)
"""The reasons of `Ready` of a pass that sends no POST. When the next one does, status says `Creating` first; under
any other reason a POST may have been carried out unheard."""

WHEREABOUTS = (
    "instanceId",
    "searchNamespace",
    "accountId",
    "credentialsRef",
    "managementPolicy",
    "deletionPolicy",
    "suspend",
)
"""The fields of a spec that say where the instance is, and what becomes of it in the end."""


def readable_part(body: Mapping[str, Any]) -> AISearchInstance:
    """Read a resource; when another version wrote its spec, then without the settings of the instance.

    What cannot be read must neither hold up its own deletion nor others.
    """
    try:
        return AISearchInstance.model_validate(body)
    except ValidationError:
        spec = {name: body["spec"][name] for name in WHEREABOUTS if name in body["spec"]}
        return AISearchInstance.model_validate({**body, "spec": spec})


def desired_of(resource: AISearchInstance) -> Desired:
    """Give what the resource asks for."""
    return Desired(
        instance_id=resource.instance_id,
        search_namespace=resource.spec.search_namespace,
        settings=resource.spec.settings(),
        uid=resource.metadata.uid,
        resource_created=resource.metadata.creation_timestamp,
        may_adopt=resource.spec.adoption_policy == "IfExists",
        repairs_drift=resource.spec.drift_policy == "Repair",
    )


def memory_of(resource: AISearchInstance) -> Memory:
    """Give what the status of the resource remembers."""
    status = resource.status
    drifted = condition(status.conditions, "Drifted")
    settled = values_were_refused(resource) or resource.spec.drift_policy == "Report"
    known = ((entry.path, entry.desired, entry.observed) for entry in status.drift)
    if status.managed is False:
        return Memory(may_have_created=False)  # what only was observed is somebody else's
    return Memory(
        search_namespace=status.search_namespace if status.instance_id else None,
        write_only_hash=status.write_only_hash,
        # Drifted is written only by a pass that went through: its generation is the last one that did.
        spec_applied=drifted is not None and drifted.observed_generation == resource.metadata.generation,
        may_have_created=may_have_created(resource),
        known_drift=frozenset(known) if settled else frozenset(),
    )


def manages(status: AISearchInstanceStatus) -> bool:
    """Whether status tells of an instance that is the resource's to change and to delete."""
    return status.instance_id is not None and status.managed is not False


def may_have_created(resource: AISearchInstance) -> bool:
    """Whether an operator may have ended between the POST of this resource's instance and the status write."""
    if resource.status.managed is False:
        return False
    ready = condition(resource.status.conditions, "Ready")
    return ready is None or ready.reason not in WITHOUT_POST


def values_were_refused(resource: AISearchInstance) -> bool:
    """Whether what differs was sent, and Cloudflare kept another value."""
    drifted = condition(resource.status.conditions, "Drifted")
    return drifted is not None and drifted.reason == Reason.NOT_ACCEPTED


def address_name(address: InstanceAddress) -> str:
    """Name an instance in a message."""
    return f"{address.search_namespace}/{address.instance_id}"
