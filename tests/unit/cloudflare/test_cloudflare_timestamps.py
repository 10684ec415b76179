"""The one parser of time stamps: every format of the wild, and no exception for anything else."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aisearch_operator.cloudflare.timestamps import parse_http_date, parse_timestamp

EXPECTED = datetime(2026, 7, 16, 19, 35, 43, tzinfo=UTC)


@pytest.mark.parametrize(
    "value",
    [
        "2026-07-16 19:35:43",
        "2026-07-16T19:35:43",
        "2026-07-16T19:35:43Z",
        "2026-07-16T19:35:43+00:00",
        "2026-07-16T21:35:43+02:00",
        " 2026-07-16 19:35:43 ",
        "2026-07-16T19:35:43.000Z",
        "2026-07-16T19:35:43.000000000Z",
        1784230543,
        1784230543.0,
        1784230543000,
        1784230543000000,
        datetime(2026, 7, 16, 19, 35, 43),  # noqa: DTZ001 a time without a zone is the point
    ],
)
def test_every_format_of_the_api_is_the_same_utc_time(value):
    assert parse_timestamp(value) == EXPECTED


@pytest.mark.parametrize("value", [None, "", "soon", "2026-13-45 99:00:00", True, [], {}, float("nan"), float("inf")])
def test_what_is_no_time_is_none(value):
    assert parse_timestamp(value) is None


@given(st.one_of(st.text(), st.integers(), st.floats(), st.none(), st.booleans(), st.lists(st.integers())))
def test_nothing_makes_the_parser_raise_or_give_a_time_without_zone(value):
    parsed = parse_timestamp(value)
    assert parsed is None or parsed.tzinfo is UTC


def test_an_http_date_is_read():
    assert parse_http_date("Thu, 16 Jul 2026 19:35:43 GMT") == EXPECTED


@given(st.one_of(st.none(), st.text()))
def test_nothing_makes_the_http_date_parser_raise(value):
    parsed = parse_http_date(value)
    assert parsed is None or parsed.tzinfo is UTC
