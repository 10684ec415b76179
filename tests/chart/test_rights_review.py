"""The look back at the rights of a whole run: a right too many and a right too few both fail it."""

from datetime import UTC, datetime

import pytest

from controlplane.audit import AuditedRequest
from harness.chart import access_of_namespaces, access_of_the_cluster
from harness.rights_review import granted, review_rights

OPERATOR = "system:serviceaccount:team:aisearch-operator"
ADMINISTRATOR = "kubernetes-admin"
MODES = {"namespaced": access_of_namespaces("team"), "cluster-wide": access_of_the_cluster("team")}
RIGHTS = [
    pytest.param(mode, right, id=f"{mode}: {right}")
    for mode, access in MODES.items()
    for right in sorted(granted(access))
]


def request(verb, resource, *, group="", namespace="team", name="docs", user=OPERATOR, code=200, second=0):
    resource, _, subresource = resource.partition("/")
    moment = datetime(2026, 11, 23, second=second, tzinfo=UTC)
    return AuditedRequest(moment, verb, resource, subresource, namespace, name, user, code, group=group)


def use(rights, code=200):
    return [request(right.verb, right.resource, group=right.group, code=code) for right in rights]


@pytest.mark.parametrize("access", MODES.values(), ids=MODES)
def test_a_run_that_used_every_right_and_was_refused_none_is_fine(access):
    found = review_rights(use(granted(access)))

    assert (found.unused(access), found.refused, found.outside) == ([], [], [])


@pytest.mark.parametrize(("mode", "right"), RIGHTS)
def test_a_right_that_the_chart_lacks_is_a_refused_request_and_one_that_nobody_used_is_too_many(mode, right):
    access = MODES[mode]
    others = use(granted(access) - {right})

    lacking = review_rights([*others, *use([right], code=403)])
    too_many = review_rights(others)

    assert lacking.refused == [f"{right} in team, asked by {OPERATOR}"]
    assert lacking.unused(access) == too_many.unused(access) == [right]
    assert too_many.refused == []


@pytest.mark.parametrize(
    "tampering",
    [
        request("delete", "namespaces", name="team", user=ADMINISTRATOR, second=1),
        request("patch", "roles", name="aisearch-operator", user=ADMINISTRATOR, second=1),
        request("delete", "rolebindings", name="aisearch-operator", user=ADMINISTRATOR, second=1),
    ],
    ids=lambda each: f"{each.verb} {each.resource}",
)
def test_who_takes_rights_away_expects_refusals_in_this_namespace_from_then_on(tampering):
    early, late = (request("get", "secrets", code=403, second=second) for second in (0, 2))

    assert review_rights([tampering, late]).refused == []
    assert review_rights([late, tampering]).refused == [], "the log need not be in order"
    assert len(review_rights([early, tampering]).refused) == 1


def test_to_make_the_roles_takes_no_rights_away():
    made = request("patch", "roles", name="aisearch-operator", user=ADMINISTRATOR, code=201)

    assert len(review_rights([made, request("get", "secrets", code=403)]).refused) == 1


@pytest.mark.parametrize("namespace", ["", "other"])
def test_a_request_for_something_outside_of_its_namespace_is_told(namespace):
    found = review_rights([request("list", "aisearchinstances", namespace=namespace)])

    assert found.outside == [f"list aisearchinstances in {namespace or 'the whole cluster'}, asked by {OPERATOR}"]


def test_discovery_and_the_requests_of_others_are_nothing_to_tell():
    found = review_rights(
        [request("get", "", namespace=""), request("list", "secrets", user=ADMINISTRATOR, namespace="")]
    )

    assert (found.used, found.refused, found.outside) == (set(), [], [])


@pytest.mark.parametrize("access", MODES.values(), ids=MODES)
def test_the_chart_gives_no_right_to_list_secrets_or_to_touch_what_is_not_the_operators(access):
    rights = {str(right) for right in granted(access)}

    assert {right for right in rights if "secrets" in right} == {"get secrets"}
    assert not {right for right in rights if right.split()[0] in {"*", "escalate", "bind", "impersonate"}}
    assert not {right for right in rights if right.startswith(("update", "deletecollection")) and "leases" not in right}
