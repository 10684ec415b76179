"""Instances: list, create, get, update, move, delete, purge (facts 2).

The API wants restrictive changes of the public endpoint in a PUT without the metadata of Search for Agents; here
every change of it counts as one.

Not documented, and chosen here: a changed `embedding_model` is refused as invalid ("cannot be changed after
creation"), a changed `source` is accepted and validated again, the account-level list spans all namespaces,
and on the namespaced list both the path and the `namespace` filter must agree.
"""

import uuid
from typing import Any

from fake_cloudflare import jobs
from fake_cloudflare.calls import Call, page_of
from fake_cloudflare.defaults import created, forces_reindex, updated
from fake_cloudflare.envelope import Answer, invalid, refusal
from fake_cloudflare.options import AccountOptions, JobPlan
from fake_cloudflare.projections import as_listed, as_read, stats_document
from fake_cloudflare.schema import HEADER_NAME, HEADER_VALUE
from fake_cloudflare.validation import (
    CREATE_INSTANCE,
    MOVE_INSTANCE,
    UPDATE_INSTANCE,
    ListInstances,
    NoQuery,
    parse_body,
    parse_query,
)
from fake_cloudflare.world import DEFAULT_NAMESPACE, Instance, Settings


def list_instances(call: Call) -> Answer:
    query = parse_query(ListInstances, call.query)
    world = call.account.world_as_read(call.now)
    if call.namespace not in world.namespaces:
        raise refusal(7063)
    wanted = {name for name in (call.params.get("namespace"), query.namespace) if name is not None}
    part = query.search.lower()
    found = [
        item
        for item in world.instances.values()
        if (not wanted or wanted == {item.namespace}) and part in item.id
        if query.hostname is None or _agents_hostname(item) == query.hostname.lower()
    ]
    if query.order_by_direction == "desc":
        found.reverse()
    return page_of(
        found,
        query.page,
        query.per_page,
        lambda item: as_listed(item, world, call.now, call.account.options),
    )


def create_instance(call: Call) -> Answer:
    given = parse_body(CREATE_INSTANCE, call.body)
    world, options = call.account.world, call.account.options
    if call.namespace not in world.namespaces:
        raise refusal(7063)
    instance_id = str(given.pop("id"))
    if world.instance(call.namespace, instance_id) is not None:
        raise refusal(7022)
    if len(world.instances) >= options.max_instances:
        raise refusal(7013)
    _check_place(given, call.namespace)
    settings = created(given)
    _check(settings, set(given), options)
    world.serial += 1
    instance = Instance(
        key=world.serial,
        id=instance_id,
        namespace=call.namespace,
        settings=settings,
        created_at=call.now,
        modified_at=call.now,
        created_by=call.caller,
        modified_by=call.caller,
    )
    if settings["source"] in options.missing_buckets:
        instance.source_error = "bucket_not_found"
    _assign_endpoint(instance)
    world.add(instance)
    if options.initial_job and not instance.builtin:
        first = JobPlan(
            start_delay=options.job_start_delay,
            duration=options.initial_job_duration,
            end_reason=instance.source_error,
        )
        jobs.start(world, instance, call.now, first, source="schedule")
    return Answer(as_read(instance, world, call.now, options), status=201)


def get_instance(call: Call) -> Answer:
    parse_query(NoQuery, call.query)
    world = call.account.world_as_read(call.now)
    return Answer(as_read(call.instance_in(world), world, call.now, call.account.options))


def update_instance(call: Call) -> Answer:
    given = parse_body(UPDATE_INSTANCE, call.body)
    world, options = call.account.world, call.account.options
    instance = call.instance_in(world)
    _check_place(given, instance.namespace)
    before, after = instance.settings, updated(instance.settings, given)
    if after["embedding_model"] != before["embedding_model"]:
        raise invalid("cannot be changed after creation", "embedding_model")
    if _agents(given.get("metadata")) and "public_endpoint_params" in given:
        raise invalid("must be sent in a request without public_endpoint_params", "metadata", "search_for_agents")
    _check(after, set(given), options)
    apply(instance, given, now=call.now, caller=call.caller)
    return Answer(_echo_domains(as_read(instance, world, call.now, options), given))


def apply(instance: Instance, given: Settings, *, now: float, caller: str) -> None:
    """Change the settings of an instance, as a PUT of some of them does."""
    settings = updated(instance.settings, given)
    instance.reindexes += forces_reindex(instance.settings, settings)
    if given.get("paused") is False:
        instance.resumed_at = now
    instance.settings = settings
    instance.modified_at, instance.modified_by = now, caller
    _assign_endpoint(instance)


