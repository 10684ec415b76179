"""One run: the phases in their order, and what each of them cost."""

import asyncio
import contextlib
import math
import random
import re
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

import httpx

from bench.cluster import Cluster, Followed, View
from bench.figures import PAGE, Contender, Figures, Phase, Run
from bench.process_meter import ProcessMeter
from bench.site import Conditions, Site
from bench.writes import by_kind
from controlplane.audit import writes
from fake_cloudflare.journal import JournalEntry
from harness.kube import instance, sync_job

__all__ = ["Progress", "play"]

INSTANCE, JOB = "AISearchInstance", "AISearchSyncJob"
SHARE_WITH_JOB = 10
"""One instance in so many has a sync job, and a source for it; the others have built-in storage."""

LEAST_DRIFT = 5
"""Instances that are changed behind the operator's back, where 1 % would be less."""

SEED = 1
"""Of the choice of these instances."""

RESTS = 2
"""Intervals of the rest that is measured."""

FIRST, EDITED, DRIFTED = 10, 20, 30
"""Values of maxNumResults: as created, as edited, as somebody in the dashboard sets it."""

SOURCE = {"type": "r2", "source": "documents"}

PATIENCE = 900.0
"""Seconds that a phase may last."""

AFTERMATH = 1.0
"""Seconds for what follows from a phase and is not waited for: an Event, a status after the repair."""

GLANCE = 0.25
"""Seconds between two looks at what no watch tells."""

QUEUE = re.compile(rb'^aisearch_queue_(?:depth|running)\{queue="reconcile"\} (\S+)$', re.MULTILINE)


class Progress(Protocol):
    """Is told how a run goes."""

    def begin(self, phase: Phase, total: int) -> None: ...

    def advance(self, done: int) -> None: ...

    def end(self, figures: Figures) -> None: ...


@dataclass(slots=True)
class _Measured:
    """What a phase finds out about itself.

    Parameters
    ----------
    accounts
        Of what is counted: a phase that does not count all of itself opens others.
    """

    resources: int
    accounts: "_Accounts"
    writing: float = 0.0
    seconds: float | None = None
    listing: float | None = None


async def play(site: Site, size: int, conditions: Conditions, progress: Progress) -> Run:
    """Have a contender do all the work at one size.

    A phase that fails, or takes longer than `PATIENCE`, ends the run: the figures so far are kept.
    """
    async with (
        Cluster(site.plane, site.namespace) as cluster,
        cluster.follow(INSTANCE) as instances,
        cluster.follow(JOB) as jobs,
    ):
        run = _Run(site, size, conditions, progress, cluster, instances, jobs)
        trouble = ""
        try:
            await run.play()
        except (TimeoutError, RuntimeError, httpx.HTTPError) as error:
            trouble = f"{type(error).__name__}: {error}"
        return Run(contender=site.contender, size=size, phases=tuple(run.figures), trouble=trouble)


