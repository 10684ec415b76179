"""The operator to compare with: a page of code, written as kopf's tutorial and examples would have it.

Default storages, a handler for each thing that happens, a timer for each object that reads its own from the API, and
what was found goes into status. It is run by ``kopf run``. What it leaves out (conditions, adoption, waiting for
turns, most fields) makes it cheaper than an operator that could replace this project's.
"""

import os
from typing import Any

import httpx
import kopf

GROUP, VERSION = "aisearch.cloudflare.com", "v1alpha1"
INSTANCES, JOBS = (GROUP, VERSION, "aisearchinstances"), (GROUP, VERSION, "aisearchsyncjobs")
POLL, JOB_POLL = float(os.environ["AISEARCH_POLL_INTERVAL"]), float(os.environ["AISEARCH_JOB_POLL_INTERVAL"])
ACCOUNT, TOKEN = os.environ["AISEARCH_ACCOUNT_ID"], os.environ["AISEARCH_API_TOKEN"]
FIELDS = {"source": "source", "maxNumResults": "max_num_results"}

api = httpx.AsyncClient(
    base_url=f"{os.environ['AISEARCH_API_URL']}/accounts/{ACCOUNT}/ai-search/namespaces/default",
    headers={"Authorization": f"Bearer {TOKEN}"},
    timeout=30,
)


def wanted(spec: kopf.Spec) -> dict[str, Any]:
    return {theirs: spec[ours] for ours, theirs in FIELDS.items() if ours in spec}


async def call(method: str, path: str, body: Any = None) -> Any:
    answer = await api.request(method, path, json=body)
    if answer.is_error:
        raise kopf.TemporaryError(f"{method} {path}: {answer.status_code}", delay=5)
    return answer.json()["result"]


@kopf.on.create(*INSTANCES)
async def create(spec: kopf.Spec, meta: kopf.Meta, name: str | None, patch: kopf.Patch, **_: Any) -> None:
    made = await call("POST", "/instances", {"id": name, "type": spec.get("type"), **wanted(spec)})
    patch.status.update(instanceId=made["id"], state=made["status"], observedGeneration=meta["generation"])


@kopf.on.update(*INSTANCES)
async def update(spec: kopf.Spec, meta: kopf.Meta, name: str | None, patch: kopf.Patch, **_: Any) -> None:
    made = await call("PUT", f"/instances/{name}", wanted(spec))
    patch.status.update(state=made["status"], observedGeneration=meta["generation"])


@kopf.on.delete(*INSTANCES)
async def delete(name: str | None, **_: Any) -> None:
    await call("DELETE", f"/instances/{name}")


@kopf.timer(*INSTANCES, interval=POLL)
async def observe(spec: kopf.Spec, status: kopf.Status, name: str | None, patch: kopf.Patch, **_: Any) -> None:
    if "instanceId" not in status:
        return
    found = await call("GET", f"/instances/{name}")
    different = {field: value for field, value in wanted(spec).items() if found[field] != value}
    if different:
        found = await call("PUT", f"/instances/{name}", different)
    patch.status["state"] = found["status"]


@kopf.on.create(*JOBS)
async def start(spec: kopf.Spec, meta: kopf.Meta, patch: kopf.Patch, **_: Any) -> None:
    job = await call("POST", f"/instances/{spec['instanceRef']['name']}/jobs", {"description": "from Kubernetes"})
    patch.status.update(jobId=job["id"], phase="Running", observedGeneration=meta["generation"])


@kopf.timer(*JOBS, interval=JOB_POLL)
async def follow(spec: kopf.Spec, status: kopf.Status, patch: kopf.Patch, **_: Any) -> None:
    if status.get("phase") != "Running":
        return
    job = await call("GET", f"/instances/{spec['instanceRef']['name']}/jobs/{status['jobId']}")
    if job["ended_at"] is not None:
        patch.status["phase"] = "Failed" if job["end_reason"] else "Succeeded"


@kopf.on.delete(*JOBS)
async def cancel(spec: kopf.Spec, status: kopf.Status, **_: Any) -> None:
    if status.get("phase") == "Running":
        path = f"/instances/{spec['instanceRef']['name']}/jobs/{status['jobId']}"
        await call("PATCH", path, {"action": "cancel"})
