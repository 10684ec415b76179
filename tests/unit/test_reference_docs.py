"""The generated tables of the documentation: in their places, for readers, and checked."""

import pytest

import reference_docs
from aisearch_operator.domain.reasons import Reason
from aisearch_operator.settings import Settings


@pytest.fixture
def folder(tmp_path):
    for name, tables in reference_docs.generate().items():
        places = (f"<!-- begin {table} -->\nold\n<!-- end {table} -->\n" for table in tables)
        (tmp_path / name).write_text("# Prose\n" + "".join(places), encoding="utf-8")
    return tmp_path


def run(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> None:
    monkeypatch.setattr("sys.argv", ["reference_docs", *map(str, arguments)])
    reference_docs.main()


def test_pages_that_were_written_pass_the_check_and_keep_their_prose(folder, monkeypatch):
    run(monkeypatch, "--write", folder)

    run(monkeypatch, "--check", folder)
    assert (folder / "settings.md").read_text(encoding="utf-8").startswith("# Prose\n<!-- begin settings -->\n")


def test_a_page_that_is_not_what_the_code_generates_fails_the_check_by_name(folder, monkeypatch):
    run(monkeypatch, "--write", folder)
    page = folder / "settings.md"
    page.write_text(page.read_text(encoding="utf-8").replace("`60`", "`61`"), encoding="utf-8")

    with pytest.raises(SystemExit, match=r"settings\.md: not up to date; run `make docs`") as ended:
        run(monkeypatch, "--check", folder)

    assert "conditions.md" not in str(ended.value)


def test_a_page_without_a_place_for_its_table_is_refused():
    with pytest.raises(ValueError, match="no place for the table 'settings'"):
        reference_docs.rendered("# Prose\n", {"settings": "| a |\n"})


@pytest.mark.parametrize("name", Settings.model_fields)
def test_every_setting_is_described_under_the_name_of_its_variable(name):
    (line,) = (row for row in reference_docs.settings().splitlines() if f"| `AISEARCH_{name.upper()}` |" in row)

    assert line.split("|")[3].strip()


@pytest.mark.parametrize("reason", Reason)
def test_every_reason_is_described(reason):
    assert f"| `{reason}` | " in reference_docs.reasons()


def test_what_is_for_developers_is_left_out():
    assert "facts" not in reference_docs.settings()
    assert "``" not in reference_docs.settings()
