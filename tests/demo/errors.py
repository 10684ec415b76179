"""The one error of the demo: a step or a claim that did not come true, and what was to be seen then."""


class DemoError(Exception):
    """Something that the demo shows did not happen; the message says what, and what was seen instead."""
