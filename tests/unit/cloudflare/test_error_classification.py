"""Every error of the API: what to do about it, what it is called, and what must not be in it."""

import pytest

from aisearch_operator.cloudflare import (
    AlreadyExists,
    Cause,
    CloudflareError,
    JobAlreadyEnded,
    NotFound,
    Retry,
    Terminal,
    Unauthorized,
    Wait,
)
from aisearch_operator.cloudflare.classification import MESSAGE_LENGTH, classify, is_product_limit
from aisearch_operator.cloudflare.wire import ApiError

CODES = [
    # The general ones of the v4 API
    (401, 10000, "Authentication error", Unauthorized, Cause.CREDENTIALS_REJECTED),
    (403, 10000, "Authentication error", Unauthorized, Cause.CREDENTIALS_REJECTED),
    (403, 9109, "Invalid access token", Unauthorized, Cause.CREDENTIALS_REJECTED),
    (400, 6003, "Invalid request headers", Unauthorized, Cause.CREDENTIALS_REJECTED),
    (403, 7777, "Forbidden", Unauthorized, Cause.PERMISSION_DENIED),
    (404, 7003, "Could not route to ...", Terminal, Cause.ROUTE_NOT_FOUND),
    (400, 7003, "Could not route to ...", Terminal, Cause.ROUTE_NOT_FOUND),
    (404, 7000, "No route for that URI", Terminal, Cause.ROUTE_NOT_FOUND),
    (429, 971, "Please wait and consider throttling", Retry, Cause.RATE_LIMITED),
    # Facts 4.3
    (500, 7001, "Internal Error", Retry, Cause.API_UNAVAILABLE),
    (400, 7001, "String must contain at most 32 character(s)", Terminal, Cause.INVALID_REQUEST),
    (500, 7068, "Internal Error", Retry, Cause.API_UNAVAILABLE),
    (404, 7002, "ai_search_not_found", NotFound, Cause.INSTANCE_NOT_FOUND),
    (400, 7010, "invalid_model", Terminal, Cause.INVALID_REQUEST),
    (400, 7012, "ai_search_instance_invalid_token", Wait, Cause.SERVICE_TOKEN_INVALID),
    (403, 7013, "max_instances_reached", Wait, Cause.QUOTA_REACHED),
    (503, 7017, "unable_to_connect_to_ai_search", Retry, Cause.API_UNAVAILABLE),
    (400, 7018, "ai_gateway_not_found", Wait, Cause.DEPENDENCY_MISSING),
    (429, 7020, "sync_in_cooldown", Wait, Cause.SYNC_COOLDOWN),
    (404, 7021, "job_not_found", NotFound, Cause.JOB_NOT_FOUND),
    (400, 7022, "ai_search_with_this_name_already_exist", AlreadyExists, Cause.INSTANCE_EXISTS),
    (400, 7023, "domain_not_owned_by_user", Terminal, Cause.INVALID_REQUEST),
    (400, 7024, "invalid_domain", Terminal, Cause.INVALID_REQUEST),
    (400, 7047, "invalid_url_location", Terminal, Cause.INVALID_REQUEST),
    (400, 7028, "missing_sitemap", Wait, Cause.SITE_UNREACHABLE),
    (400, 7029, "missing_robots_txt", Wait, Cause.SITE_UNREACHABLE),
    (400, 7034, "forbidden_robots_txt", Wait, Cause.SITE_UNREACHABLE),
    (400, 7035, "forbidden_sitemap", Wait, Cause.SITE_UNREACHABLE),
    (400, 7032, "ai_search_is_paused", Wait, Cause.INSTANCE_PAUSED),
    (400, 7036, "invalid_chunk_size", Terminal, Cause.INVALID_REQUEST),
    (400, 7040, "invalid_custom_header", Terminal, Cause.INVALID_REQUEST),
    (400, 7045, "specific_sitemaps_only_valid_when_...", Terminal, Cause.INVALID_REQUEST),
    (400, 7052, "type_and_source_are_required_...", Terminal, Cause.INVALID_REQUEST),
    (400, 7046, "job_cannot_be_cancelled", JobAlreadyEnded, Cause.JOB_ALREADY_ENDED),
    (500, 7050, "fail_while_provisioning_managed_resources", Retry, Cause.API_UNAVAILABLE),
    (400, 7053, "this_operation_requires_a_managed_instance", Terminal, Cause.INVALID_REQUEST),
    (403, 7062, "max_namespaces_reached", Wait, Cause.QUOTA_REACHED),
    (403, 7999, "max_something_new_reached", Wait, Cause.QUOTA_REACHED),
    (404, 7063, "namespace_not_found", NotFound, Cause.SEARCH_NAMESPACE_NOT_FOUND),
    (409, 7064, "namespace_already_exists", Retry, Cause.CONFLICT),
    (400, 7065, "cannot_modify_default_namespace", Terminal, Cause.INVALID_REQUEST),
    (400, 7066, "namespace_not_empty", Wait, Cause.CONFLICT),
    (400, 7067, "namespace_same_name", Terminal, Cause.INVALID_REQUEST),
    (429, 7069, "monthly_query_quota_exceeded", Wait, Cause.QUOTA_REACHED),
    (404, 7075, "token_not_found", Wait, Cause.SERVICE_TOKEN_INVALID),
    (409, 7076, "token_in_use_by_instances", Retry, Cause.CONFLICT),
    (400, 7090, "custom domain of another account", Terminal, Cause.CUSTOM_DOMAIN_FAILED),
    (409, 7091, "custom domain in use", Terminal, Cause.CUSTOM_DOMAIN_FAILED),
    (502, 7092, "custom domain failed", Retry, Cause.CUSTOM_DOMAIN_FAILED),
    (400, 7093, "public endpoint not enabled", Terminal, Cause.CUSTOM_DOMAIN_FAILED),
    (400, 7096, "default domain", Terminal, Cause.CUSTOM_DOMAIN_FAILED),
    (400, 7097, "instances_allowed", Terminal, Cause.INVALID_REQUEST),
    (409, 7099, "namespace_modified_concurrently_please_retry", Retry, Cause.CONFLICT),
    # Codes that nobody documented
    (400, 7998, "something_new", Terminal, Cause.INVALID_REQUEST),
    (404, 7998, "something_new", NotFound, Cause.RESOURCE_NOT_FOUND),
    (409, 7998, "something_new", Retry, Cause.CONFLICT),
    (422, 7998, "something_new", Terminal, Cause.INVALID_REQUEST),
    (429, 7998, "something_new", Retry, Cause.RATE_LIMITED),
    (504, 7998, "something_new", Retry, Cause.API_UNAVAILABLE),
]


