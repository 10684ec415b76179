"""Which deletion policy counts, and which instances hold files of their own."""

import pytest

from aisearch_operator.cloudflare.wire import Stats
from aisearch_operator.domain.deletion import UNREADABLE, deletion_rule, has_builtin_storage, may_hold_files
from unit.builders import wire_instance


@pytest.mark.parametrize(
    ("own", "annotation", "setting", "policy", "because", "doubtful"),
    [
        ("Delete", "Retain", "Retain", "Delete", "spec.deletionPolicy is Delete", False),
        ("Retain", "Delete", "Delete", "Retain", "spec.deletionPolicy is Retain", False),
        (None, "Retain", "Delete", "Retain", "deletion-policy of namespace team is Retain", False),
        (None, "Delete", "Retain", "Delete", "deletion-policy of namespace team is Delete", False),
        (None, None, "Delete", "Delete", "AISEARCH_DELETION_POLICY is Delete", False),
        (None, None, "Retain", "Retain", "AISEARCH_DELETION_POLICY is Retain", False),
        (None, "delete", "Delete", "Retain", "namespace team is neither Delete nor Retain", True),
        (None, "", "Delete", "Retain", "namespace team is neither Delete nor Retain", True),
        (None, UNREADABLE, "Delete", "Retain", "no right to get namespace team", True),
    ],
)
def test_the_nearest_word_counts_and_an_unclear_one_keeps_the_instance(
    own, annotation, setting, policy, because, doubtful
):
    rule = deletion_rule(own, "team", annotation, setting)

    assert (rule.policy, rule.doubtful) == (policy, doubtful)
    assert because in rule.because


@pytest.mark.parametrize(
    ("settings", "builtin"),
    [
        ({}, True),
        ({"type": None, "source": None}, True),
        ({"type": "builtin", "source": ""}, True),
        ({"type": "r2", "source": "bucket"}, False),
        ({"type": None, "source": "bucket"}, False),
        ({"type": "web-crawler", "source": "https://docs.example.com"}, False),
    ],
)
def test_an_instance_without_a_source_has_storage_of_its_own(settings, builtin):
    assert has_builtin_storage(wire_instance(**settings)) is builtin


@pytest.mark.parametrize(
    ("stats", "files"),
    [
        (Stats(completed=0, queued=0), False),
        (Stats(completed=1), True),
        (Stats(completed=0, error=1), True),
        (Stats(skipped=1), True),
        (Stats(outdated=1), True),
        (Stats(queued=1), True),
        (Stats(completed=0, degraded=True), True),
        (Stats(), True),
    ],
)
def test_storage_is_empty_only_when_all_counts_say_so(stats, files):
    assert may_hold_files(stats) is files
