"""Runs the chapters: a step that fails ends its chapter, a question that fails ends nothing."""

from collections.abc import Sequence

from aisearch_operator.cloudflare import CloudflareError
from live_check.display import Display
from live_check.errors import NotAskedError, StepError
from live_check.outcome import Chapter, Probe, Row
from live_check.session import Session


async def perform(chapters: Sequence[Chapter], session: Session, display: Display) -> tuple[list[Row], int]:
    """Go through the chapters, and give the answers and the number of steps that failed.

    The first chapter only reads. When it fails, the others are left out: nothing is created with
    credentials that do not work.
    """
    first, *others = chapters
    display.chapter(first.title)
    failures = await _take(first, session, display)
    rows = [await _ask(probe, session) for probe in first.probes]
    if failures:
        return rows, failures
    for chapter in others:
        display.chapter(chapter.title)
        failures += await _take(chapter, session, display)
        rows += [await _ask(probe, session) for probe in chapter.probes]
    return rows, failures


async def _take(chapter: Chapter, session: Session, display: Display) -> int:
    """Take the steps of a chapter, and give 1 when one failed, else 0."""
    for step in chapter.steps:
        try:
            text = await step.do(session)
        except NotAskedError as reason:
            display.skipped(step.title, str(reason))
        except (CloudflareError, StepError) as error:
            display.failed(step.title, str(error))
            return 1
        else:
            display.done(step.title, text)
    return 0


async def _ask(probe: Probe, session: Session) -> Row:
    """Ask one question. Whatever goes wrong with it is its answer: the others are asked all the same."""
    try:
        return Row(probe, await probe.ask(session))
    except NotAskedError as reason:
        return Row(probe, None, str(reason))
    except (CloudflareError, StepError) as error:
        return Row(probe, None, f"failed: {error}")
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
        # An answer of a shape that nobody expected: its text may hold anything, so only the kind is told.
        return Row(probe, None, f"failed: the answer could not be read ({type(error).__name__})")
