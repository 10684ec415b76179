"""Writes the resources that the Lua is tested with, from what the operator does: `python -m argocd_lua.testdata`."""

import asyncio
import logging
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import yaml

from aisearch_operator.resources import crd
from aisearch_operator.resources.group import API_VERSION, FINALIZER, GROUP, RECONCILE_REQUESTED
from argocd_lua.customizations import DEPLOY
from argocd_lua.states import STATES, State
from fake_cloudflare import FakeCloudflare
from unit.fake_kube import apply_merge_patch
from unit.reconcilers.bench import Bench

__all__ = ["NOW", "OUTPUTS", "generate"]

NOW = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)
"""When the actions are run."""

PLACEHOLDERS = (
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"), "2026-11-23T12:00:00Z"),
    (
        re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"),
        "5edd6797-93b5-4c1c-8a7e-0d6c1d6f0f2a",
    ),
    (re.compile(r"\b[0-9a-f]{32}\b"), "0123456789abcdef0123456789abcdef"),
    (re.compile(r"http://127\.0\.0\.1:\d+/client/v4"), "https://api.cloudflare.com/client/v4"),
)
"""What differs from run to run."""

AT = NOW.strftime("%Y-%m-%dT%H:%M:%SZ")

OUTPUTS: Mapping[str, Mapping[str, tuple[str, Mapping[str, Any]]]] = MappingProxyType(
    {
        "AISearchInstance": {
            "suspended": ("ready", {"spec": {"suspend": True}}),
            "resumed": ("suspended", {"spec": {"suspend": False}}),
            "reconcile-requested": ("ready", {"metadata": {"annotations": {RECONCILE_REQUESTED: AT}}}),
        },
        "AISearchSyncJob": {
            "cancelled": ("running", {"spec": {"cancel": True}}),
            "suspended": ("running", {"spec": {"suspend": True}}),
            "resumed": ("suspended", {"spec": {"suspend": False}}),
            "failed-retried": ("failed", {"spec": {"runId": AT}}),
            "cancelled-retried": ("cancelled", {"spec": {"runId": AT, "cancel": False}}),
        },
    }
)
"""What an action makes of a resource, by kind and file: the state that it starts from, and what it changes."""


async def generate() -> Mapping[Path, str]:
    """Make the files: by path below deploy/argocd/resource_customizations."""
    files: dict[Path, str] = {}
    with FakeCloudflare() as fake:
        for kind, states in STATES.items():
            bodies = {name: await _resource(fake, kind, state) for name, state in states.items()}
            folder = Path(GROUP, kind)
            files |= {folder / "testdata" / f"{name}.yaml": _dump(body) for name, body in bodies.items()}
            files |= {
                folder / "actions" / "testdata" / f"{name}.yaml": _dump(apply_merge_patch(bodies[state], change))
                for name, (state, change) in OUTPUTS[kind].items()
            }
    return files


async def _resource(fake: FakeCloudflare, kind: str, state: State) -> dict[str, Any]:
    account = fake.admin.create_account(rate=0, initial_job=False)
    bench = Bench(fake, account)
    try:
        key = await state(bench)
        body = bench.kube.read(kind, key.namespace, key.name)
    finally:
        await bench.close()
        account.delete()
    kept = ("name", "namespace", "uid", "generation", "creationTimestamp", "deletionTimestamp")
    metadata = {name: body["metadata"][name] for name in kept if name in body["metadata"]}
    spec = _defaulted(body["spec"], _schemas()[kind]["properties"]["spec"])
    whole = {
        "apiVersion": API_VERSION,
        "kind": kind,
        "metadata": {**metadata, "finalizers": [FINALIZER]},
        "spec": spec,
        "status": body["status"],
    }
    scrubbed: dict[str, Any] = _without_chance(whole)
    return scrubbed


@cache
def _schemas() -> Mapping[str, Mapping[str, Any]]:
    """Give the schemas of the custom resources by kind."""
    definitions = [yaml.safe_load(text)["spec"] for text in crd.generate().values()]
    return {each["names"]["kind"]: each["versions"][0]["schema"]["openAPIV3Schema"] for each in definitions}


def _defaulted(value: Any, schema: Mapping[str, Any]) -> Any:
    """Fill in the defaults of a schema, as the API server does."""
    if not isinstance(value, dict):
        return value
    properties = schema.get("properties", {})
    defaults = {name: each["default"] for name, each in properties.items() if "default" in each}
    return {name: _defaulted(item, properties.get(name, {})) for name, item in {**defaults, **value}.items()}


def _without_chance(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_chance(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_without_chance(item) for item in value]
    if isinstance(value, str):
        for pattern, placeholder in PLACEHOLDERS:
            value = pattern.sub(placeholder, value)
    return value


def _dump(body: Mapping[str, Any]) -> str:
    return yaml.safe_dump(dict(body), sort_keys=False, width=110, allow_unicode=True)


def main() -> None:
    """Write the files."""
    logging.disable()  # what the operator says on the way
    for path, text in asyncio.run(generate()).items():
        target = DEPLOY / "resource_customizations" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
