"""Files that follow from the code: written anew, or checked for being up to date."""

import sys
from collections.abc import Mapping
from pathlib import Path

__all__ = ["bring_up_to_date"]


def bring_up_to_date(files: Mapping[Path, str], *, check: bool, remedy: str) -> None:
    """Write the files that are not as they should be; with ``check``, end the program and name them instead.

    Parameters
    ----------
    files
        What each file should hold.
    remedy
        What brings them up to date, for whoever reads the complaint.
    """
    outdated = {path: text for path, text in files.items() if not path.exists() or path.read_text("utf-8") != text}
    if check and outdated:
        sys.exit(f"{', '.join(map(str, outdated))}: not up to date; run `{remedy}`")
    for path, text in outdated.items():
        path.write_text(text, encoding="utf-8")
