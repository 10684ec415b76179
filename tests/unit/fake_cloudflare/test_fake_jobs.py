"""The fake against the fact sheet: sync jobs."""

from datetime import UTC, datetime
from typing import Any

import pytest

from fake_cloudflare import JobPlan


def start(api: Any, docs: str) -> dict[str, Any]:
    job: dict[str, Any] = api("POST", f"{docs}/jobs", {"description": "by hand"}).result
    return job


def test_a_job_is_created_unstarted_with_200(account, api, docs):
    """1.1, 3.1: 200, no status, no counters; 3.2: no started_at is pending."""
    reply = api("POST", f"{docs}/jobs", {"description": "by hand"})
    assert reply.status == 200
    assert reply.result == {
        "id": reply.result["id"],
        "source": "user",
        "description": "by hand",
        "started_at": None,
        "last_seen_at": None,
        "ended_at": None,
        "end_reason": None,
    }


def test_the_body_of_a_create_is_optional(api, docs):
    """1.1: whole body optional."""
    assert api("POST", f"{docs}/jobs").result["description"] is None


@pytest.mark.parametrize("body", [{"description": "x" * 256}, {"name": "x"}, {"description": 1}])
def test_a_bad_create_is_refused(api, docs, body):
    """1.1: description is at most 255 characters."""
    assert api("POST", f"{docs}/jobs", body).refused == (400, 7001)


def test_a_job_starts_beats_and_ends_with_the_clock(account, api, docs):
    """3.2: running has started_at, succeeded has ended_at and no end_reason; 3.6: last_seen_at is a heartbeat."""
    job = f"{docs}/jobs/{start(api, docs)['id']}"
    account.advance(1)
    running = api("GET", job).result
    assert running["started_at"] is not None
    assert running["ended_at"] is None
    account.advance(12)
    assert api("GET", job).result["last_seen_at"] > running["last_seen_at"]
    account.advance(18)
    ended = api("GET", job).result
    assert ended["ended_at"] is not None
    assert ended["end_reason"] is None


