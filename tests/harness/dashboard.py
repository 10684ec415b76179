"""Somebody else in the account: a person in the dashboard, who makes and deletes things through the API."""

import secrets
from typing import Any

import httpx

from fake_cloudflare import FakeAccount, FakeCloudflare

CALLER = "dashboard"
"""The label under which the journal lists these requests."""


class Dashboard:
    """Calls the API with a token of its own.

    `FakeAccount` changes what exists behind everybody's back; this is for what only the API makes.
    """

    def __init__(self, fake: FakeCloudflare, account: FakeAccount) -> None:
        token = secrets.token_urlsafe(30)
        account.add_token(CALLER, token)
        self._http = httpx.Client(
            base_url=f"{fake.api_url}/accounts/{account.id}/ai-search",
            headers={"Authorization": f"Bearer {token}"},
            trust_env=False,
            timeout=60,
        )

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def create_namespace(self, name: str) -> None:
        """Create a search namespace."""
        self._call("POST", "/namespaces", name=name)

    def delete_namespace(self, name: str) -> None:
        """Delete a search namespace; it must be empty."""
        self._call("DELETE", f"/namespaces/{name}")

    def create_instance(self, instance_id: str, namespace: str = "default", **settings: object) -> None:
        """Create an instance that no resource manages; settings have the API's names."""
        self._call("POST", f"/namespaces/{namespace}/instances", id=instance_id, **settings)

    def move_instance(self, instance_id: str, target: str, namespace: str = "default") -> None:
        """Move an instance to another search namespace."""
        self._call("PATCH", f"/namespaces/{namespace}/instances/{instance_id}", new_namespace=target)

    def _call(self, method: str, path: str, **body: Any) -> None:
        self._http.request(method, path, json=body or None).raise_for_status()
