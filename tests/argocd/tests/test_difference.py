"""The operator makes no difference from git, in whatever state its resources are: Argo CD says so for all of them."""

from typing import Any

import pytest

from cluster.complete_manifests import complete_instance, complete_sync_job
from harness.kube import conditions, eventually, instance, secret, sync_job

INSTANCE = "AISearchInstance"
JOB = "AISearchSyncJob"
R2 = {"type": "r2", "source": "docs-bucket"}
SITE = {"type": "web-crawler", "source": "https://docs.example.com"}

INSTANCES: dict[str, tuple[dict[str, Any], str]] = {
    "ready": ({**R2, "writeConnectionConfigMapToRef": {"name": "ready"}}, "Synced"),
    "cleared": (
        {**R2, "aiGatewayId": None, "rewriteModel": None, "systemPromptAiSearch": None, "customMetadata": []},
        "Synced",
    ),
    "crawled": (
        {
            **SITE,
            "sourceParams": {
                "includeItems": ["/b/**", "/a/**"],
                "webCrawler": {
                    "parseOptions": {"contentSelector": [{"path": "/b/**", "selector": "main"}]},
                    "discoverOptions": {"depth": 2},
                },
            },
            "retrievalOptions": {"boostBy": [{"field": "timestamp", "direction": "desc"}]},
            "scoreThreshold": 0.5,
        },
        "Synced",
    ),
    "repaired": ({**R2, "maxNumResults": 20}, "Synced"),
    "drifted": ({**R2, "maxNumResults": 20, "driftPolicy": "Report"}, "Synced"),
    "paused": (R2, "Synced"),
    "adopted": ({"adoptionPolicy": "IfExists", "maxNumResults": 20}, "Synced"),
    "theirs": ({"maxNumResults": 5}, "AdoptionRefused"),
    "watched": ({"managementPolicy": "Observe", "instanceId": "theirs", "maxNumResults": 1}, "Observed"),
    "expected": ({"managementPolicy": "Observe"}, "NothingToObserve"),
    "ready-again": ({"instanceId": "ready"}, "ClaimedByAnotherResource"),
    "asleep": ({"suspend": True}, "Suspended"),
    "rejected": ({"credentialsRef": {"name": "wrong"}}, "CredentialsRejected"),
    "without-secret": ({"credentialsRef": {"name": "missing"}}, "CredentialsMissing"),
    "nowhere": ({"searchNamespace": "none-such"}, "SearchNamespaceNotFound"),
}
"""Spec, and the reason of the condition Ready that it leads to."""

JOBS = {
    "succeeded": sync_job("succeeded", "ready"),
    "failed": sync_job("failed", "crawled"),
    "kept": sync_job("kept", "repaired", ttlSecondsAfterFinished=0),
    "one": sync_job("one", "adopted"),
    "another": sync_job("another", "adopted"),
    "cancelled": sync_job("cancelled", "cleared", cancel=True),
    "suspended": sync_job("suspended", "cleared", suspend=True),
    "without-instance": sync_job("without-instance", "none"),
    "stuck": sync_job("stuck", "rejected"),
}

ONE_BY_ONE = ("one", "another")
ENDS: dict[str, str | None] = {"succeeded": None, "failed": "bucket_not_found", "kept": None}
OVER = {
    "succeeded": "Succeeded",
    "failed": "Failed",
    "kept": "Succeeded",
    "cancelled": "Cancelled",
    "suspended": "Suspended",
}


def before_its_rival(body):
    """Have the resource applied first whose id another one wants too: the older has it."""
    wave = "-1" if body["metadata"]["name"] == "ready" else "0"
    return {**body, "metadata": {**body["metadata"], "annotations": {"argocd.argoproj.io/sync-wave": wave}}}


def ready_says(reason):
    return lambda body: conditions(body).get("Ready", {}).get("reason") == reason


def phase(wanted):
    return lambda body: body.get("status", {}).get("phase") == wanted


def bring_into_all_states(site):
    """Lead what git says into every state, by what happens at Cloudflare."""
    kube, account = site.kube, site.account
    for name, (_, reason) in INSTANCES.items():
        kube.wait(INSTANCE, name, ready_says(reason), reason)
    account.patch_instance("repaired", max_num_results=30)
    account.patch_instance("drifted", max_num_results=30)
    account.patch_instance("paused", paused=True)
    kube.wait_event("repaired", "DriftRepaired")
    kube.wait_condition(INSTANCE, "drifted", "Drifted")
    kube.wait(INSTANCE, "paused", lambda body: body["status"].get("paused") is True, "paused")
    for name, end_reason in ENDS.items():
        kube.wait(JOB, name, phase("Running"), "running")
        on = JOBS[name]["spec"]["instanceRef"]["name"]
        account.end_job(on, account.jobs(on)[0].id, end_reason)
    for name, wanted in OVER.items():
        kube.wait(JOB, name, phase(wanted), wanted)
    kube.wait_event("kept", "KeptAsInGit")
    eventually(
        lambda: {kube.get(JOB, name)["status"].get("phase") for name in ONE_BY_ONE} == {"Running", "Pending"},
        lambda: "of two jobs of an instance none waits for the other",
    )


@pytest.mark.parametrize(
    ("server_side_diff", "options"),
    [(False, ()), (False, ("ServerSideApply=true",)), (True, ("ServerSideApply=true",))],
    ids=["client-side", "client-side-for-server-side-apply", "server-side"],
)
def test_nothing_differs_from_git_in_whatever_state(make_site, server_side_diff, options):
    site = make_site()
    site.account.configure(initial_job=False, job_duration=None)
    site.dashboard.create_instance("theirs")
    site.dashboard.create_instance("adopted", type="r2", source="docs-bucket")
    site.kube.apply(secret("wrong", apiToken="w" * 40, accountId=site.account.id))
    revision = site.repository.write(
        "app/all.yaml",
        *(before_its_rival(instance(name, **spec)) for name, (spec, _) in INSTANCES.items()),
        *JOBS.values(),
        complete_instance(),
        complete_sync_job(),
    )

    app = site.application(server_side_diff=server_side_diff, options=options)

    bring_into_all_states(site)
    app.wait_synced(revision, "Degraded")
    app.wait_compared()
    assert app.state.out_of_sync == []
    assert len(app.state.resources) == len(INSTANCES) + len(JOBS) + 2
