"""Command line: `python -m fake_cloudflare` serves one account until it is interrupted."""

import argparse
import asyncio
import signal
import sys
from pathlib import Path

from fake_cloudflare.admin_client import AdminClient, AdminError
from fake_cloudflare.server import serve

DEMO_ACCOUNT = "0123456789abcdef0123456789abcdef"
DEMO_TOKEN = "fake-token"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="fake_cloudflare",
        description="Serve a fake of the Cloudflare AI Search API on loopback and print its URL.",
    )
    parser.add_argument("--port", type=int, default=0, help="TCP port; 0 (default) takes a free one")
    parser.add_argument("--state", type=Path, help="file that keeps the state between runs")
    parser.add_argument("--account", default=DEMO_ACCOUNT, help="account id, 32 hexadecimal digits (%(default)s)")
    parser.add_argument("--token", default=DEMO_TOKEN, help="API token of the account (%(default)s)")
    parser.add_argument("--rate", type=float, help="seconds of the account's clock in a real second (1)")
    parser.add_argument(
        "--initial-job",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="whether a new r2 or web-crawler instance indexes itself at once (yes)",
    )
    return parser.parse_args()


def _set_up(url: str, arguments: argparse.Namespace) -> None:
    """Make the account, or bring the one from the state file up to what the command line says."""
    with AdminClient(url) as admin:
        if arguments.account in admin.accounts():
            account = admin.account(arguments.account, arguments.token)
            account.add_token("token", arguments.token)
        else:
            account = admin.create_account(account_id=arguments.account, token=arguments.token)
        if arguments.rate is not None:
            account.set_rate(arguments.rate)
        if arguments.initial_job is not None:
            account.configure(initial_job=arguments.initial_job)


async def _main() -> None:
    arguments = _arguments()
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    async with serve(port=arguments.port, state=arguments.state) as url:
        await asyncio.to_thread(_set_up, url, arguments)
        print(url, flush=True)
        print(f"account {arguments.account}, token {arguments.token}", file=sys.stderr, flush=True)
        await stopped.wait()


if __name__ == "__main__":
    try:
        asyncio.run(_main())
    except (AdminError, OSError, ValueError) as error:
        sys.exit(f"fake_cloudflare: {error}")
