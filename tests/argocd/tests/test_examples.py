"""The examples and the application chart that users copy, as they are but for the address of the repository."""

from pathlib import Path

import pytest
import yaml

from argocd.applications import application

INSTANCE = "AISearchInstance"
JOB = "AISearchSyncJob"
CHART = Path(__file__).resolve().parents[3] / "deploy" / "chart" / "ai-search"


def applications(argocd):
    return {each["metadata"]["name"] for each in argocd.kube.list_all("Application")}


def test_the_examples_work_as_they_are_by_one_application_for_all_of_them(make_site, argocd, installation):
    site = make_site("search")
    site.account.configure(initial_job=False)

    whole = site.adopt(installation.example("app-of-apps"))

    revision = whole.wait(lambda state: state.sync == "Synced", "synced").revision
    for name in ("search", "search-chart"):
        argocd.history.wait(
            name,
            lambda state: (
                (state.sync, state.revision, state.health, state.phase) == ("Synced", revision, "Healthy", "Succeeded")
            ),
            "synced and healthy",
        )
    assert {each.id for each in site.account.instances()} == {"docs", "manuals"}
    assert [len(site.account.jobs(each)) for each in ("docs", "manuals")] == [1, 1]
    for name in ("search", "search-chart"):
        assert not argocd.history.unexplained(name)

    whole.delete()
    whole.wait_gone()

    assert not {"search", "search-chart"} & applications(argocd)
    assert not site.kube.list_all(INSTANCE)
    assert {each.id for each in site.account.instances()} == {"docs", "manuals"}  # the examples say Retain
    installation.process.check()


@pytest.mark.parametrize("server_side_diff", [False, True], ids=["client-side", "server-side"])
def test_the_application_chart_syncs_once_for_each_change_or_at_every_sync(site, server_side_diff):
    def commit(results):
        spec = {"type": "r2", "source": "docs-bucket", "maxNumResults": results}
        values = {name: {"instances": {name: {"spec": spec}}, "sync": {"recipe": name}} for name in ("once", "hook")}
        return site.repository.commit({f"chart/{name}.yaml": yaml.safe_dump(each) for name, each in values.items()})

    site.account.configure(initial_job=False)
    site.repository.copy(CHART, "chart")
    revision = commit(10)
    apps = {}
    for recipe in ("once", "hook"):
        source = {"repoURL": site.repository.url, "path": "chart", "targetRevision": "main"}
        source["helm"] = {"releaseName": recipe, "valueFiles": [f"{recipe}.yaml"]}
        name = f"{site.kube.namespace}-{recipe}"
        apps[recipe] = site.adopt(application(name, source, site.kube.namespace, server_side_diff=server_side_diff))
    for recipe, app in apps.items():
        app.wait_synced(revision)
        assert len(site.account.jobs(recipe)) == 1

    revision = commit(20)

    for recipe, app in apps.items():
        app.wait_synced(revision)
        assert len(site.account.jobs(recipe)) == 2
