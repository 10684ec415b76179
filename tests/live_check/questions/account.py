"""Questions about credentials, limits and listings."""

from live_check.errors import NotAskedError
from live_check.outcome import Finding, Probe
from live_check.session import Session

FOREIGN_ACCOUNT = "0" * 32
"""Well-formed, and nobody's."""


async def verification(session: Session) -> Finding:
    """Ask both routes that verify tokens."""
    if session.target.credentials.api_token is None:
        raise NotAskedError("needs an API token")
    user = await session.api.ask_user("/tokens/verify")
    account = await session.api.ask("GET", "/tokens/verify")
    one = (user.status == 200) != (account.status == 200)
    return Finding(f"/user: {user}; /accounts: {account}", expected=one)


async def foreign_account(session: Session) -> Finding:
    """Ask for an account that the credentials have nothing to do with."""
    answer = await session.api.ask("GET", "/ai-search/namespaces", account=FOREIGN_ACCOUNT, per_page=1)
    return Finding(str(answer), expected=answer.status in {401, 403, 404})


async def rate_limit_headers(session: Session) -> Finding:
    """Look for the headers that tell how much of the request limit is left."""
    named = ("ratelimit", "ratelimit-policy")
    found = sorted(
        {
            f"{name}: {answer.headers[name]}"
            for answer in session.api.answers
            for name in named[1:]
            if name in answer.headers
        }
    )
    missing = sum(any(name not in answer.headers for name in named) for answer in session.api.answers)
    text = f"on {len(session.api.answers) - missing} of {len(session.api.answers)} answers"
    return Finding("; ".join([text, *found]), expected=missing == 0)


async def default_namespace(session: Session) -> Finding:
    """See whether the list of search namespaces has `default`."""
    answer = await session.api.ask("GET", "/ai-search/namespaces", per_page=100)
    if answer.status != 200:
        return Finding(str(answer))
    listed = any(item.get("name") == "default" for item in answer.result)
    return Finding("listed" if listed else "not listed")


PROBES = (
    Probe(
        "token-verification",
        "Does only one of /user and /accounts/{id}/tokens/verify accept a token?",
        "5.2",
        "only the one of the token's kind, the other fails",
        "yes: to tell a bad token from a missing permission",
        verification,
    ),
    Probe(
        "foreign-account",
        "What answers a well-formed account id that is not the token's?",
        "4.3, 4.4",
        "401 or 403/10000, or 404/7003",
        "yes: the condition's message names the account id",
        foreign_account,
    ),
    Probe(
        "default-namespace",
        "Does the list of search namespaces have `default`?",
        "1.2",
        "sources disagree",
        "no: it never lists search namespaces",
        default_namespace,
    ),
)
AT_THE_END = (
    Probe(
        "rate-limit-headers",
        "Do answers carry Ratelimit and Ratelimit-Policy?",
        "4.2",
        "both, on every answer",
        "no: without them the operator keeps to its own share of 1,200 in 5 minutes",
        rate_limit_headers,
    ),
)
