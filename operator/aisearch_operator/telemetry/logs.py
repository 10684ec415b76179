"""Logging: JSON for machines, or text for people; and no line that holds a body or a header."""

import logging
import sys
from typing import Any, Literal

from pythonjsonlogger.core import RESERVED_ATTRS
from pythonjsonlogger.json import JsonFormatter

from aisearch_operator.telemetry.log_context import about_now

__all__ = ["configure_logging"]

KOPF_INTERNALS = ("k8s_skip", "k8s_ref", "settings")
"""What kopf adds to its records for its own handlers. The resource in ``k8s_ref`` is told in our own keys."""

RESOURCE_KEYS = ("kind", "namespace", "name", "uid")
"""The keys of a line that name its resource, as Kubernetes' references do."""


class _JsonLines(JsonFormatter):
    """One JSON object a line, with the keys of docs/observability.md."""

    def add_fields(self, log_data: dict[str, Any], record: logging.LogRecord, message_dict: dict[str, Any]) -> None:
        super().add_fields(log_data, record, message_dict)
        log_data.update(about_now())
        reference = getattr(record, "k8s_ref", None)
        if isinstance(reference, dict):
            log_data.update({key: reference[key] for key in RESOURCE_KEYS if reference.get(key)})


def configure_logging(log_format: Literal["json", "text"], level: str) -> None:
    """Send all logs to standard error.

    Other libraries log at WARNING at least: below that, kopf writes whole resources and the HTTP
    libraries write URLs.
    """
    handler = logging.StreamHandler(sys.stderr)
    if log_format == "json":
        handler.setFormatter(
            _JsonLines(
                "{asctime}{levelname}{name}{message}",
                style="{",
                rename_fields={"asctime": "time", "levelname": "level", "name": "logger"},
                reserved_attrs=[*RESERVED_ATTRS, *KOPF_INTERNALS],
            )
        )
    else:
        handler.setFormatter(logging.Formatter("{asctime} {levelname:<7} {message}", style="{"))
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(logging.WARNING)
    logging.getLogger("aisearch_operator").setLevel(level)
