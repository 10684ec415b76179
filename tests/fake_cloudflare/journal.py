"""The request journal of one account: what was asked, by whom, and what became of it. Holds no credential."""

from pydantic import BaseModel, JsonValue


class JournalEntry(BaseModel):
    """One request, written down when it arrives and completed when it is answered."""

    seq: int
    time: float
    """Epoch seconds on the account's clock."""
    method: str
    path: str
    query: dict[str, str]
    operation: str | None
    """Name of the route, for instance "jobs.create"; None when there is no such route."""
    body: JsonValue = None
    caller: str | None = None
    """Label of the token or key; None when it was not recognised."""
    status: int | None = None
    """None while the request is held, and when the connection was dropped."""
    answered: float | None = None
    """Epoch seconds on the account's clock when the answer left; None as long as there is no status."""
    code: int | None = None
    applied: bool = False
    """Whether the operation was carried out, whatever the caller was told."""
    faults: list[str] = []


class Journal:
    """The entries of one account in order of arrival."""

    def __init__(self) -> None:
        self._entries: list[JournalEntry] = []

    def open(self, time: float, method: str, path: str, query: dict[str, str], operation: str | None) -> JournalEntry:
        entry = JournalEntry(
            seq=len(self._entries) + 1, time=time, method=method, path=path, query=query, operation=operation
        )
        self._entries.append(entry)
        return entry

    def since(self, seq: int) -> list[JournalEntry]:
        """Return the entries after number ``seq`` (0 = all)."""
        return self._entries[max(seq, 0) :]
