"""A terminal that a page's commands are entered in."""

import os

import pytest

from walkthrough.page import Block
from walkthrough.terminal import CommandFailed, Terminal

PATIENCE = 30.0


@pytest.fixture
def terminal(tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    with Terminal(folder, {"PATH": os.defpath, "GREETING": "hello"}, tmp_path) as terminal:
        yield terminal


def block(text: str) -> Block:
    return Block("page.md", 7, text)


def test_variables_and_the_folder_stay_from_block_to_block(terminal, tmp_path):
    terminal.enter(block("mkdir sub && cd sub\nNAME=world\n"), PATIENCE)
    terminal.enter(block('echo "$GREETING $NAME" > said\n'), PATIENCE)

    assert (tmp_path / "folder" / "sub" / "said").read_text() == "hello world\n"


def test_the_first_command_that_fails_ends_the_page_and_is_shown(terminal, tmp_path):
    with pytest.raises(CommandFailed, match=r"page\.md:7: exit code 3") as caught:
        terminal.enter(block("echo before\nsh -c 'exit 3'\ntouch after\n"), PATIENCE)

    assert "$ echo before\nbefore\n$ sh -c exit 3\n" in str(caught.value)
    assert not (tmp_path / "folder" / "after").exists()


def test_a_command_that_reads_gets_nothing_of_what_comes_next(terminal, tmp_path):
    terminal.enter(block("cat > read\n"), PATIENCE)
    terminal.enter(block("touch next\n"), PATIENCE)

    assert (tmp_path / "folder" / "read").read_text() == ""
    assert (tmp_path / "folder" / "next").exists()


def test_a_block_that_does_not_end_is_given_up(terminal):
    with pytest.raises(CommandFailed, match="not done after 0 s"):
        terminal.enter(block("sleep 60\n"), 0.2)
