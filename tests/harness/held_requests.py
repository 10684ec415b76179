"""Requests to Cloudflare that are held when something happens to the operator, at each moment of their way."""

from collections.abc import Iterable

from fake_cloudflare import FakeAccount
from fake_cloudflare.faults import Drop, Gate
from fake_cloudflare.journal import JournalEntry

__all__ = ["HELD", "applied", "hold", "wait_until_held"]

HELD = ("request-lost", "request-late", "answer-lost")
"""Moments at which a request is held: it is never carried out, carried out once it is released, or was carried out
and nobody hears of it."""


def hold(account: FakeAccount, moment: str, operation: str, path: str) -> None:
    """Have the next such request held at a gate of the moment's name."""
    gate = Gate(name=moment)
    account.inject(gate, operation, path=path, stage="after" if moment == "answer-lost" else "before")
    if moment == "request-lost":
        account.inject(Drop(), operation, path=path)


def wait_until_held(account: FakeAccount, moments: Iterable[str] = HELD) -> None:
    """Wait until a request is held at each moment."""
    for moment in moments:
        account.wait_at_gate(moment)


def applied(account: FakeAccount, operation: str, part: str) -> list[JournalEntry]:
    """Give the carried out requests of an operation whose path has this part."""
    journal = account.journal(operation=operation)
    return [entry for entry in journal if entry.applied and part in entry.path.split("/")]
