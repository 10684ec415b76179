"""Command line: `python -m live_check` asks the fake, `python -m live_check --live` a real account."""

import argparse
import asyncio
import os
import re
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from aisearch_operator.cloudflare import CloudflareError, Credentials
from controlplane import ControlPlane, ControlPlaneError
from harness.operator_process import QUICK
from live_check import by_operator
from live_check.api import Api
from live_check.by_operator import Cluster
from live_check.chapters import CHAPTERS
from live_check.check import perform
from live_check.cleanup import clean, leftovers
from live_check.display import Display, markdown
from live_check.outcome import Chapter
from live_check.session import Names, Session
from live_check.target import API_URL, Target, fake_target

FAKE_RATE = 20.0
"""How much faster the fake's clock goes where it must go by itself, because the operator has one of its own."""

LOG_TAIL = 2000
"""Characters of the operator's log that are shown when a step has failed."""

INTERRUPTED = 130
"""Exit code, as shells have it: 128 and SIGINT's number."""

PREFIX = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")
LONGEST_PREFIX = 18
"""Characters: with it, all ids but the long one keep to 32, the shorter of the two documented limits."""

NOTICE = """\
This asks Cloudflare's real API at {url}, in account {account}. It

  - creates up to {count} instances in search namespace {namespace}: {names}
  - {indexing}
  - sends about 200 requests; your user has 1,200 in 5 minutes, dashboard and all
  - deletes what it has created, also when it fails or is interrupted

Cloudflare bills ingestion, models and storage by your plan: docs/live-check.md.\
"""


class UsageError(Exception):
    """The command line or the environment lacks something; the text says what."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the live check, and give the exit code: 0 when every step of the scenario worked and nothing is left."""
    options = _options(arguments)
    names = Names.fresh(options.prefix)
    try:
        with _target(options, names) as target, _cluster(options, target) as cluster:
            return asyncio.run(_run(target, cluster, names, options, Display()))
    except UsageError as error:
        print(f"live_check: {error}", file=sys.stderr)
        return 2
    except ControlPlaneError as error:
        print(f"live_check: {error}", file=sys.stderr)
        return 1
    except (KeyboardInterrupt, asyncio.CancelledError):
        print("Interrupted. If something is left, the next run with this prefix deletes it.", file=sys.stderr)
        return INTERRUPTED


async def _run(
    target: Target, cluster: Cluster | None, names: Names, options: argparse.Namespace, display: Display
) -> int:
    async with Api(target) as api:
        try:
            await _agree(api, target, names, options, display)
        except CloudflareError as error:
            display.say(f"Nothing was created: {error}")
            return 1
        _cancel_on_signals()
        try:
            chapters = CHAPTERS if cluster is None else by_operator.chapters(cluster)
            code = await _check(chapters, Session(target, api, names), options, display)
            if code and cluster is not None:
                display.say(f"\nThe end of the operator's log:\n{cluster.operator.log[-LOG_TAIL:]}")
        except asyncio.CancelledError:
            display.say("\nInterrupted.")
            code = INTERRUPTED
        finally:
            if cluster is not None:
                cluster.close()
            display.say("\nDeleting what was created ...")
            problems = await clean(api, target, names.prefix)
            display.say("\n".join(problems) or "Nothing is left.")
        return code or int(bool(problems))


def _cancel_on_signals() -> None:
    """Let the first signal end the check in order, and the second its cleaning."""
    task = asyncio.current_task()
    for number in (signal.SIGINT, signal.SIGTERM):
        if task is not None:
            asyncio.get_running_loop().add_signal_handler(number, task.cancel)


async def _agree(api: Api, target: Target, names: Names, options: argparse.Namespace, display: Display) -> None:
    """Say what will happen, and let the person decide; delete what an earlier run has left."""
    display.say(_notice(target, names) if options.live else f"This asks {target.title}.")
    found = await leftovers(api, target, names.prefix)
    if found:
        listed = ", ".join(f"{where.name}/{instance.id}" for where, instance in found)
        display.say(f"\nAn earlier run has left something, which is deleted first: {listed}")
    if options.live and not options.yes:
        _confirm()
    if problems := await clean(api, target, names.prefix) if found else []:
        display.say("\n".join(problems))


async def _check(chapters: Sequence[Chapter], session: Session, options: argparse.Namespace, display: Display) -> int:
    rows, failures = await perform(chapters, session, display)
    if rows:
        display.report(rows)
    if rows and options.markdown is not None:
        title = f"{datetime.now(UTC):%Y-%m-%d}, against {session.target.title}."
        options.markdown.write_text(markdown(rows, title, failures), encoding="utf-8")
        display.say(f"The same as Markdown: {options.markdown}")
    return 1 if failures else 0


