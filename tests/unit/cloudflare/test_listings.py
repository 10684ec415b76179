"""How the client reads instances, jobs and logs page by page: nothing missed, nothing twice, no request too many."""

import asyncio
import contextlib
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from aisearch_operator.cloudflare import (
    Cause,
    Priority,
    RequestBudget,
    Retry,
)
from aisearch_operator.cloudflare.instance_sweep import PAGES_AT_ONCE
from unit.cloudflare.scripted_api import NAMESPACE, ScriptedApi, complaint, failure, page_of, success

# Listings


def instances(count: int, namespace: str = "docs") -> list[dict[str, str]]:
    return [{"id": f"i{number}", "namespace": namespace} for number in range(count)]


@pytest.mark.parametrize(("count", "pages"), [(0, 1), (1, 1), (100, 1), (101, 2), (200, 2), (250, 3)])
async def test_all_instances_are_listed_with_no_request_too_many(connect, count, pages):
    api = ScriptedApi(lambda request: page_of(request, instances(count)))
    listing = await connect(api).list_instances(NAMESPACE)
    assert [instance.id for instance in listing.items] == [f"i{number}" for number in range(count)]
    assert api.pages == list(range(1, pages + 1))
    assert all(request.url.params["order_by_direction"] == "asc" for request in api.requests)


async def test_a_listing_without_result_info_ends_with_a_page_that_is_not_full(connect):
    api = ScriptedApi(lambda request: success(instances(100) if request.url.params["page"] == "1" else []))
    listing = await connect(api).list_instances(NAMESPACE)
    assert len(listing.items) == 100
    assert api.pages == [1, 2]


async def test_the_servers_own_page_size_is_respected(connect):
    everything = instances(120)

    def respond(request: httpx.Request) -> httpx.Response:
        page = int(request.url.params["page"])
        part = everything[(page - 1) * 50 : page * 50]
        return success(part, info={"count": len(part), "page": page, "per_page": 50, "total_count": 120})

    listing = await connect(ScriptedApi(respond)).list_instances(NAMESPACE)
    assert len(listing.items) == 120


async def test_an_instance_that_moves_to_the_next_page_is_listed_once(connect):
    before = instances(150)
    after = [{"id": "new", "namespace": "docs"}, *before]
    api = ScriptedApi(lambda request: page_of(request, before if request.url.params["page"] == "1" else after))
    listing = await connect(api).list_instances(NAMESPACE)
    assert sorted(instance.id for instance in listing.items) == sorted(instance["id"] for instance in before)


async def test_a_listing_that_shrinks_while_it_is_read_is_read_again_so_that_nothing_is_missed(connect):
    before, after = instances(150), instances(150)[1:]
    answers = iter([before, after, after, after])
    api = ScriptedApi(lambda request: page_of(request, next(answers)))
    listing = await connect(api).list_instances(NAMESPACE)
    assert [instance.id for instance in listing.items] == [instance["id"] for instance in after]
    assert api.pages == [1, 2, 1, 2]


async def test_a_listing_that_never_stops_shrinking_is_given_up(connect):
    sizes = iter(range(200, 0, -1))
    api = ScriptedApi(lambda request: page_of(request, instances(next(sizes))))
    with pytest.raises(Retry) as caught:
        await connect(api).list_instances(NAMESPACE)
    assert caught.value.cause is Cause.CONFLICT
    assert len(api.requests) == 6


async def test_a_server_that_repeats_the_first_page_does_not_hold_the_client_for_ever(connect):
    first = instances(100)
    info = {"count": 100, "page": 1, "per_page": 100, "total_count": 10**9}
    api = ScriptedApi(lambda request: success(first, info=info))
    with pytest.raises(Retry, match="repeats"):
        await connect(api).list_instances(NAMESPACE)
    assert len(api.requests) <= 1 + PAGES_AT_ONCE


async def test_a_sweep_goes_on_with_the_page_that_failed(connect):
    everything = instances(350)
    failing = {3}

    def respond(request: httpx.Request) -> httpx.Response:
        page = int(request.url.params["page"])
        return failure(503, complaint(7017)) if page in failing else page_of(request, everything)

    api = ScriptedApi(respond)
    sweep = connect(api).sweep_instances(NAMESPACE, lambda instance: instance)
    with pytest.raises(Retry):
        await sweep.read()
    assert sweep.pages == 2
    failing.clear()
    api.requests.clear()

    listing = await sweep.read()

    assert [instance.id for instance in listing.items] == [f"i{number}" for number in range(350)]
    assert api.pages == [3, 4]


async def test_pages_that_are_answered_out_of_order_while_instances_are_created_are_no_reason_to_begin_anew(connect):
    """Page 4 is answered before page 3: its total is smaller, although nothing has left the listing."""
    everything = instances(450)
    totals = {"1": [440], "2": [441], "3": [443], "4": [442, 444], "5": [450, 450]}

    def respond(request: httpx.Request) -> httpx.Response:
        page = request.url.params["page"]
        total = totals[page].pop(0)
        part = everything[:total][(int(page) - 1) * 100 : int(page) * 100]
        return success(part, info={"count": len(part), "page": int(page), "per_page": 100, "total_count": total})

    api = ScriptedApi(respond)
    listing = await connect(api).list_instances(NAMESPACE)

    assert len(listing.items) == 450
    assert api.pages == [1, 2, 3, 4, 5, 4, 5]


