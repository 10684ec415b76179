"""Search namespaces (facts 1.1, 2.1). `default` exists always and never changes."""

from typing import Any

from pydantic import JsonValue

from fake_cloudflare.calls import Call, page_of
from fake_cloudflare.clock import timestamp
from fake_cloudflare.envelope import Answer, refusal
from fake_cloudflare.validation import (
    CREATE_NAMESPACE,
    UPDATE_NAMESPACE,
    ListNamespaces,
    NoQuery,
    parse_body,
    parse_query,
)
from fake_cloudflare.world import DEFAULT_NAMESPACE, Namespace, World


def list_namespaces(call: Call) -> Answer:
    query = parse_query(ListNamespaces, call.query)
    wanted = query.search.lower()
    found = [
        namespace
        for namespace in call.account.world_as_read(call.now).namespaces.values()
        if wanted in namespace.name or wanted in (namespace.description or "").lower()
        if namespace.name != DEFAULT_NAMESPACE or call.account.options.list_default_namespace
    ]
    return page_of(found, query.page, query.per_page, lambda namespace: _document(namespace, call))


def create_namespace(call: Call) -> Answer:
    given = parse_body(CREATE_NAMESPACE, call.body)
    name = str(given["name"])
    world = call.account.world
    if name in world.namespaces:
        raise refusal(7064)
    if len(world.namespaces) >= call.account.options.max_namespaces:
        raise refusal(7062)
    _check_allowed(world, name, given)
    namespace = Namespace(name=name, created_at=call.now)
    _apply(namespace, given)
    world.namespaces[name] = namespace
    return Answer(_document(namespace, call), status=201)


def get_namespace(call: Call) -> Answer:
    parse_query(NoQuery, call.query)
    return Answer(_document(_find(call.account.world_as_read(call.now), call), call))


def update_namespace(call: Call) -> Answer:
    given = parse_body(UPDATE_NAMESPACE, call.body)
    namespace = _find(call.account.world, call)
    if namespace.name == DEFAULT_NAMESPACE:
        raise refusal(7065)
    _check_allowed(call.account.world, namespace.name, given)
    _apply(namespace, given)
    return Answer(_document(namespace, call))


def delete_namespace(call: Call) -> Answer:
    world = call.account.world
    namespace = _find(world, call)
    if namespace.name == DEFAULT_NAMESPACE:
        raise refusal(7065)
    if any(instance.namespace == namespace.name for instance in world.instances.values()):
        raise refusal(7066)
    del world.namespaces[namespace.name]
    return Answer(_document(namespace, call))


def _find(world: World, call: Call) -> Namespace:
    namespace = world.namespaces.get(call.namespace)
    if namespace is None:
        raise refusal(7063)
    return namespace


def _check_allowed(world: World, name: str, given: dict[str, JsonValue]) -> None:
    endpoint: Any = given.get("public_endpoint_params") or {}
    if any(world.instance(name, instance_id) is None for instance_id in endpoint.get("instances_allowed", [])):
        raise refusal(7097)


def _apply(namespace: Namespace, given: dict[str, JsonValue]) -> None:
    for field, value in given.items():
        if field != "name":
            setattr(namespace, field, value)


def _document(namespace: Namespace, call: Call) -> JsonValue:
    return {
        "name": namespace.name,
        "description": namespace.description,
        "public_endpoint_params": namespace.public_endpoint_params,
        "created_at": timestamp(namespace.created_at, zoned=call.account.options.zoned),
    }