def _notice(target: Target, names: Names) -> str:
    indexing = "indexes nothing: --source was not given, so nothing is asked about sync jobs"
    if target.source is not None:
        indexing = f"indexes {target.source} once, and starts up to 7 sync jobs of it, of which most are cancelled"
    return NOTICE.format(
        url=target.base_url,
        account=target.credentials.account_id,
        count=len(names.all),
        namespace=target.search_namespace,
        names=", ".join(names.all),
        indexing=indexing,
    )


def _confirm() -> None:
    """Ask the person.

    Raises
    ------
    UsageError
        There is nobody to ask, or the answer is not yes.
    """
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # asyncio's would not end the question
    try:
        answer = input("\nGo on? [y/N] ")
    except EOFError:
        raise UsageError("nobody is there to confirm: add --yes") from None
    finally:
        signal.signal(signal.SIGINT, before)
    if answer.strip().lower() not in {"y", "yes"}:
        raise UsageError("nothing was done")


@contextmanager
def _target(options: argparse.Namespace, names: Names) -> Iterator[Target]:
    if not options.live:
        rate = FAKE_RATE if options.by_operator else 0
        with fake_target(missing_bucket=names.missing_bucket, rate=rate) as target:
            yield target
        return
    yield Target(
        title="Cloudflare's real API",
        base_url=options.api_url,
        credentials=_credentials(options),
        search_namespace=options.search_namespace,
        second_namespace=options.second_search_namespace,
        source=options.source,
        token_id=options.token_id,
        patience=options.patience,
    )


@contextmanager
def _cluster(options: argparse.Namespace, target: Target) -> Iterator[Cluster | None]:
    """Start a control plane with an operator, if the operator is to be tried."""
    if not options.by_operator:
        yield None
        return
    with ControlPlane.start() as plane:
        plane.install_crds()
        settings = by_operator.IN_PRODUCTION if options.live else QUICK
        with Cluster(plane, "default", target, plane.directory, settings) as cluster:
            yield cluster


def _credentials(options: argparse.Namespace) -> Credentials:
    account = options.account_id or os.environ.get("CLOUDFLARE_ACCOUNT_ID", "")
    token = os.environ.get("CLOUDFLARE_API_TOKEN", "")
    if options.api_token_file is not None:
        try:
            token = options.api_token_file.read_text(encoding="utf-8").strip()
        except OSError as error:
            raise UsageError(f"the file of the API token cannot be read: {error.strerror}") from None
    if not account:
        raise UsageError("no account: set CLOUDFLARE_ACCOUNT_ID, or give --account-id")
    if not token:
        raise UsageError("no API token: set CLOUDFLARE_API_TOKEN, or give --api-token-file")
    try:
        return Credentials(account_id=account, api_token=token)
    except ValueError as error:
        raise UsageError(str(error)) from None


def _prefix(text: str) -> str:
    if not PREFIX.fullmatch(text) or len(text) > LONGEST_PREFIX:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no prefix: lower-case letters, digits and single hyphens, {LONGEST_PREFIX} characters at most"
        )
    return text


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="live_check", description=__doc__)
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the table to a file, too")
    parser.add_argument("--prefix", type=_prefix, default="live-check", help="of all that is created (%(default)s)")
    parser.add_argument("--by-operator", action="store_true", help="the scenario by the whole operator; no questions")
    parser.add_argument("--live", action="store_true", help="ask a real account; everything below is for this")
    parser.add_argument("--yes", action="store_true", help="do not ask before creating anything")
    parser.add_argument("--account-id", help="otherwise from CLOUDFLARE_ACCOUNT_ID")
    parser.add_argument("--api-token-file", type=Path, metavar="FILE", help="otherwise from CLOUDFLARE_API_TOKEN")
    parser.add_argument("--source", help="R2 bucket or URL of a site, small: it is indexed; without it no sync jobs")
    parser.add_argument("--token-id", help="service token that reads the bucket, where the account has none yet")
    parser.add_argument("--search-namespace", default="default", help="where instances are created (%(default)s)")
    parser.add_argument("--second-search-namespace", help="an existing one, to move an instance to")
    parser.add_argument("--patience", type=float, default=1800.0, help="seconds until a job must end (%(default)s)")
    parser.add_argument("--api-url", default=API_URL, help="base URL of the API (%(default)s)")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
