"""One authenticated call as an operation sees it, and the pages of a list."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from pydantic import JsonValue

from fake_cloudflare.accounts import Account
from fake_cloudflare.envelope import Answer, refusal
from fake_cloudflare.world import DEFAULT_NAMESPACE, Instance, World


@dataclass(frozen=True, slots=True)
class Call:
    """A request that passed authentication, rate limit and routing."""

    account: Account
    now: float
    caller: str
    params: Mapping[str, str]
    query: Mapping[str, str]
    body: JsonValue

    @property
    def namespace(self) -> str:
        """The search namespace of the path; `default` on the account-level path (facts 1.0)."""
        return self.params.get("namespace", DEFAULT_NAMESPACE)

    def instance_in(self, world: World) -> Instance:
        """Return the instance that the path names.

        Raises
        ------
        ApiError
            7063 when its namespace is gone, 7002 when there is no such instance.
        """
        if self.namespace not in world.namespaces:
            raise refusal(7063)
        instance = world.instance(self.namespace, self.params["instance"])
        if instance is None:
            raise refusal(7002)
        return instance


Item = TypeVar("Item")
Operation = Callable[[Call], Answer]


def page_of(items: Sequence[Item], page: int, per_page: int, show: Callable[[Item], JsonValue]) -> Answer:
    """Return one page with its `result_info`; `per_page` 0 is an empty page that tells the total."""
    shown = [show(item) for item in items[(page - 1) * per_page : page * per_page]]
    info: dict[str, JsonValue] = {
        "count": len(shown),
        "page": page,
        "per_page": per_page,
        "total_count": len(items),
    }
    return Answer(shown, result_info=info)
