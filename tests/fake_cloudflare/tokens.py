"""The routes that say whether an API token is valid, which proves no permission (facts 5.2).

Not documented, and chosen here: a token of the other kind, an unknown one and a global key get 401/1000.
"""

from fake_cloudflare.calls import Call
from fake_cloudflare.envelope import Answer, unknown_token
from fake_cloudflare.validation import NoQuery, parse_query

_TOKEN_ID_LENGTH = 32


def verify_token(call: Call) -> Answer:
    """Answer for /user/tokens/verify and /accounts/{account}/tokens/verify."""
    parse_query(NoQuery, call.query)
    caller = call.account.caller(call.caller)
    account_id = call.params.get("account")
    if caller.kind != ("user" if account_id is None else "account") or account_id not in {None, call.account.id}:
        raise unknown_token()
    return Answer({"id": caller.digest[:_TOKEN_ID_LENGTH], "status": caller.status})
