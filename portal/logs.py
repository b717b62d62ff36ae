"""Logs: JSON in production, readable lines elsewhere, and never a secret or an e-mail address in them."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping, MutableMapping
from http import HTTPStatus
from typing import Any

import structlog
from django.http import HttpRequest
from django.utils.encoding import escape_uri_path
from django_structlog.middlewares import RequestMiddleware
from structlog.typing import EventDict, Processor, WrappedLogger

# The separators and the letter of a link's address, as they are or encoded, however often.
_SLASH = r"(?:[/\\]|%(?:25)*(?:2f|5c))"
_LETTER = r"(?:r|%(?:25)*[57]2)"
# The rest of the line goes, for whoever mistyped the address may have put anything before the secret. A public id that
# stands where it should, and is too short for a secret, stays.
SECRET_PATH = re.compile(
    rf"({_SLASH}+{_LETTER}{_SLASH}+(?:(?:back|result)/|[\w-]{{1,22}}/(?=[\w-]))?)[^\r\n]+", re.IGNORECASE
)
# What has the shape of a link's secret, wherever it stands: 43 signs of base64 for addresses, or more.
SECRET = re.compile(r"[\w-]{43,}", re.ASCII)
WEBHOOKS = "/hooks/"
PROBES = ("/healthz", "/readyz", "/health/audit", "/metrics")
# The lengths are an address's own, and keep a long line without spaces from taking long.
EMAIL = re.compile(r"[^\s@/=&?<>\"'(,:]{1,64}(?:@|%40)[^\s@/&?<>\"'),:]{1,250}\.[^\s@/&?<>\"'),:]{2,63}", re.IGNORECASE)


def scrubbed(text: str) -> str:
    """The text without the secrets of links and without e-mail addresses."""
    return EMAIL.sub("(e-mail)", SECRET.sub("(secret)", SECRET_PATH.sub(r"\1(secret)", text)))


class RequestLog(RequestMiddleware):
    """Logs each request by method and path. The query is left out: people are searched for in it.

    A webhook leaves its own line, with the delivery that is stored, or why it is refused.
    """

    def __call__(self, request: HttpRequest) -> Any:
        vars(request)["has_a_line"] = True
        if request.path.startswith(WEBHOOKS):
            return self.get_response(request)
        return super().__call__(request)

    @staticmethod
    def format_request(request: HttpRequest) -> str:
        """The method and the path, in which nothing ends the line; it is scrubbed with all others."""
        return f"{request.method} {escape_uri_path(request.path)}"


def configuration(*, machine_readable: bool) -> dict[str, Any]:
    """Django's LOGGING, in which every line passes the scrubber; configures structlog with it."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *shared,
            structlog.stdlib.PositionalArgumentsFormatter(),
            structlog.processors.StackInfoRenderer(),
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    render: Processor = (
        structlog.processors.JSONRenderer() if machine_readable else structlog.dev.ConsoleRenderer(colors=False)
    )
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "line": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": shared,
                "processors": [
                    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                    structlog.processors.format_exc_info,
                    _scrub,
                    render,
                ],
            }
        },
        "handlers": {"console": {"class": "logging.StreamHandler", "formatter": "line"}},
        "root": {"handlers": ["console"], "level": "INFO"},
        # Their own handlers would print lines past the scrubber, or send them by e-mail.
        "loggers": {
            name: {"handlers": [], "level": level, "propagate": True, "filters": _FILTERS.get(name, [])}
            for name, level in {
                "django": "INFO",
                "django.request": "INFO",
                "django.server": "WARNING",
                "gunicorn.error": "INFO",
                "gunicorn.access": "INFO",
                "procrastinate": "WARNING",  # it logs each job three times; the queue logs it once
            }.items()
        },
    }


def _has_no_line_yet(record: logging.LogRecord) -> bool:
    """Whether what Django logs of a refused request is the only line of it."""
    is_fault = getattr(record, "status_code", 0) >= HTTPStatus.INTERNAL_SERVER_ERROR
    return is_fault or not getattr(getattr(record, "request", None), "has_a_line", False)


def _is_no_probe(record: logging.LogRecord) -> bool:
    """Whether gunicorn's line is of a request that somebody else than a monitor made; U is its path."""
    return not (isinstance(record.args, Mapping) and record.args.get("U") in PROBES)


_FILTERS = {"django.request": [_has_no_line_yet], "gunicorn.access": [_is_no_probe]}


def _scrub(logger: WrappedLogger, method: str, event: EventDict) -> EventDict:
    return {key: _scrub_value(value) for key, value in event.items()}


def _scrub_value(value: Any) -> Any:
    match value:
        case bool() | int() | float() | None:
            return value
        case MutableMapping():
            return {str(key): _scrub_value(inner) for key, inner in value.items()}
        case list() | tuple() | set():
            return [_scrub_value(inner) for inner in value]
        case _:
            return scrubbed(str(value))
