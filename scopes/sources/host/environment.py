"""The host applications, as the process environment names them: where their consent page is, and what signs for it."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlsplit

from scopes.sources.errors import NotConfigured
from scopes.sources.variables import NAME, NO, YES, is_safe_address, listed

PREFIX, SOURCES = "HOST_", "HOST_SOURCES"
LINK_URL, SIGNING_SECRETS, PRODUCTION = "LINK_URL", "SIGNING_SECRETS", "PRODUCTION"
# Every variable of an application that is read.
ENDINGS = (LINK_URL, SIGNING_SECRETS, PRODUCTION)
NEARLY = 0.85
# As many bytes as HS256 has: a shorter secret is easier to guess than a signature (RFC 7518, section 3.2).
SHORTEST_SECRET = 32
MAKE_ONE = "openssl rand -base64 32"
# What a template may leave open.
PROVIDER_PLACE = "{provider}"
# The parameter that is added.
PARAMETER = "request"


@dataclass(frozen=True, slots=True)
class Host:
    """One host application. Its representation shows no secret.

    `link_url` is the address of its consent page, in which PROVIDER_PLACE stands for a provider's slug; empty where it
    has none. The first of `signing_secrets` signs; the application accepts all.
    """

    name: str
    link_url: str = ""
    signing_secrets: tuple[str, ...] = field(default=(), repr=False)
    production: bool = False

    @property
    def origin(self) -> str:
        """Scheme, name and port of its consent page; empty where it has none."""
        parts = urlsplit(self.link_url)
        return f"{parts.scheme}://{parts.netloc}" if self.link_url else ""

    def variable(self, ending: str) -> str:
        """The name of the variable that sets `ending` here: HOST_APP_LINK_URL."""
        return variable(self.name, ending)

    def page_of(self, provider: str) -> str:
        """The address of the consent page for that provider (its slug)."""
        return self.link_url.replace(PROVIDER_PLACE, provider)


def variable(name: str, ending: str) -> str:
    """The name of the variable that sets `ending` for the application `name`."""
    return f"{PREFIX}{name.upper().replace('-', '_')}_{ending}"


def hosts(variables: Mapping[str, str]) -> dict[str, Host]:
    """The applications that HOST_SOURCES names, by name, in its order; none when it is not set.

    Raises NotConfigured where a variable is missing or cannot be what it says.
    """
    for trouble in _wrong(variables):
        raise NotConfigured(trouble)
    return {name: _host(name, variables) for name in _names(variables)}


def troubles(variables: Mapping[str, str]) -> Iterator[str]:
    """Everything that is wrong with the variables of the applications, a line each, also those that nothing reads.

    Other programs have variables that begin with HOST_ too, such as HOST_IP. So one that nothing reads is only named
    where it ends as ours do, or is nearly one of them.
    """
    yield from _wrong(variables)
    names = _names(variables)
    known = [SOURCES, *(variable(name, ending) for name in names for ending in ENDINGS)]
    for name, value in sorted(variables.items()):
        if not value or not name.startswith(PREFIX) or name in known:
            continue
        meant = difflib.get_close_matches(name, known, 1, NEARLY)
        if meant or name.endswith((f"_{LINK_URL}", f"_{SIGNING_SECRETS}")):
            named = ", ".join(names) or "none"
            yield f"{name} is read by nothing: " + (f"is {meant[0]} meant?" if meant else f"{SOURCES} names {named}")


def _names(variables: Mapping[str, str]) -> list[str]:
    return listed(variables.get(SOURCES, ""))


def _wrong(variables: Mapping[str, str]) -> Iterator[str]:
    seen: set[str] = set()
    for name in _names(variables):
        if not NAME.fullmatch(name):
            yield f"{SOURCES}: {name!r} is no name; use small letters, digits, dashes: app,app-testing"
        elif variable(name, "") in seen:
            yield f"{SOURCES} names {name!r} twice"
        else:
            yield from _wrong_in(name, variables)
        seen.add(variable(name, ""))


def _wrong_in(name: str, variables: Mapping[str, str]) -> Iterator[str]:
    address = _value(name, LINK_URL, variables)
    link_url, secrets = variable(name, LINK_URL), variable(name, SIGNING_SECRETS)
    if address and not is_safe_address(address.replace(PROVIDER_PLACE, "")):
        yield f"{link_url} must be an https:// address without password or fragment"
    elif re.search(r"[{}]", address.replace(PROVIDER_PLACE, "")) or PROVIDER_PLACE in urlsplit(address).netloc:
        yield f"{link_url} may leave {PROVIDER_PLACE} open, in its path or query, and nothing else"
    elif PARAMETER in parse_qs(urlsplit(address).query, keep_blank_values=True):
        yield f"{link_url} must have no parameter {PARAMETER!r}: it is added to the address"
    for place, secret in enumerate(listed(_value(name, SIGNING_SECRETS, variables)), start=1):
        if len(secret) < SHORTEST_SECRET or not re.fullmatch(r"[!-~]*", secret):
            yield f"{secrets}: secret {place} must be {SHORTEST_SECRET} characters or more; make one by {MAKE_ONE}"
    if address and not listed(_value(name, SIGNING_SECRETS, variables)):
        yield f"The host application {name!r} needs {secrets}, which {link_url} is signed with; make one by {MAKE_ONE}"
    truth = _value(name, PRODUCTION, variables)
    if truth and truth.lower() not in YES | NO:
        yield f"{variable(name, PRODUCTION)} must be true or false"
    if truth.lower() in YES and address.startswith("http://"):
        yield f"{link_url} must be https:// where {variable(name, PRODUCTION)} is true"


def _host(name: str, variables: Mapping[str, str]) -> Host:
    address, truth = _value(name, LINK_URL, variables), _value(name, PRODUCTION, variables)
    return Host(
        name=name,
        link_url=address,
        signing_secrets=tuple(listed(_value(name, SIGNING_SECRETS, variables))),
        production=truth.lower() in YES if truth else not address.startswith("http:"),
    )


def _value(name: str, ending: str, variables: Mapping[str, str]) -> str:
    if ending not in ENDINGS:
        raise ValueError(f"{ending} is missing in ENDINGS, so its variable would pass for a misspelt one")
    return variables.get(variable(name, ending), "").strip()
