"""Terra's environments, as the process environment names them: who we are there, and with what secrets."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from ipaddress import ip_address
from urllib.parse import urlsplit

BASE_URL = "https://access.tryterra.co/api/v2"
OLD_HOST = "api.tryterra.co"
WIDGET_SESSION_PATH = "/api/widget/session"
REQUESTS_PER_SECOND, MOST_REQUESTS_PER_SECOND = 50.0, 10_000.0

_NAME = re.compile(r"[a-z][a-z0-9_-]{0,39}")
_YES, _NO = frozenset({"true", "yes", "on", "1"}), frozenset({"false", "no", "off", "0"})


class EnvironmentMissing(ValueError):
    """An environment is not set up, or not rightly. The text names the variable to set, never its value."""


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

    def __post_init__(self) -> None:
        object.__setattr__(self, "base_url", self.base_url.rstrip("/"))
        address = self.widget_session_url.rstrip("/") or _widget_session_url(self.base_url)
        object.__setattr__(self, "widget_session_url", address)

    @property
    def source(self) -> str:
        """The key of the source that facts from here carry."""
        return f"terra:{self.name}"

    def variable(self, ending: str) -> str:
        """The name of the variable that sets `ending` here: TERRA_STAGING_API_KEY."""
        return variable(self.name, ending)


def variable(name: str, ending: str) -> str:
    """The name of the variable that sets `ending` for the environment `name`."""
    return f"TERRA_{name.upper().replace('-', '_')}_{ending}"


def environments(variables: Mapping[str, str]) -> dict[str, Environment]:
    """The environments that TERRA_ENVIRONMENTS names, by name, in its order; none when it is not set.

    Raises EnvironmentMissing where a variable is missing or cannot be what it says.
    """
    found: dict[str, Environment] = {}
    for name in _listed(variables.get("TERRA_ENVIRONMENTS", "")):
        if not _NAME.fullmatch(name):
            raise EnvironmentMissing(
                f"TERRA_ENVIRONMENTS: {name!r} is no name; use small letters, digits, dashes: production,staging"
            )
        if any(variable(name, "") == variable(other, "") for other in found):
            raise EnvironmentMissing(f"TERRA_ENVIRONMENTS names {name!r} twice")
        found[name] = _environment(name, variables)
    return found


def _environment(name: str, variables: Mapping[str, str]) -> Environment:
    def value(ending: str) -> str:
        return variables.get(variable(name, ending), "").strip()

    missing = [variable(name, ending) for ending in ("DEV_ID", "API_KEY") if not value(ending)]
    if missing:
        raise EnvironmentMissing(f"The Terra environment {name!r} needs {' and '.join(missing)}")
    for ending in ("DEV_ID", "API_KEY"):
        if not re.fullmatch(r"[!-~]+", value(ending)):
            raise EnvironmentMissing(f"{variable(name, ending)} holds a space or another character that no key has")
    for ending in ("BASE_URL", "WIDGET_SESSION_URL"):
        if value(ending) and not _is_safe_address(value(ending)):
            raise EnvironmentMissing(f"{variable(name, ending)} must be an https:// address without query or password")
    return Environment(
        name=name,
        dev_id=value("DEV_ID"),
        api_key=value("API_KEY"),
        signing_secrets=tuple(_listed(value("SIGNING_SECRETS"))),
        base_url=value("BASE_URL") or BASE_URL,
        widget_session_url=value("WIDGET_SESSION_URL"),
        production=_truth(variable(name, "PRODUCTION"), value("PRODUCTION"), default=name == "production"),
        requests_per_second=_rate(variable(name, "REQUESTS_PER_SECOND"), value("REQUESTS_PER_SECOND")),
        probe_athlete=_truth(variable(name, "PROBE_ATHLETE"), value("PROBE_ATHLETE"), default=False),
    )


def _listed(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _truth(name: str, text: str, *, default: bool) -> bool:
    if text.lower() in _YES | _NO:
        return text.lower() in _YES
    if text:
        raise EnvironmentMissing(f"{name} must be true or false")
    return default


def _rate(name: str, text: str) -> float:
    """How many requests a second; 0 stands for as many as we like."""
    try:
        rate = float(text or REQUESTS_PER_SECOND)
    except ValueError:
        rate = -1.0
    if not 0 <= rate <= MOST_REQUESTS_PER_SECOND:
        raise EnvironmentMissing(f"{name} must be a number of requests, as 50 or 0.5; 0 sets no limit")
    return rate


def _is_safe_address(url: str) -> bool:
    """The API key travels to this address, so it must be encrypted, unless it never leaves the machine."""
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return False
    if not host or parts.username or parts.password or parts.query or parts.fragment or re.search(r"\s", url):
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(host))


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _widget_session_url(base_url: str) -> str:
    parts = urlsplit(base_url if urlsplit(base_url).hostname != OLD_HOST else BASE_URL)
    return f"{parts.scheme}://{parts.netloc}{WIDGET_SESSION_PATH}"