@pytest.mark.parametrize(("spent", "together"), [(0, PAGES_AT_ONCE), (20, 1)], ids=["ample", "scarce"])
async def test_pages_are_read_together_only_while_the_budget_is_ample(connect, spent, together):
    everything = instances(1000)
    under_way, most = 0, 0

    class Slow(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            nonlocal under_way, most
            under_way += 1
            most = max(most, under_way)
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            under_way -= 1
            return page_of(request, everything)

    budget = RequestBudget(clock=lambda: 0.0)
    for _ in range(spent):
        budget.take(Priority.CANCEL)
    client = connect(ScriptedApi(success([])), budget=budget, transport=Slow())
    sweep = client.sweep_instances(NAMESPACE, lambda instance: instance)
    with contextlib.suppress(Retry):  # the clock stands still: the budget ends
        await sweep.read()
    assert most == together


async def test_instances_of_other_namespaces_are_left_out(connect):
    mixed = [*instances(2), *instances(2, "other"), {"id": "unlabelled"}]
    listing = await connect(ScriptedApi(success(mixed))).list_instances(NAMESPACE)
    assert [instance.id for instance in listing.items] == ["i0", "i1", "unlabelled"]


async def test_the_time_of_a_listing_is_the_servers_at_its_first_page(connect):
    dates = iter(["Thu, 16 Jul 2026 19:35:43 GMT", "Thu, 16 Jul 2026 19:40:00 GMT"])

    def respond(request: httpx.Request) -> httpx.Response:
        response = page_of(request, instances(150))
        response.headers["date"] = next(dates)
        return response

    listing = await connect(ScriptedApi(respond)).list_instances(NAMESPACE)
    assert listing.server_time == datetime(2026, 7, 16, 19, 35, 43, tzinfo=UTC)


@pytest.mark.parametrize("date", [None, "not a date"])
async def test_without_a_readable_date_the_time_of_a_listing_is_ours(connect, date):
    headers = {} if date is None else {"date": date}
    before = datetime.now(UTC)
    listing = await connect(ScriptedApi(success([], **headers))).list_instances(NAMESPACE)
    assert before <= listing.server_time <= datetime.now(UTC)


FIRST_START = datetime(2026, 7, 16, tzinfo=UTC)


def jobs(count: int) -> list[dict[str, str]]:
    """Jobs that started minute by minute, oldest first."""
    return [
        {"id": f"j{number}", "started_at": (FIRST_START + timedelta(minutes=number)).isoformat()}
        for number in range(count)
    ]


@pytest.mark.parametrize(
    ("everything", "pages"),
    [(jobs(500)[::-1], [1]), (jobs(500), [1, 10]), (jobs(30), [1]), (jobs(500)[::-1] + jobs(1), [1])],
    ids=["newest first", "oldest first", "one page", "newest first with a tail out of order"],
)
async def test_only_the_pages_with_recent_jobs_are_read(connect, everything, pages):
    api = ScriptedApi(lambda request: page_of(request, everything))
    since = FIRST_START + timedelta(minutes=470)
    listing = await connect(api).list_jobs(NAMESPACE, "docs", since=since)
    assert api.pages == pages
    recent = {job["id"] for job in everything if job["started_at"] > since.isoformat()}
    assert recent <= {job.id for job in listing.items}


async def test_all_jobs_are_read_without_a_time(connect):
    api = ScriptedApi(lambda request: page_of(request, jobs(120)))
    listing = await connect(api).list_jobs(NAMESPACE, "docs")
    assert [job.id for job in listing.items] == [job["id"] for job in jobs(120)]
    assert api.pages == [1, 2, 3]


def log(count: int) -> list[dict[str, object]]:
    return [{"id": n, "message": f"line {n}", "message_type": 0, "created_at": 1_700_000_000 + n} for n in range(count)]


@pytest.mark.parametrize("everything", [log(1203), log(1203)[::-1], log(60), log(60)[::-1], log(501)])
@pytest.mark.parametrize("tail", [1, 50, 250])
async def test_the_last_lines_of_a_log_are_read_oldest_first_in_two_requests(connect, everything, tail):
    api = ScriptedApi(lambda request: page_of(request, everything))
    lines = await connect(api).job_logs(NAMESPACE, "docs", "j1", tail=tail)
    last = len(everything) - 1
    expected = list(range(max(0, last - tail + 1), last + 1))
    assert [line.id for line in lines] == expected
    assert len(api.requests) <= 2


async def test_a_long_tail_of_a_log_has_no_gap(connect):
    api = ScriptedApi(lambda request: page_of(request, log(5001)))
    lines = await connect(api).job_logs(NAMESPACE, "docs", "j1", tail=499)
    ids = [line.id for line in lines]
    assert ids == list(range(5001 - len(ids), 5001))


async def test_no_tail_asks_for_nothing(connect):
    api = ScriptedApi(success([]))
    assert await connect(api).job_logs(NAMESPACE, "docs", "j1", tail=0) == ()
    assert api.requests == []
