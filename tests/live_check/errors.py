"""The two errors of the live check: a step that did not work, and a question that could not be asked."""


class StepError(Exception):
    """A step of the scenario did not do what it must; the text says what happened instead."""


class NotAskedError(Exception):
    """A question could not be asked in this run; the text says why."""
