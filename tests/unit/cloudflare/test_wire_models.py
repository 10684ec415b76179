"""The wire models take whatever the API sends, as long as it says what it is about."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from aisearch_operator.cloudflare import MISSING, Instance, Job, JobLog, Stats
from aisearch_operator.cloudflare.wire import ApiError, Envelope

json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-(2**53), 2**53), st.floats(allow_nan=False), st.text()),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(st.text(), inner, max_size=3)),
    max_leaves=8,
)


def keys_of(model: type) -> st.SearchStrategy:
    return st.sampled_from(sorted(model.model_fields))  # type: ignore[attr-defined]


@pytest.mark.parametrize("model", [Instance, Job])
@given(data=st.data())
def test_only_the_id_must_be_right(model, data):
    received = data.draw(st.dictionaries(keys_of(model), json_values)) | {"id": "x", "new_key": 1}
    assert model.model_validate(received).id == "x"


@pytest.mark.parametrize("model", [Stats, JobLog, ApiError])
@given(data=st.data())
def test_nothing_is_required_where_there_is_no_identity(model, data):
    model.model_validate(data.draw(st.dictionaries(keys_of(model), json_values)))


@pytest.mark.parametrize("model", [Instance, Job])
@pytest.mark.parametrize("received", [{}, {"id": None}, {"id": ""}, {"id": 7}, [], None, "x"])
def test_an_object_without_an_id_is_refused(model, received):
    with pytest.raises(ValidationError):
        model.model_validate(received)


@given(st.dictionaries(st.sampled_from(["result", "result_info", "errors", "messages"]), json_values))
def test_an_envelope_needs_nothing_but_success(received):
    assert Envelope.model_validate({**received, "success": True}).success


def test_every_setting_is_read_as_received():
    received = {"id": "x", "cache": None, "source_params": {"prefix": "a/"}, "status": "a_new_one", "settings": 1}
    instance = Instance.model_validate(received)
    assert instance.settings == received
    assert instance.setting("source_params") == {"prefix": "a/"}
    assert instance.status == "a_new_one"


def test_a_setting_that_is_null_is_told_from_one_that_is_missing():
    instance = Instance.model_validate({"id": "x", "cache": None})
    assert instance.setting("cache") is None
    assert instance.setting("chunk") is MISSING


def test_settings_survive_construction_by_keywords():
    assert Instance(id="x", namespace="docs").settings == {"id": "x", "namespace": "docs"}


def test_instances_that_differ_in_a_setting_are_not_equal():
    one = {"id": "x", "chunk_size": 256}
    assert Instance.model_validate(one) == Instance.model_validate(dict(one))
    assert Instance.model_validate(one) != Instance.model_validate(one | {"chunk_size": 512})


def test_times_of_all_formats_are_read():
    job = Job.model_validate({"id": "j", "started_at": "2026-07-16 19:35:43", "ended_at": "2026-07-16T19:36:43Z"})
    assert job.started_at == datetime(2026, 7, 16, 19, 35, 43, tzinfo=UTC)
    assert job.ended_at == datetime(2026, 7, 16, 19, 36, 43, tzinfo=UTC)
    assert Job.model_validate({"id": "j", "started_at": "soon"}).started_at is None


def test_stats_keep_the_error_maps():
    stats = Stats.model_validate({"queued": 3, "file_embed_errors": {"a.md": "too_large"}, "engine": None})
    assert (stats.queued, stats.completed) == (3, None)
    assert stats.file_embed_errors == {"a.md": "too_large"}
    assert stats.engine == {}
