"""Work that a thread repeats beside a test, and whose failure the test hears of."""

import contextlib
import threading
from collections.abc import Callable, Iterator

__all__ = ["repeating"]


@contextlib.contextmanager
def repeating(work: Callable[[], None], *, interval: float, name: str) -> Iterator[None]:
    """Repeat something for as long as the context lasts; a failure ends it, and is raised at the end.

    Parameters
    ----------
    interval
        Seconds between two times.
    name
        Of the thread.
    """
    stopped = threading.Event()
    failures: list[Exception] = []

    def run() -> None:
        try:
            while not stopped.wait(interval):
                work()
        except Exception as error:  # it is raised again where the test sees it
            failures.append(error)

    thread = threading.Thread(target=run, name=name, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join()
    if failures:
        raise failures[0]
