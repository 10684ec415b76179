"""The status of an instance resource, from what a pass found."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from aisearch_operator.cloudflare.wire import Stats
from aisearch_operator.domain.conditions import condition
from aisearch_operator.domain.difference import Difference
from aisearch_operator.domain.endpoints import endpoints_of
from aisearch_operator.domain.instance_status import MAX_DRIFT, Finding, Publication, summarize
from aisearch_operator.domain.reasons import Reason
from aisearch_operator.domain.verdict import Verdict
from aisearch_operator.resources.instance import AISearchInstanceStatus
from unit.builders import NOW, said, wire_instance

LATER = NOW + timedelta(minutes=5)
FRESH = AISearchInstanceStatus()
FINE = Verdict.fine(Reason.SYNCED, "")
DRIFT = Difference("chunk_size", "chunkSize", 512, 256)


def summarized(
    previous: AISearchInstanceStatus = FRESH,
    verdict: Verdict = FINE,
    *,
    generation: int = 1,
    now: datetime = NOW,
    **found: Any,
) -> AISearchInstanceStatus:
    return summarize(previous, Finding(verdict, **found), generation=generation, now=now)


def indexed(status: AISearchInstanceStatus) -> tuple[str, str] | None:
    found = condition(status.conditions, "Indexed")
    return (found.status, found.reason) if found else None


def test_the_instance_is_shown_as_cloudflare_shows_it():
    seen = wire_instance(status="indexing", paused=True, modified_at="2026-11-23 12:00:07", source="bucket")

    status = summarized(observed=seen, account_id="acc", search_namespace="archive", instance_id="docs", acted=True)

    assert status.to_kubernetes() | {"conditions": []} == {
        "observedGeneration": 1,
        "conditions": [],
        "accountId": "acc",
        "searchNamespace": "archive",
        "instanceId": "docs",
        "state": "indexing",
        "paused": True,
        "createdAt": "2026-11-23T12:00:00Z",
        "modifiedAt": "2026-11-23T12:00:07Z",
        "lastSyncedTime": "2026-11-23T12:00:00Z",
        "drift": [],
    }


def test_a_pass_that_saw_nothing_changes_nothing_but_the_verdict():
    before = summarized(
        observed=wire_instance(status="active"),
        account_id="acc",
        search_namespace="default",
        instance_id="docs",
        stats=Stats(completed=3),
        drift=(DRIFT,),
        write_only_hash="chunk:1",
        acted=True,
    )

    after = summarized(before, Verdict.working("ApiUnavailable", "503"), generation=2, now=LATER)

    unchanged = {"observed_generation": 1, "conditions": before.conditions}
    assert after.model_copy(update=unchanged) == before
    assert after.observed_generation == 2
    assert condition(after.conditions, "Drifted") == condition(before.conditions, "Drifted")


def test_the_same_finding_again_gives_the_same_status():
    found: dict[str, Any] = {
        "observed": wire_instance(),
        "stats": Stats(completed=3),
        "drift": (DRIFT,),
        "write_only_hash": "chunk:1",
    }
    before = summarized(**found)

    assert summarized(before, now=LATER, **found) == before


@pytest.mark.parametrize(
    ("stats", "expected"),
    [
        (Stats(completed=3), ("True", Reason.INDEX_COMPLETE)),
        (Stats(), ("True", Reason.INDEX_COMPLETE)),
        (Stats(completed=3, queued=1), ("False", Reason.INDEXING)),
        (Stats(running=1), ("False", Reason.INDEXING)),
        (Stats(queued=1, error=1), ("False", Reason.INDEXING)),
        (Stats(completed=3, error=1), ("False", Reason.INDEX_ERRORS)),
        (Stats(degraded=True), ("Unknown", Reason.INDEX_UNKNOWN)),
        (None, ("Unknown", Reason.INDEX_UNKNOWN)),
    ],
)
def test_the_index_is_judged_by_its_statistics(stats, expected):
    assert indexed(summarized(observed=wire_instance(), stats=stats)) == expected


def test_nothing_is_said_of_the_index_before_the_instance_was_seen():
    assert indexed(summarized(verdict=Verdict.working("ApiUnavailable", ""))) is None


def test_a_pass_without_statistics_keeps_what_was_said_of_the_index():
    before = summarized(observed=wire_instance(), stats=Stats(completed=3))

    assert indexed(summarized(before, observed=wire_instance())) == ("True", Reason.INDEX_COMPLETE)


def test_drift_is_listed_with_the_time_at_which_it_was_first_seen():
    before = summarized(drift=(DRIFT,))
    second = Difference("cache", "cache", True, False)

    after = summarized(before, drift=(second, DRIFT), now=LATER)

    assert [(entry.path, entry.since) for entry in after.drift] == [("cache", LATER), ("chunkSize", NOW)]
    drifted = said(after.conditions, "Drifted")
    assert (drifted.status, drifted.reason, drifted.last_transition_time) == ("True", Reason.DRIFT_FOUND, NOW)
    assert drifted.message == "Different at Cloudflare: cache, chunkSize"


def test_drift_that_is_gone_is_not_listed_any_more():
    after = summarized(summarized(drift=(DRIFT,)), drift=(), now=LATER)

    assert after.drift == ()
    drifted = said(after.conditions, "Drifted")
    assert (drifted.status, drifted.reason, drifted.last_transition_time) == ("False", Reason.NO_DRIFT, LATER)


def test_more_drift_than_status_can_hold_is_cut():
    many = tuple(Difference("metadata", f"field{number:03}", 1, 2) for number in range(100))

    assert len(summarized(drift=many).drift) == MAX_DRIFT


def test_a_refused_value_has_its_own_reason():
    drifted = said(summarized(drift=(DRIFT,), drift_reason=Reason.NOT_ACCEPTED).conditions, "Drifted")

    assert drifted.reason == Reason.NOT_ACCEPTED


def test_the_memory_of_write_only_fields_changes_only_when_the_fields_were_compared():
    before = summarized(drift=(), write_only_hash="chunk:1")

    assert summarized(before, Verdict.working("ApiUnavailable", "")).write_only_hash == "chunk:1"
    assert summarized(before, drift=(), write_only_hash="").write_only_hash is None


def test_the_time_of_the_last_write_moves_only_with_a_write():
    before = summarized(acted=True)

    assert summarized(before, now=LATER).last_synced_time == NOW
    assert summarized(before, acted=True, now=LATER).last_synced_time == LATER


def test_the_endpoints_and_the_config_map_stay_as_they_were_when_a_pass_says_nothing_of_them():
    endpoints = endpoints_of("https://api.example.com", "acc", "default", wire_instance())
    before = summarized(
        endpoints=endpoints, publication=Publication("cm", published=True, reason=Reason.PUBLISHED, message="there")
    )

    after = summarized(before, Verdict.working(Reason.WORKING, ""))

    assert (after.endpoints, after.connection_config_map) == (endpoints, "cm")
    assert said(after.conditions, "ConnectionPublished").status == "True"


def test_a_config_map_that_could_not_be_written_does_not_touch_readiness():
    status = summarized(
        publication=Publication(None, published=False, reason=Reason.CONFIG_MAP_NOT_OURS, message="taken")
    )

    assert said(status.conditions, "Ready").status == "True"
    published = said(status.conditions, "ConnectionPublished")
    assert (published.status, published.reason, published.message) == ("False", "ConfigMapNotOurs", "taken")
