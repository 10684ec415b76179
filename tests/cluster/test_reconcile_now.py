"""Reconcile now: an annotation makes the operator look at everything afresh, and nothing else does."""

from harness.kube import eventually, instance

KIND = "AISearchInstance"
ANNOTATION = "aisearch.cloudflare.com/reconcile-requested-at"
QUIET = {"poll_interval": 600, "stats_interval": 600, "terminal_retry": 600}


def request(stage, name, value):
    stage.kube.patch(KIND, name, {"metadata": {"annotations": {ANNOTATION: value}}})


def acknowledged(value):
    return lambda body: body["status"].get("lastHandledReconcileAt") == value


def test_a_request_reads_the_instance_and_its_statistics_now_and_costs_one_write(make_stage):
    stage = make_stage(**QUIET, settle_time=0)
    stage.account.configure(initial_job=False, max_chunk_size=1000)
    stage.operator.start()
    kube, account = stage.kube, stage.account
    kube.apply(instance("docs", type="r2", source="my-bucket", maxNumResults=20), instance("refused", chunkSize=2000))
    kube.wait_condition(KIND, "docs", "Ready")
    kube.wait_condition(KIND, "refused", "Stalled", reason="InvalidRequest")
    account.patch_instance("docs", max_num_results=7)
    account.configure(max_chunk_size=4000)
    written = len(stage.writes("docs"))

    request(stage, "docs", "2026-11-23T12:00:00Z")
    request(stage, "refused", "now")

    kube.wait(KIND, "docs", acknowledged("2026-11-23T12:00:00Z"), "acknowledged")
    kube.wait_condition(KIND, "refused", "Ready")
    kube.wait_condition(KIND, "docs", "Indexed", reason="IndexComplete")
    assert account.instance("docs")["max_num_results"] == 20
    assert len(stage.writes("docs")) == written + 2  # the acknowledgement, and the statistics

    mark = len(account.journal())
    kube.patch(KIND, "docs", {"metadata": {"annotations": {"example.com/note": "mine"}, "labels": {"team": "a"}}})
    request(stage, "refused", "again")
    kube.wait(KIND, "refused", acknowledged("again"), "acknowledged")
    eventually(
        lambda: any(entry.operation == "instances.stats" for entry in stage.requests(mark)),
        lambda: "the statistics are not read",
    )
    assert len(stage.writes("docs")) == written + 2
