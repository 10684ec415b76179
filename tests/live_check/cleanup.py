"""Removes what a run of the live check has made, and what an earlier one has left behind."""

from collections.abc import Sequence

from aisearch_operator.cloudflare import CloudflareError, Instance, NotFound, SearchNamespace
from live_check.api import Api
from live_check.session import INTERVAL, is_leftover
from live_check.target import Target

TRIES = 6
"""For one instance, a pause apart: a deletion may fail while the instance is still being made."""

Left = tuple[SearchNamespace, Instance]


async def leftovers(api: Api, target: Target, prefix: str) -> list[Left]:
    """List the instances of this prefix, and nothing else.

    Raises
    ------
    CloudflareError
        A search namespace could not be listed.
    """
    found: list[Left] = []
    for where in target.namespaces:
        listing = await api.client.list_instances(where)
        found += [(where, instance) for instance in listing.items if is_leftover(instance, prefix)]
    return found


async def clean(api: Api, target: Target, prefix: str) -> list[str]:
    """Delete the instances of this prefix, and say what could not be deleted."""
    problems: list[str] = []
    for attempt in range(TRIES):
        if attempt:
            await target.pause(INTERVAL)
        try:
            remaining = await leftovers(api, target, prefix)
        except CloudflareError as error:
            problems = [f"the instances could not be listed: {error}"]
            continue
        problems = await _delete(api, remaining)
        if not problems:
            return []
    return problems


async def _delete(api: Api, instances: Sequence[Left]) -> list[str]:
    problems: list[str] = []
    for where, instance in instances:
        try:
            await api.client.delete_instance(where, instance.id)
        except NotFound:
            continue
        except CloudflareError as error:
            problems.append(f"instance {instance.id} in search namespace {where.name} is left: {error}")
    return problems
