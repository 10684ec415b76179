"""The live check's parts: what it may delete, what it shows of an answer, and questions that go wrong."""

import pytest

from aisearch_operator.cloudflare import Instance, Retry
from aisearch_operator.cloudflare.errors import Cause
from live_check.api import Answered, Api
from live_check.chapters import CHAPTERS
from live_check.check import perform
from live_check.cleanup import clean
from live_check.display import cells_of, markdown
from live_check.errors import NotAskedError, StepError
from live_check.outcome import Chapter, Finding, Probe, Row, Step
from live_check.session import Names, Session, is_leftover
from live_check.target import target_on


def probe(ask, name="q"):
    return Probe(name, "Is it so?", "1.0", "yes", "no: whatever", ask)


def answering(text, expected=None):
    async def ask(_):
        return Finding(text, expected)

    return probe(ask)


def failing(error):
    async def ask(_):
        raise error

    return probe(ask)


@pytest.mark.parametrize(
    ("name", "left"),
    [
        ("live-check-0a1b2c-files", True),
        ("live-check-0a1b2c-source", True),
        ("live-check-0a1b2c-broken", True),
        ("live-check-0a1b2c-longxxxx", True),
        ("live-check-0a1b2c-docs", False),
        ("live-check-docs", False),
        ("live-check", False),
        ("my-live-check-0a1b2c-files", False),
        ("live-check-0a1b2c-files-2", False),
        ("live-check2-0a1b2c-files", False),
    ],
)
def test_only_what_a_run_has_made_is_a_leftover(name, left):
    assert is_leftover(Instance(id=name), "live-check") is left


def test_every_name_of_a_run_is_a_leftover_later_and_the_usual_ones_keep_to_32_characters():
    names = Names.fresh("a" * 18)

    assert all(is_leftover(Instance(id=name), "a" * 18) for name in names.all)
    assert [len(name) <= 32 for name in names.all] == [True, True, True, False]


async def test_leftovers_of_an_earlier_run_are_deleted_and_nothing_else(fake, account):
    target = target_on(fake, account)
    async with Api(target) as api:
        for name in ("live-check-0a1b2c-files", "live-check-docs", "docs"):
            await api.client.create_instance(target.home, {"id": name})

        assert await clean(api, target, "live-check") == []

    assert {view.id for view in account.instances()} == {"live-check-docs", "docs"}


async def test_a_deletion_that_fails_is_tried_again_and_then_told(fake, account):
    target = target_on(fake, account)
    async with Api(target) as api:
        await api.client.create_instance(target.home, {"id": "live-check-0a1b2c-files"})
        account.fail("instances.delete", 502, 7092, times=None)
        (problem,) = await clean(api, target, "live-check")
        assert problem.startswith("instance live-check-0a1b2c-files in search namespace default is left: ")

        account.clear_faults()
        account.fail("instances.delete", 500)
        assert await clean(api, target, "live-check") == []


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (NotAskedError("needs --source"), "needs --source"),
        (StepError("not seen for 120 s"), "failed: not seen for 120 s"),
        (Retry(Cause.API_UNAVAILABLE, "Cloudflare answered 503"), "failed: Cloudflare answered 503"),
        (KeyError("secret"), "failed: the answer could not be read (KeyError)"),
        (TypeError("secret"), "failed: the answer could not be read (TypeError)"),
    ],
)
async def test_a_question_that_goes_wrong_does_not_stop_the_next(fake, account, display, error, reason):
    target = target_on(fake, account)
    chapter = Chapter("One", (), (failing(error), answering("it is")))
    async with Api(target) as api:
        rows, failures = await perform([chapter], Session(target, api, Names("check", "abcdef")), display)

    assert failures == 0
    assert [row.reason for row in rows] == [reason, ""]
    assert rows[1].finding == Finding("it is")


async def test_a_step_that_is_left_out_is_no_failure(fake, account, display, output):
    async def leave_out(_):
        raise NotAskedError("needs --source")

    target = target_on(fake, account)
    async with Api(target) as api:
        chapters = [Chapter("One", (Step("A step", leave_out),), ())]
        _, failures = await perform(chapters, Session(target, api, Names("check", "abcdef")), display)

    assert failures == 0
    assert "A step: left out: needs --source" in output.getvalue()


@pytest.mark.parametrize(
    ("row", "cells"),
    [
        (Row(answering(""), Finding("it is", expected=True)), ("it is", "as expected")),
        (Row(answering(""), Finding("it is not", expected=False)), ("it is not", "not as expected")),
        (Row(answering(""), Finding("perhaps")), ("perhaps", "now known")),
        (Row(answering(""), None, "needs --source"), ("needs --source", "not asked")),
    ],
)
def test_a_row_says_what_was_answered_and_how_that_stands_to_the_facts(row, cells):
    assert cells_of(row)[2:4] == cells


def test_markdown_keeps_a_bar_out_of_the_table():
    page = markdown([Row(answering(""), Finding("a|b"))], "2026-11-23, against it.", 2)

    assert "a\\|b" in page
    assert "2 steps of the scenario failed." in page


@pytest.mark.parametrize(
    ("status", "document", "text"),
    [
        (200, {"success": True, "result": {"id": "x"}}, "200"),
        (400, {"success": False, "errors": [{"code": 7020, "message": "no"}]}, "400/7020 no"),
        (502, {}, "502"),
        (403, {"errors": ["what"]}, "403"),
    ],
)
def test_an_answer_is_shown_by_its_status_and_error(status, document, text):
    assert str(Answered("GET", "/", status, {}, document)) == text


def test_every_question_has_a_name_of_its_own():
    names = [question.id for chapter in CHAPTERS for question in chapter.probes]

    assert len(set(names)) == len(names)
