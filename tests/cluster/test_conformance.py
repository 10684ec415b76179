"""Every writable field, leaf by leaf, through all that can happen to it: what docs/conformance.md promises."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from pydantic import JsonValue

from cluster.writable_fields import (
    BASES,
    FIELDS,
    ONLY_REPORTED,
    WITH_ALL_MEMBERS,
    Cell,
    Clearing,
    Settings,
    WritableField,
    get,
    manifest_spec,
    put,
    settings,
)
from harness.kube import eventually, instance

KIND = "AISearchInstance"


def fields(cell: Cell, on: str) -> list[WritableField]:
    """The fields of an instance with which the API can do this."""
    return [each for each in FIELDS if each.on == on and each.can(cell)]


def created(each: WritableField) -> JsonValue:
    return each.created


def updated(each: WritableField) -> JsonValue:
    return each.updated if each.can(Cell.UPDATE) else each.created


def apply(stage, value: Callable[[WritableField], JsonValue], **policies: str) -> None:
    """Apply all instances of the table, and wait until they are as the spec wants them."""
    stage.kube.apply(*(instance(on, **manifest_spec(settings(on, value)), **policies) for on in BASES))
    await_ready(stage)


def await_ready(stage) -> None:
    for on in BASES:
        stage.kube.wait_condition(KIND, on, "Ready")


def documents(stage) -> dict[str, Mapping[str, Any]]:
    """The instances as they really are at Cloudflare."""
    return {found.id: found.document for found in stage.account.instances()}


def unlike(stage, cell: Cell, wanted: Callable[[WritableField], JsonValue]) -> dict[str, Any]:
    """The fields that do not have the wanted value at Cloudflare, with the value that they have."""
    found = documents(stage)
    return {
        each.path: get(found[on], each.path)
        for on in BASES
        for each in fields(cell, on)
        if get(found[on], each.path) != wanted(each)
    }


def unsent(stage, cell: Cell, wanted: Callable[[WritableField], JsonValue], bodies: Iterable[Settings]) -> set[str]:
    """The fields that no request carried with the wanted value."""
    sent = list(bodies)
    return {
        each.path
        for on in BASES
        for each in fields(cell, on)
        if not any(get(body, each.path) == wanted(each) for body in sent)
    }


def bodies_sent(stage, *operations: str) -> list[Settings]:
    return [body for _, body in stage.sent(*operations)]


def drifted_paths(body):
    return {entry["path"] for entry in body["status"].get("drift", [])}


def drift(stage, cell: Cell) -> None:
    """Change all that can drift at Cloudflare, as somebody in the dashboard does; objects are replaced whole."""
    for on in BASES:
        moved: Settings = {}
        whole = settings(on, created)
        for each in fields(cell, on):
            put(whole, each.path, each.drifted)
        for each in fields(cell, on):
            moved |= each.drifts_with or {each.top: whole[each.top]}
        stage.account.patch_instance(on, **moved)


def assert_at_rest(stage) -> None:
    """Look twice more, and send nothing."""
    before = len(stage.sent())
    stage.await_sweeps()
    assert stage.sent()[before:] == []


def test_every_field_can_be_set_when_an_instance_is_created(stage):
    apply(stage, created)

    assert unlike(stage, Cell.CREATE, created) == {}
    assert unsent(stage, Cell.CREATE, created, bodies_sent(stage)) == set()
    assert stage.count("instances.create") == len(BASES)
    assert_at_rest(stage)


def test_every_field_can_be_updated(stage):
    apply(stage, created)
    before = len(bodies_sent(stage, "instances.update"))

    apply(stage, updated)

    assert unlike(stage, Cell.UPDATE, updated) == {}
    put_bodies = bodies_sent(stage, "instances.update")[before:]
    assert unsent(stage, Cell.UPDATE, updated, put_bodies) == set()
    assert stage.count("instances.create") == len(BASES)
    assert_at_rest(stage)


def test_every_field_that_can_be_cleared_is_cleared_once(stage):
    apply(stage, created)
    sent = len(bodies_sent(stage, "instances.update"))

    stage.kube.apply(*(instance(on, **manifest_spec(cleared(on))) for on in BASES))
    await_ready(stage)

    after = documents(stage)
    still = {each.path for on in BASES for each in fields(Cell.CLEAR, on) if get(after[on], each.path) == each.created}
    assert still == set()
    bodies = bodies_sent(stage, "instances.update")[sent:]
    ways = {each.clears for each in FIELDS if each.clears}
    assert {clearing for clearing in ways if not any(sends(body, clearing) for body in bodies)} == set()
    assert_at_rest(stage)


def cleared(on: str) -> Settings:
    """The settings of an instance when all is cleared that can be."""
    spec = settings(on, created)
    for each in fields(Cell.CLEAR, on):
        if each.clears:
            put(spec, each.clears.path, each.clears.value)
    return spec


def sends(body: Settings, clearing: Clearing) -> bool:
    """Whether a body says that this is to be cleared."""
    parent, _, name = clearing.path.rpartition(".")
    inside = get(body, parent) if parent else body
    return isinstance(inside, dict) and name in inside and inside[name] == clearing.value


def test_every_field_is_set_back_when_somebody_changes_it(stage):
    apply(stage, created)

    sent = len(bodies_sent(stage, "instances.update"))
    drift(stage, Cell.REPAIRED)

    def waiting() -> set[str]:
        put_bodies = bodies_sent(stage, "instances.update")[sent:]
        return unsent(stage, Cell.REPAIRED, created, put_bodies) | unlike(stage, Cell.REPAIRED, created).keys()

    eventually(lambda: not waiting(), lambda: f"not set back: {waiting()}")
    for on in BASES:
        stage.kube.wait_condition(KIND, on, "Drifted", status="False")
    assert_at_rest(stage)


def test_every_field_is_reported_when_somebody_changes_it_and_the_policy_is_to_report(stage):
    apply(stage, created, driftPolicy="Report")
    sent = len(stage.sent())

    drift(stage, Cell.REPORTED)

    def missing() -> dict[str, set[str]]:
        found = {}
        for on in BASES:
            entries = (stage.kube.get(KIND, on) or {})["status"].get("drift", [])
            reported = {entry["path"] for entry in entries}
            found[on] = {each.spec_path for each in fields(Cell.REPORTED, on)} - reported
        return {on: paths for on, paths in found.items() if paths}

    eventually(lambda: not missing(), lambda: f"not reported: {missing()}")
    stage.await_sweeps()
    assert stage.sent()[sent:] == []
    await_ready(stage)
    secret = {each.spec_path: each.secret for each in FIELDS}
    shown = [entry for on in BASES for entry in (stage.kube.get(KIND, on) or {})["status"]["drift"]]
    hidden = {entry["path"] for entry in shown if (entry["desired"], entry["observed"]) == ("(hidden)", "(hidden)")}
    assert hidden == {entry["path"] for entry in shown if secret[entry["path"]]}


def test_what_is_fixed_at_creation_is_reported_under_the_policy_to_repair_too(stage):
    apply(stage, created)
    sent = len(stage.sent())
    fixed = {
        on: [each for each in FIELDS if each.on == on and each.cannot.get(Cell.REPAIRED) == ONLY_REPORTED]
        for on in BASES
    }

    for on, those in fixed.items():
        for each in those:
            stage.account.patch_instance(on, **(each.drifts_with or {each.path: each.drifted}))

    for on, those in fixed.items():
        if those:
            stage.kube.wait_condition(KIND, on, "Drifted", reason="DriftFound")
            paths = {each.spec_path for each in those}
            stage.kube.wait(KIND, on, lambda body, all_of=paths: drifted_paths(body) == all_of, f"drifted in {paths}")
    stage.await_sweeps()
    assert stage.sent()[sent:] == []
    await_ready(stage)


def test_what_cloudflare_fills_in_is_neither_drift_nor_changed(stage):
    sparse: dict[str, Settings] = {}
    for on, base in BASES.items():
        stage.kube.apply(instance(f"bare-{on}", **manifest_spec(base)))
        sparse[on] = dict(base)
        seen = set()
        for each in fields(Cell.DEFAULT, on):
            parent = each.path.rpartition(".")[0]
            if parent and (parent not in seen or parent in WITH_ALL_MEMBERS):
                seen.add(parent)
                put(sparse[on], each.path, each.created)
        stage.kube.apply(instance(f"sparse-{on}", **manifest_spec(sparse[on])))
    names = [f"{kind}-{on}" for on in BASES for kind in ("bare", "sparse")]
    for name in names:
        stage.kube.wait_condition(KIND, name, "Ready")

    stage.await_sweeps()

    assert stage.sent("instances.update") == []
    found = documents(stage)
    for name in names:
        resource = stage.kube.wait_condition(KIND, name, "Drifted", status="False")
        assert resource["status"].get("drift", []) == []
    filled = {
        each.path
        for on in BASES
        for each in fields(Cell.DEFAULT, on)
        if any(
            get(found[name], each.path) is not None and get(given, each.path) is None
            for name, given in ((f"bare-{on}", BASES[on]), (f"sparse-{on}", sparse[on]))
        )
    }
    assert len(filled) > len(FIELDS) / 2, "Cloudflare filled in too little for this to mean something"
