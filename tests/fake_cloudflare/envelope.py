"""The v4 envelope: successful answers, errors, and the documented code of each error (facts 1.3, 4.3)."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from pydantic import JsonValue

CODES: dict[int, tuple[int, str]] = {
    971: (429, "Please wait and consider throttling your request speed"),
    7002: (404, "ai_search_not_found"),
    7003: (404, "Could not route to this path, perhaps your object identifier is invalid?"),
    7012: (400, "ai_search_instance_invalid_token"),
    7013: (403, "max_instances_reached"),
    7018: (400, "ai_gateway_not_found"),
    7020: (429, "sync_in_cooldown"),
    7021: (404, "job_not_found"),
    7022: (400, "ai_search_with_this_name_already_exist"),
    7028: (400, "missing_sitemap"),
    7032: (400, "ai_search_is_paused"),
    7036: (400, "invalid_chunk_size"),
    7040: (400, "invalid_custom_header"),
    7045: (400, "specific_sitemaps_only_valid_when_parse_type_is_sitemap"),
    7046: (400, "job_cannot_be_cancelled"),
    7047: (400, "invalid_url_location"),
    7052: (400, "type_and_source_are_required_for_non_managed_instances"),
    7062: (403, "max_namespaces_reached"),
    7063: (404, "namespace_not_found"),
    7064: (409, "namespace_already_exists"),
    7065: (400, "cannot_modify_default_namespace"),
    7066: (400, "namespace_not_empty"),
    7067: (400, "namespace_same_name"),
    7092: (502, "custom_domain_cleanup_failed"),
    7096: (400, "default_domain_requires_custom_domain"),
    7097: (400, "instances_allowed_not_found"),
}
"""HTTP status and message of each code. Not in the facts, and to be checked [?]:
the code of the global rate limit (971), and the wording of 7092, 7096 and 7097."""

AUTHENTICATION_ERROR = 10000
VALIDATION_ERROR = 7001
UNKNOWN_TOKEN = 1000
UNAUTHORIZED = 9109


@dataclass(frozen=True, slots=True)
class Problem:
    """One entry of ``errors``; ``path`` only for input validation."""

    code: int
    message: str
    path: tuple[str | int, ...] | None = None

    def document(self) -> dict[str, JsonValue]:
        entry: dict[str, JsonValue] = {"code": self.code, "message": self.message}
        if self.path is not None:
            entry["path"] = list(self.path)
        return entry


class ApiError(Exception):
    """A refusal by the API."""

    def __init__(self, status: int, problems: Sequence[Problem], headers: dict[str, str] | None = None) -> None:
        super().__init__("; ".join(problem.message for problem in problems))
        self.status = status
        self.problems = tuple(problems)
        self.headers = headers or {}

    def document(self) -> dict[str, JsonValue]:
        errors: list[JsonValue] = [problem.document() for problem in self.problems]
        return {"success": False, "errors": errors, "result": {}}


@dataclass(frozen=True, slots=True)
class Answer:
    """What a successful operation returns."""

    result: JsonValue
    status: int = 200
    result_info: dict[str, JsonValue] | None = None
    headers: dict[str, str] = field(default_factory=dict)

    def document(self) -> dict[str, JsonValue]:
        body: dict[str, JsonValue] = {"success": True, "result": self.result}
        if self.result_info is not None:
            body["result_info"] = self.result_info
        return body


def refusal(code: int) -> ApiError:
    """Return the error of a documented code, with its documented status."""
    status, message = CODES[code]
    return ApiError(status, [Problem(code, message)])


def invalid(message: str, *path: str | int) -> ApiError:
    """Return a validation error: 400, code 7001 and the path of the field (facts 1.3, 4.4)."""
    return ApiError(400, [Problem(VALIDATION_ERROR, message, path)])


def not_authenticated(status: int = 401) -> ApiError:
    """Return 10000: an unknown credential, or one that lacks the permission (401, in other v4 APIs 403)."""
    return ApiError(status, [Problem(AUTHENTICATION_ERROR, "Authentication error")])


def invisible() -> ApiError:
    """Return 403/9109, with which an account or user is hidden from a caller."""
    return ApiError(403, [Problem(UNAUTHORIZED, "Unauthorized to access requested resource")])


def unknown_token() -> ApiError:
    """Return 401/1000, with which the verification of tokens answers for any that it cannot verify."""
    return ApiError(401, [Problem(UNKNOWN_TOKEN, "Invalid API Token")])