def test_times_of_jobs_have_no_zone(account, api, docs):
    """2.2: "2026-07-16 19:35:43" is what was seen, and it is UTC."""
    job = start(api, docs)["id"]
    now = account.advance(1)
    text = api("GET", f"{docs}/jobs/{job}").result["started_at"]
    assert datetime.strptime(text, "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC).timestamp() == int(now)


@pytest.mark.parametrize(("style", "zones"), [("iso", [True, True]), ("mixed", [True, False])])
def test_times_can_have_a_zone(account, api, docs, style, zones):
    """2.2: other forms must be expected."""
    account.configure(timestamp_format=style)
    job = start(api, docs)["id"]
    account.advance(60)
    found = api("GET", f"{docs}/jobs/{job}").result
    assert [found[name].endswith("Z") for name in ("started_at", "ended_at")] == zones


def test_the_outcome_of_the_next_job_can_be_planned(account, api, docs):
    """3.2: any other end_reason is a failure."""
    account.plan_next_job(JobPlan(start_delay=0, duration=2, end_reason="bucket_not_found"))
    first = start(api, docs)["id"]
    account.advance(40)
    assert api("GET", f"{docs}/jobs/{first}").result["end_reason"] == "bucket_not_found"
    second = start(api, docs)["id"]
    account.advance(40)
    assert api("GET", f"{docs}/jobs/{second}").result["end_reason"] is None


def test_a_new_job_ends_the_running_one_at_its_own_start(account, api, docs):
    """3.3: end_reason new_job_has_started, old ended_at == new started_at."""
    account.configure(job_duration=None)
    old = start(api, docs)["id"]
    account.advance(60)
    new = start(api, docs)["id"]
    assert api("GET", f"{docs}/jobs/{old}").result["ended_at"] is None
    account.advance(1)
    before, after = (api("GET", f"{docs}/jobs/{job}").result for job in (old, new))
    assert before["end_reason"] == "new_job_has_started"
    assert before["ended_at"] == after["started_at"]
    assert after["ended_at"] is None


def test_no_job_can_be_created_for_thirty_seconds_after_the_last_start(account, api, docs):
    """3.3: 429/7020; the start counts, not only the request."""
    account.configure(job_duration=None)
    start(api, docs)
    assert api("POST", f"{docs}/jobs").refused == (429, 7020)
    account.advance(30)
    assert api("POST", f"{docs}/jobs").refused == (429, 7020)
    account.advance(1)
    assert api("POST", f"{docs}/jobs").status == 200


def test_no_job_can_be_created_for_thirty_seconds_after_the_last_end(account, api, docs):
    """3.3: 10 s after an end was rejected, 32 s accepted."""
    account.configure(job_start_delay=0, job_duration=100)
    start(api, docs)
    account.advance(110)
    assert api("POST", f"{docs}/jobs").refused == (429, 7020)
    account.advance(22)
    assert api("POST", f"{docs}/jobs").status == 200


def test_a_new_instance_indexes_itself_and_collides_with_a_manual_job(account, api):
    """3.3: indexing begins automatically."""
    account.configure(initial_job=True)
    api("POST", "/namespaces/default/instances", {"id": "site", "source": "https://example.com"})
    site = "/namespaces/default/instances/site"
    assert [job["source"] for job in api("GET", f"{site}/jobs").result] == ["schedule"]
    assert api("POST", f"{site}/jobs").refused == (429, 7020)
    account.advance(1)
    assert api("GET", site).result["status"] == "indexing"
    account.advance(5)
    assert api("GET", site).result["status"] == "active"


def test_a_paused_instance_takes_no_job(api, docs):
    """3.3: 7032."""
    api("PUT", docs, {"paused": True})
    assert api("POST", f"{docs}/jobs").refused == (400, 7032)


def test_built_in_storage_has_no_jobs(api):
    """3.3: "There are no sync jobs"."""
    api("POST", "/namespaces/default/instances", {"id": "files"})
    assert api("POST", "/namespaces/default/instances/files/jobs").refused == (400, 7001)
    assert api("GET", "/namespaces/default/instances/files/jobs").result == []


def test_cancel_ends_a_job_once(account, api, docs):
    """3.4: a second cancel is 7046."""
    job = f"{docs}/jobs/{start(api, docs)['id']}"
    account.advance(5)
    cancelled = api("PATCH", job, {"action": "cancel"})
    assert (cancelled.status, cancelled.result["end_reason"]) == (200, "cancelled")
    assert api("PATCH", job, {"action": "cancel"}).refused == (400, 7046)


def test_a_cancelled_job_that_never_started_never_starts(account, api, docs):
    """3.2: ended, without started_at."""
    job = f"{docs}/jobs/{start(api, docs)['id']}"
    api("PATCH", job, {"action": "cancel"})
    account.advance(60)
    found = api("GET", job).result
    assert found["started_at"] is None
    assert found["ended_at"] is not None


def test_the_200_of_a_cancel_may_not_mean_the_end(account, api, docs):
    """3.4: whether the body has ended_at is unknown."""
    account.configure(cancel_delay=10)
    job = f"{docs}/jobs/{start(api, docs)['id']}"
    account.advance(5)
    assert api("PATCH", job, {"action": "cancel"}).result["ended_at"] is None
    account.advance(10)
    assert api("GET", job).result["end_reason"] == "cancelled"


def test_a_job_may_succeed_after_the_200_of_its_cancel(account, api, docs):
    """3.4: what ends first wins."""
    account.configure(cancel_delay=60)
    job = f"{docs}/jobs/{start(api, docs)['id']}"
    account.advance(5)
    assert api("PATCH", job, {"action": "cancel"}).status == 200
    account.advance(60)
    assert api("GET", job).result["end_reason"] is None


@pytest.mark.parametrize("body", [{"action": "stop"}, {}, None, {"action": "cancel", "force": True}])
def test_cancel_is_the_only_action(api, docs, body):
    """1.1: `cancel` is the only value."""
    job = f"{docs}/jobs/{start(api, docs)['id']}"
    assert api("PATCH", job, body).refused == (400, 7001)


def test_an_unknown_job_is_not_found(api, docs):
    """4.3: 7021."""
    assert api("GET", f"{docs}/jobs/absent").refused == (404, 7021)
    assert api("PATCH", f"{docs}/jobs/absent", {"action": "cancel"}).refused == (404, 7021)


def test_the_account_level_path_has_jobs_but_no_cancel(api, docs):
    """1.1: cancel is on the namespaced path only."""
    job = start(api, docs)["id"]
    assert api("GET", f"/instances/docs/jobs/{job}").status == 200
    assert api("PATCH", f"/instances/docs/jobs/{job}", {"action": "cancel"}).refused == (404, 7003)


def test_jobs_are_paged_in_either_order(account, api, docs):
    """1.1: per_page 0 to 50; the order is not documented."""
    ids = [account.start_job("docs", plan=JobPlan(duration=1)).id for _ in range(3)]
    assert [job["id"] for job in api("GET", f"{docs}/jobs", per_page=2).result] == [ids[2], ids[1]]
    assert [job["id"] for job in api("GET", f"{docs}/jobs", per_page=2, page=2).result] == [ids[0]]
    account.configure(job_order="asc")
    assert [job["id"] for job in api("GET", f"{docs}/jobs").result] == ids
    assert api("GET", f"{docs}/jobs", per_page=0).info["total_count"] == 3
    assert api("GET", f"{docs}/jobs", per_page=51).refused == (400, 7001)


def test_the_log_grows_with_the_job_in_epoch_seconds(account, api, docs):
    """3.5: id, message, message_type, created_at; per_page 0 to 500, 20 by default."""
    logs = f"{docs}/jobs/{start(api, docs)['id']}/logs"
    assert api("GET", logs).result == []
    now = account.advance(1)
    first = {"id": 1, "message": "Sync job started", "message_type": 0, "created_at": int(now)}
    assert api("GET", logs).result == [first]
    account.advance(30)
    page = api("GET", logs, per_page=2, page=4)
    assert [line["message"] for line in page.result] == ["Scanning the source", "Sync job finished"]
    assert page.info == {"count": 2, "page": 4, "per_page": 2, "total_count": 8}
    assert api("GET", logs, per_page=501).refused == (400, 7001)


def test_stats_follow_the_jobs(account, api, docs):
    """2.2, 3.2: items may still be queued when the job has ended."""
    account.configure(files=10, job_start_delay=0, job_duration=10, indexing_lag=10)
    assert api("GET", f"{docs}/stats").result["completed"] == 0
    start(api, docs)
    account.advance(10)
    halfway = api("GET", f"{docs}/stats").result
    assert (halfway["completed"], halfway["running"], halfway["queued"]) == (5, 4, 1)
    account.advance(10)
    done = api("GET", f"{docs}/stats").result
    assert (done["completed"], done["running"], done["queued"], done["error"]) == (10, 0, 0, 0)
    assert done["engine"]["r2"]["objectCount"] == 10


def test_stats_name_the_error_of_a_failed_job(account, api, docs):
    """2.5: index_source_errors is where to look."""
    account.configure(job_end_reason="bucket_unauthorized")
    start(api, docs)
    account.advance(60)
    stats = api("GET", f"{docs}/stats").result
    assert (stats["error"], stats["index_source_errors"]) == (1, {"bucket_unauthorized": 1})
