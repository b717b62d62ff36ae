"""Our registrations at OAuth 2.0 providers, as the process environment names them: who we are there."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from scopes.catalogue import provider_named
from scopes.catalogue.oauth import ClientAuthentication, OAuth
from scopes.sources.errors import NotConfigured
from scopes.sources.variables import NAME, NO, YES, is_safe_address, listed

CLIENTS = "OAUTH2_CLIENTS"
NEARLY = 0.85
ASK_EVERY, NIGHTS, MOST_NIGHTS = "OAUTH2_ASK_EVERY_NIGHTS", 7, 365
REQUESTS_PER_SECOND, MOST_REQUESTS_PER_SECOND = 5.0, 10_000.0

ID, SECRET, SIGNING_SECRETS = "CLIENT_ID", "CLIENT_SECRET", "SIGNING_SECRETS"
PROVIDER, ISSUER, DOMAIN = "PROVIDER", "ISSUER", "DOMAIN"
PRODUCTION, RATE = "PRODUCTION", "REQUESTS_PER_SECOND"
# Every variable of a client that is read.
ENDINGS = (ID, SECRET, PROVIDER, ISSUER, DOMAIN, PRODUCTION, RATE, SIGNING_SECRETS)

_SLUG = re.compile(r"[a-z][a-z0-9_]{0,39}")
_DOMAIN = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,250}[A-Za-z0-9])?(?::[0-9]{1,5})?")


@dataclass(frozen=True, slots=True)
class Client:
    """One registration of ours at one provider. Its representation shows no secret.

    `issuer` is where the endpoints are discovered, empty where the catalogue names them; `domain` fills the places that
    the catalogue's addresses leave open.
    """

    name: str
    client_id: str
    client_secret: str = field(repr=False)
    provider: str
    issuer: str = ""
    domain: str = ""
    production: bool = False
    requests_per_second: float = REQUESTS_PER_SECOND
    signing_secrets: tuple[str, ...] = field(default=(), repr=False)

    def variable(self, ending: str) -> str:
        """The name of the variable that sets `ending` here: OAUTH2_GOOGLE_CLIENT_ID."""
        return variable(self.name, ending)


def variable(name: str, ending: str) -> str:
    """The name of the variable that sets `ending` for the client `name`."""
    return f"OAUTH2_{name.upper().replace('-', '_')}_{ending}"


def clients(variables: Mapping[str, str]) -> dict[str, Client]:
    """The clients that OAUTH2_CLIENTS names, by name, in its order; none when it is not set.

    Raises NotConfigured where a variable is missing or cannot be what it says.
    """
    for trouble in _wrong(variables):
        raise NotConfigured(trouble)
    return {name: _client(name, variables) for name in _names(variables)}


def troubles(variables: Mapping[str, str]) -> Iterator[str]:
    """Everything that is wrong with the variables of our clients, a line each, also those that nothing reads."""
    yield from _wrong(variables)
    names = _names(variables)
    known = [CLIENTS, ASK_EVERY, *(variable(name, ending) for name in names for ending in ENDINGS)]
    for name, value in sorted(variables.items()):
        if value and name.startswith("OAUTH2_") and name not in known:
            meant = difflib.get_close_matches(name, known, 1, NEARLY)
            named = ", ".join(names) or "none"
            yield f"{name} is read by nothing: " + (f"is {meant[0]} meant?" if meant else f"{CLIENTS} names {named}")


def ask_every_nights(variables: Mapping[str, str]) -> int:
    """After how many nights a provider is asked about a connection again. Raises NotConfigured."""
    value = variables.get(ASK_EVERY, "").strip() or str(NIGHTS)
    if not re.fullmatch("[0-9]{1,3}", value) or not 1 <= int(value) <= MOST_NIGHTS:
        raise NotConfigured(f"{ASK_EVERY} must be a whole number of nights from 1 to {MOST_NIGHTS}")
    return int(value)


def entry_of(provider: str) -> OAuth | None:
    """How the catalogue describes that provider's OAuth 2.0; None where it does not."""
    return provider_named(provider).oauth


def _names(variables: Mapping[str, str]) -> list[str]:
    return listed(variables.get(CLIENTS, ""))


