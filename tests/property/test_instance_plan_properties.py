"""The instance plan for arbitrary settings: what is sent is enough, and never more than the user set."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from aisearch_operator.cloudflare.wire import Instance
from aisearch_operator.domain.bodies import without_nulls
from aisearch_operator.domain.difference import WRITE_ONLY, differences, is_empty
from aisearch_operator.domain.instance_plan import (
    NEVER_UPDATED,
    UPDATE_ONLY,
    Create,
    Desired,
    Keep,
    Memory,
    Move,
    Refuse,
    Update,
    creation,
    is_ours,
    plan,
    remember,
    still_different,
)
from aisearch_operator.kube.status_writer import merge_patch
from aisearch_operator.resources.instance_settings import InstanceSettings
from unit.builders import desired, managing, wire_instance
from unit.fake_kube import apply_merge_patch

words = st.sampled_from(["", "a", "b"])
flags = st.booleans()
headers = st.dictionaries(st.sampled_from(["Accept", "X-Token"]), st.sampled_from(["a", "b"]), min_size=1)


def objects(**members: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Build objects with some of their members."""
    return st.fixed_dictionaries({}, optional=members)


FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "type": st.sampled_from(["r2", "web-crawler"]),
    "source": st.sampled_from(["a", "b"]),
    "embedding_model": words,
    "token_id": st.sampled_from(["t", "u"]),
    "paused": flags,
    "chunk": flags,
    "summarization": flags,
    "summarization_model": words,
    "system_prompt_ai_search": words,
    "rewrite_query": flags,
    "ai_search_model": words,
    "chunk_size": st.integers(64, 66),
    "score_threshold": st.sampled_from([0, 0.0, 0.5, 1, 1.0]),
    "index_method": st.fixed_dictionaries({"vector": flags, "keyword": flags}),
    "source_params": objects(
        prefix=words,
        include_items=st.lists(st.sampled_from(["a", "b"]), max_size=2),
        web_crawler=objects(
            parse_type=st.sampled_from(["sitemap", "discover"]),
            parse_options=objects(include_images=flags, include_headers=headers),
        ),
    ),
    "retrieval_options": objects(
        keyword_match_mode=st.sampled_from(["and", "or"]),
        boost_by=st.lists(st.fixed_dictionaries({"field": st.just("timestamp")}), max_size=2),
    ),
    "custom_metadata": st.lists(
        st.fixed_dictionaries({"field_name": st.sampled_from(["x", "y"]), "data_type": st.just("text")}), max_size=2
    ),
    "public_endpoint_params": objects(
        enabled=flags,
        authorized_hosts=st.lists(st.just("a.example"), max_size=1),
        mcp=objects(disabled=flags),
    ),
    "metadata": objects(worker_domain=words, search_for_agents=objects(hostname=words)),
}
CLEARABLE = ("source_params", "retrieval_options", "ai_search_model", "summarization_model", "system_prompt_ai_search")
settings = objects(**{name: st.none() | values if name in CLEARABLE else values for name, values in FIELDS.items()})
"""What a spec may say; null clears."""

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-2, 2) | st.floats(allow_nan=False, allow_infinity=False) | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=8,
)
shown = objects(**{name: st.none() | json_values | values for name, values in FIELDS.items()}, later_field=json_values)
"""What Cloudflare may show: anything, known or not."""

stored = objects(**FIELDS)
later = st.dictionaries(st.sampled_from(["later_field", "engine_version"]), json_values)
defaults = objects(**{name: FIELDS[name] for name in CLEARABLE if name not in WRITE_ONLY})
"""What Cloudflare puts in the place of what was cleared."""


