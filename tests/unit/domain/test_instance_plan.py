"""What is done about an instance: tables of wanted, seen and remembered."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from aisearch_operator.cloudflare.wire import Instance
from aisearch_operator.domain.instance_plan import (
    Create,
    Desired,
    Keep,
    Memory,
    Update,
    plan,
    still_different,
)
from unit.builders import desired, managing, wire_instance

NOBODYS = Memory()


@pytest.mark.parametrize(
    ("settings", "body", "then"),
    [
        ({}, {}, {}),
        ({"source": "bucket", "chunk_size": 512}, {"source": "bucket", "chunk_size": 512}, {}),
        ({"token_id": "t", "chunk": False}, {"token_id": "t", "chunk": False}, {}),
        ({"paused": True}, {}, {"paused": True}),
        ({"summarization": True, "source": "b"}, {"source": "b"}, {"summarization": True}),
        ({"summarization_model": "m"}, {}, {"summarization_model": "m"}),
        ({"system_prompt_ai_search": "p"}, {}, {"system_prompt_ai_search": "p"}),
        ({"system_prompt_index_summarization": "p"}, {}, {"system_prompt_index_summarization": "p"}),
        ({"system_prompt_rewrite_query": "p"}, {}, {"system_prompt_rewrite_query": "p"}),
        ({"ai_gateway_id": None, "system_prompt_ai_search": None}, {}, {}),
        (
            {"public_endpoint_params": {"enabled": True, "custom_domains": None}},
            {"public_endpoint_params": {"enabled": True}},
            {},
        ),
    ],
)
@pytest.mark.parametrize("memory", [NOBODYS, managing()], ids=["new", "deleted behind our back"])
def test_a_missing_instance_is_created_with_what_the_user_set_and_what_only_an_update_takes_follows(
    settings, body, then, memory
):
    assert plan(desired(settings), None, memory) == Create({"id": "docs", **body}, then)


@dataclass(frozen=True)
class Row:
    """A managed instance: what the user set, what Cloudflare shows beside, what was sent before, what is PUT."""

    name: str
    wanted: dict[str, Any]
    seen: dict[str, Any]
    put: dict[str, Any] | None
    sent: dict[str, Any] | None = None
    left: list[str] = field(default_factory=list)


ENDPOINT = {
    "enabled": True,
    "authorized_hosts": ["a.example"],
    "mcp": {"disabled": False, "description": "Finds"},
    "custom_domains": None,
    "default_domain_enabled": True,
    "of_a_later_version": 1,
}

ROWS = [
    Row("nothing is wanted", {}, {"chunk_size": 256}, None),
    Row("all is as wanted", {"chunk_size": 512}, {"chunk_size": 512}, None),
    Row(
        "only the field that differs",
        {"chunk_size": 512, "cache": True},
        {"chunk_size": 1, "cache": True},
        {"chunk_size": 512},
    ),
    Row(
        "two fields",
        {"chunk_size": 512, "cache": True},
        {"chunk_size": 1, "cache": False},
        {"cache": True, "chunk_size": 512},
    ),
    Row("false is a value", {"reranking": False}, {"reranking": True}, {"reranking": False}),
    Row("zero is a value", {"chunk_overlap": 0}, {"chunk_overlap": 10}, {"chunk_overlap": 0}),
    Row("an empty model resets", {"rewrite_model": ""}, {"rewrite_model": "@cf/x"}, {"rewrite_model": ""}),
    Row("an empty model is null", {"rewrite_model": ""}, {"rewrite_model": None}, None),
    Row(
        "an empty list clears",
        {"custom_metadata": []},
        {"custom_metadata": [{"field_name": "a"}]},
        {"custom_metadata": []},
    ),
    Row(
        "a nested object is sent whole, with what Cloudflare filled in",
        {"source_params": {"prefix": "a/"}},
        {"source_params": {"prefix": "b/", "r2_jurisdiction": "eu", "include_items": ["x"]}},
        {"source_params": {"prefix": "a/", "r2_jurisdiction": "eu", "include_items": ["x"]}},
    ),
    Row(
        "nested twice",
        {"source_params": {"web_crawler": {"parse_options": {"include_images": True}}}},
        {"source_params": {"web_crawler": {"parse_type": "sitemap", "parse_options": {"use_browser_rendering": True}}}},
        {
            "source_params": {
                "web_crawler": {
                    "parse_type": "sitemap",
                    "parse_options": {"use_browser_rendering": True, "include_images": True},
                }
            }
        },
    ),
    Row(
        "keys that a PUT may not carry, and nulls, stay out",
        {"public_endpoint_params": {"enabled": False}},
        {"public_endpoint_params": ENDPOINT},
        {
            "public_endpoint_params": {
                "enabled": False,
                "authorized_hosts": ["a.example"],
                "mcp": {"disabled": False, "description": "Finds"},
                "default_domain_enabled": True,
            }
        },
    ),
    Row(
        "an observed object that this version cannot read",
        {"index_method": {"vector": True, "keyword": True}},
        {"index_method": {"vector": "sometimes", "keyword": True}},
        {"index_method": {"vector": True, "keyword": True}},
    ),
    Row(
        "values that this version does not know go back as they came, or they would be reset",
        {"public_endpoint_params": {"enabled": True}},
        {
            "public_endpoint_params": {
                "enabled": False,
                "authorized_hosts": ["a.example"],
                "rate_limit": {"technique": "of-tomorrow", "requests": 0, "of_a_later_version": 1},
            }
        },
        {
            "public_endpoint_params": {
                "enabled": True,
                "authorized_hosts": ["a.example"],
                "rate_limit": {"technique": "of-tomorrow", "requests": 0},
            }
        },
    ),
    Row(
        "keys of a later version stay out of lists, too",
        {"retrieval_options": {"keyword_match_mode": "or"}},
        {"retrieval_options": {"boost_by": [{"field": "timestamp", "direction": None, "weight": 2}]}},
        {"retrieval_options": {"boost_by": [{"field": "timestamp"}], "keyword_match_mode": "or"}},
    ),
    Row(
        "an observed object of another type",
        {"source_params": {"prefix": "a/"}},
        {"source_params": "b/"},
        {"source_params": {"prefix": "a/"}},
    ),
    Row(
        "a list is replaced",
        {"source_params": {"include_items": ["a"]}},
        {"source_params": {"include_items": ["a", "b"]}},
        {"source_params": {"include_items": ["a"]}},
    ),
    Row(
        "a header that was taken out of the spec goes",
        {"source_params": {"web_crawler": {"parse_options": {"include_headers": {"A": "1"}}}}},
        {
            "source_params": {
                "web_crawler": {"parse_type": "sitemap", "parse_options": {"include_headers": {"A": "1", "B": "2"}}}
            }
        },
        {"source_params": {"web_crawler": {"parse_type": "sitemap", "parse_options": {"include_headers": {"A": "1"}}}}},
    ),
    Row("null clears a value", {"ai_gateway_id": None}, {"ai_gateway_id": "mine"}, {"ai_gateway_id": None}),
    Row("null and nothing are one", {"ai_search_model": None}, {"ai_search_model": ""}, None),
    Row(
        "null clears a whole object",
        {"source_params": None},
        {"source_params": {"prefix": "a/"}},
        {"source_params": None},
    ),
    Row(
        "null clears a member of an object, which is sent whole",
        {"public_endpoint_params": {"custom_domains": None}},
        {"public_endpoint_params": {"enabled": True, "custom_domains": ["a.example"]}},
        {"public_endpoint_params": {"enabled": True, "custom_domains": None}},
    ),
    Row(
        "null clears a prompt that is not shown",
        {"system_prompt_ai_search": None},
        {},
        {"system_prompt_ai_search": None},
        sent={"system_prompt_ai_search": "p"},
    ),
    Row(
        "a prompt that was cleared",
        {"system_prompt_ai_search": None},
        {"system_prompt_ai_search": None},
        None,
        sent={"system_prompt_ai_search": None},
    ),
    Row("paused is set when it is wanted", {"paused": False}, {"paused": True}, {"paused": False}),
    Row("paused unset is hands off", {}, {"paused": True}, None),
    Row("the type is never sent", {"type": "r2"}, {"type": "web-crawler"}, None, left=["type"]),
    Row("the source is never sent", {"source": "a"}, {"source": "b"}, None, left=["source"]),
    Row(
        "the embedding model is never sent",
        {"embedding_model": "a"},
        {"embedding_model": "b"},
        None,
        left=["embeddingModel"],
    ),
    Row(
        "the deprecated hybrid switch is never sent",
        {"hybrid_search_enabled": False},
        {"hybrid_search_enabled": True},
        None,
        left=["hybridSearchEnabled"],
    ),
    Row(
        "what is fixed stays beside what can be sent",
        {"source": "a", "chunk_size": 512},
        {"source": "b", "chunk_size": 1},
        {"chunk_size": 512},
        left=["source"],
    ),
    Row(
        "a prompt that was sent and is not shown",
        {"system_prompt_ai_search": "p"},
        {},
        None,
        sent={"system_prompt_ai_search": "p"},
    ),
    Row("a prompt that was never sent", {"system_prompt_ai_search": "p"}, {}, {"system_prompt_ai_search": "p"}),
    Row(
        "a prompt that was changed in the spec",
        {"system_prompt_ai_search": "q"},
        {"system_prompt_ai_search": None},
        {"system_prompt_ai_search": "q"},
        sent={"system_prompt_ai_search": "p"},
    ),
    Row(
        "a prompt that a list shows otherwise",
        {"system_prompt_ai_search": "p"},
        {"system_prompt_ai_search": "theirs"},
        {"system_prompt_ai_search": "p"},
        sent={"system_prompt_ai_search": "p"},
    ),
    Row(
        "a prompt that a list shows as wanted", {"system_prompt_ai_search": "p"}, {"system_prompt_ai_search": "p"}, None
    ),
    Row(
        "chunk that a list shows otherwise", {"chunk": False}, {"chunk": True}, {"chunk": False}, sent={"chunk": False}
    ),
    Row("a token that was sent", {"token_id": "t"}, {"token_id": None}, None, sent={"token_id": "t"}),
    Row("a token that was sent, whatever is shown", {"token_id": "t"}, {"token_id": "u"}, None, sent={"token_id": "t"}),
    Row("a token that was replaced", {"token_id": "u"}, {"token_id": "u"}, {"token_id": "u"}, sent={"token_id": "t"}),
]


@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
def test_an_update_carries_only_what_differs(row):
    decision = plan(desired(row.wanted), wire_instance(**row.seen), managing(row.sent or {}))

    if row.put is None:
        assert isinstance(decision, Keep)
        assert [difference.path for difference in decision.drift] == row.left
    else:
        assert isinstance(decision, Update)
        assert decision.body == row.put
        assert [difference.path for difference in decision.left] == row.left
        assert not decision.adopted


@pytest.mark.parametrize(("applied", "cause"), [(True, "drift"), (False, "spec")])
def test_a_difference_is_drift_once_the_spec_was_applied_in_full(applied, cause):
    decision = plan(desired({"chunk_size": 512}), wire_instance(chunk_size=1), managing(applied=applied))

    assert isinstance(decision, Update)
    assert decision.cause == cause


def test_reported_drift_is_kept_and_named():
    decision = plan(desired({"chunk_size": 512}, repairs_drift=False), wire_instance(chunk_size=1), managing())

    assert isinstance(decision, Keep)
    assert [difference.entry for difference in decision.drift] == [("chunkSize", "512", "1")]


REPORTED = frozenset({("chunkSize", "512", "1")})


@pytest.mark.parametrize(
    ("wanted", "seen", "put"),
    [
        ({"chunk_size": 512, "cache": False}, {"chunk_size": 1, "cache": True}, {"cache": False}),
        ({"chunk_size": 600}, {"chunk_size": 1}, {"chunk_size": 600}),
        ({"chunk_size": 512}, {"chunk_size": 2}, {"chunk_size": 512}),
        ({"chunk_size": 512}, {"chunk_size": 1}, None),
    ],
)
def test_an_edit_of_the_spec_is_sent_and_leaves_the_drift_that_was_reported(wanted, seen, put):
    memory = managing(applied=False, known_drift=REPORTED)

    decision = plan(desired(wanted, repairs_drift=False), wire_instance(**seen), memory)

    assert (decision.body if isinstance(decision, Update) else None) == put


@pytest.mark.parametrize("repairs_drift", [True, False])
@pytest.mark.parametrize("applied", [True, False])
def test_a_value_that_cloudflare_does_not_take_is_not_sent_again(repairs_drift, applied):
    memory = managing(applied=applied, known_drift=REPORTED)

    decision = plan(desired({"chunk_size": 512}, repairs_drift=repairs_drift), wire_instance(chunk_size=1), memory)

    assert isinstance(decision, Keep)


HIDDEN = frozenset({("systemPromptAiSearch", "(hidden)", "(hidden)")})


def test_another_prompt_is_sent_although_the_one_before_was_not_taken():
    wanted = {"system_prompt_ai_search": "second"}
    memory = managing({"system_prompt_ai_search": "first"}, applied=False, known_drift=HIDDEN)

    decision = plan(desired(wanted), wire_instance(system_prompt_ai_search="theirs"), memory)

    assert isinstance(decision, Update)
    assert decision.body == wanted


def test_another_header_is_sent_although_the_one_before_was_not_taken():
    def crawler(value: str) -> dict[str, Any]:
        return {"source_params": {"web_crawler": {"parse_options": {"include_headers": {"A": value}}}}}

    path = "sourceParams.webCrawler.parseOptions.includeHeaders"
    memory = managing(applied=False, known_drift=frozenset({(path, "(hidden)", "(hidden)")}))

    assert isinstance(plan(desired(crawler("second")), wire_instance(**crawler("theirs")), memory), Update)


def test_what_was_not_taken_over_is_what_the_answer_still_shows():
    wanted = desired({"chunk_size": 512, "cache": False, "chunk": False, "source": "a"})
    before = wire_instance(chunk_size=1, cache=True, chunk=True, source="b")
    update = plan(wanted, before, managing())
    assert isinstance(update, Update)

    left = still_different(wanted, wire_instance(chunk_size=1, cache=False, source="b"), update)

    assert [difference.path for difference in left] == ["source", "chunkSize", "chunk"]


def test_what_the_spec_has_changed_and_answers_never_show_counts_as_taken_over():
    wanted = desired({"chunk": False})
    update = plan(wanted, wire_instance(chunk=True), managing(applied=False))
    assert isinstance(update, Update)

    assert still_different(wanted, wire_instance(), update) == ()


def test_a_field_that_is_sent_whole_is_left_only_once():
    wanted = desired({"source_params": {"prefix": "a/", "r2_jurisdiction": "eu"}})
    memory = managing(known_drift=frozenset({("sourceParams.r2Jurisdiction", '"eu"', '"default"')}))
    update = plan(wanted, wire_instance(source_params={"prefix": "b/", "r2_jurisdiction": "default"}), memory)
    assert isinstance(update, Update)

    left = still_different(wanted, wire_instance(source_params={"prefix": "a/", "r2_jurisdiction": "default"}), update)

    assert [difference.path for difference in left] == ["sourceParams.r2Jurisdiction"]


def rounds(wanted: Desired, listed: Instance, answer: Instance) -> list[str]:
    """Reconcile against an API that takes nothing over, as the reconciler does, and give what was decided."""
    memory, decisions = managing(applied=False), []
    for _ in range(5):
        decision = plan(wanted, listed, memory)
        decisions.append(type(decision).__name__)
        assert isinstance(decision, Update | Keep)
        left = still_different(wanted, answer, decision) if isinstance(decision, Update) else decision.drift
        memory = managing(wanted.settings, known_drift=frozenset(difference.entry for difference in left))
    return decisions


@pytest.mark.parametrize(
    ("wanted", "listed", "shown"),
    [
        ({"chunk_size": 512}, {"chunk_size": 256}, {"chunk_size": 256}),
        ({"ai_search_model": "fast"}, {"ai_search_model": "@cf/fast"}, {"ai_search_model": "@cf/fast"}),
        ({"chunk": False}, {"chunk": True}, {}),
        ({"summarization_model": "fast"}, {"summarization_model": "@cf/fast"}, {}),
    ],
)
def test_an_api_that_keeps_another_value_is_not_asked_for_ever(wanted, listed, shown):
    decisions = rounds(desired(wanted), wire_instance(**listed), wire_instance(**shown))

    assert decisions[-3:] == ["Keep", "Keep", "Keep"]
