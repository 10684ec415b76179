"""The client: what it sends, how it reads listings, and that every failure is a typed error."""

import asyncio
import contextlib
import logging
import traceback
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from aisearch_operator.cloudflare import (
    AlreadyExists,
    Cause,
    CloudflareError,
    Credentials,
    JobAlreadyEnded,
    NotFound,
    Priority,
    RequestBudget,
    RequestRecord,
    Retry,
    SearchNamespace,
    Terminal,
    Unauthorized,
)
from aisearch_operator.cloudflare import answer as answer_module
from aisearch_operator.cloudflare.instance_sweep import PAGES_AT_ONCE
from unit.cloudflare.scripted_api import NAMESPACE, TOKEN, ScriptedApi, complaint, failure, page_of, success

INSTANCE = {"id": "docs", "namespace": "docs", "status": "active"}
JOB = {"id": "j1", "source": "user", "started_at": "2026-07-16 19:35:43"}
PREFIX = "/client/v4/accounts/acc0/ai-search/namespaces/docs/instances"

OPERATIONS: dict[str, tuple[Any, ...]] = {
    "list_instances": (lambda c: c.list_instances(NAMESPACE), "GET", "", None, [INSTANCE]),
    "get_instance": (lambda c: c.get_instance(NAMESPACE, "docs"), "GET", "/docs", None, INSTANCE),
    "create_instance": (lambda c: c.create_instance(NAMESPACE, {"id": "docs"}), "POST", "", {"id": "docs"}, INSTANCE),
    "update_instance": (
        lambda c: c.update_instance(NAMESPACE, "docs", {"cache": None}),
        "PUT",
        "/docs",
        {"cache": None},
        INSTANCE,
    ),
    "move_instance": (
        lambda c: c.move_instance(NAMESPACE, "docs", "other"),
        "PATCH",
        "/docs",
        {"new_namespace": "other"},
        {},
    ),
    "delete_instance": (lambda c: c.delete_instance(NAMESPACE, "docs"), "DELETE", "/docs", None, INSTANCE),
    "instance_stats": (lambda c: c.instance_stats(NAMESPACE, "docs"), "GET", "/docs/stats", None, {"queued": 1}),
    "list_jobs": (lambda c: c.list_jobs(NAMESPACE, "docs"), "GET", "/docs/jobs", None, [JOB]),
    "get_job": (lambda c: c.get_job(NAMESPACE, "docs", "j1"), "GET", "/docs/jobs/j1", None, JOB),
    "create_job": (
        lambda c: c.create_job(NAMESPACE, "docs", "nightly"),
        "POST",
        "/docs/jobs",
        {"description": "nightly"},
        JOB,
    ),
    "cancel_job": (
        lambda c: c.cancel_job(NAMESPACE, "docs", "j1"),
        "PATCH",
        "/docs/jobs/j1",
        {"action": "cancel"},
        JOB,
    ),
    "job_logs": (lambda c: c.job_logs(NAMESPACE, "docs", "j1", tail=5), "GET", "/docs/jobs/j1/logs", None, []),
}
WRITES = [name for name, (_, method, *_) in OPERATIONS.items() if method != "GET"]


@pytest.mark.parametrize("name", OPERATIONS)
async def test_each_operation_sends_one_request_to_the_namespaced_path(connect, name):
    operate, method, path, body, result = OPERATIONS[name]
    api = ScriptedApi(success(result))
    await operate(connect(api))
    (request,) = api.requests
    assert (request.method, request.url.path) == (method, PREFIX + path)
    assert (api.last_body if request.content else None) == body


@pytest.mark.parametrize("name", OPERATIONS)
async def test_no_operation_tries_again_after_an_error(connect, name):
    api = ScriptedApi(failure(503, complaint(7017)))
    with pytest.raises(Retry) as caught:
        await OPERATIONS[name][0](connect(api))
    assert len(api.requests) == 1
    assert caught.value.effect_unknown is (name in WRITES)