def move_instance(call: Call) -> Answer:
    target = str(parse_body(MOVE_INSTANCE, call.body)["new_namespace"])
    world = call.account.world
    instance = call.instance_in(world)
    if target == instance.namespace:
        raise refusal(7067)
    if target not in world.namespaces:
        raise refusal(7063)
    if world.instance(target, instance.id) is not None:
        raise refusal(7022)
    if _agents(instance.settings["metadata"]):
        raise invalid("an instance with Search for Agents cannot be moved", "new_namespace")
    world.move(instance, target)
    instance.modified_at, instance.modified_by = call.now, call.caller
    return Answer({})


def delete_instance(call: Call) -> Answer:
    world = call.account.world
    instance = call.instance_in(world)
    endpoint: Any = instance.settings["public_endpoint_params"] or {}
    if call.account.options.stuck_domains.intersection(endpoint.get("custom_domains") or ()):
        raise refusal(7092)
    answer = Answer(as_read(instance, world, call.now, call.account.options))
    world.remove(instance)
    return answer


def get_stats(call: Call) -> Answer:
    parse_query(NoQuery, call.query)
    world = call.account.world_as_read(call.now)
    return Answer(stats_document(call.instance_in(world), world, call.now, call.account.options))


def purge_cache(call: Call) -> Answer:
    call.instance_in(call.account.world)
    return Answer({"success": True})


def _check(settings: Settings, given: set[str], options: AccountOptions) -> None:
    """Refuse what the schema cannot see; what depends on the outside world only when it was sent (2.3)."""
    if settings["type"] is None:
        if settings["source_params"] or str(settings["source"] or "").strip():
            raise refusal(7052)
    else:
        _check_source(settings, given, options)
    if "ai_gateway_id" in given and settings["ai_gateway_id"] in options.unknown_gateways:
        raise refusal(7018)
    chunk_size: Any = settings["chunk_size"]
    if chunk_size > options.max_chunk_size:
        raise refusal(7036)
    endpoint: Any = settings["public_endpoint_params"] or {}
    if endpoint.get("default_domain_enabled") is False and not endpoint["custom_domains"]:
        raise refusal(7096)
    retrieval: Any = settings["retrieval_options"]
    metadata: Any = settings["custom_metadata"]
    known = {"timestamp"} | {item["field_name"] for item in metadata}
    for index, boost in enumerate(retrieval.get("boost_by", [])):
        if boost["field"] not in known:
            raise invalid("must be timestamp or a custom_metadata field", "retrieval_options", "boost_by", index)


def _check_source(settings: Settings, given: set[str], options: AccountOptions) -> None:
    source = settings["source"]
    if not isinstance(source, str) or not source.strip():
        raise refusal(7052)
    is_url = source.startswith(("http://", "https://"))
    if is_url != (settings["type"] == "web-crawler") or ("://" in source and not is_url):
        raise refusal(7047)
    params: Any = settings["source_params"]
    crawler = params.get("web_crawler", {})
    parsing = crawler.get("parse_options", {})
    if crawler.get("parse_type") == "discover" and parsing.get("specific_sitemaps"):
        raise refusal(7045)
    for name, value in parsing.get("include_headers", {}).items():
        if not HEADER_NAME.fullmatch(name) or not HEADER_VALUE.fullmatch(value):
            raise refusal(7040)
    if given & {"source", "token_id"} and settings["token_id"] in options.invalid_token_ids:
        raise refusal(7012)
    if "source" in given and source in options.sites_without_sitemap and crawler.get("parse_type") == "sitemap":
        raise refusal(7028)


def _check_place(given: Settings, namespace: str) -> None:
    if _agents(given.get("metadata")) and namespace != DEFAULT_NAMESPACE:
        raise invalid("requires the default namespace", "metadata", "search_for_agents")


def _assign_endpoint(instance: Instance) -> None:
    endpoint = instance.settings["public_endpoint_params"]
    enabled = isinstance(endpoint, dict) and endpoint["enabled"] is True
    instance.public_endpoint_id = (instance.public_endpoint_id or str(uuid.uuid4())) if enabled else None


def _agents_hostname(instance: Instance) -> str | None:
    agents = _agents(instance.settings["metadata"])
    return str(agents["hostname"]).lower() if agents else None


def _agents(metadata: Any) -> dict[str, Any] | None:
    """Return what the metadata of an instance say of Search for Agents."""
    found: dict[str, Any] | None = (metadata or {}).get("search_for_agents")
    return found


def _echo_domains(document: Settings, given: Settings) -> Settings:
    """Show `custom_domains` in the answer to a PUT only when the PUT had them (facts 2.3)."""
    endpoint, sent = document["public_endpoint_params"], given.get("public_endpoint_params")
    if not isinstance(endpoint, dict) or (isinstance(sent, dict) and "custom_domains" in sent):
        return document
    return document | {"public_endpoint_params": endpoint | {"custom_domains": None}}
