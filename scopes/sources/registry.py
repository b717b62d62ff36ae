"""Which kinds of sources there are. `Source.kind` chooses here; no string is parsed.

The settings ask for troubles before Django is ready, so nothing here, and no kind, imports a model.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Protocol

from scopes.catalogue.entries import Provider
from scopes.facts import AccountTrouble
from scopes.sources.errors import NotConfigured
from scopes.sources.gateway import Gateway, Kind, Patience, key_of
from scopes.sources.host.kind import HostKind
from scopes.sources.oauth2.kind import OAuth2Kind
from scopes.sources.terra.kind import TerraKind

MEANINGS = {
    AccountTrouble.USER_LIMIT: "The account at {title} has reached its limit of connections. No one can connect.",
    AccountTrouble.PAYMENT: "{title} requires a payment. No one can connect.",
    AccountTrouble.CREDENTIAL: "{title} rejects our credentials. Links and checks don’t work.",
    AccountTrouble.FORBIDDEN: "The account’s setup at {title} doesn’t allow links.",
}

_SECRETS = ("_KEY", "_SECRET", "_SECRETS", "_TOKEN")

KINDS: dict[str, Kind] = {kind.kind: kind for kind in (TerraKind(), OAuth2Kind(), HostKind())}


@dataclass(frozen=True, slots=True)
class SetUp:
    """A source that the process environment sets up."""

    kind: str
    name: str
    production: bool

    @property
    def key(self) -> str:
        return key_of(self.kind, self.name)


def kind_of(kind: str) -> Kind | None:
    """The kind of that key; None where there is none any more."""
    return KINDS.get(kind)


class Named(Protocol):
    """A source, by its kind and its name there."""

    @property
    def kind(self) -> str: ...

    @property
    def name(self) -> str: ...


def title_of(source: Named) -> str:
    """How people call that source."""
    found = KINDS.get(source.kind)
    return found.title_of(source.name) if found else source.kind.capitalize()


def reports_of(kind: str) -> str:
    """How sources of that kind report, as a sentence, where they can be asked nothing; else empty."""
    found = KINDS.get(kind)
    return found.reports if found else ""


def gateway(kind: str, name: str, patience: Patience = Patience.BACKGROUND) -> Gateway:
    """The gateway of that source. Raises NotConfigured."""
    if kind not in KINDS:
        raise NotConfigured(f"There is no kind of source {kind!r}; there are {', '.join(KINDS)}.")
    return KINDS[kind].gateway(name, patience)


def names_for(kind: str, name: str, provider: Provider, reported: str = "") -> tuple[str, ...]:
    """What to begin a consent at a provider with: as the source calls the connection's, else every region."""
    if reported:
        return (provider.name_at(kind, reported),)
    return KINDS[kind].names_of(name, provider) if kind in KINDS else ()


def set_up() -> dict[str, SetUp]:
    """Every source that is set up, by its key, in order. Raises NotConfigured."""
    found = (SetUp(kind.kind, name, production) for kind in KINDS.values() for name, production in kind.names().items())
    return {one.key: one for one in found}


@dataclass(frozen=True, slots=True)
class Trouble:
    """Why a source refuses our account, and what an engineer does about it."""

    code: AccountTrouble
    meaning: str
    action: str


def trouble_of(kind: str, name: str, code: str) -> Trouble | None:
    """The trouble of that source; None where `code` is empty."""
    if not code:
        return None
    trouble = AccountTrouble(code)
    found = KINDS.get(kind)
    action = found.actions[trouble] if found else "Look at our account there"
    title = found.title_of(name) if found else kind.capitalize()
    again = f" Then run check_source {key_of(kind, name)}." if found and found.abilities.checks_up else ""
    return Trouble(
        trouble,
        MEANINGS[trouble].format(title=title),
        f"{action}.{again}",
    )


def able(ability: str) -> list[str]:
    """The kinds that have this ability."""
    return [kind.kind for kind in KINDS.values() if getattr(kind.abilities, ability)]


def troubles(variables: Mapping[str, str]) -> Iterator[str]:
    """Everything that is wrong with the variables of every kind, a line each."""
    for kind in KINDS.values():
        yield from kind.troubles(variables)


def addresses(variables: Mapping[str, str]) -> Iterator[str]:
    """The variables that hold an address which production may reach only encrypted, outside this machine."""
    for kind in KINDS.values():
        yield from kind.addresses(variables)


def is_secret(name: str) -> bool:
    """Whether the variable holds a secret of a source's account."""
    return name.startswith(tuple(kind.prefix for kind in KINDS.values())) and name.endswith(_SECRETS)


def own_variables(variables: Mapping[str, str]) -> dict[str, str]:
    """`variables` without those of any source's account."""
    prefixes = tuple(kind.prefix for kind in KINDS.values())
    return {name: value for name, value in variables.items() if not name.startswith(prefixes)}
