"""The state file: accounts with their worlds and clocks, written whole and atomically after each change."""

from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from fake_cloudflare.accounts import Account, AccountState, Registry

_ACCOUNTS = TypeAdapter(list[AccountState])


def load(path: Path, registry: Registry) -> None:
    """Add the accounts of a state file to the registry; a file that is not there holds none.

    Raises
    ------
    ValueError
        The file is not a state file of this version.
    """
    if not path.exists():
        return
    try:
        states = _ACCOUNTS.validate_json(path.read_bytes())
    except ValidationError as error:
        msg = f"{path} is not a state file of this version; remove it to start afresh"
        raise ValueError(msg) from error
    for state in states:
        registry.add(Account(state))


def save(path: Path, registry: Registry) -> None:
    """Replace the state file."""
    draft = path.with_name(path.name + ".new")
    draft.write_bytes(_ACCOUNTS.dump_json([account.state for account in registry], indent=1))
    draft.replace(path)
