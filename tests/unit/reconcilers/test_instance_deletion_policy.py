"""Deletion policies: who decides, what is read for it, and files that exist nowhere else."""

import pytest

from aisearch_operator.kube.api import Forbidden
from unit.reconcilers.bench import ready_instance

ANNOTATION = "aisearch.cloudflare.com/deletion-policy"


async def end(bench, key):
    bench.mark_deleted(key)
    await bench.make_pass(key)
    assert bench.released(key)
    return bench.writes(), bench.drain_events()


@pytest.mark.parametrize(
    ("annotation", "setting", "kept", "told"),
    [
        (None, "Delete", False, ("Normal", "Deleted")),
        (None, "Retain", True, ("Normal", "Retained")),
        ("Retain", "Delete", True, ("Normal", "Retained")),
        ("Delete", "Retain", False, ("Normal", "Deleted")),
        ("Keep", "Delete", True, ("Warning", "Retained")),
    ],
)
async def test_where_the_spec_says_nothing_the_namespace_decides_and_then_the_operator(
    bench, annotation, setting, kept, told
):
    await bench.restart(deletion_policy=setting)
    if annotation is not None:
        bench.kube.annotations["team"] = {ANNOTATION: annotation}
    key = await ready_instance(bench)

    sent, events = await end(bench, key)

    assert sent == ([] if kept else [("instances.delete", None)])
    assert events == [told]


async def test_without_the_right_to_read_the_namespace_the_instance_stays_and_an_event_says_why(bench):
    key = await ready_instance(bench)
    bench.kube.fail("read_annotations", Forbidden("The API server answered 403 Forbidden"))
    bench.mark_deleted(key)

    await bench.make_pass(key)

    assert bench.writes() == []
    ((_, kind, reason, message),) = bench.kube.events
    assert (kind, reason) == ("Warning", "Retained")
    assert "no right to get namespace team" in message


async def test_the_word_of_the_spec_is_enough(bench):
    key = await ready_instance(bench, deletionPolicy="Delete")
    bench.kube.fail("read_annotations", Forbidden("nobody shall ask"))

    sent, _ = await end(bench, key)

    assert sent == [("instances.delete", None)]
    assert bench.kube.failures["read_annotations"]


async def test_a_resource_that_never_got_an_instance_reads_nothing(bench):
    key = bench.instance(searchNamespace="missing")
    await bench.make_pass(key)
    bench.requests()
    bench.mark_deleted(key)
    bench.kube.fail("read_annotations", Forbidden("nobody shall ask"))

    await bench.make_pass(key)

    assert bench.released(key)
    assert bench.requests() == []
    assert bench.kube.failures["read_annotations"]


@pytest.mark.parametrize("policy", [{}, {"deletionPolicy": "Delete"}], ids=["by default", "by its own spec"])
@pytest.mark.parametrize("files", [0, 7])
async def test_uploaded_files_are_deleted_only_when_the_spec_itself_says_so(bench, policy, files):
    key = await ready_instance(bench, source=None, **policy)
    bench.account.set_files("docs", files)

    sent, events = await end(bench, key)

    if files and not policy:
        assert (sent, events) == ([], [("Warning", "FilesKept")])
    else:
        assert (sent, events) == ([("instances.delete", None)], [("Normal", "Deleted")])


async def test_files_that_cannot_be_counted_are_kept(bench):
    key = await ready_instance(bench, source=None)
    bench.account.configure(stats_degraded=True)

    sent, events = await end(bench, key)

    assert (sent, events) == ([], [("Warning", "FilesKept")])


async def test_files_that_cannot_be_counted_because_the_api_is_away_are_asked_for_again(bench):
    key = await ready_instance(bench, source=None)
    bench.account.fail("instances.stats", 503, 7017)
    bench.mark_deleted(key)

    await bench.make_pass(key)
    waited = not bench.released(key)
    await bench.make_pass(key)

    assert waited
    assert bench.released(key)
    assert bench.account.instances() == []


async def test_files_in_a_bucket_are_no_reason_to_keep_an_instance(bench):
    key = await ready_instance(bench)
    bench.account.set_files("docs", 7)

    sent, _ = await end(bench, key)

    assert sent == [("instances.delete", None)]
