"""The fake against the fact sheet: search namespaces."""

import pytest


def test_default_exists_and_is_listed_or_not(account, api):
    """1.2: sources disagree whether the list has `default`; GET always knows it."""
    assert [item["name"] for item in api("GET", "/namespaces").result] == ["default"]
    account.configure(list_default_namespace=False)
    assert api("GET", "/namespaces").result == []
    assert api("GET", "/namespaces/default").result["name"] == "default"


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
def test_default_cannot_be_modified(api, method):
    """4.3: 7065."""
    assert api(method, "/namespaces/default", {"description": "x"}).refused == (400, 7065)


def test_a_namespace_is_created_read_updated_and_deleted(api):
    """1.1: 201 on create, 200 for the rest."""
    created = api("POST", "/namespaces", {"name": "team-a", "description": "Team A"})
    assert created.status == 201
    assert api("GET", "/namespaces/team-a").result["description"] == "Team A"
    assert api("PUT", "/namespaces/team-a", {"description": None}).result["description"] is None
    assert api("DELETE", "/namespaces/team-a").status == 200
    assert api("GET", "/namespaces/team-a").refused == (404, 7063)


def test_a_name_is_taken_once(api):
    """4.3: 7064 is a 409."""
    api("POST", "/namespaces", {"name": "team-a"})
    assert api("POST", "/namespaces", {"name": "team-a"}).refused == (409, 7064)


def test_there_is_a_quota_of_namespaces(account, api):
    """4.1: 7062 is a 403."""
    account.configure(max_namespaces=2)
    api("POST", "/namespaces", {"name": "a"})
    assert api("POST", "/namespaces", {"name": "b"}).refused == (403, 7062)


def test_a_namespace_with_instances_cannot_be_deleted(api):
    """1.2: the API wants it empty (7066)."""
    api("POST", "/namespaces", {"name": "team-a"})
    api("POST", "/namespaces/team-a/instances", {"id": "docs"})
    assert api("DELETE", "/namespaces/team-a").refused == (400, 7066)
    api("DELETE", "/namespaces/team-a/instances/docs")
    assert api("DELETE", "/namespaces/team-a").status == 200


@pytest.mark.parametrize("name", ["", "-a", "a-", "A", "a_b", "a" * 29])
def test_a_bad_name_is_refused(api, name):
    """2.1: 1 to 28 characters, letters, digits, inner hyphens."""
    assert api("POST", "/namespaces", {"name": name}).refused == (400, 7001)


def test_instances_allowed_must_exist(api):
    """2.1: 7097."""
    api("POST", "/namespaces", {"name": "team-a"})
    endpoint = {"public_endpoint_params": {"instances_allowed": ["absent"]}}
    assert api("PUT", "/namespaces/team-a", endpoint).refused == (400, 7097)


def test_search_looks_at_name_and_description(api):
    """1.1: `search` is over both."""
    api("POST", "/namespaces", {"name": "a", "description": "Blue team"})
    api("POST", "/namespaces", {"name": "blue"})
    api("POST", "/namespaces", {"name": "red"})
    found = api("GET", "/namespaces", search="blue").result
    assert [item["name"] for item in found] == ["a", "blue"]
