"""AISearchInstance: an instance of Cloudflare AI Search, kept as its spec wants it."""

from typing import Annotated, ClassVar, Literal

from pydantic import Field, JsonValue

from aisearch_operator.resources.base import ResourceModel, Rule, Timestamp, excerpt, immutable
from aisearch_operator.resources.conditions import Conditions
from aisearch_operator.resources.endpoints import InstanceEndpoints
from aisearch_operator.resources.group import REQUEST_LENGTH
from aisearch_operator.resources.instance_settings import InstanceSettings
from aisearch_operator.resources.metadata import ObjectMeta
from aisearch_operator.resources.names import (
    INSTANCE_ID_LENGTH,
    INSTANCE_ID_PATTERN,
    AccountId,
    InstanceId,
    LocalReference,
    SearchNamespace,
)

__all__ = [
    "AISearchInstance",
    "AISearchInstanceSpec",
    "AISearchInstanceStatus",
    "DriftedField",
    "InstanceStats",
]

Shown = Annotated[str, excerpt(1024), Field(max_length=1024)]
"""A value of any type, written as text."""


class AISearchInstanceSpec(InstanceSettings):
    """What the user wants: where the instance is, how it is set up, and what the operator may do."""

    rules: ClassVar[tuple[Rule, ...]] = (
        immutable(
            "instanceId",
            "Cloudflare cannot rename an instance; apply another AISearchInstance and delete this one",
        ),
        immutable(
            "accountId",
            "an instance cannot move to another account; apply another AISearchInstance and delete this one",
        ),
        Rule(
            "!has(self.metadata) || !has(self.metadata.searchForAgents) || self.searchNamespace == 'default'",
            "metadata.searchForAgents works only in the searchNamespace default: remove one of the two",
            "metadata.searchForAgents",
        ),
    )

    instance_id: InstanceId | None = None
    """Id of the instance at Cloudflare: 1 to 64 lower-case letters, digits and underscores, with single
    hyphens between them. Unset means the name of this resource. Cannot be changed, added or removed."""

    search_namespace: SearchNamespace = "default"
    """AI Search namespace that the instance is in: 1 to 28 lower-case letters, digits and hyphens; it
    must exist. It has nothing to do with the namespace of this resource. A change moves the instance."""

    account_id: AccountId | None = None
    """Id of the Cloudflare account: 32 hexadecimal digits. Unset means the account that the credentials
    name. Cannot be changed, added or removed."""

    credentials_ref: LocalReference | None = None
    """Secret with the credentials for Cloudflare: the keys apiToken, or email and apiKey, and accountId.
    Unset means the Secret `aisearch-credentials` in this namespace, else the operator's own
    credentials."""

    management_policy: Literal["Manage", "Observe"] = "Manage"
    """What the operator does at Cloudflare. `Manage` creates the instance and keeps it as this spec says;
    `Observe` only shows it in status: nothing is ever created, changed, moved or deleted there, whatever
    else this spec says. Back from `Observe`, adoptionPolicy decides as for any instance that exists."""

    deletion_policy: Literal["Delete", "Retain"] | None = None
    """What happens to the instance when this resource is deleted. `Delete` deletes it with its index and
    all files that were uploaded to it, for ever; `Retain` leaves it as it is. Unset means the annotation
    aisearch.cloudflare.com/deletion-policy of this Kubernetes namespace, else the operator's setting,
    which is `Delete`; uploaded files are then kept all the same."""

    adoption_policy: Literal["Never", "IfExists"] = "Never"
    """What happens when an instance of this id is there already. `Never` leaves it alone and reports it;
    `IfExists` takes it over and changes it to this spec."""

    drift_policy: Literal["Repair", "Report"] = "Repair"
    """What happens when somebody changes a field of this spec at Cloudflare. `Repair` sets it back;
    `Report` only shows it in status.drift and in the condition Drifted."""

    write_connection_config_map_to_ref: LocalReference | None = None
    """ConfigMap in the namespace of this resource to write the connection details into: accountId,
    searchNamespace, instanceId, searchUrl, chatCompletionsUrl, and while the public endpoint is enabled
    publicHost, publicSearchUrl, publicChatCompletionsUrl and publicMcpUrl. The operator makes it, and it
    is deleted with this resource; one that exists and is not of this resource is left alone."""

    suspend: bool = False
    """Whether the operator stays away from the instance: it neither creates nor changes it until this is
    false again. Deleting this resource works all the same."""

    def settings(self) -> dict[str, JsonValue]:
        """Give exactly what the user set, nested objects too, as JSON in the API's names.

        A null is in it where it clears what Cloudflare has.
        """
        return {field: value for field, value in self.to_api().items() if field in InstanceSettings.model_fields}


