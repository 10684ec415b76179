"""The same scenario by the whole operator: resources in a control plane on this machine, instances at the API."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any, Self, TypeVar

import httpx

from aisearch_operator.cloudflare import Instance, NotFound
from aisearch_operator.domain.job_state import JobState, state_of
from aisearch_operator.settings import Settings
from controlplane import ControlPlane
from harness.chart import access_of_namespaces
from harness.kube import Kube, conditions, instance, secret, sync_job
from harness.operator_process import QUICK, OperatorProcess
from live_check.errors import StepError
from live_check.outcome import Chapter, Step
from live_check.scenario import CREDENTIALS, RESULTS
from live_check.session import Session, seen
from live_check.target import Target

INSTANCE, JOB = "AISearchInstance", "AISearchSyncJob"
FIRST, SECOND = "first-sync", "second-sync"
SECRET = "aisearch-credentials"
DRIFTED = RESULTS + 2

IN_PRODUCTION: Mapping[str, Any] = {name: Settings.model_fields[name].default for name in QUICK}
"""The settings that tests shorten, as they are by default."""

T = TypeVar("T")
Look = Callable[[dict[str, Any]], bool]


class Cluster:
    """A Kubernetes namespace with an operator that may serve it, and with the credentials of the target in a Secret.

    Parameters
    ----------
    plane
        Where.
    namespace
        One that exists.
    target
        Which API the operator asks.
    folder
        For its log.
    settings
        Of the operator.
    """

    def __init__(
        self, plane: ControlPlane, namespace: str, target: Target, folder: Path, settings: Mapping[str, Any]
    ) -> None:
        self.kube = Kube(plane.kubeconfig, namespace)
        self.kube.apply(*access_of_namespaces(namespace))
        token, account = target.credentials.api_token or "", target.credentials.account_id
        self.kube.apply(secret(SECRET, apiToken=token, accountId=account))
        self.operator = OperatorProcess(
            plane.service_account_kubeconfig(namespace, "aisearch-operator"),
            (namespace,),
            target.base_url,
            folder / "operator.log",
            **settings,
        )

    def close(self) -> None:
        """End the operator, so that it does not make anew what is cleaned up."""
        self.operator.stop()
        self.kube.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    async def do(self, call: Callable[..., T], *arguments: Any) -> T:
        """Do something that blocks: a request to the API server, or with the operator's process.

        Raises
        ------
        StepError
            The API server refused it, or the operator has ended.
        """
        try:
            return await asyncio.to_thread(call, *arguments)
        except (httpx.HTTPError, RuntimeError) as error:
            raise StepError(str(error)) from None

    async def wait(self, session: Session, kind: str, name: str, until: Look, what: str) -> dict[str, Any]:
        """Wait until a resource is as it should be.

        Raises
        ------
        StepError
            It does not become so, or is stalled; the text holds what its conditions say.
        """
        last: dict[str, Any] = {}

        async def look() -> dict[str, Any] | None:
            await self.do(self.operator.check)
            found = await self.do(self.kube.get, kind, name) or {}
            last.update(found)
            if found and until(found):
                return found
            if is_stalled(found):
                raise StepError(f"{what}: a person must act")
            return None

        try:
            return await session.wait_for(look, what, session.target.patience)
        except StepError as error:
            raise StepError(f"{error}; {told(last)}") from None

    async def wait_gone(self, session: Session, kind: str, name: str) -> None:
        """Wait until a resource does not exist any more."""

        async def look() -> bool | None:
            await self.do(self.operator.check)
            return True if await self.do(self.kube.get, kind, name) is None else None

        await session.wait_for(look, f"{kind} {name} gone", session.target.patience)


def chapters(cluster: Cluster) -> tuple[Chapter, ...]:
    """Give the scenario, with this operator."""

    def step(title: str, do: Callable[[Cluster, Session], Awaitable[str]]) -> Step:
        return Step(title, partial(do, cluster))

    return (
        Chapter("Credentials", (*CREDENTIALS, step("The operator starts", start)), ()),
        Chapter(
            "An AISearchInstance",
            (
                step("It becomes ready", create),
                step("An edit reaches Cloudflare", update),
                step("A change behind the operator's back is undone", repair),
            ),
            (),
        ),
        Chapter(
            "Two AISearchSyncJobs",
            (
                step("The first runs to its end, exactly once", run_job),
                step("The second is cancelled by deleting its resource", cancel_job),
            ),
            (),
        ),
        Chapter("A move", (step("The instance follows spec.searchNamespace", move),), ()),
        Chapter("Deletion", (step("The instance goes with its resource", delete),), ()),
    )


async def start(cluster: Cluster, session: Session) -> str:
    """Start the operator."""
    await cluster.do(cluster.operator.start)
    return "it watches"


async def create(cluster: Cluster, session: Session) -> str:
    """Apply the manifest of an instance."""
    spec = {"searchNamespace": session.target.search_namespace, "deletionPolicy": "Delete", "driftPolicy": "Repair"}
    given = {"source": session.target.source, "tokenId": session.target.token_id}
    spec |= {name: value for name, value in given.items() if value is not None}
    await cluster.do(cluster.kube.apply, instance(session.names.sourced, **spec))
    found = await cluster.wait(session, INSTANCE, session.names.sourced, is_ready, "Ready=True")
    await session.api.client.get_instance(session.target.home, session.names.sourced)
    session.created_sourced = session.api.last
    return str(found["status"].get("state"))


async def update(cluster: Cluster, session: Session) -> str:
    """Change one field."""
    seen(session.created_sourced)
    await cluster.do(cluster.kube.patch, INSTANCE, session.names.sourced, {"spec": {"maxNumResults": RESULTS}})
    await cluster.wait(session, INSTANCE, session.names.sourced, is_ready, "Ready=True")
    await _reads(session, RESULTS)
    return f"maxNumResults {RESULTS}"


async def repair(cluster: Cluster, session: Session) -> str:
    """Change the field as somebody in the dashboard does."""
    seen(session.created_sourced)
    await session.api.client.update_instance(session.target.home, session.names.sourced, {"max_num_results": DRIFTED})
    await _reads(session, RESULTS)
    return f"{DRIFTED} became {RESULTS} again"


async def run_job(cluster: Cluster, session: Session) -> str:
    """Apply a sync job, and count what it started."""
    _require_source(session)
    await cluster.do(cluster.kube.apply, sync_job(FIRST, session.names.sourced))
    found = await cluster.wait(session, JOB, FIRST, has_ended, "Complete or Failed")
    if conditions(found).get("Complete", {}).get("status") != "True":
        raise StepError(told(found))
    uid, named = found["metadata"]["uid"], found["status"]["jobId"]
    started = [job.id for job in await session.jobs() if uid in (job.description or "")]
    if started != [named]:
        raise StepError(f"it names job {named}, and {len(started)} jobs carry its marker")
    return f"job {named}, {found['status'].get('duration')}"


async def cancel_job(cluster: Cluster, session: Session) -> str:
    """Apply another one, and delete its resource while the job runs."""
    _require_source(session)
    await cluster.do(cluster.kube.apply, sync_job(SECOND, session.names.sourced))
    found = await cluster.wait(session, JOB, SECOND, has_a_job, "a job at Cloudflare")
    named = found["status"]["jobId"]
    await cluster.do(cluster.kube.delete, JOB, SECOND)
    await cluster.wait_gone(session, JOB, SECOND)
    job = await session.job(named)
    if job.ended_at is None:
        raise StepError(f"the resource is gone, but job {named} has not ended")
    caught = "it had ended by itself" if state_of(job) is JobState.SUCCEEDED else f"end reason {job.end_reason!r}"
    return f"job {named}, {caught}"


async def move(cluster: Cluster, session: Session) -> str:
    """Change the search namespace in the manifest."""
    second = session.second
    seen(session.created_sourced)
    body = {"spec": {"searchNamespace": second.name}}
    await cluster.do(cluster.kube.patch, INSTANCE, session.names.sourced, body)
    await cluster.wait(session, INSTANCE, session.names.sourced, is_ready, "Ready=True")
    await session.api.client.get_instance(second, session.names.sourced)
    session.sourced_in, session.moved = second, True
    return f"it is in {second.name}"


async def delete(cluster: Cluster, session: Session) -> str:
    """Delete the resource, and look whether the instance is gone."""
    seen(session.created_sourced)
    await cluster.do(cluster.kube.delete, INSTANCE, session.names.sourced)
    await cluster.wait_gone(session, INSTANCE, session.names.sourced)
    try:
        await session.api.client.get_instance(session.sourced_in, session.names.sourced)
    except NotFound:
        return str(session.api.last)
    raise StepError("the resource is gone, but the instance is not")


def has_ended(body: Mapping[str, Any]) -> bool:
    """Whether a sync job has ended, however."""
    return any(conditions(body).get(name, {}).get("status") == "True" for name in ("Complete", "Failed"))


def has_a_job(body: Mapping[str, Any]) -> bool:
    """Whether a sync job has started something, and names it."""
    return body.get("status", {}).get("jobId") is not None and body["status"].get("phase") != "Pending"


def is_ready(body: Mapping[str, Any]) -> bool:
    """Whether a resource is ready in its present generation."""
    if body["status"].get("observedGeneration") != body["metadata"]["generation"]:
        return False
    return conditions(body).get("Ready", {}).get("status") == "True"


def is_stalled(body: Mapping[str, Any]) -> bool:
    """Whether a resource waits for a person."""
    return conditions(body).get("Stalled", {}).get("status") == "True"


def told(body: Mapping[str, Any]) -> str:
    """Give what the conditions of a resource say."""
    said = conditions(body).items()
    parts = [f"{name}={each['status']} ({each['reason']}: {each['message']})" for name, each in said]
    return "; ".join(parts) or "it says nothing"


def _require_source(session: Session) -> None:
    """Leave a step out that is about sync jobs where there can be none.

    Raises
    ------
    NotAskedError
        There is no source, or no instance.
    """
    if session.source:
        seen(session.created_sourced)


async def _reads(session: Session, value: int) -> None:
    """Wait until the API shows a value of max_num_results."""

    async def look() -> Instance | None:
        found = await session.api.client.get_instance(session.target.home, session.names.sourced)
        return found if found.setting("max_num_results") == value else None

    await session.wait_for(look, f"max_num_results {value} at Cloudflare", session.target.patience)