def _wrong(variables: Mapping[str, str]) -> Iterator[str]:
    try:
        ask_every_nights(variables)
    except NotConfigured as trouble:
        yield str(trouble)
    seen: set[str] = set()
    for name in _names(variables):
        if not NAME.fullmatch(name):
            yield f"{CLIENTS}: {name!r} is no name; use small letters, digits, dashes: google,strava"
        elif variable(name, "") in seen:
            yield f"{CLIENTS} names {name!r} twice"
        else:
            yield from _wrong_in(name, variables)
            yield from _wrong_entry(name, variables)
        seen.add(variable(name, ""))


def _wrong_in(name: str, variables: Mapping[str, str]) -> Iterator[str]:
    for ending in (ID, SECRET):
        if not re.fullmatch(r"[ -~]*", _value(name, ending, variables)):
            yield f"{variable(name, ending)} holds a character that none has"
    if not _value(name, ID, variables):
        yield f"The OAuth 2.0 client {name!r} needs {variable(name, ID)}"
    issuer = _value(name, ISSUER, variables)
    if issuer and (not is_safe_address(issuer) or "?" in issuer):
        yield f"{variable(name, ISSUER)} must be an https:// address without query or password"
    if (domain := _value(name, DOMAIN, variables)) and not _DOMAIN.fullmatch(domain):
        yield f"{variable(name, DOMAIN)} must be a name as in an address: acme, acme.example.com"
    truth = _value(name, PRODUCTION, variables)
    if truth and truth.lower() not in YES | NO:
        yield f"{variable(name, PRODUCTION)} must be true or false"
    if truth.lower() in YES and issuer.startswith("http://"):
        yield f"{variable(name, ISSUER)} must be https:// where {variable(name, PRODUCTION)} is true"
    if _rate(_value(name, RATE, variables)) is None:
        yield f"{variable(name, RATE)} must be a number of requests, as 5 or 0.5; 0 sets no limit"


def _wrong_entry(name: str, variables: Mapping[str, str]) -> Iterator[str]:
    provider = _provider(name, variables)
    if not _SLUG.fullmatch(provider):
        yield f"{variable(name, PROVIDER)}: {provider!r} is no slug of a provider"
        return
    entry, issuer = entry_of(provider), _value(name, ISSUER, variables)
    if entry is None and not issuer:
        yield (
            f"The OAuth 2.0 client {name!r} is of the provider {provider!r}, of which the catalogue has no oauth block:"
            f" correct {variable(name, PROVIDER)}, or set {variable(name, ISSUER)}"
        )
    elif entry and not issuer and entry.places and not _value(name, DOMAIN, variables):
        places = " and ".join(f"{{{place}}}" for place in entry.places)
        yield f"The OAuth 2.0 client {name!r} needs {variable(name, DOMAIN)} for {places} in its provider's addresses"
    public = entry is not None and entry.client_authentication is ClientAuthentication.NONE
    if not public and not issuer and not _value(name, SECRET, variables):
        yield f"The OAuth 2.0 client {name!r} needs {variable(name, SECRET)}"


def _client(name: str, variables: Mapping[str, str]) -> Client:
    def value(ending: str) -> str:
        return _value(name, ending, variables)

    issuer, rate, entry = value(ISSUER), _rate(value(RATE)), entry_of(_provider(name, variables))
    usual = entry.requests_per_second if entry and entry.requests_per_second else REQUESTS_PER_SECOND
    return Client(
        name=name,
        client_id=value(ID),
        client_secret=value(SECRET),
        provider=_provider(name, variables),
        issuer=issuer,
        domain=value(DOMAIN),
        production=value(PRODUCTION).lower() in YES if value(PRODUCTION) else not issuer.startswith("http:"),
        requests_per_second=usual if rate is None or not value(RATE) else rate,
        signing_secrets=tuple(listed(value(SIGNING_SECRETS))),
    )


def _provider(name: str, variables: Mapping[str, str]) -> str:
    return _value(name, PROVIDER, variables) or name.replace("-", "_")


def _value(name: str, ending: str, variables: Mapping[str, str]) -> str:
    if ending not in ENDINGS:
        raise ValueError(f"{ending} is missing in ENDINGS, so its variable would pass for a misspelt one")
    return variables.get(variable(name, ending), "").strip()


def _rate(text: str) -> float | None:
    """How many requests a second, 0 for as many as we like; None where it is no such number."""
    try:
        rate = float(text or REQUESTS_PER_SECOND)
    except ValueError:
        return None
    return rate if 0 <= rate <= MOST_REQUESTS_PER_SECOND else None
