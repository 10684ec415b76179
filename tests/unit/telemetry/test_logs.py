"""Log lines: JSON that a machine can read, also from kopf, which attaches objects to its records."""

import json
import logging

import kopf
import pytest

from aisearch_operator.telemetry.logs import configure_logging


@pytest.fixture(autouse=True)
def _restored_logging():
    root, own = logging.getLogger(), logging.getLogger("aisearch_operator")
    before = (root.handlers, root.level, own.level)
    yield
    root.handlers = before[0]
    root.setLevel(before[1])
    own.setLevel(before[2])


def test_a_record_of_kopf_about_a_resource_is_one_json_object_that_names_it(capsys):
    configure_logging("json", "INFO")

    resource = {"kind": "AISearchSyncJob", "name": "docs-sync"}
    extra = {"settings": kopf.OperatorSettings(), "k8s_skip": False, "k8s_ref": resource}
    logging.getLogger("kopf.objects").error("Something went wrong", extra=extra)

    line = json.loads(capsys.readouterr().err)
    assert line.pop("time")
    assert line == {
        "level": "ERROR",
        "logger": "kopf.objects",
        "message": "Something went wrong",
        "object": resource,
    }
