"""A good answer of the API, and how a body becomes one: bounded, whole, and the JSON that is promised."""

from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

import httpx
from pydantic import BaseModel, JsonValue, ValidationError

from aisearch_operator.cloudflare.errors import Cause, Retry
from aisearch_operator.cloudflare.routes import Route
from aisearch_operator.cloudflare.wire import Envelope

__all__ = ["Answer", "invalid_answer", "read_envelope"]

M = TypeVar("M", bound=BaseModel)

LARGEST_BODY = 16 * 1024 * 1024
"""Bytes of an answer. A page of 100 instances with long prompts stays well below."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A good answer.

    Parameters
    ----------
    route, status, ray_id
        What was asked, the HTTP status, the request's id at Cloudflare.
    envelope
        The body.
    server_time
        The `Date` header, or this machine's time when there is none.
    """

    route: Route
    status: int
    envelope: Envelope
    server_time: datetime
    ray_id: str | None

    def result(self, model: type[M]) -> M:
        """Read the result as one object.

        Raises
        ------
        Retry
            It is not such an object.
        """
        return self._parse(model, self.envelope.result)

    def results(self, model: type[M]) -> tuple[M, ...]:
        """Read the result as a list of objects.

        Raises
        ------
        Retry
            It is not a list, or one element is not such an object. None is left out silently: what is
            missing from a listing looks like something that was deleted.
        """
        if not isinstance(self.envelope.result, list):
            raise self._invalid("its result is not a list")
        return tuple(self._parse(model, element) for element in self.envelope.result)

    def _parse(self, model: type[M], value: JsonValue) -> M:
        try:
            return model.model_validate(value)
        except ValidationError as error:
            # The text of a ValidationError holds the values.
            wrong = sorted({".".join(map(str, entry["loc"])) for entry in error.errors(include_input=False)})
        where = f" (see {', '.join(wrong)})" if any(wrong) else ""
        raise self._invalid(f"its result is not a valid {model.__name__}{where}")

    def _invalid(self, problem: str) -> Retry:
        return invalid_answer(self.route, self.status, problem, self.ray_id)


def invalid_answer(route: Route, status: int, problem: str, ray_id: str | None) -> Retry:
    """Make the error for an answer of success that cannot be used: a write may have been executed."""
    cause = Cause.INVALID_RESPONSE
    message = f"Cloudflare answered {status}, but {problem}; {cause.advice}"
    return Retry(cause, message, status=status, ray_id=ray_id, effect_unknown=route.writes)


async def read_envelope(response: httpx.Response) -> Envelope | None:
    """Read the body; None when it is not an envelope, is too large, or does not arrive whole."""
    body = bytearray()
    try:
        async for chunk in response.aiter_bytes():
            body += chunk
            if len(body) > LARGEST_BODY:
                return None
    except (httpx.HTTPError, httpx.StreamError):
        return None
    if "json" not in response.headers.get("content-type", ""):
        return None
    try:
        return Envelope.model_validate_json(bytes(body))
    except ValidationError:
        return None
