"""Credentials that Cloudflare refuses, and what puts them right without a change of the Secret."""

from collections import Counter

from unit.reconcilers.bench import READY, Bench, ready_instance

STALLED = ("False", "False", "True", "PermissionDenied")


def questions(bench: Bench) -> Counter[str | None]:
    """Count the requests to the general API since the last time."""
    return Counter(entry.operation for entry in bench.requests() if "instances" not in (entry.operation or ""))


async def test_a_permission_that_is_given_at_cloudflare_is_found_with_the_next_list(bench):
    bench.account.add_token("token", bench.account.token, permission="none")
    key = bench.instance(source="bucket")
    await bench.make_pass(key)
    assert bench.states(key) == STALLED
    assert questions(bench) == {"tokens.verify": 1, "accounts.get": 1}

    for _ in range(3):
        await bench.look_again()
        await bench.make_pass(key)
    assert questions(bench) == {}
    assert len(bench.drain_patches()) == 1

    bench.account.add_token("token", bench.account.token)
    await bench.look_again()
    assert bench.drain_woken() == {"docs"}
    await bench.make_pass(key)
    assert bench.states(key) == READY


async def test_a_fresh_token_that_is_not_admitted_yet_goes_on_with_the_next_list(bench):
    bench.account.add_token("token", bench.account.token, settles_in=5)
    key = bench.instance(source="bucket")
    await bench.make_pass(key)
    assert bench.states(key) == STALLED

    bench.account.advance(5)
    await bench.look_again()
    await bench.make_pass(key)

    assert bench.states(key) == READY


async def test_a_token_that_may_only_read_shows_the_instance_and_asks_once_why_it_may_not_change_it(bench):
    key = await ready_instance(bench, chunkSize=512)
    bench.account.add_token("token", bench.account.token, permission="read")
    bench.instance(source="bucket", chunkSize=600)

    for _ in range(3):
        await bench.make_pass(key)
        await bench.look_again()

    assert bench.states(key) == STALLED
    assert "may not change AI Search" in bench.condition(key, "Ready").message
    assert questions(bench) == {"tokens.verify": 1, "accounts.get": 1}
    assert len(bench.drain_patches()) == 1