@dataclass
class Server:
    """Cloudflare, with all that facts 2.3 and 2.4 say of what it shows."""

    stored: dict[str, Any]
    defaults: Mapping[str, Any]
    lists_hidden: bool
    nulls_empty_text: bool
    later: Mapping[str, Any]

    def put(self, body: Mapping[str, Any]) -> Instance:
        """Merge at the top level, and answer without what is write-only."""
        self.stored |= {name: self.defaults.get(name) if value is None else value for name, value in body.items()}
        return self._shown(hidden=WRITE_ONLY)

    def listed(self) -> Instance:
        return self._shown(hidden=frozenset({"token_id"}) if self.lists_hidden else WRITE_ONLY)

    def _shown(self, hidden: frozenset[str]) -> Instance:
        visible = {name: value for name, value in self.stored.items() if name not in hidden}
        if self.nulls_empty_text:
            visible = {name: None if value == "" else value for name, value in visible.items()}
        return wire_instance(**{**self.later, **visible})


servers = st.builds(Server, stored=stored, defaults=defaults, lists_hidden=flags, nulls_empty_text=flags, later=later)


def reconciled(wanted: Desired, server: Server, memory: Memory) -> tuple[Update | Keep, Memory]:
    """Make a pass, as the reconciler does."""
    decision, answer = plan(wanted, server.listed(), memory), server.listed()
    assert not isinstance(decision, Create | Move | Refuse)
    if isinstance(decision, Update):
        for body in filter(None, (decision.body, decision.then)):
            answer = server.put(body)
        left = still_different(wanted, answer, decision)
    else:
        left = decision.drift
    digests = remember(wanted, memory, decision, answer)
    known = frozenset(found.entry for found in left)
    return decision, Memory("default", digests, spec_applied=True, known_drift=known)


@given(wanted=settings, server=servers, sent=settings, repairs=flags)
def test_after_a_pass_there_is_nothing_left_to_send(wanted, server, sent, repairs):
    wanted = desired(wanted, repairs_drift=repairs)
    first, memory = reconciled(wanted, server, managing(sent, applied=False))

    second, after = reconciled(wanted, server, memory)

    left = first.left if isinstance(first, Update) else first.drift
    assert second == Keep(left, adopted=False)
    assert after == memory


@given(wanted=settings, server=servers, drifted=stored)
def test_what_somebody_changed_is_set_back_whether_it_is_a_value_or_a_null(wanted, server, drifted):
    wanted = desired(wanted)
    _, memory = reconciled(wanted, server, managing(applied=False))
    before = dict(server.stored)
    server.stored |= drifted

    reconciled(wanted, server, memory)

    values = without_nulls(wanted.settings)
    visible = values.keys() - NEVER_UPDATED - WRITE_ONLY
    assert differences({field: values[field] for field in visible}, server.stored) == ()
    for field in wanted.settings.keys() - values.keys() - WRITE_ONLY:
        now = server.stored.get(field)
        assert is_empty(now) or now in (before.get(field), server.defaults.get(field))


@given(wanted=settings, server=servers, unknown=later)
def test_unknown_fields_of_an_answer_never_matter(wanted, server, unknown):
    memory = managing(applied=False)
    plain = plan(desired(wanted), server.listed(), memory)
    server.later = unknown

    assert plan(desired(wanted), server.listed(), memory) == plain


@given(options=FIELDS["source_params"], unknown=json_values)
def test_an_unknown_member_of_a_cleared_object_is_no_drift(options, unknown):
    filled_in = {"source_params": options}
    server = Server(dict(filled_in), filled_in, lists_hidden=True, nulls_empty_text=False, later={})
    _, memory = reconciled(desired({"source_params": None}), server, managing(applied=False))
    server.stored["source_params"] = {**options, "of_a_later_version": unknown}

    decision, _ = reconciled(desired({"source_params": None}), server, memory)

    assert decision == Keep((), adopted=False)


@given(value=st.dictionaries(words, json_values))
def test_nothing_differs_from_itself(value):
    assert differences(value, value) == ()


@given(wanted=settings)
def test_every_settings_object_of_these_tests_is_one_of_the_api(wanted):
    InstanceSettings.model_validate(wanted)


