"""What is taken from a Markdown page for a command."""

import pytest

from walkthrough.page import PageError, commands


@pytest.fixture
def read(tmp_path):
    def read(text: str):
        page = tmp_path / "install.md"
        page.write_text(text)
        return commands(page)

    return read


def test_blocks_of_sh_are_commands_in_their_order_and_others_are_only_shown(read):
    blocks = read(
        "# Title\n\n```sh\none\n```\n\n```yaml\nkind: Two\n```\n\n"
        "1. A list\n\n   ```sh\n   three \\\n     four\n   ```\n"
    )

    assert [(block.line, block.text) for block in blocks] == [(3, "one\n"), (13, "three \\\n  four\n")]


@pytest.mark.parametrize("block", ["```\nmake demo\n```", "```bash\nmake demo\n```", "    make demo\n"])
def test_a_block_that_does_not_say_what_it_is_is_refused(read, block):
    with pytest.raises(PageError, match=r"install\.md:3"):
        read(f"# Title\n\n{block}\n")


def test_a_comment_before_a_block_says_why_it_is_not_run(read):
    first, second = read("<!-- not run: it asks\nfor a person -->\n```sh\none\n```\n\n```sh\ntwo\n```\n")

    assert (first.not_run, second.not_run) == ("it asks for a person", None)


def test_a_comment_without_a_reason_exempts_nothing(read):
    (block,) = read("<!-- not run: -->\n```sh\none\n```\n")

    assert block.not_run is None


def test_text_between_comment_and_block_ends_what_the_comment_says(read):
    (block,) = read("<!-- not run: a reason -->\n\nNow this:\n\n```sh\none\n```\n")

    assert block.not_run is None
