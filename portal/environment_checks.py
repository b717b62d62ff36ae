"""Checks the environment variables at the start: all that are wrong, and in production all that are unsafe, at once."""

from __future__ import annotations

import difflib
import ipaddress
import os
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from urllib.parse import urlsplit

from django.core.exceptions import ImproperlyConfigured

from portal import embedded_postgres, environment
from portal.mail_settings import unsafe_mail, wrong_mail
from portal.metrics_settings import unsafe_metrics, wrong_metrics
from portal.oidc_settings import unsafe_oidc, wrong_oidc

SHORTEST_SECRET = 50
TRUTH = {"", "true", "yes", "y", "on", "ok", "1", "false", "no", "n", "off", "0"}
# The whole numbers, each with the smallest that makes sense.
NUMBERS = {
    "PROXIES": 0,
    "PORTAL_LINKS_A_MONTH": 0,
    "PORTAL_REMINDERS": 0,
    "PORTAL_REMINDER_DAYS": 1,
    "PORTAL_OPENING_REASON_MINUTES": 0,
    "WEBHOOK_STALE_SECONDS": 0,
    "WEBHOOK_LARGEST_MEGABYTES": 1,
    "PORTAL_PAGE_SECONDS": 0,
    "PORTAL_WEBHOOK_SECONDS": 0,
    "PORTAL_JOB_SECONDS": 0,
    "PORTAL_COMMAND_SECONDS": 0,
}
LARGEST_NUMBER = 1_000_000
# Superusers, who hold no role.
ADMINISTRATOR = "administrator"
ALL_OR_NONE = ("all", "none")
# Every variable that is read, here or by the command that starts us.
KNOWN = (
    "PORTAL_MODE",
    "SECRET_KEY",
    "SECRET_KEY_FALLBACKS",
    "ALLOWED_HOSTS",
    "DATABASE_URL",
    "CSRF_TRUSTED_ORIGINS",
    "PROXIES",
    "PORTAL_URL",
    "PORTAL_HOST_NAME",
    "PORTAL_HOST_URL",
    "PORTAL_LINKS_A_MONTH",
    "PORTAL_REMINDERS",
    "PORTAL_REMINDER_DAYS",
    "PORTAL_SECOND_FACTOR",
    "PORTAL_OPENING_REASON_MINUTES",
    "EMAIL_URL",
    "EMAIL_SERVICE",
    "EMAIL_FROM",
    "EMAIL_REPLY_TO",
    "WEBHOOK_STALE_SECONDS",
    "WEBHOOK_LARGEST_MEGABYTES",
    "PORTAL_PAGE_SECONDS",
    "PORTAL_WEBHOOK_SECONDS",
    "PORTAL_JOB_SECONDS",
    "PORTAL_COMMAND_SECONDS",
    "EVENTS_TO_LOOPBACK",
    "PORTAL_METRICS_TOKEN",
    "PORTAL_WORKER_METRICS",
    "PROMETHEUS_MULTIPROC_DIR",
    "OIDC_ISSUER",
    "OIDC_CLIENT_ID",
    "OIDC_CLIENT_SECRET",
    "OIDC_ROLES",
    "OIDC_NAME",
    "OIDC_GROUPS_CLAIM",
    "OIDC_SCOPES",
    "DEBUG",
)
# A variable that begins like this and nearly like one of ours is ours, misspelt.
OURS = ("PORTAL_", "SECRET_KEY", "ALLOWED_", "CSRF_", "WEBHOOK", "EVENTS_", "EMAIL_", "OIDC_")
NEARLY = 0.85
RAW = (
    "DATABASE_URL cannot be read. It is written postgresql://user:password@host:5432/name, and in the user and the"
    " password # is written %23, / %2F, ? %3F, @ %40, : %3A, [ %5B, ] %5D and % %25."
)

type Check = Callable[[Mapping[str, str]], Iterable[str]]


def check_environment(others: Check, addresses: Check, roles: Collection[str], unread: Iterable[str] = ()) -> None:
    """Raise ImproperlyConfigured with every trouble, a line each; `others` finds those of variables that are not ours.

    `addresses` are the variables that name an outside service, which production may only reach for real, and encrypted.
    `roles` are the names of all roles, `unread` the troubles of secrets in files.
    """
    variables = os.environ
    production = environment.mode() is environment.Mode.PRODUCTION
    trouble = [
        *unread,
        *_wrong(variables),
        *_wrong_second_factor(variables, roles),
        *wrong_oidc(variables, roles),
        *others(variables),
    ]
    if production:
        trouble += _unsafe(variables, addresses(variables))
    if not trouble:
        return
    here = "This is production, for PORTAL_MODE does not say otherwise, and it" if production else "The portal"
    raise ImproperlyConfigured("\n- ".join([f"{here} does not start like this:", *trouble]))


