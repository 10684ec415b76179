"""The memory of fields that the API does not show."""

import pytest
from pydantic import JsonValue

from aisearch_operator.domain.write_only import changed_fields, cleared_digest, decode, encode
from unit.builders import UID

PROMPT = {"system_prompt_ai_search": "Answer in verse."}


def test_only_write_only_fields_are_remembered():
    assert set(decode(encode({**PROMPT, "chunk_size": 512, "chunk": True}, UID))) == {
        "chunk",
        "system_prompt_ai_search",
    }


def test_nothing_to_remember_is_an_empty_text():
    assert encode({"chunk_size": 512}, UID) == ""


@pytest.mark.parametrize("text", [None, ""])
def test_no_memory_holds_no_fields(text):
    assert decode(text) == {}


def test_the_memory_does_not_hold_the_value():
    assert "verse" not in encode(PROMPT, UID)


def test_equal_values_of_two_resources_cannot_be_told_from_their_memories():
    assert encode(PROMPT, UID) != encode(PROMPT, "another")


def test_equal_values_of_two_fields_have_different_digests():
    digests = decode(encode({"system_prompt_ai_search": "x", "system_prompt_rewrite_query": "x"}, UID))

    assert len(set(digests.values())) == 2


@pytest.mark.parametrize(
    ("remembered", "settings", "changed"),
    [
        (PROMPT, PROMPT, set()),
        (PROMPT, {"system_prompt_ai_search": "Answer in prose."}, {"system_prompt_ai_search"}),
        (PROMPT, {**PROMPT, "chunk": False}, {"chunk"}),
        (PROMPT, {}, set()),
        ({}, PROMPT, {"system_prompt_ai_search"}),
        ({"chunk": True}, {"chunk": False}, {"chunk"}),
        ({"chunk": False}, {"chunk": 0}, {"chunk"}),
    ],
)
def test_a_field_has_changed_when_its_value_is_not_the_one_that_was_sent(remembered, settings, changed):
    assert changed_fields(settings, UID, encode(remembered, UID)) == changed


def test_everything_has_changed_when_nothing_is_remembered():
    assert changed_fields(PROMPT, UID, None) == {"system_prompt_ai_search"}


def test_a_prompt_that_is_cleared_has_changed():
    assert changed_fields({"system_prompt_ai_search": None}, UID, encode(PROMPT, UID)) == {"system_prompt_ai_search"}


def test_what_was_cleared_is_remembered_beside_what_is_write_only():
    digest = cleared_digest(UID, "ai_gateway_id", "default")

    text = encode({**PROMPT, "ai_gateway_id": None}, UID, {"ai_gateway_id": digest})

    assert decode(text) == {**decode(encode(PROMPT, UID)), "ai_gateway_id": digest}


def test_the_memory_of_a_cleared_field_tells_values_apart_but_not_the_ways_to_say_nothing():
    def digest(shown: JsonValue) -> str:
        return cleared_digest(UID, "ai_search_model", shown)

    assert digest(None) == digest("") == digest({}) == digest([])
    different: list[JsonValue] = [None, "@cf/a", "@cf/b", {"use_ocr": False}, False]
    assert len({digest(shown) for shown in different}) == len(different)
