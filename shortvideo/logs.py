"""Logging: one line per event with the request id, as text or JSON, never with a query string."""

import logging.config
import re
from collections.abc import Mapping
from typing import Any, Final

import structlog

# C0, DEL, C1, the other line breaks, and what turns the direction of text.
_CONTROL: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
_CONTROL_IN_TEXT: Final = re.compile(f"(?![\n\t]){_CONTROL.pattern}")


def configure(options: Mapping[str, Any]) -> None:
    """Configure structlog and the standard library's logging (Django's LOGGING_CONFIG hook)."""
    shared: list[structlog.types.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.stdlib.ExtraAdder(),
        _drop_request,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {
                "line": {
                    "()": structlog.stdlib.ProcessorFormatter,
                    "processors": [
                        structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                        *_renderers(options["format"]),
                    ],
                    "foreign_pre_chain": shared,
                }
            },
            "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
            "root": {"handlers": ["stderr"], "level": options["level"]},
            "loggers": {
                # Their lines hold query strings, so tokens; RequestIdMiddleware logs without them.
                "django.request": {"level": "ERROR"},
                "django.server": {"level": "ERROR"},
                "axes": {"level": "WARNING"},
                "waitress.queue": {"level": "ERROR"},  # a line for each request that waits
            },
        }
    )


def _renderers(log_format: str) -> list[structlog.types.Processor]:
    if log_format == "json":
        return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    # plain_traceback: with `rich` installed, structlog's default prints local variables, so tokens.
    renderer = structlog.dev.ConsoleRenderer(
        colors=False, exception_formatter=structlog.dev.plain_traceback
    )
    return [_escape_values, renderer, _escape_line]


def _escape_values(
    _logger: Any, _name: str, event: structlog.types.EventDict
) -> structlog.types.EventDict:
    """Escape line breaks too: a value of a user must not look like a line of the log."""
    return {
        name: _CONTROL.sub(_escaped, value) if isinstance(value, str) else value
        for name, value in event.items()
    }


def _escape_line(_logger: Any, _name: str, line: Any) -> str:
    """Escape what tracebacks contain. Their lines are indented, so that none looks like another."""
    return _CONTROL_IN_TEXT.sub(_escaped, line).replace("\n", "\n  ")


def _escaped(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode()


def _drop_request(
    _logger: Any, _name: str, event: structlog.types.EventDict
) -> structlog.types.EventDict:
    """Drop the request that Django adds to its log lines: its text has the query string."""
    event.pop("request", None)
    return event
