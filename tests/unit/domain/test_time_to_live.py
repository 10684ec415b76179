"""When the resource of a finished sync job is deleted: a table."""

from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import Any

import pytest

from aisearch_operator.domain.time_to_live import expiry, keeper
from aisearch_operator.resources.metadata import ObjectMeta
from aisearch_operator.resources.sync_job import AISearchSyncJob
from unit.builders import NOW, metadata

ITSELF = "aisearch.cloudflare.com/AISearchSyncJob:team/nightly"
OWNED: Mapping[str, Any] = {"ownerReferences": [{"kind": "CronJob", "name": "every-night"}]}


TRACKED: Mapping[str, Any] = {"annotations": {"argocd.argoproj.io/tracking-id": f"search:{ITSELF}"}}
LABELLED: Mapping[str, Any] = {"labels": {"app.kubernetes.io/instance": "search"}}


def job(end: str | None, ttl: int | None = 60, more: Mapping[str, Any] = MappingProxyType({})) -> AISearchSyncJob:
    """A sync job of which the condition `end`, if any, is True since `NOW`."""
    conditions = [
        {"type": name, "status": str(name == end), "lastTransitionTime": NOW, "reason": "Any", "message": ""}
        for name in ("Ready", "Complete", "Failed")
    ]
    spec = {"instanceRef": {"name": "docs"}, "ttlSecondsAfterFinished": ttl}
    return AISearchSyncJob.model_validate(
        {"metadata": metadata("nightly", **more), "spec": spec, "status": {"conditions": conditions}}
    )


@pytest.mark.parametrize(
    ("finished", "seconds"),
    [
        (job("Complete"), 60),
        (job("Failed"), 60),
        (job("Complete", ttl=0), 0),
        (job("Complete", ttl=None), None),
        (job(None), None),
        (job("Ready"), None),
        (job("Complete", more=TRACKED), None),
        (job("Complete", more={**TRACKED, **OWNED}), 60),
    ],
)
def test_a_resource_expires_so_long_after_the_end_of_its_run(finished, seconds):
    assert expiry(finished) == (None if seconds is None else NOW + timedelta(seconds=seconds))


@pytest.mark.parametrize(
    ("more", "who"),
    [
        ({}, None),
        (TRACKED, "Argo CD"),
        ({**TRACKED, **OWNED}, None),
        ({"annotations": {**TRACKED["annotations"], "argocd.argoproj.io/hook": "PostSync"}}, None),
        ({**LABELLED, "annotations": {"helm.sh/hook": "post-install"}}, None),
        ({"annotations": {"argocd.argoproj.io/tracking-id": "search:batch/CronJob:team/nightly"}}, None),
        ({"annotations": {"argocd.argoproj.io/tracking-id": f"search:{ITSELF}-2"}}, None),
        (LABELLED, "Argo CD"),
        ({"labels": {"argocd.argoproj.io/instance": "search"}}, "Argo CD"),
        ({**LABELLED, "annotations": {"meta.helm.sh/release-name": "search"}}, None),
        ({**LABELLED, **OWNED}, None),
        ({"labels": {"kustomize.toolkit.fluxcd.io/name": "search"}}, "Flux"),
        ({"labels": {"helm.toolkit.fluxcd.io/name": "search"}}, "Flux"),
        ({"labels": {"kustomize.toolkit.fluxcd.io/name": "search"}, **OWNED}, None),
        ({"labels": {"app.kubernetes.io/name": "search"}}, None),
    ],
)
def test_a_resource_has_a_keeper_if_somebody_would_make_it_again_from_git(more, who):
    assert keeper(ObjectMeta.model_validate(metadata("nightly", **more))) == who
