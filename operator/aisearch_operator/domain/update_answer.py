"""What the answer to an update leaves out."""

from collections.abc import Mapping

from pydantic import JsonValue

from aisearch_operator.cloudflare.wire import Instance

__all__ = ["completed"]

ENDPOINT, DOMAINS = "public_endpoint_params", "custom_domains"


def completed(answer: Instance, before: Instance, sent: Mapping[str, JsonValue]) -> Instance:
    """Give an instance as it is after an update.

    The answer shows custom domains only when they were sent, else null (facts 2.3): taken as it is,
    it would look as if somebody had removed them.
    """
    endpoint, known, given = (settings.get(ENDPOINT) for settings in (answer.settings, before.settings, sent))
    if not isinstance(endpoint, dict) or not isinstance(known, dict):
        return answer
    if isinstance(given, dict) and DOMAINS in given:
        return answer
    whole = {**answer.settings, ENDPOINT: {**endpoint, DOMAINS: endpoint.get(DOMAINS) or known.get(DOMAINS)}}
    return Instance.model_validate(whole)
