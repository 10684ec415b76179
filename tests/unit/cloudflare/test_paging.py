"""Which page is read next: every order of a listing, and listings that change meanwhile."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aisearch_operator.cloudflare import Job, JobLog
from aisearch_operator.cloudflare.paging import (
    Order,
    Page,
    Step,
    chronological,
    is_newest_first,
    last_lines,
    next_job_page,
    order_of,
    step_after,
)

START = datetime(2026, 7, 16, tzinfo=UTC)


def job(minute: int | None) -> Job:
    """A job that started at a minute, or has not started."""
    started = None if minute is None else START + timedelta(minutes=minute)
    return Job.model_validate({"id": f"job-{minute}", "started_at": started})


def since(minute: int) -> datetime:
    return START + timedelta(minutes=minute)


@pytest.mark.parametrize(
    ("pages", "step"),
    [
        ([(3, 3)], Step.DONE),
        ([(0, 0)], Step.DONE),
        ([(2, 5)], Step.MORE),
        ([(2, 4), (2, 4)], Step.DONE),
        ([(2, 4), (2, 5)], Step.MORE),
        ([(2, 5), (2, 4)], Step.AGAIN),
        ([(2, 5), (0, 5)], Step.DONE),
        ([(2, None)], Step.MORE),
        ([(1, None)], Step.DONE),
        ([(2, None), (0, None)], Step.DONE),
    ],
)
def test_a_listing_is_read_until_its_total_and_again_when_it_shrinks(pages, step):
    assert step_after([Page(items=range(count), size=2, total=total) for count, total in pages]) is step


@pytest.mark.parametrize(
    ("minutes", "order"),
    [
        ([5, 4, 1], Order.NEWEST_FIRST),
        ([None, None, 5, 4], Order.NEWEST_FIRST),
        ([5, 5, 4], Order.NEWEST_FIRST),
        ([1, 4, 5], Order.OLDEST_FIRST),
        ([1, 4, 5, None], Order.OLDEST_FIRST),
        ([1, 5, 4], Order.UNKNOWN),
        ([5, None, 4], Order.UNKNOWN),
        ([None, 1, 4], Order.UNKNOWN),
        ([5], Order.UNKNOWN),
        ([5, 5], Order.UNKNOWN),
        ([None, 5], Order.UNKNOWN),
        ([], Order.UNKNOWN),
    ],
)
def test_the_order_of_jobs_is_judged_by_their_starts(minutes, order):
    assert order_of(map(job, minutes)) is order


@pytest.mark.parametrize(
    ("case", "pages", "total", "from_minute", "expected"),
    [
        ("one page holds all", {1: [9, 8]}, 2, 5, None),
        ("no jobs at all", {1: []}, 0, 5, None),
        ("no time given: all pages", {1: [9, 8]}, 6, None, 2),
        ("newest first, not far enough", {1: [9, 8]}, 6, 5, 2),
        ("newest first, far enough", {1: [9, 4]}, 6, 5, None),
        ("newest first, exactly at the time", {1: [9, 5]}, 6, 5, 2),
        ("newest first, second page far enough", {1: [9, 8], 2: [7, 4]}, 8, 5, None),
        ("newest first, unstarted ones lead", {1: [None, 9, 4]}, 6, 5, None),
        ("oldest first: on to the last page", {1: [1, 2]}, 6, 5, 3),
        ("oldest first, last page not far enough", {1: [1, 2], 3: [7, 8]}, 6, 5, 2),
        ("oldest first, last page far enough", {1: [1, 2], 3: [4, 8]}, 6, 5, None),
        ("oldest first, last page has unstarted ones only", {1: [1, 2], 3: [None, None]}, 6, 5, 2),
        ("oldest first, a page was added meanwhile", {1: [1, 2], 3: [4, 8]}, 7, 5, 4),
        ("no order: all pages", {1: [1, 9]}, 6, 5, 3),
        ("mixed: all pages", {1: [1, 9, 2]}, 9, 5, 2),
        ("an unstarted job between old ones: all pages", {1: [4, None, 3]}, 9, 5, 2),
        ("one start proves no order", {1: [9, 9]}, 6, 5, 2),
    ],
)
def test_jobs_are_read_until_every_one_since_a_time_was_seen(case, pages, total, from_minute, expected):
    size = max(len(minutes) for minutes in pages.values()) or 1
    read = {number: Page([job(minute) for minute in minutes], size, total) for number, minutes in pages.items()}
    assert next_job_page(read, None if from_minute is None else since(from_minute)) == expected


def test_without_a_total_jobs_are_read_until_a_page_is_short():
    assert next_job_page({1: Page([job(2), job(1)], 2, None)}, None) == 2
    assert next_job_page({1: Page([job(2), job(1)], 2, None), 2: Page([job(0)], 2, None)}, None) is None


@given(
    st.lists(st.one_of(st.none(), st.integers(0, 30)), max_size=40),
    st.sampled_from(["newest first", "oldest first", "as it comes"]),
    st.integers(0, 30),
    st.integers(1, 7),
)
def test_no_job_since_the_time_is_ever_missed_and_no_page_is_read_twice(minutes, order, from_minute, size):
    if order != "as it comes":
        minutes = sorted(minutes, key=lambda minute: 99 if minute is None else minute, reverse=order == "newest first")
    jobs = [job(minute) for minute in minutes]
    read: dict[int, Page[Job]] = {}
    number: int | None = 1
    while number is not None:
        assert number not in read
        read[number] = Page(jobs[(number - 1) * size : number * size], size, len(jobs))
        number = next_job_page(read, since(from_minute))
    seen = [job for page in read.values() for job in page.items]
    # With all known starts on one page the order can be misjudged only if the listing has no order.
    if order != "as it comes" or order_of(jobs) is not Order.UNKNOWN:
        wanted = [job for job in jobs if job.started_at is None or job.started_at > since(from_minute)]
        assert all(job in seen for job in wanted)


@given(st.integers(501, 5000), st.integers(1, 500))
def test_one_request_reaches_the_end_of_any_log(total, tail):
    page, size = last_lines(total, tail)
    lines = range(total)[(page - 1) * size : page * size]
    assert 1 <= size <= 500
    assert lines[-1] == total - 1
    assert len(lines) >= min(tail, 250)


def line(number: int, second: int | None) -> JobLog:
    return JobLog(id=number, message=f"line {number}", created_at=second)


def test_log_lines_become_chronological_and_distinct():
    lines = [line(2, 20), line(1, 10), line(3, 20), line(1, 10)]
    assert [entry.id for entry in chronological(lines)] == [1, 2, 3]


def test_log_lines_without_times_stay_as_they_came():
    lines = [line(2, None), line(1, 10)]
    assert list(chronological(lines)) == lines


@pytest.mark.parametrize(
    ("seconds", "expected"), [([30, 20, 10], True), ([10, 20, 30], False), ([10], False), ([30, None], False)]
)
def test_a_log_page_is_newest_first_when_its_times_say_so(seconds, expected):
    assert is_newest_first([line(-second if second else 0, second) for second in seconds]) is expected