@given(wanted=settings, observed=shown, applied=flags, sent=settings)
def test_after_an_update_there_is_nothing_left_to_send_whatever_was_shown_before(wanted, observed, applied, sent):
    memory = managing(sent, applied=applied)
    first = plan(desired(wanted), wire_instance(**observed), memory)
    if isinstance(first, Keep):
        return
    assert isinstance(first, Update)

    answer = wire_instance(**{**observed, **first.body, **first.then})
    digests = remember(desired(wanted), memory, first, answer)
    second = plan(desired(wanted), answer, Memory("default", digests, spec_applied=True))

    assert second == Keep(first.left, adopted=False)
    assert [
        found for found in still_different(desired(wanted), answer, first) if found.field not in WRITE_ONLY
    ] == list(first.left)


@given(wanted=settings, observed=shown, sent=settings)
def test_an_update_carries_only_fields_that_the_user_set_and_that_can_change(wanted, observed, sent):
    decision = plan(desired(wanted), wire_instance(**observed), managing(sent))
    body = {**decision.body, **decision.then} if isinstance(decision, Update) else {}

    assert body.keys() <= wanted.keys() - NEVER_UPDATED
    assert differences({field: wanted[field] for field in body}, body) == ()
    assert all(body[field] is None for field in body if wanted[field] is None)


@given(wanted=settings, observed=stored, unknown=later)
def test_an_update_is_one_of_the_api_when_what_is_shown_has_only_fields_besides(wanted, observed, unknown):
    seen: dict[str, Any] = {**observed, **unknown}
    for name, value in observed.items():
        seen[name] = {**value, **unknown} if isinstance(value, dict) else value
    decision = plan(desired(wanted), wire_instance(**seen), managing(applied=False))
    body = {**decision.body, **decision.then} if isinstance(decision, Update) else {}

    InstanceSettings.model_validate(body)
    text = json.dumps(body)
    assert not any(f'"{name}"' in text for name in unknown)


@given(wanted=settings, observed=shown)
def test_the_metadata_of_search_for_agents_are_never_in_one_request_with_the_public_endpoint(wanted, observed):
    decision = plan(desired(wanted), wire_instance(**observed), managing())
    if isinstance(decision, Update):
        for body in (decision.body, decision.then):
            metadata: Any = body.get("metadata", {})
            assert not (metadata.get("search_for_agents") and "public_endpoint_params" in body)
        assert not decision.body.keys() & decision.then.keys()
        assert decision.body or not decision.then


@given(wanted=settings, observed=shown)
def test_what_is_only_reported_is_never_sent(wanted, observed):
    assert isinstance(plan(desired(wanted, repairs_drift=False), wire_instance(**observed), managing(wanted)), Keep)


@given(wanted=settings)
def test_a_creation_sends_each_field_once(wanted):
    made = creation(desired(wanted))

    assert {**made.body, **made.then} == {"id": "docs", **without_nulls(wanted)}
    assert not made.body.keys() & made.then.keys()
    assert made.then.keys() <= UPDATE_ONLY


@given(wanted=settings, defaults=settings)
def test_what_was_created_is_ours_whatever_cloudflare_filled_in(wanted, defaults):
    made = creation(desired(wanted))

    assert is_ours(desired(wanted), wire_instance(**{**defaults, **{k: v for k, v in made.body.items() if k != "id"}}))


objects_without_null = st.recursive(
    st.booleans() | st.integers(-2, 2) | words | st.lists(st.integers(0, 2), max_size=2),
    lambda inner: st.dictionaries(words, inner, max_size=3),
    max_leaves=10,
).map(lambda value: value if isinstance(value, dict) else {"a": value})


@given(before=objects_without_null, after=objects_without_null)
def test_a_merge_patch_leads_from_one_status_to_the_other(before, after):
    assert apply_merge_patch(before, merge_patch(before, after)) == after


@given(status=objects_without_null)
def test_a_merge_patch_between_equal_statuses_is_empty(status):
    assert merge_patch(status, status) == {}
