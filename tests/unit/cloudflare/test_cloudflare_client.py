"""The client: what it sends, and that every failure is a typed error."""

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
    Retry,
    SearchNamespace,
    Terminal,
)
from aisearch_operator.cloudflare import answer as answer_module
from unit.cloudflare.scripted_api import INSTANCE, JOB, NAMESPACE, TOKEN, ScriptedApi, complaint, failure, success

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
