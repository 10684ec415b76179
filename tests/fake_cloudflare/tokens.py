"""The routes that say who calls: whether a token is valid, which account it sees. They prove no permission (facts 5.2).

Not documented, and chosen here: a token of the other kind, an unknown one and a global key get 401/1000 from a
verification; an account that the caller does not see gets 403/9109, a token that asks for its user too. That an
account-owned token gets 9109 for /user is known from wrangler (workers-sdk pull request 13858).
"""

from fake_cloudflare.accounts import ACCOUNT_ID
from fake_cloudflare.calls import Call
from fake_cloudflare.envelope import Answer, invisible, refusal, unknown_token
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


def get_account(call: Call) -> Answer:
    """Answer for /accounts/{account}, which takes the permission Account Settings: Read."""
    account_id = call.params["account"]
    if not ACCOUNT_ID.fullmatch(account_id):
        raise refusal(7003)
    caller = call.account.caller(call.caller)
    if account_id != call.account.id or not caller.sees_account or caller.status != "active":
        raise invisible()
    return Answer({"id": account_id, "name": f"Account {account_id[:4]}"})


def get_user(call: Call) -> Answer:
    """Answer for /user: a global key is its user's, a token would take the permission User Details: Read."""
    caller = call.account.caller(call.caller)
    if caller.kind != "key":
        raise invisible()
    return Answer({"id": caller.digest[:_TOKEN_ID_LENGTH]})
