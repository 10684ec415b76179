"""What the parts of the live check are, as data: steps that must work, and questions that are only asked."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from live_check.session import Session


@dataclass(frozen=True)
class Finding:
    """What the API answered.

    Parameters
    ----------
    text
        The answer in a few words, without anything secret.
    expected
        Whether it is what the facts expect; None when they expect nothing in particular.
    """

    text: str
    expected: bool | None = None


@dataclass(frozen=True)
class Step:
    """Something that the operator relies on: the check fails when it does not work."""

    title: str
    do: Callable[[Session], Awaitable[str]]


@dataclass(frozen=True)
class Probe:
    """A question to which the documentation has no answer, or two.

    Parameters
    ----------
    id
        A short stable name.
    question
        What is asked.
    facts
        The section of the fact sheet on Cloudflare's API that marks it as unknown.
    expected
        What the facts expect, or the fake does.
    depends
        Whether the operator depends on the answer, and how.
    ask
        Finds it out, from what the steps have seen or with requests of its own.
    """

    id: str
    question: str
    facts: str
    expected: str
    depends: str
    ask: Callable[[Session], Awaitable[Finding]]


@dataclass(frozen=True)
class Row:
    """A question and what came of it: a finding, or the reason why there is none."""

    probe: Probe
    finding: Finding | None
    reason: str = ""


@dataclass(frozen=True)
class Chapter:
    """Steps that build on one another, then the questions that they make possible."""

    title: str
    steps: tuple[Step, ...]
    probes: tuple[Probe, ...]