def _wrong(variables: Mapping[str, str]) -> Iterator[str]:
    for name in ("DEBUG", "EVENTS_TO_LOOPBACK"):
        if variables.get(name, "").strip().lower() not in TRUTH:
            yield f"{name} must be true or false."
    for name, smallest in NUMBERS.items():
        value = variables.get(name, "").strip()
        if value and not (re.fullmatch("[0-9]{1,7}", value) and smallest <= int(value) <= LARGEST_NUMBER):
            yield f"{name} must be a whole number from {smallest} to {LARGEST_NUMBER}."
    yield from _wrong_addresses()
    yield from wrong_mail(variables)
    yield from wrong_metrics(variables)
    if words := _wrong_database(variables.get("DATABASE_URL", "")):
        yield words
    for name, value in sorted(variables.items()):
        if value and name.startswith(OURS) and name not in KNOWN:
            for meant in difflib.get_close_matches(name, KNOWN, 1, NEARLY):
                yield f"{name} is read by nothing. {meant} is meant."


def _wrong_second_factor(variables: Mapping[str, str], roles: Collection[str]) -> Iterator[str]:
    said = variables.get("PORTAL_SECOND_FACTOR", "").strip()
    names = [name.strip() for name in said.split(",")]
    known = {*roles, ADMINISTRATOR}
    if said and said not in ALL_OR_NONE and not known.issuperset(names):
        yield f"PORTAL_SECOND_FACTOR must be all, none, or some of: {', '.join((*roles, ADMINISTRATOR))}."


def _wrong_addresses() -> Iterator[str]:
    if any(re.search(r"[/\s]|:\d*$|://", host) and not host.endswith("]") for host in environment.hosts()):
        yield "ALLOWED_HOSTS holds more than names: write them without scheme, port and path, separated by commas."
    if not all(re.fullmatch(r"https?://[^/\s]+", origin) for origin in environment.trusted_origins()):
        yield "CSRF_TRUSTED_ORIGINS must be addresses with scheme and without path, as https://portal.example.org."
    if (address := environment.public_url()) and not re.fullmatch(r"https?://[^/?#@\s]+", address):
        yield "PORTAL_URL must be an address with scheme and without path, as https://portal.example.org."
    if (address := environment.host_url()) and not re.fullmatch(r"https?://[^/?#@\s]+([/?#]\S*)?", address):
        yield "PORTAL_HOST_URL must be an address with scheme, as https://app.example.org/health."


def _wrong_database(url: str) -> str:
    """What is wrong with the address of a database; it may hold a password, which is not repeated."""
    if not url:
        return ""
    try:
        parts = urlsplit(url)
        if "#" in url or re.search(r"\s", url) or "@" in parts.path + parts.query or (parts.port or 0) < 0:
            return RAW
    except ValueError:
        return RAW
    if parts.scheme not in ("postgresql", "postgres"):
        return "DATABASE_URL must name a PostgreSQL: postgresql://user:password@host:5432/name."
    return "" if parts.path.strip("/") else "DATABASE_URL names no database: postgresql://user:password@host:5432/name."


def _unsafe(variables: Mapping[str, str], addresses: Iterable[str]) -> Iterator[str]:
    if environment.debug():
        yield "DEBUG is on, and its error pages show secrets. Remove DEBUG."
    if environment.events_to_loopback():
        yield "EVENTS_TO_LOOPBACK is on, and it lets an endpoint reach this machine. Remove EVENTS_TO_LOOPBACK."
    if _is_weak(environment.secret_key()):
        yield f"SECRET_KEY is missing, known or short. Set it to at least {SHORTEST_SECRET} random characters."
    if any(map(_is_weak, environment.secret_key_fallbacks())):
        yield "SECRET_KEY_FALLBACKS holds a key that is known or short, and such a key is believed. Remove it."
    if not environment.hosts() or "*" in environment.hosts():
        yield "ALLOWED_HOSTS is empty or allows every name. Set it to the names that this site is reached by."
    yield from _unencrypted()
    url = variables.get("DATABASE_URL", "")
    if not url or (not _wrong_database(url) and embedded_postgres.is_embedded(str(environment.database()["HOST"]))):
        yield "DATABASE_URL is missing or names the embedded PostgreSQL. Set it to a server that is backed up."
    yield from unsafe_metrics(variables)
    yield from unsafe_mail(variables, lambda host: not _is_ours(host))
    yield from unsafe_oidc(variables)
    for name in addresses:
        if (value := variables[name]) and not _outside(value):
            yield f"{name} is not an https address outside this machine: a sandbox is not for production. Correct it."


def _unencrypted() -> Iterator[str]:
    if environment.public_url().startswith("http://"):
        yield "PORTAL_URL is not encrypted, and secrets stand in the addresses of links. Set it to an https address."
    if environment.host_url().startswith("http://"):
        yield "PORTAL_HOST_URL is not encrypted. Set it to an https address."


def _is_weak(key: str) -> bool:
    return key == environment.INSECURE_SECRET or len(key) < SHORTEST_SECRET


def _outside(address: str) -> bool:
    try:
        parts = urlsplit(address)
        host = parts.hostname or ""
    except ValueError:
        return False
    return parts.scheme == "https" and not _is_ours(host)


def _is_ours(host: str) -> bool:
    """Whether the host is this machine, or in a private network."""
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return host in ("", "localhost") or host.endswith((".localhost", ".local", ".internal"))