def classified(status: int, *errors: ApiError, write: bool = False, **options) -> CloudflareError:
    return classify(status, errors, write=write, **options)


@pytest.mark.parametrize(("status", "code", "message", "kind", "cause"), CODES)
def test_each_code_has_its_kind_and_cause(status, code, message, kind, cause):
    error = classified(status, ApiError(code=code, message=message))
    assert type(error) is kind
    assert (error.cause, error.status, error.code, error.api_message) == (cause, status, code, message)


@pytest.mark.parametrize(("status", "code", "message", "kind", "cause"), CODES)
def test_each_error_reads_as_one_sentence_with_status_code_message_and_advice(status, code, message, kind, cause):
    text = str(classified(status, ApiError(code=code, message=message)))
    assert text == f"Cloudflare answered {status} (code {code}, {message}); {cause.advice}"
    assert "\n" not in text


@pytest.mark.parametrize(
    ("status", "kind", "cause"),
    [
        (401, Unauthorized, Cause.CREDENTIALS_REJECTED),
        (403, Unauthorized, Cause.PERMISSION_DENIED),
        (429, Retry, Cause.RATE_LIMITED),
        (408, Retry, Cause.API_UNAVAILABLE),
        (502, Retry, Cause.API_UNAVAILABLE),
        (521, Retry, Cause.API_UNAVAILABLE),
        (400, Retry, Cause.INVALID_RESPONSE),
        (302, Retry, Cause.INVALID_RESPONSE),
    ],
)
def test_without_an_envelope_the_status_alone_decides(status, kind, cause):
    error = classify(status, None, write=False)
    assert (type(error), error.cause, error.code) == (kind, cause, None)


