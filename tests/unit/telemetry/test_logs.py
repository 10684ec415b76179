"""Log lines: JSON that a machine can read, also from kopf, which attaches objects to its records."""

import asyncio
import json
import logging

import kopf
import pytest

from aisearch_operator.telemetry.log_context import about
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
        **resource,
    }


def lines(capsys):
    return [json.loads(line) for line in capsys.readouterr().err.splitlines()]


def test_every_line_within_says_what_it_is_about_and_none_after_it(capsys):
    configure_logging("json", "INFO")
    logger = logging.getLogger("aisearch_operator.somewhere")

    with about(kind="AISearchInstance", namespace="team", name="docs", uid="u-1", requestId="r-1"):
        logger.info("begins")
        with about(generation=3):
            logger.warning("goes on", extra={"cfRay": "8abc-AMS"})
    logger.info("is over")

    begins, goes_on, is_over = lines(capsys)
    resource = {"kind": "AISearchInstance", "namespace": "team", "name": "docs", "uid": "u-1", "requestId": "r-1"}
    assert {key: value for key, value in begins.items() if key != "time"} == {
        "level": "INFO",
        "logger": "aisearch_operator.somewhere",
        "message": "begins",
        **resource,
    }
    assert goes_on["generation"] == 3
    assert goes_on["cfRay"] == "8abc-AMS"
    assert goes_on.keys() >= resource.keys()
    assert is_over.keys() == {"time", "level", "logger", "message"}


async def test_two_passes_at_the_same_time_do_not_mix(capsys):
    configure_logging("json", "INFO")
    first_logged = asyncio.Event()

    async def work(name):
        with about(name=name):
            if name == "second":
                await first_logged.wait()
            logging.getLogger("aisearch_operator").info(name)
            first_logged.set()

    await asyncio.gather(work("first"), work("second"))

    assert [(line["message"], line["name"]) for line in lines(capsys)] == [("first", "first"), ("second", "second")]


def test_a_bug_in_a_pass_is_one_line_with_its_traceback_and_its_resource(capsys):
    configure_logging("json", "INFO")

    with about(kind="AISearchSyncJob", name="nightly"):
        logging.getLogger("aisearch_operator").error("A pass failed", exc_info=ValueError("unexpected"))

    (line,) = lines(capsys)
    assert "ValueError: unexpected" in line["exc_info"]
    assert (line["kind"], line["name"]) == ("AISearchSyncJob", "nightly")
