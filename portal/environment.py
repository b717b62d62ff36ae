"""The settings from environment variables. Without PORTAL_MODE it is production, which refuses unsafe values.

A file `.env` in manage.py's directory fills in what the environment leaves out, except the mode: a checkout that was
used for development must not stay in that mode in production. Tests do not read the file.
"""

from __future__ import annotations

import os
from enum import StrEnum
from pathlib import Path
from typing import Any

import environ
from django.core.exceptions import ImproperlyConfigured

from portal import embedded_postgres

INSECURE_SECRET = "insecure-and-known-to-everybody-for-development-and-tests-only"  # noqa: S105 - production refuses it


class Mode(StrEnum):
    """What this process is for."""

    DEVELOPMENT = "development"
    TEST = "test"
    PRODUCTION = "production"


env = environ.Env()


def _read_file(path: Path) -> str:
    """Fill in from a file what the environment leaves out; returns the mode that the file says, which is not taken."""
    before = os.environ.get("PORTAL_MODE")
    os.environ.pop("PORTAL_MODE", None)
    environ.Env.read_env(path)
    in_file = os.environ.pop("PORTAL_MODE", "")
    if before is not None:
        os.environ["PORTAL_MODE"] = before
    return in_file


MODE_IN_FILE = "" if os.environ.get("PORTAL_MODE") == Mode.TEST else _read_file(embedded_postgres.CHECKOUT / ".env")


def mode() -> Mode:
    """What PORTAL_MODE says; production if it says nothing. Raises ImproperlyConfigured."""
    mode_name = os.environ.get("PORTAL_MODE") or Mode.PRODUCTION
    if not os.environ.get("PORTAL_MODE") and MODE_IN_FILE not in ("", Mode.PRODUCTION):
        raise ImproperlyConfigured(
            f".env says PORTAL_MODE={MODE_IN_FILE}, and whatever is started here later would run unsafe. Take the line "
            f"out, and say it in the shell that it is meant for: export PORTAL_MODE={MODE_IN_FILE}"
        )
    try:
        return Mode(mode_name)
    except ValueError:
        raise ImproperlyConfigured(f"PORTAL_MODE is {mode_name!r}. Set it to one of: {', '.join(Mode)}.") from None


def debug() -> bool:
    """What DEBUG says; off if it says nothing."""
    return bool(env.bool("DEBUG", default=False))


def secret_key() -> str:
    """What SECRET_KEY says, else a key that production refuses."""
    return os.environ.get("SECRET_KEY") or INSECURE_SECRET  # environ would take "$…" for another variable's name


def secret_key_fallbacks() -> list[str]:
    """What SECRET_KEY_FALLBACKS says: earlier keys, separated by commas, whose signatures are still believed."""
    return [key for part in os.environ.get("SECRET_KEY_FALLBACKS", "").split(",") if (key := part.strip())]


def hosts() -> list[str]:
    """What ALLOWED_HOSTS says, else this machine's own names outside production."""
    own = [] if mode() is Mode.PRODUCTION else ["localhost", "127.0.0.1", "[::1]"]
    return list(env.list("ALLOWED_HOSTS", default=own))


def trusted_origins() -> list[str]:
    """What CSRF_TRUSTED_ORIGINS says: the addresses with scheme whose forms are accepted in addition to our own."""
    return list(env.list("CSRF_TRUSTED_ORIGINS", default=[]))


def public_url() -> str:
    """What PORTAL_URL says: the address that people reach this site by, without a slash at its end; may be empty."""
    return os.environ.get("PORTAL_URL", "").strip().rstrip("/")


def host_name() -> str:
    """What PORTAL_HOST_NAME says: the name of the host application on what people are sent."""
    return str(env.str("PORTAL_HOST_NAME", default="")) or "Your health app"


def host_url() -> str:
    """What PORTAL_HOST_URL says: where people get back to the host application at the end; may be empty."""
    return os.environ.get("PORTAL_HOST_URL", "").strip()


def links_a_month() -> int:
    """What PORTAL_LINKS_A_MONTH says: how many reauth links one person is sent within 30 days; 3 if it says nothing."""
    return _number("PORTAL_LINKS_A_MONTH", 3)


def reminders() -> int:
    """What PORTAL_REMINDERS says: how many reminders follow a mailed link at most; 1 if it says nothing."""
    return _number("PORTAL_REMINDERS", 1)


def reminder_days() -> int:
    """What PORTAL_REMINDER_DAYS says: so many days after the mail before; 3 if it says nothing."""
    return _number("PORTAL_REMINDER_DAYS", 3)


def events_to_loopback() -> bool:
    """What EVENTS_TO_LOOPBACK says: whether events may be sent to this machine, also unencrypted; no by default."""
    return bool(env.bool("EVENTS_TO_LOOPBACK", default=False))


def webhook_stale_seconds() -> int:
    """What WEBHOOK_STALE_SECONDS says: how long after its signature a webhook is flagged as stale; 300 by default."""
    return _number("WEBHOOK_STALE_SECONDS", 300)


def largest_webhook() -> int:
    """What WEBHOOK_LARGEST_MEGABYTES says: how large a webhook's body may be; 64 if it says nothing."""
    return _number("WEBHOOK_LARGEST_MEGABYTES", 64)


def proxies() -> int:
    """What PROXIES says: how many of our own stand in front and add to X-Forwarded-For; 0 if it says nothing."""
    return _number("PROXIES", 0)


def _number(name: str, default: int) -> int:
    return int(os.environ.get(name, "").strip() or default)


def opening_reason_minutes() -> int:
    """What PORTAL_OPENING_REASON_MINUTES says: how long a reason for opening a person is good; 0 asks for none."""
    return _number("PORTAL_OPENING_REASON_MINUTES", 0)


def second_factor() -> frozenset[str]:
    """What PORTAL_SECOND_FACTOR says: who must have a second factor; all in production, no one elsewhere by default.

    Names of roles, `administrator`, or `all`.
    """
    said = os.environ.get("PORTAL_SECOND_FACTOR", "").strip() or ("all" if mode() is Mode.PRODUCTION else "none")
    return frozenset(name for part in said.split(",") if (name := part.strip()) and name != "none")


def statement_seconds() -> dict[str, int]:
    """How long one statement may take in PostgreSQL, by kind of work (see portal.statement_limits); 0 sets no limit."""
    return {
        "pages": _number("PORTAL_PAGE_SECONDS", 10),
        "webhooks": _number("PORTAL_WEBHOOK_SECONDS", 5),
        "jobs": _number("PORTAL_JOB_SECONDS", 300),
        "commands": _number("PORTAL_COMMAND_SECONDS", 3600),
    }


def database_url() -> str:
    """What DATABASE_URL says, else the address of the embedded PostgreSQL, running or not."""
    return str(env.str("DATABASE_URL", default="")) or embedded_postgres.named(embedded_postgres.MAIN).url()


def database() -> dict[str, Any]:
    """Django's settings for the database. Raises ImproperlyConfigured when it is not PostgreSQL."""
    settings: dict[str, Any] = environ.Env.db_url_config(database_url())
    if settings.get("ENGINE") != "django.db.backends.postgresql":
        raise ImproperlyConfigured("DATABASE_URL must name a PostgreSQL: postgresql://user:password@host:5432/name.")
    options = settings.setdefault("OPTIONS", {})
    settings["HOST"] = options.pop("host", settings["HOST"])  # the directory of a Unix socket stands in the query
    if settings["HOST"].startswith("/"):
        options["hostaddr"] = ""  # else PGHOSTADDR leads to another server
    return settings