class InstanceStats(ResourceModel):
    """How many items of an instance are in which state."""

    completed: int | None = None
    """Items that are indexed."""

    error: int | None = None
    """Items that could not be indexed."""

    queued: int | None = None
    """Items that wait to be indexed."""

    running: int | None = None
    """Items that are being indexed."""

    skipped: int | None = None
    """Items that Cloudflare does not index, for example because of their type or size."""

    outdated: int | None = None
    """Items whose source has changed since they were indexed."""

    degraded: bool | None = None
    """Whether Cloudflare could not count the items: the other numbers are then missing or old."""


class DriftedField(ResourceModel):
    """A field that is not as the spec wants it."""

    path: Annotated[str, Field(max_length=256)]
    """The field below spec, for example sourceParams.prefix."""

    desired: Shown
    """What the spec says, as text; long values are cut and prompts are not shown."""

    observed: Shown
    """What Cloudflare says, as text; long values are cut and prompts are not shown."""

    since: Timestamp
    """When the operator first saw the difference."""


class AISearchInstanceStatus(ResourceModel):
    """What the operator found and did."""

    observed_generation: int = -1
    """The generation of the spec (metadata.generation) that this status is about; -1 means that the
    operator has not seen this resource yet."""

    conditions: Conditions = ()
    """What is to be said of the instance. Ready: it is as the spec wants it. Reconciling: the operator is
    at work. Stalled: a person must act. Drifted: it differs from the spec. Indexed: no item waits. Paused:
    scheduled syncs do not take place. ConnectionPublished: the ConfigMap with the connection details is up
    to date."""

    managed: bool | None = None
    """Whether the instance is this resource's to change and to delete. false: it is only observed."""

    instance_id: str | None = None
    """Id of the instance that this resource manages or observes; deletion uses it."""

    account_id: str | None = None
    """Id of the Cloudflare account that the instance is in; deletion uses it."""

    search_namespace: str | None = None
    """AI Search namespace that the instance is in; deletion uses it."""

    state: str | None = None
    """State of the instance in Cloudflare's words, for example waiting, indexing or active."""

    paused: bool | None = None
    """Whether scheduled syncs are paused at Cloudflare, by whomever."""

    created_at: Timestamp | None = None
    """When the instance was created at Cloudflare."""

    modified_at: Timestamp | None = None
    """When the instance was last modified at Cloudflare."""

    endpoints: InstanceEndpoints | None = None
    """Where the instance is searched: URLs of the Cloudflare API and of the public endpoint."""

    connection_config_map: str | None = None
    """Name of the ConfigMap that holds the connection details."""

    stats: InstanceStats | None = None
    """How many items are in which state, when the operator last asked."""

    drift: Annotated[tuple[DriftedField, ...], Field(max_length=32)] = ()
    """Fields that are not as the spec wants them and stay so: at most 32 are shown."""

    write_only_hash: str | None = None
    """Digests by which the operator recognises what Cloudflare does not show as it was sent: write-only fields,
    and what it shows of fields that were cleared by null."""

    last_handled_reconcile_at: Annotated[str, Field(max_length=REQUEST_LENGTH)] | None = None
    """The value of the annotation aisearch.cloudflare.com/reconcile-requested-at that the operator has
    answered last: it has read credentials, instance and statistics afresh."""

    last_synced_time: Timestamp | None = None
    """When the operator last wrote to the instance at Cloudflare."""


class AISearchInstance(ResourceModel):
    """An instance of Cloudflare AI Search: a data source, its index, and how it is searched."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            "has(self.spec.instanceId) || (size(self.metadata.name) <= "
            f"{INSTANCE_ID_LENGTH} && self.metadata.name.matches('{INSTANCE_ID_PATTERN}'))",
            "metadata.name cannot be the id of an instance (at most 64 lower-case letters, digits and "
            "single hyphens, no dot): set spec.instanceId",
            "spec.instanceId",
        ),
    )

    metadata: ObjectMeta

    spec: AISearchInstanceSpec
    """What you want: where the instance is, how it is set up, and what the operator may do. What is
    unset is left to Cloudflare, which fills in its defaults."""

    status: AISearchInstanceStatus = AISearchInstanceStatus()
    """What the operator found and did. Only the operator writes it."""

    @property
    def instance_id(self) -> str:
        """The id that the spec asks for."""
        return self.spec.instance_id or self.metadata.name
