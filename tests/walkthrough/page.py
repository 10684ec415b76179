"""The code blocks of a Markdown page: commands to type, and what is only shown."""

import re
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt

__all__ = ["SHOWN", "Block", "PageError", "commands"]

SHOWN = frozenset({"yaml", "json", "text", "console", "python"})
"""Languages of blocks that are no commands: manifests, and what programs print."""

_NOT_RUN = re.compile(r"<!-- not run: (?P<reason>\S.*?) -->", re.DOTALL)


class PageError(Exception):
    """A block does not say what it is; the message names page and line."""


@dataclass(frozen=True)
class Block:
    """Commands that stand together.

    Attributes
    ----------
    page
        Name of the file.
    line
        Where they begin, from 1.
    text
        The commands.
    not_run
        Why they cannot be run by a test: the text of ``<!-- not run: … -->`` before the block.
    """

    page: str
    line: int
    text: str
    not_run: str | None = None


def commands(path: Path) -> list[Block]:
    """Give the commands of a page, in order.

    Raises
    ------
    PageError
        A block has no language, or one that is neither ``sh`` nor in `SHOWN`.
    """
    found: list[Block] = []
    reason: str | None = None
    for token in MarkdownIt().parse(path.read_text(encoding="utf-8")):
        if token.type == "html_block" and (match := _NOT_RUN.search(token.content)):
            reason = " ".join(match["reason"].split())
        elif token.type in {"fence", "code_block"} and token.map is not None:
            line = token.map[0] + 1
            language = token.info.strip()
            if language == "sh":
                found.append(Block(path.name, line, token.content, reason))
            elif language not in SHOWN:
                known = ", ".join(sorted(SHOWN))
                raise PageError(f"{path.name}:{line}: the block's language is '{language}', not sh or one of {known}")
            reason = None
        elif token.type == "inline":
            reason = None
    return found
