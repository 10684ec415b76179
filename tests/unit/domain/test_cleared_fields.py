"""Fields that the spec sets to null: Cloudflare fills something in, which is neither drift nor wanted."""

from typing import Any

import pytest

from aisearch_operator.cloudflare.wire import Instance
from aisearch_operator.domain.instance_plan import (
    Create,
    Keep,
    Memory,
    Update,
    plan,
    remember,
)
from unit.builders import desired, managing, wire_instance

CLEARED = desired({"indexing_options": None})


def indexing(tokenizer: str | None, **more: Any) -> Instance:
    """An instance with the options that Cloudflare fills in, or with none."""
    options = {"keyword_tokenizer": tokenizer, **more} if tokenizer else None
    return wire_instance(indexing_options=options)


@pytest.mark.parametrize(
    ("then", "now", "sent"),
    [
        pytest.param(indexing("porter"), indexing("porter"), False, id="as it was after the clearing"),
        pytest.param(indexing("porter"), indexing("porter", later=1), False, id="with a field of a later version"),
        pytest.param(indexing("porter"), indexing(None), False, id="empty"),
        pytest.param(indexing("porter"), indexing("trigram"), True, id="changed by somebody"),
        pytest.param(indexing(None), indexing("trigram"), True, id="set by somebody"),
        pytest.param(indexing(None), indexing(None), False, id="still empty"),
    ],
)
@pytest.mark.parametrize("was", ["created", "cleared", "found"])
def test_what_cloudflare_fills_in_for_null_is_not_drift_and_a_change_of_it_is(was, then, now, sent):
    done: Create | Update | Keep = Keep((), adopted=False)
    if was == "created":
        done = Create({}, {})
    elif was == "cleared":
        done = Update({"indexing_options": None}, because=(), left=(), cause="spec", adopted=False)
    digests = remember(CLEARED, Memory(), done, then)

    decision = plan(CLEARED, now, Memory("default", digests, spec_applied=True))

    assert (decision.body if isinstance(decision, Update) else None) == ({"indexing_options": None} if sent else None)


def test_reported_drift_of_a_cleared_field_does_not_become_what_is_wanted():
    wanted = desired({"indexing_options": None}, repairs_drift=False)
    before = remember(wanted, Memory(), Create({}, {}), indexing("porter"))
    memory = Memory("default", before, spec_applied=True)

    decision = plan(wanted, indexing("trigram"), memory)

    assert isinstance(decision, Keep)
    assert [found.entry for found in decision.drift] == [
        ("indexingOptions", "null", '{"keyword_tokenizer":"trigram"}'),
    ]
    assert remember(wanted, memory, decision, indexing("trigram")) == before


def test_a_null_that_the_spec_says_again_clears_again():
    first = remember(CLEARED, Memory(), Create({}, {}), indexing("porter"))
    value = desired({"indexing_options": {"keyword_tokenizer": "trigram"}})
    second = remember(
        value, managing(), Update(value.settings, (), (), cause="spec", adopted=False), indexing("trigram")
    )

    assert (first != "", second) == (True, "")
    assert isinstance(plan(CLEARED, indexing("trigram"), Memory("default", second)), Update)
