"""The work queue under random histories, in virtual time: nothing is lost, nothing runs twice at once."""

import asyncio
import heapq
from collections import Counter
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from aisearch_operator.engine.backoff import Backoff
from aisearch_operator.engine.workqueue import Again, WorkQueue

KEYS = ["a", "b", "c"]
LONGEST = 20.0
"""Virtual seconds: above every delay and pass."""


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """An event loop whose clock leaps to the next timer as soon as nothing else is to do."""

    def __init__(self) -> None:
        super().__init__()
        self._now = 0.0

    def time(self) -> float:
        return self._now

    def _run_once(self) -> None:
        loop: Any = self
        while loop._scheduled and loop._scheduled[0]._cancelled:
            heapq.heappop(loop._scheduled)._scheduled = False
        if not loop._ready and loop._scheduled:
            self._now = max(self._now, loop._scheduled[0]._when)
        super()._run_once()  # type: ignore[misc]


class Watched:
    """Passes that take virtual time, and are watched while they do."""

    def __init__(self, answers: dict[str, list[Again | None]], seconds: float) -> None:
        self.begun: Counter[str] = Counter()
        self.running: set[str] = set()
        self.most = 0
        self.late: list[tuple[str, float]] = []
        self._answers = answers
        self._seconds = seconds

    async def __call__(self, key: str) -> Again | None:
        assert key not in self.running, f"two passes over {key} at once"
        self.running.add(key)
        self.most = max(self.most, len(self.running))
        self.begun[key] += 1
        await asyncio.sleep(self._seconds)
        self.running.discard(key)
        return self._answers[key].pop() if self._answers[key] else None


answers = st.one_of(
    st.none(), st.just(Again()), st.builds(Again, after=st.sampled_from([0.0, 0.5, 3.0])), st.just(Again(at_least=2.0))
)
steps = st.one_of(
    st.tuples(st.just("add"), st.sampled_from(KEYS), st.booleans()),
    st.tuples(st.just("add_after"), st.sampled_from(KEYS), st.sampled_from([0.0, 0.3, 1.0, 4.0])),
    st.tuples(st.just("forget"), st.sampled_from(KEYS), st.none()),
    st.tuples(st.just("pause"), st.none(), st.sampled_from([0.0, 0.2, 1.0, 3.0])),
)


def run(coroutine: Any) -> Any:
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(coroutine)


@given(
    history=st.lists(steps, max_size=30),
    workers=st.integers(1, 3),
    seconds=st.sampled_from([0.0, 0.4, 2.0]),
    given_answers=st.fixed_dictionaries({key: st.lists(answers, max_size=4) for key in KEYS}),
)
def test_every_addition_is_followed_by_a_pass_that_began_after_it(history, workers, seconds, given_answers):
    async def live() -> None:
        passes = Watched(given_answers, seconds)
        urgent = set[str]()
        queue = WorkQueue(passes, workers=workers, backoff=Backoff(base=0.5, cap=2.0), urgent=urgent.__contains__)
        queue.start()
        owed: dict[str, int] = {}
        for name, key, value in history:
            match name:
                case "add":
                    (urgent.add if value else urgent.discard)(key)
                    queue.add(key)
                    owed[key] = passes.begun[key] + 1
                case "add_after":
                    queue.add_after(key, value)
                    owed[key] = passes.begun[key] + 1
                case "forget":
                    queue.forget(key)
                    owed.pop(key, None)
                case "pause":
                    await asyncio.sleep(value)
        await asyncio.sleep(LONGEST * len(KEYS) * 4)

        assert len(queue) == 0, "the queue never comes to rest"
        for key, least in owed.items():
            assert passes.begun[key] >= least, f"{key} was added and got no pass"
        assert passes.most <= workers
        assert await queue.stop(grace=LONGEST)

    run(live())


@given(
    plain=st.lists(st.sampled_from(KEYS), min_size=1, max_size=3, unique=True),
    urgent=st.lists(st.sampled_from(["x", "y"]), min_size=1, max_size=2, unique=True),
)
def test_urgent_keys_overtake_all_that_wait(plain, urgent):
    async def live() -> list[str]:
        order: list[str] = []

        async def process(key: str) -> None:
            order.append(key)
            await asyncio.sleep(1)

        queue = WorkQueue(process, workers=1, backoff=Backoff(), urgent=urgent.__contains__)
        queue.start()
        queue.add("busy")
        await asyncio.sleep(0.5)
        for key in (*plain, *urgent):
            queue.add(key)
        await asyncio.sleep(LONGEST)
        await queue.stop(grace=1)
        return order

    assert run(live()) == ["busy", *urgent, *plain]


@given(
    added=st.lists(st.sampled_from(KEYS), max_size=5), workers=st.integers(1, 3), at=st.sampled_from([0.0, 0.5, 1.5])
)
def test_a_stop_lets_every_pass_end_that_has_begun(added, workers, at):
    async def live() -> None:
        passes = Watched({key: [] for key in KEYS}, seconds=1.0)
        queue = WorkQueue(passes, workers=workers, backoff=Backoff())
        queue.start()
        for key in added:
            queue.add(key)
        await asyncio.sleep(at)

        assert await queue.stop(grace=LONGEST)
        begun = passes.begun.copy()
        assert not passes.running
        await asyncio.sleep(LONGEST)
        assert passes.begun == begun

    run(live())
