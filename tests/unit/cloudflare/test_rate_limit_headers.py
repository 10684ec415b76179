"""The rate limit headers, as Cloudflare documents them and as nobody does."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aisearch_operator.cloudflare.ratelimit import Remaining, parse_remaining, parse_retry_after


def test_the_documented_example_is_read():
    headers = {"Ratelimit": '"default";r=50;t=30', "Ratelimit-Policy": '"burst";q=100;w=60'}
    assert parse_remaining(headers) == (Remaining("default", requests=50, reset=30, quota=100),)


def test_several_policies_are_joined_by_name():
    headers = {
        "ratelimit": '"default";r=900;t=200, "burst";r=7;t=3',
        "ratelimit-policy": '"burst";q=100;w=60, "default";q=1200;w=300',
    }
    assert parse_remaining(headers) == (
        Remaining("default", requests=900, reset=200, quota=1200),
        Remaining("burst", requests=7, reset=3, quota=100),
    )


def test_without_a_policy_the_quota_is_unknown():
    assert parse_remaining({"Ratelimit": "default;r=50"}) == (Remaining("default", 50, None, None),)


def test_without_a_reset_the_window_of_the_policy_stands_for_it():
    headers = {"Ratelimit": '"default";r=5', "Ratelimit-Policy": '"default";q=100;w=60'}
    assert parse_remaining(headers) == (Remaining("default", requests=5, reset=60, quota=100),)


@pytest.mark.parametrize("value", ["", "rubbish", '"default"', '"default";r=', '"default";r=-1;t=x', ";;;,,,"])
def test_a_header_without_a_remaining_count_says_nothing(value):
    assert parse_remaining({"Ratelimit": value}) == ()


@given(st.text(), st.text())
def test_no_header_makes_the_parser_raise(limit, policy):
    parse_remaining({"Ratelimit": limit, "Ratelimit-Policy": policy})
    parse_retry_after({"Retry-After": limit, "Date": policy})


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, None),
        ({"Retry-After": "17"}, 17.0),
        ({"retry-after": "0"}, 0.0),
        ({"Retry-After": "-5"}, None),
        ({"Retry-After": "nan"}, None),
        ({"Retry-After": "soon"}, None),
        ({"Retry-After": "Thu, 16 Jul 2026 19:36:43 GMT", "Date": "Thu, 16 Jul 2026 19:35:43 GMT"}, 60.0),
        ({"Retry-After": "Thu, 16 Jul 2026 19:35:43 GMT", "Date": "Thu, 16 Jul 2026 19:36:43 GMT"}, 0.0),
        ({"Retry-After": "Thu, 16 Jul 2026 19:36:43 GMT"}, None),
    ],
)
def test_retry_after_is_seconds_or_a_date_compared_with_the_servers_own(headers, expected):
    assert parse_retry_after(headers) == expected
