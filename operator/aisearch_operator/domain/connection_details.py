"""The ConfigMap with an instance's connection details: what stands in it, and what is to be done about it."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto

from aisearch_operator.resources.endpoints import InstanceEndpoints

__all__ = ["ConfigMap", "Step", "contents", "next_step"]


@dataclass(frozen=True, slots=True)
class ConfigMap:
    """A ConfigMap as the API server shows it.

    Parameters
    ----------
    controller
        The uid of the object that it belongs to, by the owner reference that is the controller.
    """

    uid: str
    resource_version: str
    controller: str | None
    data: Mapping[str, str]


class Step(Enum):
    """What is to be done about a ConfigMap."""

    CREATE = auto()
    REPLACE = auto()
    KEEP = auto()
    REFUSE = auto()
    """It is somebody else's: it is never touched."""


def next_step(wanted: Mapping[str, str], found: ConfigMap | None, owner: str) -> Step:
    """Decide what to do so that a resource has its ConfigMap.

    Parameters
    ----------
    found
        The ConfigMap of that name; None when there is none.
    owner
        The uid of the resource.
    """
    if found is None:
        return Step.CREATE
    if found.controller != owner:
        return Step.REFUSE
    return Step.KEEP if found.data == wanted else Step.REPLACE


def contents(
    account_id: str, search_namespace: str, instance_id: str, endpoints: InstanceEndpoints
) -> Mapping[str, str]:
    """Give the data of the ConfigMap; a key is absent when there is no such endpoint.

    Of several public hosts it is the first, a custom domain where there is one.
    """
    found = {
        "accountId": account_id,
        "searchNamespace": search_namespace,
        "instanceId": instance_id,
        "searchUrl": endpoints.api.search,
        "chatCompletionsUrl": endpoints.api.chat_completions,
    }
    if endpoints.public:
        public = endpoints.public[0]
        optional = {
            "publicHost": public.host,
            "publicSearchUrl": public.search,
            "publicChatCompletionsUrl": public.chat_completions,
            "publicMcpUrl": public.mcp,
        }
        found |= {key: value for key, value in optional.items() if value is not None}
    return found
