"""The fake against the fact sheet: pauses that nobody asked for, and what statistics say of the source."""

import pytest

DAY = 86_400.0


def paused(api, docs):
    return api("GET", docs).result["paused"]


def test_an_instance_that_nobody_searches_is_paused_after_31_days(account, api, docs):
    """2.5: shown in GET and LIST, and it takes no job."""
    account.advance(31 * DAY - 1)
    assert not paused(api, docs)
    account.advance(1)
    assert paused(api, docs)
    assert api("GET", "/namespaces/default/instances").result[0]["paused"] is True
    assert api("POST", f"{docs}/jobs").refused == (400, 7032)


def test_an_idle_instance_resumes_by_a_search_or_by_hand(account, api, docs):
    """2.5: "resumes by itself after traffic or manual resume", and a search in time keeps it from being paused."""
    account.advance(31 * DAY)
    account.search("docs")
    assert not paused(api, docs)
    account.advance(31 * DAY)
    assert paused(api, docs)
    assert api("PUT", docs, {"paused": False}).result["paused"] is False
    account.advance(30 * DAY)
    assert not paused(api, docs)


def test_an_edit_of_something_else_does_not_resume_an_idle_instance(account, api, docs):
    """2.3, 2.5: a PUT changes what it names."""
    account.advance(31 * DAY)
    assert api("PUT", docs, {"max_num_results": 5}).result["paused"] is True


def test_built_in_storage_is_not_paused_for_idleness(account, api):
    """2.5: external sources only."""
    api("POST", "/namespaces/default/instances", {"id": "files"})
    account.advance(32 * DAY)
    assert not paused(api, "/namespaces/default/instances/files")


def test_a_user_pause_outlives_a_search(account, api, docs):
    """2.5: only the pause for idleness ends by itself."""
    api("PUT", docs, {"paused": True})
    account.search("docs")
    assert paused(api, docs)


@pytest.mark.parametrize("error", ["bucket_not_found", "bucket_unauthorized", "ai_gateway_not_configured"])
def test_an_instance_level_error_pauses_and_is_in_the_statistics(account, api, docs, error):
    """2.5: until it is fixed and resumed."""
    account.break_source("docs", error)
    assert paused(api, docs)
    assert api("GET", f"{docs}/stats").result["index_source_errors"] == {error: 1}
    account.repair_source("docs")
    assert paused(api, docs)
    assert api("GET", f"{docs}/stats").result["index_source_errors"] == {}
    api("PUT", docs, {"paused": False})
    account.advance(60)
    assert not paused(api, docs)


def test_resuming_an_instance_whose_source_is_still_broken_does_not_last(account, api, docs):
    """2.5: an operator that enforces `paused: false` would mask the error."""
    account.break_source("docs", "bucket_not_found")
    assert api("PUT", docs, {"paused": False}).result["paused"] is False
    account.advance(5)
    assert paused(api, docs)


def test_any_other_source_error_is_only_counted(account, api, docs):
    """2.5: the list of codes that pause is closed."""
    account.break_source("docs", "blocked_by_content_signal")
    assert not paused(api, docs)
    assert api("GET", f"{docs}/stats").result["index_source_errors"] == {"blocked_by_content_signal": 1}


def test_a_paused_instance_may_take_jobs_in_an_account_of_that_kind(account, api, docs):
    """3.3: not documented."""
    account.configure(jobs_while_paused=True)
    api("PUT", docs, {"paused": True})
    assert api("POST", f"{docs}/jobs").status == 200


def test_statistics_count_the_files_of_built_in_storage(account, api):
    """1.5: files that exist nowhere else."""
    api("POST", "/namespaces/default/instances", {"id": "files"})
    stats = "/namespaces/default/instances/files/stats"
    assert api("GET", stats).result["completed"] == 0
    account.set_files("files", 7, errors={"over_size": 2})
    found = api("GET", stats).result
    assert (found["completed"], found["error"], found["file_embed_errors"]) == (5, 2, {"over_size": 2})


def test_statistics_count_items_that_failed(account, api, docs):
    """2.2: file_embed_errors, and the count of items in error."""
    account.set_files("docs", 10, errors={"unsupported_type": 1, "over_size": 2})
    account.start_job("docs")
    account.advance(60)
    found = api("GET", f"{docs}/stats").result
    assert (found["completed"], found["error"], found["queued"]) == (7, 3, 0)
    assert found["file_embed_errors"] == {"unsupported_type": 1, "over_size": 2}


def test_degraded_statistics_leave_the_counts_out(account, api, docs):
    """2.2: degraded means that counts are omitted."""
    account.configure(stats_degraded=True)
    found = api("GET", f"{docs}/stats").result
    assert found["degraded"] is True
    assert not {"completed", "queued", "running", "error", "engine"} & set(found)
