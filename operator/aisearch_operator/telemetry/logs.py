"""Logging: JSON for machines, or text for people; and no line that holds a body or a header."""

import logging
import sys
from typing import Literal

from pythonjsonlogger.core import RESERVED_ATTRS
from pythonjsonlogger.json import JsonFormatter

__all__ = ["configure_logging"]

KOPF_INTERNALS = ("k8s_skip", "settings")
"""What kopf adds to its records for its own handlers: no JSON, and none of the reader's business."""


def configure_logging(log_format: Literal["json", "text"], level: str) -> None:
    """Send all logs to standard error.

    Other libraries log at WARNING at least: below that, kopf writes whole resources and the HTTP
    libraries write URLs.
    """
    handler = logging.StreamHandler(sys.stderr)
    if log_format == "json":
        handler.setFormatter(
            JsonFormatter(
                "{asctime}{levelname}{name}{message}",
                style="{",
                rename_fields={"asctime": "time", "levelname": "level", "name": "logger", "k8s_ref": "object"},
                reserved_attrs=[*RESERVED_ATTRS, *KOPF_INTERNALS],
            )
        )
    else:
        handler.setFormatter(logging.Formatter("{asctime} {levelname:<7} {message}", style="{"))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("aisearch_operator").setLevel(level)
