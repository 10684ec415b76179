"""The live check as a person runs it: against the fake, against an account that answers otherwise, and interrupted."""

import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from fake_cloudflare import Status
from harness.kube import eventually
from live_check.__main__ import main
from live_check.api import Api
from live_check.chapters import CHAPTERS
from live_check.check import perform
from live_check.display import NOT_ASKED, OTHER, markdown, verdict
from live_check.session import Names, Session
from live_check.target import FAKE_SOURCE, target_on

ROOT = Path(__file__).parents[3]
PROBES = [probe for chapter in CHAPTERS for probe in chapter.probes]
STEPS = [step for chapter in CHAPTERS for step in chapter.steps]


async def rows_and_failures(fake, account, display, chapters=CHAPTERS):
    target = target_on(fake, account)
    async with Api(target) as api:
        return await perform(chapters, Session(target, api, Names("check", "abcdef")), display)


def test_every_step_works_and_every_question_is_answered_against_the_fake(capsys, tmp_path):
    page = tmp_path / "answers.md"

    assert main(["--markdown", str(page)]) == 0

    shown, written = capsys.readouterr().out, page.read_text(encoding="utf-8")
    assert shown.count("✓") == len(STEPS)
    assert "Nothing is left." in shown
    assert ", 0 not as expected, " in shown
    assert all(f"| {probe.question} |" in written for probe in PROBES)
    assert "Every step of the scenario worked." in written
    assert "failed" not in written


async def test_an_account_that_answers_otherwise_shows_in_the_table(fake, account, display):
    account.configure(
        cancel_end_reason=None, jobs_while_paused=True, foreign_account=404, missing_buckets=[], timestamp_format="iso"
    )

    rows, failures = await rows_and_failures(fake, account, display)

    assert failures == 0
    assert {row.probe.id for row in rows if verdict(row) == OTHER} == {
        "cancel-reason",
        "job-when-paused",
        "broken-source",
    }
    page = markdown(rows, "2026-11-23.", failures)
    assert not [secret for secret in (account.token, account.id, FAKE_SOURCE) if secret in page]


async def test_a_question_whose_requests_are_refused_is_not_answered(fake, account, display):
    refusal = Status(status=400, code=7010, message=f"bad model of {account.token}")
    account.inject(refusal, "instances.update", nth=2, times=None)

    rows, _ = await rows_and_failures(fake, account, display)

    refused = "failed: the PUT of {} was answered 400/7010"
    answers = {row.probe.id: row.reason or row.finding.text for row in rows}
    assert answers["put-is-partial"] == f"{refused.format('max_num_results')} bad model of [redacted]"
    assert answers["job-when-paused"].startswith(refused.format("paused"))


async def test_a_step_that_fails_ends_its_chapter_and_nothing_else(fake, account, display, output):
    account.fail("jobs.cancel", 400, times=None)

    rows, failures = await rows_and_failures(fake, account, display)

    assert failures == 1
    assert "✗ Another one is started and cancelled: Cloudflare answered 400" in output.getvalue()
    assert "✓ The instance with a source is deleted" in output.getvalue()
    assert len(rows) == len(PROBES)
    unanswered = {row.probe.id: row.reason for row in rows if row.finding is None}
    assert unanswered["cancel-reason"] == "an earlier step failed"
    assert "success-reason" not in unanswered


async def test_credentials_that_do_not_work_create_nothing(fake, account, display, output):
    target = target_on(fake, account)
    account.add_token("token", account.token, permission="none")
    async with Api(target) as api:
        _, failures = await perform(CHAPTERS, Session(target, api, Names("check", "abcdef")), display)

    assert failures == 1
    assert "✗ The token may list instances" in output.getvalue()
    assert {entry.method for entry in account.journal()[1:]} == {"GET"}


async def test_without_a_source_nothing_is_asked_about_sync_jobs(fake, account, display, output):
    target = replace(target_on(fake, account), source=None)
    async with Api(target) as api:
        rows, failures = await perform(CHAPTERS, Session(target, api, Names("check", "abcdef")), display)

    assert failures == 0, output.getvalue()
    assert "An instance with a source is created: left out: needs --source" in output.getvalue()
    assert [view.id for view in account.instances()] == [Names("check", "abcdef").long]
    assert not [row for row in rows if row.reason.startswith("failed")]
    assert verdict(next(row for row in rows if row.probe.id == "cancel-reason")) == NOT_ASKED
    assert len(account.journal(operation="jobs.create")) == 1  # for built-in storage, refused


def live(fake, account, *arguments):
    """Start the check as against Cloudflare, in real time; nobody answers its question."""
    return subprocess.Popen(
        [sys.executable, "-m", "live_check", "--live", "--api-url", fake.api_url, "--source", "bucket", *arguments],
        env={
            "PATH": os.environ["PATH"],
            "PYTHONPATH": f"{ROOT / 'operator'}{os.pathsep}{ROOT / 'tests'}",
            "PYTHONUTF8": "1",
            "CLOUDFLARE_API_TOKEN": account.token,
            "CLOUDFLARE_ACCOUNT_ID": account.id,
        },
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_leaves_nothing_behind(fake, account, ending):
    with live(fake, account, "--yes") as process:
        eventually(
            lambda: any(view.id.endswith("-source") for view in account.instances()),
            lambda: f"only {account.instances()} were created",
        )

        process.send_signal(ending)
        shown, _ = process.communicate(timeout=300)

    assert process.returncode == 130, shown
    assert "Nothing is left." in shown
    assert account.instances() == []
    assert account.token not in shown


def test_nothing_is_created_before_a_person_agrees(fake, account):
    with live(fake, account) as process:
        shown, _ = process.communicate(timeout=300)

    assert process.returncode == 2, shown
    assert "creates up to 4 instances in search namespace default: live-check-" in shown
    assert "nobody is there to confirm: add --yes" in shown
    assert {entry.method for entry in account.journal()} == {"GET"}


@pytest.mark.parametrize(
    ("environment", "arguments", "message"),
    [
        ({}, [], "no account: set CLOUDFLARE_ACCOUNT_ID"),
        ({"CLOUDFLARE_ACCOUNT_ID": "a" * 32}, [], "no API token: set CLOUDFLARE_API_TOKEN"),
        (
            {"CLOUDFLARE_ACCOUNT_ID": "a" * 32},
            ["--api-token-file", "/absent"],
            "the file of the API token cannot be read",
        ),
        ({"CLOUDFLARE_ACCOUNT_ID": "a" * 32, "CLOUDFLARE_API_TOKEN": "line\nbreak"}, [], "api_token is empty or holds"),
    ],
)
def test_what_the_command_line_lacks_is_said_without_the_token(monkeypatch, capsys, environment, arguments, message):
    for name in ("CLOUDFLARE_ACCOUNT_ID", "CLOUDFLARE_API_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)

    assert main(["--live", *arguments]) == 2

    said = capsys.readouterr().err
    assert message in said
    assert "break" not in said.replace("line break at its end", "")
