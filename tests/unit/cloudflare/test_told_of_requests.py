"""What is told of a request, in errors, log lines and records: enough to find it, and no secret."""

import logging
import traceback

import httpx
import pytest

from aisearch_operator.cloudflare import (
    Cause,
    CloudflareError,
    Credentials,
    RequestRecord,
    Retry,
    Unauthorized,
)
from unit.cloudflare.scripted_api import INSTANCE, JOB, NAMESPACE, TOKEN, ScriptedApi, complaint, failure, success

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
