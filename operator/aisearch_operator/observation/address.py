"""Where an instance is at Cloudflare, and by which client it is seen."""

from dataclasses import dataclass

from aisearch_operator.cloudflare.client import CloudflareClient
from aisearch_operator.cloudflare.listing import SearchNamespace

__all__ = ["Connection", "InstanceAddress"]


@dataclass(frozen=True, slots=True, order=True)
class InstanceAddress:
    """Account, search namespace and id. Ids are unique only within a search namespace (facts 1.0)."""

    account_id: str
    search_namespace: str
    instance_id: str

    @property
    def namespace(self) -> SearchNamespace:
        """The search namespace that holds the instance."""
        return SearchNamespace(self.account_id, self.search_namespace)


@dataclass(frozen=True, slots=True)
class Connection:
    """A way to Cloudflare: the client of some credentials, and the account to use.

    Parameters
    ----------
    caller
        The fingerprint of the credentials: connections of one caller see the same things.
    secret
        The Secret that the credentials are from; empty for the operator's own.
    """

    client: CloudflareClient
    caller: str
    account_id: str
    secret: str
