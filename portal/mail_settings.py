"""How mails are sent, from environment variables: by a mail server, by a mail service of Anymail's, or not at all."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from email.utils import parseaddr
from typing import Any
from urllib.parse import unquote, urlsplit

import environ

# The services that Anymail supports; SendGrid is one no more.
SERVICES = (
    "amazon_ses", "brevo", "mailersend", "mailgun", "mailjet", "mailtrap", "mandrill", "postal", "postmark", "resend",
    "scaleway", "sparkpost", "unisender_go",
)  # fmt: skip
ENCRYPTED = ("smtp+tls", "smtp+ssl")
SCHEMES = ("smtp", *ENCRYPTED, "filemail")
SECONDS = 10
RAW = (
    "EMAIL_URL cannot be read. It is written smtp+tls://user:password@host:587, and in the user and the password # is"
    " written %23, / %2F, ? %3F, @ %40, : %3A, [ %5B, ] %5D and % %25."
)


def mailers() -> dict[str, Any]:
    """Django's MAILERS: what EMAIL_SERVICE or EMAIL_URL says; empty if neither does."""
    if service := mail_service():
        return {"default": {"BACKEND": f"anymail.backends.{service}.EmailBackend"}}
    url = os.environ.get("EMAIL_URL", "").strip()
    if not url:
        return {}
    found: dict[str, Any] = environ.Env.email_url_config(url)
    if url.startswith("filemail:"):
        return {"default": {"BACKEND": found["EMAIL_BACKEND"], "OPTIONS": {"file_path": unquote(urlsplit(url).path)}}}
    options = {
        "host": found["EMAIL_HOST"],
        "port": found["EMAIL_PORT"],
        "username": found["EMAIL_HOST_USER"],
        "password": found["EMAIL_HOST_PASSWORD"],
        "use_tls": url.startswith("smtp+tls:"),
        "use_ssl": url.startswith("smtp+ssl:"),
        "timeout": SECONDS,
    }
    return {"default": {"BACKEND": found["EMAIL_BACKEND"], "OPTIONS": options}}


def mail_service() -> str:
    """What EMAIL_SERVICE says: the mail service, in Anymail's word; empty for a mail server."""
    return os.environ.get("EMAIL_SERVICE", "").strip()


def anymail() -> dict[str, Any]:
    """Anymail's settings: what each variable says that begins with ANYMAIL_."""
    given = {name.removeprefix("ANYMAIL_"): value for name, value in os.environ.items() if name.startswith("ANYMAIL_")}
    given.pop("DEBUG_API_REQUESTS", None)  # it would log the mails, and the links in them
    secrets = [secret for part in given.pop("WEBHOOK_SECRET", "").split(",") if (secret := part.strip())]
    return {"REQUESTS_TIMEOUT": SECONDS, "IGNORE_UNSUPPORTED_FEATURES": True, "WEBHOOK_SECRET": secrets, **given}


def mail_from() -> str:
    """What EMAIL_FROM says: whom mails come from; empty where none are sent."""
    return os.environ.get("EMAIL_FROM", "").strip()


def reply_to() -> str:
    """What EMAIL_REPLY_TO says: where answers go; empty for the sender."""
    return os.environ.get("EMAIL_REPLY_TO", "").strip()


def wrong_mail(variables: Mapping[str, str]) -> Iterator[str]:
    """What is wrong with the variables of mails. A password is not repeated."""
    url, service = variables.get("EMAIL_URL", "").strip(), variables.get("EMAIL_SERVICE", "").strip()
    if service and service not in SERVICES:
        yield f"EMAIL_SERVICE must be one of: {', '.join(SERVICES)}."
    if url and service:
        yield "EMAIL_URL and EMAIL_SERVICE are both set: mails go by one of them."
    if url:
        yield from _wrong_url(url)
    for name in ("EMAIL_FROM", "EMAIL_REPLY_TO"):
        if (value := variables.get(name, "").strip()) and not re.fullmatch(r"[^@\s]+@[^@\s]+", parseaddr(value)[1]):
            yield f"{name} must be an e-mail address, as support@example.org or Vitalog <support@example.org>."
    if bool(url or service) != bool(variables.get("EMAIL_FROM", "").strip()):
        yield "EMAIL_FROM and one of EMAIL_URL and EMAIL_SERVICE belong together: set both, or neither."
    if (url or service) and not variables.get("PORTAL_URL", "").strip():
        yield "PORTAL_URL is missing: the links in mails are made with it."


def _wrong_url(url: str) -> Iterator[str]:
    try:
        parts = urlsplit(url)
        readable = (parts.port or 0) >= 0 and "#" not in url and not re.search(r"\s", url) and "@" not in parts.path
    except ValueError:
        readable = False
    if not readable:
        yield RAW
    elif parts.scheme not in SCHEMES:
        yield f"EMAIL_URL must begin with one of: {', '.join(f'{scheme}://' for scheme in SCHEMES)}."
    elif parts.scheme == "filemail" and not parts.path.strip("/"):
        yield "EMAIL_URL names no directory: filemail:///path/of/a/directory."
    elif parts.scheme != "filemail" and not parts.hostname:
        yield "EMAIL_URL names no mail server: smtp+tls://user:password@host:587."


def unsafe_mail(variables: Mapping[str, str], outside: Callable[[str], bool]) -> Iterator[str]:
    """What production refuses: mails that nobody gets, and links that go unencrypted to another machine."""
    url = variables.get("EMAIL_URL", "").strip()
    if url.startswith("filemail:"):
        yield "EMAIL_URL names a directory, and nobody gets what lands there. Name a mail server."
    if url.startswith("smtp:") and not [*_wrong_url(url)] and outside(urlsplit(url).hostname or ""):
        yield "EMAIL_URL is not encrypted, and mails hold the secrets of links. Begin it with smtp+tls:// or smtp+ssl://."