async def test_the_headers_of_the_token_scheme_are_sent(connect):
    api = ScriptedApi(success(INSTANCE))
    await connect(api, user_agent="operator/1").get_instance(NAMESPACE, "docs")
    headers = api.requests[0].headers
    assert headers["authorization"] == f"Bearer {TOKEN}"
    assert headers["user-agent"] == "operator/1"
    assert "x-auth-key" not in headers


async def test_the_headers_of_the_older_scheme_are_sent(connect):
    api = ScriptedApi(success(INSTANCE))
    await connect(api, Credentials("acc0", email="a@b.example", api_key="k" * 20)).get_instance(NAMESPACE, "docs")
    headers = api.requests[0].headers
    assert (headers["x-auth-email"], headers["x-auth-key"]) == ("a@b.example", "k" * 20)
    assert "authorization" not in headers


async def test_ids_are_quoted_as_one_path_segment(connect):
    api = ScriptedApi(success(INSTANCE))
    await connect(api).get_instance(SearchNamespace("acc/0", "a b"), "../x?y#z%2e")
    assert api.requests[0].url.raw_path == (
        b"/client/v4/accounts/acc%2F0/ai-search/namespaces/a%20b/instances/..%2Fx%3Fy%23z%252e"
    )


@pytest.mark.parametrize("bad", ["", ".", ".."])
async def test_an_id_that_would_change_the_path_is_refused_before_anything_is_sent(connect, bad):
    api = ScriptedApi(success(INSTANCE))
    with pytest.raises(Terminal, match="id of the namespace") as caught:
        await connect(api).delete_instance(SearchNamespace("acc0", bad), "docs")
    assert caught.value.cause is Cause.INVALID_REQUEST
    assert api.requests == []


@pytest.mark.parametrize("base_url", ["", "api.example", "ftp://api.example", "https://", "/client/v4"])
def test_a_base_url_that_is_not_absolute_is_refused(base_url):
    with pytest.raises(ValueError, match="base_url"):
        ScriptedApi(success({})).client(base_url=base_url)


async def test_a_redirect_is_not_followed(connect):
    api = ScriptedApi(httpx.Response(302, headers={"location": "https://elsewhere.example/"}))
    with pytest.raises(Retry) as caught:
        await connect(api).get_instance(NAMESPACE, "docs")
    assert caught.value.cause is Cause.INVALID_RESPONSE
    assert len(api.requests) == 1


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


# Errors


async def test_a_move_to_where_the_instance_is_already_is_fine(connect):
    api = ScriptedApi(failure(400, complaint(7067, "namespace_same_name")))
    await connect(api).move_instance(NAMESPACE, "docs", "docs")


@pytest.mark.parametrize(
    ("name", "status", "code", "kind"),
    [
        ("move_instance", 404, 7063, NotFound),
        ("move_instance", 400, 7065, Terminal),
        ("delete_instance", 404, 7002, NotFound),
        ("create_instance", 400, 7022, AlreadyExists),
        ("cancel_job", 400, 7046, JobAlreadyEnded),
        ("cancel_job", 404, 7021, NotFound),
    ],
)
async def test_the_errors_that_callers_act_upon_reach_them(connect, name, status, code, kind):
    with pytest.raises(kind):
        await OPERATIONS[name][0](connect(ScriptedApi(failure(status, complaint(code)))))


async def test_an_error_carries_what_the_server_says_about_time_and_request(connect):
    response = failure(429, complaint(7020, "sync_in_cooldown"), retry_after="12", cf_ray="8abc-AMS")
    with pytest.raises(CloudflareError) as caught:
        await connect(ScriptedApi(response)).create_job(NAMESPACE, "docs", "x")
    assert (caught.value.after, caught.value.ray_id) == (12.0, "8abc-AMS")


