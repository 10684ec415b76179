"""The one error of this package: what could not be had, and the way out."""


class ControlPlaneError(Exception):
    """A control plane, or a program that it needs, could not be had; the message says what to do."""
