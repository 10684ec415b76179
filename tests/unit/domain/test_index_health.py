"""What is said of an index and of a pause: the cause, and what a person can do about it."""

import pytest

from aisearch_operator.cloudflare.wire import Stats
from aisearch_operator.domain.index_health import REMEDIES, indexed, paused
from aisearch_operator.domain.reasons import Reason
from aisearch_operator.resources.conditions import Condition
from unit.builders import NOW, wire_instance


def broken(*codes: str) -> Stats:
    return Stats(completed=3, index_source_errors=dict.fromkeys(codes, 1))


def before(reason: str, status: str = "True") -> Condition:
    return Condition(type="Paused", status=status, last_transition_time=NOW, reason=reason, message="as before")


@pytest.mark.parametrize("code", REMEDIES)
def test_an_error_of_the_source_is_named_with_its_remedy_paused_or_not(code):
    reason = Reason.BLOCKED_BY_SITE if code.startswith("blocked_by") else Reason.SOURCE_ERROR

    _, status, why, message = indexed(wire_instance(paused=False), broken(code))
    _, stopped, because, way_out = paused(wire_instance(paused=True), broken(code), wanted=None, before=None)

    assert (status, why) == ("False", reason)
    assert (stopped, because) == ("True", reason)
    for text in (message, way_out):
        assert f"{code} ({REMEDIES[code]})" in text
    assert "spec.paused: false" in way_out


@pytest.mark.parametrize(
    ("stats", "state", "expected"),
    [
        (Stats(completed=3), "active", ("True", Reason.INDEX_COMPLETE)),
        (Stats(degraded=True), "active", ("Unknown", Reason.INDEX_UNKNOWN)),
        (Stats(degraded=True, index_source_errors={"bucket_not_found": 1}), None, ("False", Reason.SOURCE_ERROR)),
        (Stats(index_source_errors={"bucket_not_found": 0, "r2_not_enabled": {}}), None, ("True", "IndexComplete")),
        (broken("blocked_by_robots_txt", "bucket_not_found"), None, ("False", Reason.SOURCE_ERROR)),
        (Stats(queued=2), "blocked_by_robots_txt", ("False", Reason.BLOCKED_BY_SITE)),
        (Stats(), "Blocked by Content Signals", ("False", Reason.BLOCKED_BY_SITE)),
        (Stats(queued=2), "indexing", ("False", Reason.INDEXING)),
        (Stats(completed=3, error=2), "active", ("False", Reason.INDEX_ERRORS)),
    ],
)
def test_what_stops_the_whole_index_goes_before_what_stops_a_part(stats, state, expected):
    assert indexed(wire_instance(status=state), stats)[1:3] == expected


def test_kinds_of_errors_are_named_without_their_number_and_bounded():
    codes = [f"kind_{number:02}" + "x" * 200 for number in range(20)]
    few = Stats(error=3, file_embed_errors={"over_size": 2, "unsupported_type": 1, "file_not_found": 0})

    message = indexed(None, few)[3]
    many = indexed(None, Stats(error=20, file_embed_errors=dict.fromkeys(codes, 1)))[3]

    assert message.startswith(
        "Some items could not be indexed (how many: status.stats.error): over_size, unsupported_type"
    )
    assert message == indexed(None, few.model_copy(update={"error": 30}))[3]
    assert "and 15 more kinds" in many
    assert len(many) < 600


@pytest.mark.parametrize(
    ("observed", "wanted", "expected"),
    [
        (False, None, ("False", Reason.NOT_PAUSED)),
        (None, None, ("False", Reason.NOT_PAUSED)),
        (False, True, ("False", Reason.NOT_PAUSED)),
        (True, True, ("True", Reason.PAUSED_BY_SPEC)),
        (True, None, ("True", Reason.PAUSED_AT_CLOUDFLARE)),
        (True, False, ("True", Reason.PAUSED_AT_CLOUDFLARE)),
    ],
)
def test_a_pause_is_told_by_who_made_it(observed, wanted, expected):
    assert paused(wire_instance(paused=observed), Stats(), wanted=wanted, before=None)[1:3] == expected


def test_an_idle_pause_says_how_to_resume():
    message = paused(wire_instance(paused=True), Stats(), wanted=None, before=None)[3]

    assert "31 days" in message
    assert "spec.paused: false" in message


@pytest.mark.parametrize("reason", [Reason.SOURCE_ERROR, Reason.BLOCKED_BY_SITE])
def test_the_cause_of_a_pause_is_not_forgotten_while_statistics_are_missing(reason):
    kept = paused(wire_instance(paused=True), None, wanted=None, before=before(reason))
    read = paused(wire_instance(paused=True), Stats(), wanted=None, before=before(reason))

    assert kept == ("Paused", "True", reason, "as before")
    assert read[2] == Reason.PAUSED_AT_CLOUDFLARE
