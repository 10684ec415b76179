"""The table of values in a chart's README follows from the comments of its values.yaml."""

import pytest

from chart_readme import UndocumentedValueError, generate, values


def test_a_documented_value_is_a_line_and_an_undocumented_group_is_looked_into():
    text = """\
# A heading that belongs to nothing.

# -- How many.
# Two lines.
replicas: 2

metrics:
  # -- Whether | not.
  enabled: true
# -- A whole object.
labels:
  a: b
# labels:
#   an: example

# -- Nothing.
name: ""
"""

    assert list(values(text)) == [
        ("replicas", "2", "How many. Two lines."),
        ("metrics.enabled", "true", "Whether | not."),
        ("labels", '{"a": "b"}', "A whole object."),
        ("name", '""', "Nothing."),
    ]


@pytest.mark.parametrize(
    "text", ["replicas: 2\n", "# no mark\nreplicas: 2\n", "metrics:\n  enabled: true\n", "a: {}\n"]
)
def test_a_value_without_a_comment_is_refused(text):
    with pytest.raises(UndocumentedValueError):
        list(values(text))


def test_every_chart_has_its_table_up_to_date():
    pages = generate()

    assert pages
    for page, text in pages.items():
        assert page.read_text() == text