UNUSABLE = {
    "empty": httpx.Response(200, headers={"content-type": "application/json"}),
    "no content": httpx.Response(204),
    "garbage": httpx.Response(200, content=b"\xff\x00garbage", headers={"content-type": "application/json"}),
    "half": httpx.Response(200, content=b'{"success": true, "result"', headers={"content-type": "application/json"}),
    "html": httpx.Response(200, html="<h1>Welcome to the proxy</h1>"),
    "json of another type": httpx.Response(
        200, content=b'{"success": true, "result": {"id": "docs"}}', headers={"content-type": "text/html"}
    ),
    "a list": httpx.Response(200, json=[]),
    "null": httpx.Response(200, json=None),
    "no success": httpx.Response(200, json={"result": INSTANCE}),
    "not a success": httpx.Response(200, json={"success": False, "errors": [complaint(1, "odd")], "result": INSTANCE}),
    "no result": httpx.Response(200, json={"success": True}),
    "result null": success(None),
    "result of another kind": success("docs"),
    "result without id": success({"status": "active"}),
    "deeply nested": httpx.Response(200, content=b"[" * 100_000, headers={"content-type": "application/json"}),
    "not gzip": httpx.Response(
        200,
        stream=httpx.ByteStream(b"plain"),
        headers={"content-type": "application/json", "content-encoding": "gzip"},
    ),
}


@pytest.mark.parametrize("unusable", UNUSABLE)
@pytest.mark.parametrize("name", ["list_instances", "get_instance", "create_instance", "list_jobs", "create_job"])
async def test_an_answer_that_cannot_be_used_is_a_retry_and_leaves_a_write_in_doubt(connect, name, unusable):
    with pytest.raises(Retry) as caught:
        await OPERATIONS[name][0](connect(ScriptedApi(UNUSABLE[unusable])))
    assert caught.value.cause is Cause.INVALID_RESPONSE
    assert caught.value.effect_unknown is (name in WRITES)


async def test_an_unreadable_element_of_a_listing_is_not_silently_left_out(connect):
    with pytest.raises(Retry, match="Instance"):
        await connect(ScriptedApi(success([INSTANCE, {"id": None}]))).list_instances(NAMESPACE)


async def test_a_body_beyond_the_bound_is_not_read_to_its_end(connect, monkeypatch):
    monkeypatch.setattr(answer_module, "LARGEST_BODY", 1000)
    sent = 0

    class Endless(httpx.AsyncByteStream):
        async def __aiter__(self):
            nonlocal sent
            while True:
                sent += 100
                yield b" " * 100

    response = httpx.Response(200, stream=Endless(), headers={"content-type": "application/json"})
    with pytest.raises(Retry) as caught:
        await connect(ScriptedApi(response)).get_instance(NAMESPACE, "docs")
    assert caught.value.cause is Cause.INVALID_RESPONSE
    assert sent <= 1200


@pytest.mark.parametrize(
    ("error", "unknown"),
    [
        (httpx.ConnectError("refused"), False),
        (httpx.ConnectTimeout("slow"), False),
        (httpx.PoolTimeout("busy"), False),
        (httpx.ReadTimeout("slow"), True),
        (httpx.WriteTimeout("slow"), True),
        (httpx.ReadError("reset"), True),
        (httpx.WriteError("reset"), True),
        (httpx.RemoteProtocolError("disconnected"), True),
    ],
)
async def test_a_lost_connection_is_a_retry_that_knows_whether_the_request_may_have_arrived(connect, error, unknown):
    def fail(request: httpx.Request) -> httpx.Response:
        raise error

    with pytest.raises(Retry) as caught:
        await connect(ScriptedApi(fail)).create_job(NAMESPACE, "docs", "x")
    assert (caught.value.cause, caught.value.effect_unknown) == (Cause.CONNECTION_FAILED, unknown)
    with pytest.raises(Retry) as caught:
        await connect(ScriptedApi(fail)).get_instance(NAMESPACE, "docs")
    assert caught.value.effect_unknown is False


# What must not be seen


def everything_in(error: BaseException) -> str:
    """All that a logger, a debugger or a careless f-string could show of an error."""
    texts = ["".join(traceback.format_exception(error))]
    current: BaseException | None = error
    while current is not None:
        texts.append(f"{current!r} {current} {vars(current)}")
        current = current.__cause__ or current.__context__
    return "\n".join(texts)


KEY_CREDENTIALS = Credentials("acc0", email="someone@example.com", api_key="global-key-0123456789")
PROMPT = "You are the secret assistant of ACME and never mention the merger."


