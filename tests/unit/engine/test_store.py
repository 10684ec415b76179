"""The store of known resources."""

from typing import Any

import pytest

from aisearch_operator.engine.store import Departed, Store
from aisearch_operator.resources.group import FINALIZER, INSTANCE_KIND, SYNC_JOB_KIND


def body(name: str, *, uid: str = "", version: str = "1", namespace: str = "team", **parts: Any) -> dict[str, Any]:
    metadata = {
        "name": name,
        "namespace": namespace,
        "uid": uid or f"uid-{name}",
        "resourceVersion": version,
        "managedFields": [{"manager": "kubectl"}],
    }
    return {"apiVersion": "v1", "metadata": metadata, "spec": {}, **parts}


def for_instance(name: str, instance: str, **more: Any) -> dict[str, Any]:
    return body(name, spec={"instanceRef": {"name": instance}}, **more)


def for_unmanaged(name: str, instance: str, search_namespace: str = "default", **more: Any) -> dict[str, Any]:
    return body(name, spec={"instance": {"id": instance, "searchNamespace": search_namespace}}, **more)


def test_an_object_is_kept_without_its_managed_fields():
    store = Store()

    known = store.put(INSTANCE_KIND, body("docs", status={"state": "active"}))

    assert known.body == {
        "metadata": {"name": "docs", "namespace": "team", "uid": "uid-docs", "resourceVersion": "1"},
        "spec": {},
        "status": {"state": "active"},
    }
    assert store.get(known.key) is known


def test_a_newer_version_replaces_the_known_one():
    store = Store()
    store.put(INSTANCE_KIND, body("docs", version="9"))

    known = store.put(INSTANCE_KIND, body("docs", version="10"))

    assert known.resource_version == "10"
    assert store.get(known.key) is known
    assert len(store) == 1


def test_an_older_version_that_arrives_late_is_ignored():
    store = Store()
    newest = store.put(INSTANCE_KIND, body("docs", version="10"))

    assert store.put(INSTANCE_KIND, body("docs", version="9")) is newest
    assert store.get(newest.key) is newest


def test_a_resource_made_again_under_its_name_is_another_object():
    store = Store()
    old = store.put(INSTANCE_KIND, body("docs", uid="old", version="5"))
    new = store.put(INSTANCE_KIND, body("docs", uid="new", version="7"))

    store.drop(old.key)

    assert store.instance("team", "docs") is new
    assert store.get(old.key) is None


def test_a_dropped_object_is_found_by_nothing():
    store = Store()
    job = store.put(SYNC_JOB_KIND, for_instance("nightly", "docs"))
    instance = store.put(INSTANCE_KIND, body("docs"))

    store.drop(job.key)
    store.drop(instance.key)
    store.drop(instance.key)

    assert len(store) == 0
    assert store.instance("team", "docs") is None
    assert list(store.jobs_of("team", "docs")) == []
    assert list(store.all(SYNC_JOB_KIND)) == []


def test_the_sync_jobs_of_an_instance_are_those_of_its_namespace_that_name_it():
    store = Store()
    wanted = [store.put(SYNC_JOB_KIND, for_instance(name, "docs")) for name in ("one", "two")]
    store.put(SYNC_JOB_KIND, for_instance("other-instance", "blog"))
    store.put(SYNC_JOB_KIND, for_instance("other-namespace", "docs", namespace="elsewhere"))
    store.put(SYNC_JOB_KIND, for_unmanaged("unmanaged", "docs"))

    assert sorted(job.key for job in store.jobs_of("team", "docs")) == sorted(job.key for job in wanted)


@pytest.mark.parametrize(
    ("mine", "rival", "are_rivals"),
    [
        (for_instance("a", "docs"), for_instance("b", "docs"), True),
        (for_instance("a", "docs"), for_instance("b", "blog"), False),
        (for_instance("a", "docs"), for_instance("b", "docs", namespace="elsewhere"), False),
        (for_unmanaged("a", "docs"), for_unmanaged("b", "docs"), True),
        (for_unmanaged("a", "docs"), for_unmanaged("b", "blog"), False),
        (for_unmanaged("a", "docs"), for_unmanaged("b", "docs", "archive"), False),
        (for_instance("a", "docs"), for_unmanaged("b", "docs"), False),
    ],
)
def test_rivals_are_the_other_sync_jobs_for_the_same_instance(mine, rival, are_rivals):
    store = Store()
    store.put(SYNC_JOB_KIND, mine)
    other = store.put(SYNC_JOB_KIND, rival)

    assert list(store.rivals("team", "a")) == ([other] if are_rivals else [])


def test_an_unknown_sync_job_has_no_rivals():
    store = Store()
    store.put(SYNC_JOB_KIND, for_instance("b", "docs"))

    assert list(store.rivals("team", "a")) == []


def test_all_gives_one_kind():
    store = Store()
    instance = store.put(INSTANCE_KIND, body("docs"))
    store.put(SYNC_JOB_KIND, for_instance("nightly", "docs"))

    assert list(store.all(INSTANCE_KIND)) == [instance]


