"""The answer to an update, completed by what it leaves out."""

import pytest

from aisearch_operator.domain.update_answer import completed
from unit.builders import wire_instance

DOMAINS = {"enabled": True, "custom_domains": ["a.example"]}
NONE_SHOWN = {"enabled": True, "custom_domains": None}


@pytest.mark.parametrize(
    ("answered", "before", "sent", "expected"),
    [
        (NONE_SHOWN, DOMAINS, {"chunk_size": 512}, DOMAINS),
        (NONE_SHOWN, DOMAINS, {"public_endpoint_params": {"enabled": True}}, DOMAINS),
        (NONE_SHOWN, DOMAINS, {"public_endpoint_params": NONE_SHOWN}, NONE_SHOWN),
        (NONE_SHOWN, None, {"chunk_size": 512}, NONE_SHOWN),
        (NONE_SHOWN, NONE_SHOWN, {"chunk_size": 512}, NONE_SHOWN),
        (DOMAINS, {"enabled": True, "custom_domains": ["old.example"]}, {"chunk_size": 512}, DOMAINS),
        (None, DOMAINS, {"chunk_size": 512}, None),
    ],
)
def test_custom_domains_that_were_not_sent_are_still_there(answered, before, sent, expected):
    answer = wire_instance(public_endpoint_params=answered, chunk_size=512)

    whole = completed(answer, wire_instance(public_endpoint_params=before), sent)

    assert whole.settings["public_endpoint_params"] == expected
    assert whole.settings["chunk_size"] == 512
    assert whole.created_at == answer.created_at
