"""Logs: one JSON line per event, with the correlation id, control characters escaped by JSON itself."""

import logging
import sys
import traceback
from collections.abc import MutableMapping
from typing import Any

import structlog

from contactcenter.events import correlation

MAX_FRAMES = 6


def configure(level: str, role: str) -> None:
    """Set up structlog and the standard library's logging for one process."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _bind(role),
            _brief_exception,
            structlog.processors.JSONRenderer(default=str),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    logging.basicConfig(
        level=logging.WARNING, stream=sys.stderr, format='{"level":"%(levelname)s","event":"%(name)s: %(message)s"}'
    )


def _bind(role: str) -> Any:
    def add(_logger: Any, _method: str, line: dict[str, Any]) -> dict[str, Any]:
        line["role"] = role
        if current := correlation.get():
            line["correlation"] = current
        return line

    return add


def _brief_exception(_logger: Any, _method: str, line: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """What went wrong and where in our own code: a full traceback of three libraries hides both."""
    info = line.pop("exc_info", None)
    if not info:
        return line
    error = info if isinstance(info, BaseException) else sys.exc_info()[1]
    if error is not None:
        ours = [f for f in traceback.extract_tb(error.__traceback__) if "site-packages" not in f.filename]
        line["error"] = f"{type(error).__name__}: {str(error).splitlines()[0][:300] if str(error) else ''}"
        line["at"] = [f"{f.filename.rpartition('/contactcenter/')[2]}:{f.lineno} {f.name}" for f in ours[-MAX_FRAMES:]]
    return line