class _Run:
    def __init__(
        self,
        site: Site,
        size: int,
        conditions: Conditions,
        progress: Progress,
        cluster: Cluster,
        instances: Followed,
        jobs: Followed,
    ) -> None:
        self.figures: list[Figures] = []
        self._site = site
        self._conditions = conditions
        self._progress = progress
        self._cluster = cluster
        self._instances = instances
        self._jobs = jobs
        self._names = [f"docs-{number:05}" for number in range(size)]
        self._synced = self._names[::SHARE_WITH_JOB]
        self._journal_read = 0
        self._settled = _is_ready if site.contender is Contender.OPERATOR else _is_current

    async def play(self) -> None:
        await self._start()
        await self._warm_up()
        await self._phase(Phase.CREATE, len(self._names), self._create)
        await self._phase(Phase.SYNC, len(self._synced), self._sync)
        await asyncio.sleep(2 * self._conditions.interval)  # until the end of the jobs has been seen everywhere
        await self._phase(Phase.REST, len(self._names), self._rest)
        await self._phase(Phase.REPAIR, self._drifting, self._repair)
        await self._phase(Phase.EDIT, len(self._names), self._edit)
        await self._phase(Phase.RESTART, len(self._names) + len(self._synced), self._restart)
        await self._phase(Phase.DELETE, len(self._names) + len(self._synced), self._delete)

    @property
    def _drifting(self) -> int:
        return min(max(LEAST_DRIFT, math.ceil(len(self._names) / 100)), len(self._names))

    async def _start(self) -> None:
        self._site.operator.start(wait=False)

    async def _warm_up(self) -> None:
        """Have one instance made and deleted: whoever has done that has all connections, and is up."""
        async with asyncio.timeout(PATIENCE):
            await self._cluster.create([instance("warm-up")])
            await self._await(self._instances, ["warm-up"], self._settled)
            await self._cluster.delete(INSTANCE, ["warm-up"])
            await self._await(self._instances, ["warm-up"], _is_gone)
        await asyncio.sleep(AFTERMATH)

    async def _phase(self, phase: Phase, resources: int, work: Callable[[_Measured], Awaitable[None]]) -> None:
        self._progress.begin(phase, resources)
        measured = _Measured(resources, _Accounts(self._site))
        began, self._journal_read = time.monotonic(), await self._journal_length()
        restarted = phase is Phase.RESTART
        cpu = 0.0 if restarted else self._meter.cpu
        if not restarted:
            self._meter.reset_peak()
        async with asyncio.timeout(PATIENCE):
            await work(measured)
        finished = time.monotonic()
        await asyncio.sleep(AFTERMATH)
        lasted = time.monotonic() - began
        requests = await self._requests()
        written, others = await asyncio.to_thread(measured.accounts.close)
        self.figures.append(
            Figures(
                phase=phase,
                resources=resources,
                seconds=finished - began if measured.seconds is None else measured.seconds,
                lasted=lasted,
                writing=measured.writing,
                listing=measured.listing,
                writes=written,
                requests=dict(Counter(entry.operation or "unknown" for entry in requests).most_common()),
                cpu=self._meter.cpu - cpu,
                peak=self._meter.peak,
                memory=self._meter.memory,
                others=others,
            )
        )
        self._progress.end(self.figures[-1])

    async def _create(self, measured: _Measured) -> None:
        sources = set(self._synced)
        bodies = (
            instance(name, maxNumResults=FIRST, deletionPolicy="Delete", **(SOURCE if name in sources else {}))
            for name in self._names
        )
        async with self._timed(measured):
            await self._cluster.create(bodies)
        await self._await(self._instances, self._names, self._settled)

    async def _sync(self, measured: _Measured) -> None:
        async with self._timed(measured):
            await self._cluster.create(sync_job(f"{name}-sync", name) for name in self._synced)
        await self._await(self._jobs, [f"{name}-sync" for name in self._synced], _has_succeeded)

    async def _rest(self, measured: _Measured) -> None:
        for tenth in range(10 * RESTS):
            await asyncio.sleep(self._conditions.interval / 10)
            self._progress.advance(measured.resources * (tenth + 1) // (10 * RESTS))
            self._site.check()

    async def _repair(self, measured: _Measured) -> None:
        """Change some instances, evenly over one interval: when one is looked at is then a matter of chance for all.

        The baseline's timers run in the order of the creations: in that order, all would be looked at equally late.
        """
        changed: dict[str, float] = {}
        repaired: dict[str, float] = {}
        for name in random.Random(SEED).sample(self._names, measured.resources):
            await asyncio.sleep(self._conditions.interval / measured.resources)
            await asyncio.to_thread(self._site.account.patch_instance, name, max_num_results=DRIFTED)
            changed[name] = await asyncio.to_thread(self._site.account.now)
        seen = self._journal_read
        while changed.keys() - repaired.keys():
            self._site.check()
            entries = await self._journal(seen)
            seen += len(entries)
            for entry in entries:
                name = entry.path.rpartition("/")[2]
                if entry.operation == "instances.update" and entry.applied and name in changed:
                    repaired.setdefault(name, entry.time)
            self._progress.advance(len(repaired))
            await asyncio.sleep(GLANCE)
        measured.seconds = sum(repaired[name] - changed[name] for name in changed) / len(changed)

    async def _edit(self, measured: _Measured) -> None:
        async with self._timed(measured):
            await self._cluster.patch(INSTANCE, self._names, {"spec": {"maxNumResults": EDITED}})
        settled = self._settled
        await self._await(
            self._instances, self._names, lambda view: view is not None and view.value == EDITED and settled(view)
        )

    async def _restart(self, measured: _Measured) -> None:
        """Stop the contender and start it anew. What it has to write it has written when its last pass has ended.

        What is counted begins when the old process has ended: it still writes what it found out last.
        """
        assert await asyncio.to_thread(self._site.operator.stop) == 0, "the contender did not end by itself"
        measured.accounts = _Accounts(self._site)
        measured.listing = await self._cluster.list_seconds((INSTANCE, JOB))
        self._journal_read = await self._journal_length()
        began = time.monotonic()
        await self._start()
        await (self._all_compared() if self._site.contender is Contender.OPERATOR else self._all_read())
        measured.seconds = time.monotonic() - began

    async def _all_compared(self) -> None:
        """Wait until the operator knows all resources, has listed all instances, and has no pass left to make."""
        pages = math.ceil(len(self._names) / PAGE)
        seen = self._journal_read
        listed = 0
        async with httpx.AsyncClient(base_url=self._site.probes, trust_env=False) as http:
            while True:
                self._site.check()
                entries = await self._journal(seen)
                seen += len(entries)
                listed += sum(entry.operation == "instances.list" and entry.status == 200 for entry in entries)
                with contextlib.suppress(httpx.TransportError):
                    ready = await http.get("/readyz")
                    if listed >= pages and ready.is_success:
                        queued = QUEUE.findall((await http.get("/metrics")).content)
                        if queued and not any(float(number) for number in queued):
                            return
                await asyncio.sleep(GLANCE)

    async def _all_read(self) -> None:
        """Wait until the baseline has read each instance."""
        seen, read = self._journal_read, set[str]()
        while len(read) < len(self._names):
            self._site.check()
            entries = await self._journal(seen)
            seen += len(entries)
            read |= {entry.path for entry in entries if entry.operation == "instances.get" and entry.status == 200}
            self._progress.advance(len(read))
            await asyncio.sleep(GLANCE)

    async def _delete(self, measured: _Measured) -> None:
        jobs = [f"{name}-sync" for name in self._synced]
        async with self._timed(measured):
            await self._cluster.delete(JOB, jobs)
            await self._cluster.delete(INSTANCE, self._names)
        await self._await(self._jobs, jobs, _is_gone)
        await self._await(self._instances, self._names, _is_gone)

    async def _await(self, followed: Followed, names: list[str], wanted: Callable[[View | None], bool]) -> None:
        waiting = asyncio.create_task(followed.until(names, wanted, self._progress.advance))
        while not (await asyncio.wait([waiting], timeout=1))[0]:
            self._site.check()
        await waiting

    @contextlib.asynccontextmanager
    async def _timed(self, measured: _Measured) -> AsyncIterator[None]:
        began = time.monotonic()
        yield
        measured.writing = time.monotonic() - began

    @property
    def _meter(self) -> ProcessMeter:
        return ProcessMeter(self._site.operator.pid)

    async def _journal(self, since: int) -> list[JournalEntry]:
        return await asyncio.to_thread(self._site.account.journal, since)

    async def _journal_length(self) -> int:
        return self._journal_read + len(await self._journal(self._journal_read))

    async def _requests(self) -> list[JournalEntry]:
        return await self._journal(self._journal_read)


class _Accounts:
    """What has been written and used since it was opened."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._offset = site.plane.audit_log.stat().st_size
        self._others = site.others()

    def close(self) -> tuple[dict[str, int], dict[str, float]]:
        """Give the contender's writes by kind, and the seconds of the processor of everybody else."""
        now = self._site.others()
        written = writes(self._site.plane.audit_log, user=self._site.user, offset=self._offset)
        return by_kind(written), {name: now[name] - before for name, before in self._others.items()}


def _is_ready(view: View | None) -> bool:
    return view is not None and view.current and view.ready


def _is_current(view: View | None) -> bool:
    return view is not None and view.current


def _has_succeeded(view: View | None) -> bool:
    return view is not None and view.phase == "Succeeded"


def _is_gone(view: View | None) -> bool:
    return view is None