def test_a_404_that_the_api_did_not_write_does_not_mean_that_something_is_gone():
    error = classify(404, None, write=False)
    assert not isinstance(error, NotFound)
    assert error.cause is Cause.INVALID_RESPONSE


@pytest.mark.parametrize(
    ("status", "write", "unknown"),
    [
        (500, True, True),
        (503, True, True),
        (504, True, True),
        (408, True, True),
        (200, True, True),
        (500, False, False),
        (409, True, False),
        (429, True, False),
        (400, True, False),
    ],
)
def test_the_effect_of_a_write_is_unknown_after_a_server_error_only(status, write, unknown):
    assert classified(status, ApiError(code=1), write=write).effect_unknown is unknown


def test_the_one_known_code_among_several_decides():
    error = classified(400, ApiError(code=1, message="other"), ApiError(code=7022, message="exists"))
    assert isinstance(error, AlreadyExists)
    assert error.code == 7022
    assert error.api_message == "other; exists"


def test_the_fields_of_a_validation_error_are_named():
    error = classified(
        400,
        ApiError(code=7001, message="Too big", path=["body", "chunk_size"]),
        ApiError(code=7001, message="Required", path=["source_params", "web_crawler", 0]),
    )
    assert error.fields == ("chunk_size", "source_params.web_crawler.0")
    assert error.api_message == "chunk_size: Too big; source_params.web_crawler.0: Required"


def test_what_the_server_asks_to_wait_and_its_ray_id_are_kept_and_not_part_of_the_text():
    error = classified(503, ApiError(code=7017), retry_after=17.5, ray_id="8abc-AMS")
    assert (error.after, error.ray_id) == (17.5, "8abc-AMS")
    assert "17" not in str(error).replace("7017", "")
    assert "8abc" not in str(error)


def test_a_long_message_is_cut():
    error = classified(400, ApiError(code=7001, message="x" * 100_000))
    assert error.api_message is not None
    assert len(error.api_message) == MESSAGE_LENGTH


def test_several_lines_become_one():
    assert classified(400, ApiError(code=1, message="a\r\nb\tc")).api_message == "a b c"


@pytest.mark.parametrize(
    "echo",
    ["bad token s3cret-token-0123456789", "s3cret-token-0123456789", "bad token s3cret-token-01... is invalid"],
)
def test_a_secret_that_the_api_echoes_whole_or_in_part_is_taken_out(echo):
    error = classified(400, ApiError(code=1, message=echo), secrets=["s3cret-token-0123456789"])
    assert "s3cret" not in str(error)
    assert "s3cret" not in repr(error)
    assert "[redacted]" in str(error)


def test_a_secret_in_the_path_is_taken_out():
    error = classified(
        400, ApiError(code=1, message="bad", path=["s3cret-token-0123456789"]), secrets=["s3cret-token-0123456789"]
    )
    assert "s3cret" not in f"{error}{error.fields}"


@pytest.mark.parametrize(
    ("status", "code", "expected"),
    [
        (429, 7020, True),
        (429, 7069, True),
        (429, 2003, True),
        (429, 971, False),
        (429, None, False),
        (400, 7020, False),
    ],
)
def test_a_429_with_a_code_of_the_product_is_not_the_users_rate_limit(status, code, expected):
    assert is_product_limit(status, [ApiError(code=code)]) is expected


def test_causes_are_fit_for_the_reason_of_a_condition_and_have_advice():
    for cause in Cause:
        assert cause.value.isalpha()
        assert cause.value[0].isupper()
        assert cause.advice
        assert Cause(cause.value) is cause
