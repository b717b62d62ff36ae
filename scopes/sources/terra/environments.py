"""Terra's environments, as the process environment names them: who we are there, and with what secrets."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from scopes.sources.errors import NotConfigured
from scopes.sources.gateway import key_of
from scopes.sources.variables import NAME, NO, YES, is_safe_address, listed

BASE_URL = "https://access.tryterra.co/api/v2"
ADMIN_BASE_URL = "https://access.tryterra.co/api/v3/admin"
OLD_HOST = "api.tryterra.co"
WIDGET_SESSION_PATH = "/api/widget/session"
REQUESTS_PER_SECOND, MOST_REQUESTS_PER_SECOND = 50.0, 10_000.0

KEYS = ("DEV_ID", "API_KEY")
ADMIN_TOKEN = "ADMIN_TOKEN"  # noqa: S105 - the name of a variable
ADDRESSES = ("BASE_URL", "WIDGET_SESSION_URL", "ADMIN_BASE_URL")
TRUTHS = ("PRODUCTION", "PROBE_ATHLETE")
RATE = "REQUESTS_PER_SECOND"
# Every variable of an environment that is read.
ENDINGS = (*KEYS, ADMIN_TOKEN, "SIGNING_SECRETS", *ADDRESSES, *TRUTHS, RATE)


@dataclass(frozen=True, slots=True)
class Environment:
    """One of Terra's environments: testing, staging, production. Its representation shows no secret."""

    name: str
    dev_id: str = field(repr=False)
    api_key: str = field(repr=False)
    signing_secrets: tuple[str, ...] = field(default=(), repr=False)
    base_url: str = BASE_URL
    widget_session_url: str = ""
    production: bool = False
    requests_per_second: float = REQUESTS_PER_SECOND
    probe_athlete: bool = False
    admin_token: str = field(default="", repr=False)
    admin_base_url: str = ADMIN_BASE_URL

    def __post_init__(self) -> None:
        object.__setattr__(self, "base_url", self.base_url.rstrip("/"))
        object.__setattr__(self, "admin_base_url", self.admin_base_url.rstrip("/"))
        address = self.widget_session_url.rstrip("/") or _widget_session_url(self.base_url)
        object.__setattr__(self, "widget_session_url", address)

    @property
    def source(self) -> str:
        """The key of the source that this environment is."""
        return key_of("terra", self.name)

    def variable(self, ending: str) -> str:
        """The name of the variable that sets `ending` here: TERRA_STAGING_API_KEY."""
        return variable(self.name, ending)


def variable(name: str, ending: str) -> str:
    """The name of the variable that sets `ending` for the environment `name`."""
    return f"TERRA_{name.upper().replace('-', '_')}_{ending}"


def environments(variables: Mapping[str, str]) -> dict[str, Environment]:
    """The environments that TERRA_ENVIRONMENTS names, by name, in its order; none when it is not set.

    Raises NotConfigured where a variable is missing or cannot be what it says.
    """
    for trouble in _wrong(variables):
        raise NotConfigured(trouble)
    return {name: _environment(name, variables) for name in _names(variables)}


def troubles(variables: Mapping[str, str]) -> Iterator[str]:
    """Everything that is wrong with Terra's variables, a line each, also those that nothing reads."""
    yield from _wrong(variables)
    names = _names(variables)
    known = ["TERRA_ENVIRONMENTS", *(variable(name, ending) for name in names for ending in ENDINGS)]
    sandbox = [variable("sandbox", ending) for ending in ENDINGS]  # its command reads them unlisted
    for name, value in sorted(variables.items()):
        if value and name.startswith("TERRA_") and name not in {*known, *sandbox}:
            meant = difflib.get_close_matches(name, known, 1)
            named = ", ".join(names) or "none"
            yield f"{name} is read by nothing: " + (
                f"is {meant[0]} meant?" if meant else f"TERRA_ENVIRONMENTS names {named}"
            )


def _names(variables: Mapping[str, str]) -> list[str]:
    return listed(variables.get("TERRA_ENVIRONMENTS", ""))


def _wrong(variables: Mapping[str, str]) -> Iterator[str]:
    seen: set[str] = set()
    for name in _names(variables):
        if not NAME.fullmatch(name):
            yield f"TERRA_ENVIRONMENTS: {name!r} is no name; use small letters, digits, dashes: production,staging"
        elif variable(name, "") in seen:
            yield f"TERRA_ENVIRONMENTS names {name!r} twice"
        else:
            yield from _wrong_in(name, variables)
        seen.add(variable(name, ""))


def _wrong_in(name: str, variables: Mapping[str, str]) -> Iterator[str]:
    if missing := [variable(name, ending) for ending in KEYS if not _value(name, ending, variables)]:
        yield f"The Terra environment {name!r} needs {' and '.join(missing)}"
    for ending in (*KEYS, ADMIN_TOKEN):
        if not re.fullmatch(r"[!-~]*", _value(name, ending, variables)):
            yield f"{variable(name, ending)} holds a space or another character that no key has"
    for ending in ADDRESSES:
        if (address := _value(name, ending, variables)) and ("?" in address or not is_safe_address(address)):
            yield f"{variable(name, ending)} must be an https:// address without query or password"
    for ending in TRUTHS:
        if (text := _value(name, ending, variables)) and text.lower() not in YES | NO:
            yield f"{variable(name, ending)} must be true or false"
    if _rate(_value(name, RATE, variables)) is None:
        yield f"{variable(name, RATE)} must be a number of requests, as 50 or 0.5; 0 sets no limit"


def _environment(name: str, variables: Mapping[str, str]) -> Environment:
    def value(ending: str) -> str:
        return _value(name, ending, variables)

    rate = _rate(value(RATE))
    return Environment(
        name=name,
        dev_id=value("DEV_ID"),
        api_key=value("API_KEY"),
        signing_secrets=tuple(listed(value("SIGNING_SECRETS"))),
        base_url=value("BASE_URL") or BASE_URL,
        widget_session_url=value("WIDGET_SESSION_URL"),
        production=_truth(value("PRODUCTION"), default=name == "production"),
        requests_per_second=REQUESTS_PER_SECOND if rate is None else rate,
        probe_athlete=_truth(value("PROBE_ATHLETE"), default=False),
        admin_token=value(ADMIN_TOKEN),
        admin_base_url=value("ADMIN_BASE_URL") or ADMIN_BASE_URL,
    )


def _value(name: str, ending: str, variables: Mapping[str, str]) -> str:
    if ending not in ENDINGS:
        raise ValueError(f"{ending} is missing in ENDINGS, so its variable would pass for a misspelt one")
    return variables.get(variable(name, ending), "").strip()


def _truth(text: str, *, default: bool) -> bool:
    return text.lower() in YES if text else default


def _rate(text: str) -> float | None:
    """How many requests a second, 0 for as many as we like; None where it is no such number."""
    try:
        rate = float(text or REQUESTS_PER_SECOND)
    except ValueError:
        return None
    return rate if 0 <= rate <= MOST_REQUESTS_PER_SECOND else None


def _widget_session_url(base_url: str) -> str:
    parts = urlsplit(base_url if urlsplit(base_url).hostname != OLD_HOST else BASE_URL)
    return f"{parts.scheme}://{parts.netloc}{WIDGET_SESSION_PATH}"