@pytest.mark.parametrize(
    "respond",
    [
        lambda request: failure(400, complaint(7001, f"echo {request.headers} {request.content!r}")),
        lambda request: failure(400, complaint(7001, f"system prompt invalid: {PROMPT[5:45]}...")),
        lambda request: httpx.Response(502, text=f"{request.headers} {request.content!r}"),
        lambda request: success({"id": None, "echo": request.content.decode()}),
        lambda request: (_ for _ in ()).throw(httpx.ReadError(f"{request.headers}", request=request)),
        lambda request: failure(401, complaint(10000, str(dict(request.headers)))),
    ],
    ids=["echo", "part of the prompt", "echo in html", "echo in the result", "connection error", "echo of headers"],
)
@pytest.mark.parametrize("credentials", [Credentials("acc0", api_token=TOKEN), KEY_CREDENTIALS])
async def test_no_error_and_no_log_line_shows_a_credential_or_a_prompt(connect, caplog, credentials, respond):
    caplog.set_level(logging.DEBUG)
    api = ScriptedApi(respond)
    with pytest.raises(CloudflareError) as caught:
        await connect(api, credentials).update_instance(NAMESPACE, "docs", {"system_prompt_ai_search": PROMPT})
    shown = everything_in(caught.value) + caplog.text
    for secret in (*credentials.secrets, PROMPT, "secret assistant"):
        assert secret not in shown


async def test_each_request_is_one_debug_line_that_names_no_object(connect, caplog):
    caplog.set_level(logging.DEBUG, logger="aisearch_operator")
    await connect(ScriptedApi(success(INSTANCE, cf_ray="8abc-AMS"))).get_instance(NAMESPACE, "docs-id")
    (record,) = [record for record in caplog.records if record.name.startswith("aisearch_operator")]
    assert record.levelno == logging.DEBUG
    text = record.getMessage()
    assert text.startswith("GET /accounts/{account}/ai-search/namespaces/{namespace}/instances/{instance}: 200 in")
    assert "8abc-AMS" in text
    assert "docs-id" not in text
    assert "acc0" not in text


async def test_each_request_is_recorded_for_metrics_by_the_name_of_its_route(connect):
    records: list[RequestRecord] = []
    answers = iter([success(JOB), failure(429, complaint(7020))])
    client = connect(ScriptedApi(lambda request: next(answers)), on_request=records.append)
    await client.create_job(NAMESPACE, "docs", "x")
    with pytest.raises(CloudflareError):
        await client.create_job(NAMESPACE, "docs", "x")
    assert [(record.route.name, record.status, record.cause) for record in records] == [
        ("create_job", 200, None),
        ("create_job", 429, Cause.SYNC_COOLDOWN),
    ]
    assert all(record.seconds >= 0 for record in records)


@pytest.mark.parametrize(
    ("error", "timed_out"),
    [(httpx.ReadTimeout("slow"), True), (httpx.ConnectTimeout("slow"), True), (httpx.ReadError("reset"), False)],
)
async def test_the_record_of_a_request_without_an_answer_says_whether_it_took_too_long(connect, error, timed_out):
    def fail(request: httpx.Request) -> httpx.Response:
        raise error

    records: list[RequestRecord] = []
    with pytest.raises(Retry):
        await connect(ScriptedApi(fail), on_request=records.append).get_instance(NAMESPACE, "docs")

    (record,) = records
    assert (record.status, record.cause, record.timed_out) == (None, Cause.CONNECTION_FAILED, timed_out)


async def test_a_caller_stands_as_ai_search_says_and_not_as_the_general_routes_do(connect):
    answers = {"instances": failure(403, complaint(10000)), "tokens": success({"id": "t", "status": "active"})}
    client = connect(ScriptedApi(lambda request: answers["tokens" if "tokens" in request.url.path else "instances"]))
    assert client.standing.accepted is None

    with pytest.raises(Unauthorized):
        await client.get_instance(NAMESPACE, "docs")
    assert client.standing.accepted is False

    answers["instances"] = success(INSTANCE)
    await client.get_instance(NAMESPACE, "docs")
    assert client.standing.accepted is True
    assert client.standing.blocked is False
