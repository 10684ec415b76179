"""The whole check in order: what is done, and what is asked where it can be asked."""

from live_check import scenario
from live_check.outcome import Chapter
from live_check.questions import account, cooldown, jobs, move, obstacles, settings, unasked, updates

CHAPTERS = (
    Chapter("Credentials", scenario.CREDENTIALS, account.PROBES),
    Chapter(
        "An instance with built-in storage",
        scenario.BUILT_IN,
        (*settings.BUILT_IN, *updates.BUILT_IN, *obstacles.BUILT_IN),
    ),
    Chapter(
        "An instance with a source, and its sync jobs",
        scenario.SOURCED,
        (*settings.SOURCED, *jobs.PROBES, *cooldown.PROBES, *updates.SOURCED, *obstacles.SOURCED),
    ),
    Chapter("A move", scenario.MOVED, move.PROBES),
    Chapter("Deletion", scenario.DELETED, (*settings.AT_THE_END, *account.AT_THE_END, *unasked.PROBES)),
)