def test_an_object_is_deleting_from_its_deletion_timestamp_on():
    store = Store()
    marked = body("docs", version="2")
    marked["metadata"]["deletionTimestamp"] = "2026-11-23T10:00:00Z"

    assert not store.put(INSTANCE_KIND, body("docs")).deleting
    assert store.put(INSTANCE_KIND, marked).deleting


def test_a_version_that_is_known_is_not_packed_again():
    store = Store()
    known = store.put(INSTANCE_KIND, body("docs", version="9"))

    assert store.put(INSTANCE_KIND, body("docs", version="9")) is known


def test_a_body_that_is_changed_by_whoever_asked_for_it_changes_nothing_here():
    known = Store().put(INSTANCE_KIND, body("docs", status={"conditions": [{"type": "Ready"}]}))

    known.body["status"]["conditions"].clear()

    assert known.body["status"]["conditions"] == [{"type": "Ready"}]


def test_a_key_reads_as_kind_namespace_and_name():
    assert str(Store().put(INSTANCE_KIND, body("docs")).key) == "AISearchInstance team/docs"


def for_id(name: str, **spec: Any) -> dict[str, Any]:
    return body(name, spec=spec)


@pytest.mark.parametrize(
    ("made", "found"),
    [
        (for_id("docs"), True),
        (for_id("any", instanceId="docs"), True),
        (for_id("docs", searchNamespace="default"), True),
        (for_id("docs", searchNamespace="archive"), False),
        (for_id("docs", instanceId="blog"), False),
        (body("docs", namespace="elsewhere"), True),
    ],
)
def test_the_resources_for_one_instance_are_found_in_all_namespaces(made, found):
    store = Store()
    known = store.put(INSTANCE_KIND, made)

    assert list(store.instances_at("default", "docs")) == ([known] if found else [])


def test_a_resource_whose_instance_moves_is_found_where_it_is_to_be():
    store = Store()
    store.put(INSTANCE_KIND, body("docs", version="1"))

    moved = store.put(INSTANCE_KIND, body("docs", version="2", spec={"searchNamespace": "archive"}))

    assert list(store.instances_at("default", "docs")) == []
    assert list(store.instances_at("archive", "docs")) == [moved]


def test_what_the_watch_tells_of_an_object_that_was_found_to_have_left_is_in_doubt_until_a_request_shows_it():
    store = Store()
    key = store.put(INSTANCE_KIND, body("docs", version="1")).key
    store.drop(key)

    store.put(INSTANCE_KIND, body("docs", version="2"))
    assert store.doubts(key)
    with pytest.raises(Departed):
        store.check(key)

    store.renew(INSTANCE_KIND, body("docs", version="3"))
    assert not store.doubts(key)
    store.check(key)


def test_an_object_whose_leaving_the_watch_has_told_comes_back_beyond_doubt():
    store = Store()
    key = store.put(INSTANCE_KIND, body("docs", version="1")).key
    store.drop(key)
    store.drop(key, told=True)

    store.put(INSTANCE_KIND, body("docs", version="2"))

    assert not store.doubts(key)


def test_an_answer_about_an_object_that_was_dropped_does_not_bring_it_back():
    store = Store()
    known = store.put(INSTANCE_KIND, body("docs"))
    assert store.renew(INSTANCE_KIND, body("docs", version="2")) is store.get(known.key)

    store.drop(known.key)

    assert store.renew(INSTANCE_KIND, body("docs", version="3")) is None
    assert len(store) == 0


def test_an_object_is_checked_to_be_known():
    store = Store()
    known = store.put(INSTANCE_KIND, body("docs"))
    store.check(known.key)

    store.drop(known.key)

    with pytest.raises(Departed, match="AISearchInstance team/docs is not this operator's any more"):
        store.check(known.key)


@pytest.mark.parametrize(
    ("finalizers", "taken_up"), [(None, False), ([], False), (["x/other"], False), (["x/other", FINALIZER], True)]
)
def test_an_object_with_our_finalizer_was_taken_up_by_some_operator(finalizers, taken_up):
    made = body("docs")
    made["metadata"]["finalizers"] = finalizers

    assert Store().put(INSTANCE_KIND, made).taken_up is taken_up


@pytest.mark.parametrize(
    ("kind", "parts", "urgent"),
    [
        (SYNC_JOB_KIND, {}, False),
        (SYNC_JOB_KIND, {"spec": {"cancel": False, "suspend": False}}, False),
        (SYNC_JOB_KIND, {"spec": {"cancel": True}}, True),
        (SYNC_JOB_KIND, {"spec": {"suspend": True}}, True),
        (SYNC_JOB_KIND, {"status": {"stopping": "DeadlineExceeded"}}, True),
        (INSTANCE_KIND, {"spec": {"suspend": True}}, False),
    ],
)
def test_whatever_ends_a_job_is_urgent(kind, parts, urgent):
    assert Store().put(kind, body("docs", **parts)).urgent is urgent


@pytest.mark.parametrize("kind", [INSTANCE_KIND, SYNC_JOB_KIND])
def test_a_deletion_is_urgent(kind):
    deleted = body("docs")
    deleted["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"

    assert Store().put(kind, deleted).urgent
